package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/storage"
)

// auditCmd is the family of commands about the audit trail.
type auditCmd struct {
	Export auditExportCmd `cmd:"" help:"Write the audit trail as JSON lines, oldest first."`
	Prune  auditPruneCmd  `cmd:"" help:"Delete or shorten entries older than the settings allow, as servers do every hour."`
}

// eventView is a row of the audit trail as commands print it.
type eventView struct {
	ID        string            `json:"id"`
	At        time.Time         `json:"at"`
	Kind      string            `json:"kind"`
	Actor     string            `json:"actor,omitempty"`
	UserID    string            `json:"user_id,omitempty"`
	ClientID  string            `json:"client_id,omitempty"`
	RequestID string            `json:"request_id,omitempty"`
	IP        string            `json:"ip,omitempty"`
	Detail    map[string]string `json:"detail,omitempty"`
}

// viewEvent returns the event as commands print it. Its detail holds no secret: events never do.
func viewEvent(e storage.Event) eventView {
	return eventView{e.ID, e.At, e.Kind, e.Actor, e.UserID, e.ClientID, e.RequestID, e.IP, e.Detail}
}

// auditExportCmd writes the events of one tenant, for a system that keeps logs.
type auditExportCmd struct {
	After string    `help:"Begin after the row with this id." placeholder:"ID"`
	Until time.Time `help:"Leave out newer rows; a time such as 2006-01-02T15:04:05Z." placeholder:"TIME"`
	Kind  []string  `help:"Write only rows of these kinds, such as login.failed. Repeatable." placeholder:"KIND"`
	Mark  bool      `help:"Begin where the last export with --mark ended, and remember where this one ended once it is complete."`
	tenantFlag
}

// Help says what for.
func (*auditExportCmd) Help() string {
	return `With --mark it writes each row once, however often it runs:

  vouchsafe audit export --mark >> audit.jsonl

Rows newer than ten minutes wait for the next run. With keep_unexported, servers delete only
rows that were exported in this way.`
}

// Run writes a JSON object a line. Each page of events is flushed before the mark moves on, so that an export that
// is interrupted writes some events twice and leaves none out.
func (c *auditExportCmd) Run(ctx context.Context, a *app) error {
	if c.Mark && (len(c.Kind) > 0 || c.After != "") {
		return misused("--mark writes all kinds from the mark on: leave out --kind and --after")
	}
	export := audit.Export{Tenant: c.Tenant, After: c.After, Until: c.Until, Kinds: c.Kind, Mark: c.Mark}
	return a.withStore(ctx, func(s store) error {
		if err := hasTenant(ctx, s, c.Tenant); err != nil {
			return err
		}
		w := bufio.NewWriter(a.Out)
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return export.Run(ctx, s, func(events []storage.Event) error {
			for _, e := range events {
				if err := enc.Encode(viewEvent(e)); err != nil {
					return err
				}
			}
			return w.Flush()
		})
	})
}

// auditPruneCmd does at once what servers do every hour.
type auditPruneCmd struct{ jsonFlag }

// Run deletes what is older than the settings keep, in all tenants, and records how many rows that were. The event is
// recorded also if the command is interrupted half-way.
func (c *auditPruneCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	keep, err := cfg.Retention()
	if err != nil {
		return err
	}
	return a.withStore(ctx, func(s store) error {
		n, err := s.Prune(ctx, keep, time.Now())
		if n > 0 {
			err = errors.Join(err, record(context.WithoutCancel(ctx), s, storage.Event{
				TenantID: storage.DefaultTenant, Kind: storage.EventAuditPruned, Detail: map[string]string{"rows": fmt.Sprint(n)},
			}))
		}
		if c.JSON {
			return errors.Join(err, a.PrintJSON(map[string]int64{"rows": n}))
		}
		return errors.Join(err, a.PrintSentence("Deleted or shortened %d entries.", n))
	})
}
