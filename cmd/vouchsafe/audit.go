package main

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

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// auditCmd is the family of commands about the audit trail.
type auditCmd struct {
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
	placeFlags
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
func (c *auditExportCmd) Run(ctx context.Context, a *app) error {
	if c.Mark && (len(c.Kind) > 0 || c.After != "") {
		return misused("--mark writes all kinds from the mark on: leave out --kind and --after")
	}
	export := audit.Export{After: c.After, Until: c.Until, Kinds: c.Kind, Mark: c.Mark}
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
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

// auditListCmd searches the audit trail.
type auditListCmd struct {
	Kind     []string  `help:"List only events of this kind, such as login.failed. Repeatable." placeholder:"KIND"`
	User     string    `help:"List only events about this user: an id, an email address or a username." placeholder:"USER" complete:"user"`
	ClientID string    `name:"client" help:"List only events about this client." placeholder:"CLIENT-ID" complete:"client"`
	Actor    string    `help:"List only what this user or client did, by its id; cli for the command line." placeholder:"ID" complete:"actor"`
	Since    time.Time `help:"Leave out older events; a time such as 2006-01-02T15:04:05Z." placeholder:"TIME"`
	Until    time.Time `help:"Leave out newer events." placeholder:"TIME"`
	Limit    int       `help:"Print at most this many; 0 for all." default:"100" placeholder:"N"`
	placeFlags
	jsonFlag
}

// Run prints the newest events first.
func (c *auditListCmd) Run(ctx context.Context, a *app) error {
	for _, kind := range c.Kind {
		if !slices.ContainsFunc(storage.EventKinds, func(k storage.EventKind) bool { return k.Kind == kind }) {
			return misused("--kind %q: there are no events of such a kind. docs/events.md lists them", kind)
		}
	}
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		q := audit.Search{Kinds: c.Kind, ClientID: c.ClientID, Actor: c.Actor, Since: c.Since, Until: c.Until}
		if c.User != "" {
			u, err := d.FindUser(ctx, c.User)
			if err != nil {
				return noSuch(err, "user", c.User)
			}
			q.UserID = u.ID
		}
		columns := []string{"WHEN", "WHAT", "USER", "CLIENT", "ACTOR", "ADDRESS", "MORE"}
		found := first(c.Limit, d.Events(ctx, q))
		return terminal.PrintList(&a.Terminal, c.JSON, found, audit.EventOf, columns, func(v audit.Event) []string {
			var more []string
			for _, name := range slices.Sorted(maps.Keys(v.Detail)) {
				more = append(more, name+"="+v.Detail[name])
			}
			return []string{terminal.Zoned(v.At), v.Kind, v.UserID, v.ClientID, v.Actor, v.IP, strings.Join(more, " ")}
		})
	})
}

// statsCmd counts what users did.
type statsCmd struct {
	Days int `help:"How many days, of which the last is today." default:"30" placeholder:"N"`
	placeFlags
	jsonFlag
}

// Help says how far the counts go.
func (*statsCmd) Help() string {
	return "A user is active who signs in, or whose session or tokens an app refreshes. Days begin in the zone " +
		"of the setting statistics_zone. It counts up to a year back, and as far as the audit trail was kept when the " +
		"server first counted. Servers count a trail that an earlier release has kept from its oldest day on: until " +
		"then, the last line, or counted_until, says how far they are."
}

// statsView is what is counted, as commands print it.
type statsView struct {
	Active   activeView       `json:"active"`
	Zone     string           `json:"zone"`
	Days     []dayView        `json:"days"`
	Weeks    []weekView       `json:"weeks"`
	Months   []monthView      `json:"months"`
	SignIns  map[string]int64 `json:"sign_ins"`
	Failures map[string]int64 `json:"failures"`
	Until    time.Time        `json:"counted_until"`
}

// weekView and monthView are how many users were active in a calendar week (ISO 8601) and month.
type weekView struct {
	Week   string `json:"week"`
	Active int64  `json:"active"`
}

type monthView struct {
	Month  string `json:"month"`
	Active int64  `json:"active"`
}

// activeView is how many users were active within a time.
type activeView struct {
	Day   int64 `json:"day"`
	Week  int64 `json:"week"`
	Month int64 `json:"month"`
}

// dayView is what users did on a day.
type dayView struct {
	Date     string `json:"date"`
	Active   int64  `json:"active"`
	SignIns  int64  `json:"sign_ins"`
	Failures int64  `json:"failures"`
}

func viewStats(st administration.Statistics) statsView {
	v := statsView{activeView{st.Day, st.Week, st.Month}, st.Zone, []dayView{}, []weekView{}, []monthView{}, st.SignIns,
		st.Failures, st.Until.UTC()}
	for _, d := range st.Days {
		v.Days = append(v.Days, dayView{d.Day.Format(time.DateOnly), d.Active, d.SignIns, d.Failures})
	}
	for _, w := range st.Weeks {
		v.Weeks = append(v.Weeks, weekView{administration.WeekName(w.First), w.Users})
	}
	for _, m := range st.Months {
		v.Months = append(v.Months, monthView{administration.MonthName(m.First), m.Users})
	}
	return v
}

// shownPeriods is how many weeks and months are printed; JSON has all.
const shownPeriods = 4

// last returns the last n values.
func last[T any](all []T, n int) []T { return all[max(0, len(all)-n):] }

// Run prints the days as a table, and sums below.
func (c *statsCmd) Run(ctx context.Context, a *app) error {
	if c.Days < 1 || c.Days > 366 {
		return misused("--days %d: write a number from 1 to 366", c.Days)
	}
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		st, err := d.Statistics(ctx, c.Days)
		if err != nil {
			return err
		}
		v := viewStats(st)
		if c.JSON {
			return a.PrintJSON(v)
		}
		t := a.Table("DAY", "ACTIVE USERS", "SIGN-INS", "REFUSED")
		for _, d := range v.Days {
			t.Row(d.Date, fmt.Sprint(d.Active), fmt.Sprint(d.SignIns), fmt.Sprint(d.Failures))
		}
		if err := t.Flush(); err != nil {
			return err
		}
		fmt.Fprintf(a.Out, "\nActive users: %d in 24 hours, %d in 7 days, %d in 30 days\n", v.Active.Day, v.Active.Week,
			v.Active.Month)
		for _, w := range last(v.Weeks, shownPeriods) {
			fmt.Fprintf(a.Out, "Active in %s: %d\n", w.Week, w.Active)
		}
		for _, m := range last(v.Months, shownPeriods) {
			fmt.Fprintf(a.Out, "Active in %s: %d\n", m.Month, m.Active)
		}
		for _, sums := range []struct {
			what string
			of   map[string]int64
		}{{"Signed in by", v.SignIns}, {"Refused for", v.Failures}} {
			for _, how := range slices.Sorted(maps.Keys(sums.of)) {
				fmt.Fprintf(a.Out, "%s %s: %d\n", sums.what, terminal.Printable(how), sums.of[how])
			}
		}
		fmt.Fprintf(a.Out, "Counted until %s\n", terminal.Zoned(v.Until))
		return nil
	})
}
