package main

import (
	"context"
	"path/filepath"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/crowd"
)

// file returns the path or the URL of the server's database.
func (s *server) file() string {
	if s.database != "" {
		return s.database
	}
	return filepath.Join(s.dir, "data", "vouchsafe.db")
}

// fill puts that many users into the database, as many sessions and grants, a tenth as many groups with two memberships
// for each user, a role that all users and groups have, and ten times as many events into the audit trail. The server
// must not run yet.
func (s *server) fill(ctx context.Context, count int) error {
	return s.crowd(ctx, crowd.Crowd{Client: "web", People: count, Sessions: count, Grants: count,
		Groups: count / 10, Memberships: 2 * count, Holders: count, Events: 10 * count})
}

// crowd puts a crowd into the database, and shows the progress.
func (s *server) crowd(ctx context.Context, c crowd.Crowd) error {
	if c.Tenant == "" {
		c.Tenant = "default"
	}
	err := c.Fill(ctx, s.file(), func(kind string, done, of int) {
		progress("filling: %d of %d %s", done, of, kind)
	})
	progress("")
	return err
}
