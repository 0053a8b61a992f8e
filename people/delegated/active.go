package delegated

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Number returns the number of the user. A user without one gets the next.
func (s *Service) Number(ctx context.Context, a people.Asker, u storage.User) (int64, error) {
	n, err := s.Numbers.NumberOf(ctx, a.Tenant.ID, u.ID, time.Now())
	return n.Number, err
}

// active records that the user of a session is active, once on each day on which the user did not sign in.
func (s *Service) active(ctx context.Context, a people.Asker, current sessions.Account) error {
	now := time.Now()
	today := s.day(now)
	if s.day(current.Session.AuthTime) == today {
		return nil
	}
	n, err := s.Numbers.NumberOf(ctx, a.Tenant.ID, current.User.ID, now)
	if err != nil || n.ActiveOn >= today {
		return err
	}
	err = s.Numbers.SetActive(ctx, n, today, a.Event(storage.Event{
		Kind: storage.EventSessionRefreshed, UserID: current.User.ID,
	}))
	if errors.Is(err, storage.ErrStale) { // another request has recorded it
		return nil
	}
	return err
}

// day returns the number of the date of a moment, counted from 1970.
func (s *Service) day(at time.Time) int64 {
	y, m, d := s.Counting.Now(at).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)
}

// Activity is how many users were active, by period: days as 2006-01-02, weeks as 2006-W01, months as 2006-01. Periods
// before the first and after the last in which there was one are left out.
type Activity struct{ Days, Weeks, Months map[string]int64 }

// Activity returns how many users were active.
func (s *Service) Activity(ctx context.Context, a people.Asker) (out Activity, err error) {
	days, weeks, months, err := s.Counting.Activity(ctx, s.Statistics, a, time.Now())
	out.Days = named(days, func(t time.Time) string { return t.Format(time.DateOnly) })
	out.Weeks = named(weeks, administration.WeekName)
	out.Months = named(months, administration.MonthName)
	return out, err
}

// named returns counts by the names of their periods.
func named(all []storage.Active, name func(time.Time) string) map[string]int64 {
	out := map[string]int64{}
	for _, v := range all {
		out[name(v.First)] = v.Users
	}
	return out
}
