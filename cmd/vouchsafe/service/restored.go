package service

import (
	"context"
	"fmt"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/internal/upkeep"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// RestoredCmd ends what a restored backup has brought back.
type RestoredCmd struct {
	Before  time.Time `help:"End only what is older than this time, such as 2006-01-02T15:04:05Z. The default is now." placeholder:"TIME"`
	APIKeys bool      `name:"api-keys" help:"Revoke all API keys, too: those that were revoked since the backup work again otherwise."`
	command.YesFlag
	command.JSONFlag
}

// tell prints how many rows were ended.
func (c *RestoredCmd) tell(a *command.App, rows, keys int64) error {
	if c.JSON {
		return a.PrintJSON(restoredView{rows, keys, c.Before.UTC()})
	}
	if c.APIKeys {
		if err := a.PrintSentence("Revoked %d API keys.", keys); err != nil {
			return err
		}
	}
	return a.PrintSentence("Ended %d sessions, grants, codes, emails and devices older than %s.", rows,
		terminal.Zoned(c.Before))
}

// restoredView is what restored did, as JSON.
type restoredView struct {
	Ended  int64     `json:"ended"`
	Keys   int64     `json:"api_keys"`
	Before time.Time `json:"before"`
}

// Help says what for.
func (*RestoredCmd) Help() string {
	return `Run it after restoring a backup, before the first server starts. Otherwise sessions that ended
since the backup, revoked grants and used codes would be valid again. In all tenants it ends
all sessions, revokes all grants, drops waiting codes and emails, and removes trusted
devices. If you stop it, the servers finish the work. With --api-keys programs need new
API keys, too.`
}

// Run asks first. It records for every tenant what is to end before it ends anything, so that servers finish the work
// if the command is interrupted.
func (c *RestoredCmd) Run(ctx context.Context, a *command.App) error {
	now := time.Now()
	if c.Before.IsZero() {
		c.Before = now
	}
	if c.Before.After(now) {
		return command.Misused("--before: %s is in the future", c.Before.Format(time.RFC3339))
	}
	return a.WithStore(ctx, func(s installation.Store) error {
		if err := a.Approve(ctx, c.YesFlag, "This signs out all users of all tenants."); err != nil {
			return err
		}
		p := a.Progress(0)
		var ids []string
		r := &upkeep.Restored{Store: s, Before: c.Before, Now: now, Progress: func(tenant int, rows int64) {
			p.Show(0, fmt.Sprintf("%d of %d tenants, %d rows", tenant, len(ids), rows))
		}}
		ids, err := r.Begin(ctx, tenants.All(ctx, s), command.ByCLI(storage.Event{
			TenantID: storage.DefaultTenant, Kind: storage.EventDatabaseRestored,
			Detail: map[string]string{"before": c.Before.UTC().Format(time.RFC3339)},
		}))
		if err != nil {
			return err
		}
		keys := int64(0)
		for _, id := range ids {
			if !c.APIKeys {
				break
			}
			n, err := s.EndAPIKeys(ctx, id, c.Before, now)
			if keys += n; err != nil {
				return err
			}
		}
		rows, err := r.Finish(ctx, ids)
		p.Clear()
		if err != nil {
			return fmt.Errorf("%w\n%d sessions, grants, codes, emails and devices were ended. Servers will end the rest", err,
				rows)
		}
		if err := c.tell(a, rows, keys); err != nil {
			return err
		}
		if !c.APIKeys {
			fmt.Fprintln(a.Err, "API keys that were revoked since the backup work again: --api-keys revokes all.")
		}
		fmt.Fprintln(a.Err, "Keys, passwords, users and clients that were removed or changed since the backup are back "+
			"too: see docs/backup.md.")
		return nil
	})
}
