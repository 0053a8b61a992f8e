package operations

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/storage"
)

// AuditCmd is the family of commands about the audit trail.
type AuditCmd struct {
	List   auditListCmd   `cmd:"" help:"Search the audit trail, newest events first."`
	Export auditExportCmd `cmd:"" help:"Write the audit trail as JSON lines, oldest first."`
	Prune  auditPruneCmd  `cmd:"" help:"Delete or shorten entries older than the settings allow, as servers do every hour."`
}

// auditExportCmd writes the events of one tenant, for a system that keeps logs.
type auditExportCmd struct {
	After string    `help:"Begin after the row with this id." placeholder:"ID"`
	Until time.Time `help:"Leave out newer rows; a time such as 2006-01-02T15:04:05Z." placeholder:"TIME"`
	Kind  []string  `help:"Write only rows of these kinds, such as login.failed. Repeatable." placeholder:"KIND"`
	Mark  bool      `help:"Begin where the last export with --mark ended, and remember where this one ended once it is complete."`
	command.PlaceFlags
}

// Help says what for.
func (*auditExportCmd) Help() string {
	return `With --mark it writes each row once, however often it runs:

  vouchsafe audit export --mark >> audit.jsonl

Rows newer than ten minutes wait for the next run. With keep_unexported, servers delete only
rows that were exported in this way.

With --server, rows newer than ten minutes are left out, and there is no mark: begin after
the last row that you have, with --after.`
}

// Run writes a JSON object a line. Each page of events is flushed before the mark moves on, so that an export that
// is interrupted writes some events twice and leaves none out.
func (c *auditExportCmd) Run(ctx context.Context, a *command.App) error {
	if c.Mark && (len(c.Kind) > 0 || c.After != "") {
		return command.Misused("--mark writes all kinds from the mark on: leave out --kind and --after")
	}
	export := audit.Export{After: c.After, Until: c.Until, Kinds: c.Kind, Mark: c.Mark}
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		w := bufio.NewWriter(a.Out)
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return d.ExportEvents(ctx, export, func(events []storage.Event) error {
			for _, e := range events {
				if err := enc.Encode(audit.EventOf(e)); err != nil {
					return err
				}
			}
			return w.Flush()
		})
	})
}

// auditPruneCmd does at once what servers do every hour.
type auditPruneCmd struct{ command.JSONFlag }

// Run deletes what is older than the settings keep, in all tenants, and records how many rows that were. The event is
// recorded also if the command is interrupted half-way.
func (c *auditPruneCmd) Run(ctx context.Context, a *command.App) error {
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	keep, err := cfg.Retention()
	if err != nil {
		return err
	}
	return a.WithStore(ctx, func(s installation.Store) error {
		n, err := s.Prune(ctx, keep, time.Now())
		if n > 0 {
			err = errors.Join(err, command.Record(context.WithoutCancel(ctx), s, storage.Event{
				TenantID: storage.DefaultTenant, Kind: storage.EventAuditPruned, Detail: map[string]string{"rows": fmt.Sprint(n)},
			}))
		}
		if c.JSON {
			return errors.Join(err, a.PrintJSON(map[string]int64{"rows": n}))
		}
		return errors.Join(err, a.PrintSentence("Deleted or shortened %d entries.", n))
	})
}

// auditListCmd searches the audit trail.
type auditListCmd struct {
	Kind     []string  `help:"List only events of this kind, such as login.failed. Repeatable." placeholder:"KIND"`
	User     string    `help:"List only events about this user: an id, an email address or a username." placeholder:"USER" complete:"user"`
	ClientID string    `name:"client" help:"List only events about this client." placeholder:"CLIENT-ID" complete:"client"`
	Actor    string    `help:"List only what this user or client did, by its id; cli for the command line." placeholder:"ID" complete:"actor"`
	Since    time.Time `help:"Leave out older events; a time such as 2006-01-02T15:04:05Z." placeholder:"TIME"`
	Until    time.Time `help:"Leave out newer events." placeholder:"TIME"`
	Limit    int       `help:"Print at most this many; 0 for all." default:"100" placeholder:"N"`
	command.PlaceFlags
	command.JSONFlag
}

// Run prints the newest events first.
func (c *auditListCmd) Run(ctx context.Context, a *command.App) error {
	for _, kind := range c.Kind {
		if !slices.ContainsFunc(storage.EventKinds, func(k storage.EventKind) bool { return k.Kind == kind }) {
			return command.Misused("--kind %q: there are no events of such a kind. docs/events.md lists them", kind)
		}
	}
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		q := audit.Search{Kinds: c.Kind, ClientID: c.ClientID, Actor: c.Actor, Since: c.Since, Until: c.Until}
		if c.User != "" {
			u, err := d.FindUser(ctx, c.User)
			if err != nil {
				return command.NoSuch(err, "user", c.User)
			}
			q.UserID = u.ID
		}
		columns := []string{"WHEN", "WHAT", "USER", "CLIENT", "ACTOR", "ADDRESS", "MORE"}
		found := command.First(c.Limit, d.Events(ctx, q))
		return terminal.PrintList(&a.Terminal, c.JSON, found, audit.EventOf, columns, func(v audit.Event) []string {
			var more []string
			for _, name := range slices.Sorted(maps.Keys(v.Detail)) {
				more = append(more, name+"="+v.Detail[name])
			}
			return []string{terminal.Zoned(v.At), v.Kind, v.UserID, v.ClientID, v.Actor, v.IP, strings.Join(more, " ")}
		})
	})
}
