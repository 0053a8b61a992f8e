package main

import (
	"context"
	"path/filepath"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// file is the database that crowds are put into.
func (s *server) file() string {
	if s.database != "" {
		return s.database
	}
	return filepath.Join(s.dir, "data", "vouchsafe.db")
}

// fill puts people into the database, which nobody else uses yet, and as many sessions and
// grants of theirs; and ten times as many rows into the audit trail.
func (s *server) fill(ctx context.Context, count int) error {
	return s.crowd(ctx, vouchsafetest.Crowd{Client: "web", People: count, Sessions: count, Grants: count, Events: 10 * count})
}

func (s *server) crowd(ctx context.Context, c vouchsafetest.Crowd) error {
	if c.Tenant == "" {
		c.Tenant = "default"
	}
	err := c.Fill(ctx, s.file(), func(kind string, done, of int) {
		progress("filling: %d of %d %s", done, of, kind)
	})
	progress("")
	return err
}
