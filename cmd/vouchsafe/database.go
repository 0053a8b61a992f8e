package main

import (
	"context"
	"fmt"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/internal/upkeep"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// migrateCmd creates the database or brings its schema up to date. In production an operator runs it before new
// servers start.
type migrateCmd struct{ jsonFlag }

// Run applies the steps that are missing. Many replicas may run it at once: one works, the others wait.
func (c *migrateCmd) Run(ctx context.Context, a *app) error {
	return a.withDatabase(ctx, installation.OpenStore, func(cfg *settings.Config, s store) error {
		a.nameDatabase(cfg)
		// A step may take minutes on a large table, and says nothing while it runs.
		done := a.Waiting("Migrating the schema")
		err := s.Migrate(ctx)
		if done(); err != nil {
			return installation.Unreachable(cfg, err)
		}
		if c.JSON {
			return a.PrintJSON(map[string]bool{"up_to_date": true})
		}
		return a.PrintSentence("The schema of the database is up to date.")
	})
}

// restoredCmd ends what a restored backup has brought back.
type restoredCmd struct {
	Before time.Time `help:"End only what is older than this time, such as 2006-01-02T15:04:05Z. The default is now." placeholder:"TIME"`
	yesFlag
	jsonFlag
}

// tell prints how many rows were ended.
func (c *restoredCmd) tell(a *app, rows int64) error {
	if c.JSON {
		return a.PrintJSON(restoredView{rows, c.Before.UTC()})
	}
	return a.PrintSentence("Ended %d sessions, grants, codes, emails and devices older than %s.", rows,
		terminal.Zoned(c.Before))
}

// restoredView is what restored did, as JSON.
type restoredView struct {
	Ended  int64     `json:"ended"`
	Before time.Time `json:"before"`
}

// Help says what for.
func (*restoredCmd) Help() string {
	return `Run it after restoring a backup, before the first server starts. Otherwise sessions that ended
since the backup, revoked grants and used codes would be valid again. In all tenants it ends
all sessions, revokes all grants, drops waiting codes and mails, and forgets remembered
devices. If you stop it, the servers finish the work.`
}

// Run asks first. It records for every tenant what is to end before it ends anything, so that servers finish the work
// if the command is interrupted.
func (c *restoredCmd) Run(ctx context.Context, a *app) error {
	now := time.Now()
	if c.Before.IsZero() {
		c.Before = now
	}
	if c.Before.After(now) {
		return misused("--before: %s is in the future", c.Before.Format(time.RFC3339))
	}
	return a.withStore(ctx, func(s store) error {
		if err := a.confirm(ctx, c.yesFlag, "This signs out all users of all tenants."); err != nil {
			return err
		}
		p := a.Progress(0)
		var ids []string
		r := &upkeep.Restored{Store: s, Before: c.Before, Now: now, Progress: func(tenant int, rows int64) {
			p.Show(0, fmt.Sprintf("%d of %d tenants, %d rows", tenant, len(ids), rows))
		}}
		ids, err := r.Begin(ctx, tenants.All(ctx, s), byCLI(storage.Event{
			TenantID: storage.DefaultTenant, Kind: storage.EventDatabaseRestored,
			Detail: map[string]string{"before": c.Before.UTC().Format(time.RFC3339)},
		}))
		if err != nil {
			return err
		}
		rows, err := r.Finish(ctx, ids)
		p.Clear()
		if err != nil {
			return fmt.Errorf("%w\n%d sessions, grants, codes, emails and devices were ended. Servers will end the rest", err,
				rows)
		}
		if err := c.tell(a, rows); err != nil {
			return err
		}
		fmt.Fprintln(a.Err, "Keys, passwords, users and clients that were removed or changed since the backup are back "+
			"too: see docs/backup.md.")
		return nil
	})
}
