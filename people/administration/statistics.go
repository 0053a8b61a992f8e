package administration

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Statistics are what a tenant's users did.
type Statistics struct {
	// Day, Week and Month are how many different users signed in on the last 1, 7 and 30 days in UTC, today included.
	Day, Week, Month int64
	Days             []DayStatistics // oldest first, without gaps
	// SignIns are sign-ins by their amr, and Failures refusals by their reason.
	SignIns, Failures map[string]int64
	// Until is up to when all of it is counted: now, or before while servers count an old audit trail.
	Until time.Time
}

// DayStatistics are those of a day in UTC.
type DayStatistics struct {
	Day                       time.Time
	Active, SignIns, Failures int64
}

const (
	day = 24 * time.Hour
	// mostNew is how many events a request counts that the servers have not counted yet, so that it is answered at once.
	mostNew = 10_000
)

// Count returns the statistics of so many days, of which the last is that of now.
func Count(
	ctx context.Context, s storage.Statistics, a people.Asker, days int, now time.Time,
) (st Statistics, err error) {
	back := func(days int) time.Time { return now.UTC().Truncate(day).Add(-time.Duration(days-1) * day) }
	to, err := s.Counted(ctx, a.Tenant.ID, mostNew, now)
	if err != nil {
		return st, err
	}
	st.Until = to.Until
	for _, span := range []struct {
		n    *int64
		days int
	}{{&st.Day, 1}, {&st.Week, 7}, {&st.Month, 30}} {
		if *span.n, err = s.ActiveUsers(ctx, a.Tenant.ID, back(span.days), to); err != nil {
			return st, err
		}
	}
	signIns, err := s.SignIns(ctx, a.Tenant.ID, back(days), to)
	if err != nil {
		return st, err
	}
	active, err := s.ActiveByDay(ctx, a.Tenant.ID, back(days), to)
	st.fill(back(days), days, signIns, active)
	return st, err
}

// fill puts counts into their days, and sums them up.
func (st *Statistics) fill(from time.Time, days int, signIns []storage.SignIns, active []storage.Active) {
	st.SignIns, st.Failures = map[string]int64{}, map[string]int64{}
	for i := range days {
		st.Days = append(st.Days, DayStatistics{Day: from.Add(time.Duration(i) * day)})
	}
	at := func(t time.Time) *DayStatistics {
		i := int(t.Sub(from) / day)
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
		at(v.Day).Active = v.Users
	}
}
