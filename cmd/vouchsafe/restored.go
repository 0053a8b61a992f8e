package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

type restoredCmd struct {
	Before time.Time `help:"End what is older than this, as 2006-01-02T15:04:05Z; otherwise what is older than now." placeholder:"TIME"`
	Yes    bool      `help:"Yes, sign everybody out."`
}

// Help says what for.
func (*restoredCmd) Help() string {
	return `Run it after a backup was restored, before the first server starts. Sessions that had ended
since the backup, grants that were revoked and codes that were used would live again: of all
tenants all sessions end, all grants are revoked, codes and mails that wait are dropped, and
remembered devices are forgotten. When it is stopped, servers go on with it.`
}

func (c *restoredCmd) Run(ctx context.Context, a *app) error {
	if !c.Yes {
		return errors.New("this signs everybody out, of all tenants: say --yes")
	}
	now := time.Now()
	if c.Before.IsZero() {
		c.Before = now
	}
	if c.Before.After(now) {
		return fmt.Errorf("--before: %s is in the future", c.Before.Format(time.RFC3339))
	}
	return a.withStore(ctx, func(s store) error {
		// All of it is noted first: whatever happens to this command, servers go on.
		var tenants []string
		for t, err := range allTenants(ctx, s) {
			if err == nil {
				err = s.BeginRestored(ctx, t.ID, c.Before, now)
			}
			if err != nil {
				return err
			}
			tenants = append(tenants, t.ID)
		}
		e := storage.Event{TenantID: storage.DefaultTenant, Kind: "database.restored", Detail: map[string]string{"before": c.Before.UTC().Format(time.RFC3339)}}
		if err := record(ctx, s, "cli", e); err != nil {
			return err
		}
		p := a.progress(0)
		var rows int64
		for i, tenant := range tenants {
			r, err := s.HoldRemoval(ctx, tenant, storage.RemovalRestored, "", time.Now().Add(removeLease))
			if errors.Is(err, storage.ErrNotFound) {
				continue // a server was quicker
			}
			if err != nil {
				return err
			}
			n, err := removeRest(ctx, s, r, func(n int64) { p.show(0, fmt.Sprintf("%d of %d tenants, %d rows", i+1, len(tenants), rows+n)) })
			if rows += n; err != nil {
				p.clear()
				return fmt.Errorf("%w\n%d sessions, grants, codes, mails and devices were ended; servers go on with the rest", err, rows)
			}
		}
		p.clear()
		fmt.Fprintf(a.stdout, "%d sessions, grants, codes, mails and devices older than %s were ended\n", rows, c.Before.Format(time.RFC3339))
		fmt.Fprintln(a.stderr, "What else lives again, and what to do about it, stands in docs/operations.md, Backups: keys, passwords, people and clients that were removed or changed since.")
		return nil
	})
}
