package operations

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/people/administration"
)

// StatsCmd counts what users did.
type StatsCmd struct {
	Days int `help:"How many days, of which the last is today." default:"30" placeholder:"N"`
	command.PlaceFlags
	command.JSONFlag
}

// Help says how far the counts go.
func (*StatsCmd) Help() string {
	return "A user is active who signs in, or whose session or tokens an app refreshes. Days begin in the zone " +
		"of the setting statistics_zone. It counts up to a year back, and as far as the audit trail was kept when the " +
		"server first counted. Servers count a trail that an earlier release has kept from its oldest day on: until " +
		"then, the last line, or counted_until, says how far they are."
}

// StatsView is what is counted, as commands print it.
type StatsView struct {
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

func viewStats(st administration.Statistics) StatsView {
	v := StatsView{activeView{st.Day, st.Week, st.Month}, st.Zone, []dayView{}, []weekView{}, []monthView{}, st.SignIns,
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
func (c *StatsCmd) Run(ctx context.Context, a *command.App) error {
	if c.Days < 1 || c.Days > 366 {
		return command.Misused("--days %d: write a number from 1 to 366", c.Days)
	}
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
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
