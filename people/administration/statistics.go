package administration

import (
	"context"
	"fmt"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/atonce"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Counting says how statistics are counted, at every door.
type Counting struct {
	// Zone is where days begin. nil: UTC.
	Zone *time.Location
	// Days and Weeks are how many of each are kept. 0: 365 and 104.
	Days, Weeks int
}

// Now returns a time in the zone of the statistics.
func (c Counting) Now(at time.Time) time.Time {
	if c.Zone == nil {
		return at.UTC()
	}
	return at.In(c.Zone)
}

// KeptDays returns how many days are kept.
func (c Counting) KeptDays() int { return orElse(c.Days, 365) }

// KeptWeeks returns how many weeks are kept.
func (c Counting) KeptWeeks() int { return orElse(c.Weeks, 104) }

func orElse(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// WeekName returns the name of a week by ISO 8601, such as 2026-W48.
func WeekName(monday time.Time) string {
	year, week := monday.ISOWeek()
	return fmt.Sprintf("%d-W%02d", year, week)
}

// MonthName returns the name of a month, such as 2026-11.
func MonthName(first time.Time) string { return first.Format("2006-01") }

// MondayOf returns the first day of the week with a name of WeekName.
func MondayOf(name string) (time.Time, error) {
	var year, week int
	if _, err := fmt.Sscanf(name, "%4d-W%2d", &year, &week); err != nil {
		return time.Time{}, fmt.Errorf("the week %q: %w", name, err)
	}
	fourth := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC) // always in week 1
	return fourth.AddDate(0, 0, 7*(week-1)-(int(fourth.Weekday())+6)%7), nil
}

// Statistics are what a tenant's users did.
type Statistics struct {
	Zone string // where days begin
	// Day, Week and Month are how many different users were active on the last 1, 7 and 30 days, today included.
	Day, Week, Month int64
	Days             []DayStatistics // oldest first, without gaps
	// Weeks and Months are calendar weeks (ISO 8601) and months, oldest first, without gaps: from the first in which a
	// user was active to the last.
	Weeks, Months []storage.Active
	// SignIns are sign-ins by their amr, and Failures refusals by their reason.
	SignIns, Failures map[string]int64
	// Until is up to when all of it is counted: now, or before while servers count an old audit trail.
	Until time.Time
}

// DayStatistics are those of a day.
type DayStatistics struct {
	Day                       time.Time // its date, as midnight in UTC
	Active, SignIns, Failures int64
}

// mostNew is how many events a request counts that the servers have not counted yet, so that it is answered at once.
const mostNew = 10_000

// Count returns the statistics of so many days, of which the last is that of now, and of all weeks and months.
func (c Counting) Count(
	ctx context.Context, s storage.Statistics, a people.Asker, days int, now time.Time,
) (st Statistics, err error) {
	to, err := s.Counted(ctx, a.Tenant.ID, mostNew, c.Now(now))
	if err != nil {
		return st, err
	}
	var weeks, months []storage.Active
	err = atonce.Do(func() (err error) {
		st, err = c.recent(ctx, s, a, days, now, to)
		return err
	}, func() (err error) {
		weeks, months, err = c.periods(ctx, s, a, c.Now(now), to)
		return err
	})
	st.Weeks, st.Months = weeks, months
	return st, err
}

// Recent is Count without weeks and months.
func (c Counting) Recent(
	ctx context.Context, s storage.Statistics, a people.Asker, days int, now time.Time,
) (st Statistics, err error) {
	to, err := s.Counted(ctx, a.Tenant.ID, mostNew, c.Now(now))
	if err != nil {
		return st, err
	}
	return c.recent(ctx, s, a, days, now, to)
}

// recent is Recent up to where it is counted. The queries run at the same time.
func (c Counting) recent(
	ctx context.Context, s storage.Statistics, a people.Asker, days int, now time.Time, to storage.Counted,
) (st Statistics, err error) {
	now = c.Now(now)
	st.Zone = now.Location().String()
	today := date(now)
	back := func(days int) time.Time { return startOf(today.AddDate(0, 0, 1-days), now.Location()) }
	st.Until = to.Until
	users := func(n *int64, days int) func() error {
		return func() (err error) {
			*n, err = s.ActiveUsers(ctx, a.Tenant.ID, back(days), to)
			return err
		}
	}
	var signIns []storage.SignIns
	var active []storage.Active
	err = atonce.Do(users(&st.Day, 1), users(&st.Week, 7), users(&st.Month, 30), func() (err error) {
		signIns, err = s.SignIns(ctx, a.Tenant.ID, back(days), to)
		return err
	}, func() (err error) {
		active, err = s.ActiveBy(ctx, a.Tenant.ID, storage.Day, back(days), to)
		return err
	})
	st.fill(today.AddDate(0, 0, 1-days), days, signIns, active)
	return st, err
}

// SignUps returns how many accounts were added on each of so many days, of which the last is that of now: oldest first,
// without gaps. Imported accounts do not count.
func (c Counting) SignUps(
	ctx context.Context, s storage.Statistics, a people.Asker, days int, now time.Time,
) (all []storage.Active, err error) {
	now = c.Now(now)
	first := date(now).AddDate(0, 0, 1-days)
	for i := range days {
		all = append(all, storage.Active{First: first.AddDate(0, 0, i)})
	}
	found, err := s.SignUps(ctx, a.Tenant.ID, startOf(first, now.Location()), now)
	for _, v := range found {
		if i := int(v.First.Sub(first) / (24 * time.Hour)); i >= 0 && i < days { // a clock may have been ahead
			all[i].Users = v.Users
		}
	}
	return all, err
}

// Activity returns the active users of all days, weeks and months that are kept, each from the first in which there was
// one to the last, without gaps.
func (c Counting) Activity(
	ctx context.Context, s storage.Statistics, a people.Asker, now time.Time,
) (days, weeks, months []storage.Active, err error) {
	now = c.Now(now)
	first := date(now).AddDate(0, 0, 1-c.KeptDays())
	to, err := s.Counted(ctx, a.Tenant.ID, mostNew, now)
	if err != nil {
		return nil, nil, nil, err
	}
	found, err := s.ActiveBy(ctx, a.Tenant.ID, storage.Day, startOf(first, now.Location()), to)
	if err != nil {
		return nil, nil, nil, err
	}
	days = spanned(found, func(t time.Time) time.Time { return t.AddDate(0, 0, 1) })
	weeks, months, err = c.periods(ctx, s, a, now, to)
	return days, weeks, months, err
}

// periods returns the weeks and months of Statistics.
func (c Counting) periods(
	ctx context.Context, s storage.Statistics, a people.Asker, now time.Time, to storage.Counted,
) (weeks, months []storage.Active, err error) {
	today := date(now)
	monday := today.AddDate(0, 0, -(int(today.Weekday())+6)%7)
	for _, p := range []struct {
		of    storage.Period
		first time.Time
		next  func(time.Time) time.Time
		all   *[]storage.Active
	}{
		{storage.Week, monday.AddDate(0, 0, -7*(c.KeptWeeks()-1)),
			func(t time.Time) time.Time { return t.AddDate(0, 0, 7) }, &weeks},
		{storage.Month, time.Date(today.Year(), today.Month()-(storage.KeptMonths-1), 1, 0, 0, 0, 0, time.UTC),
			func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }, &months},
	} {
		found, err := s.ActiveBy(ctx, a.Tenant.ID, p.of, startOf(p.first, now.Location()), to)
		if err != nil {
			return nil, nil, err
		}
		*p.all = spanned(found, p.next)
	}
	return weeks, months, nil
}

// spanned fills the gaps between the first and the last period.
func spanned(found []storage.Active, next func(time.Time) time.Time) (all []storage.Active) {
	for _, v := range found {
		if len(all) > 0 {
			for at := next(all[len(all)-1].First); at.Before(v.First); at = next(at) {
				all = append(all, storage.Active{First: at})
			}
		}
		all = append(all, v)
	}
	return all
}

// date returns the date of a time, as midnight in UTC.
func date(at time.Time) time.Time {
	y, m, d := at.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// startOf returns the first moment of a date in a zone. A date begins late if the clocks leave its midnight out, and
// may have two midnights, of which the first counts.
func startOf(day time.Time, zone *time.Location) time.Time {
	at := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone)
	start, end := at.ZoneBounds()
	if date(at).Before(day) && !end.IsZero() {
		return end
	}
	if !start.IsZero() && !date(start.Add(-1)).Before(day) {
		_, ahead := start.Add(-1).Zone()
		return day.Add(-time.Duration(ahead) * time.Second).In(zone)
	}
	return at
}

// fill puts counts into their days, and sums them up.
func (st *Statistics) fill(from time.Time, days int, signIns []storage.SignIns, active []storage.Active) {
	st.SignIns, st.Failures = map[string]int64{}, map[string]int64{}
	for i := range days {
		st.Days = append(st.Days, DayStatistics{Day: from.AddDate(0, 0, i)})
	}
	at := func(t time.Time) *DayStatistics {
		i := int(t.Sub(from) / (24 * time.Hour))
		if i < 0 || i >= days {
			return &DayStatistics{} // a clock was ahead
		}
		return &st.Days[i]
	}
	for _, v := range signIns {
		if v.Failed {
			st.Failures[v.How] += v.Count
			at(v.Day).Failures += v.Count
		} else {
			st.SignIns[v.How] += v.Count
			at(v.Day).SignIns += v.Count
		}
	}
	for _, v := range active {
		at(v.First).Active = v.Users
	}
}
