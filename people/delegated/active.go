package delegated

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Number returns the number of the user, who is active now. A user without one gets the next.
func (s *Service) Number(ctx context.Context, a people.Asker, u storage.User) (int64, error) {
	now := time.Now()
	n, err := s.Numbers.NumberOf(ctx, a.Tenant.ID, u.ID, now)
	if err != nil {
		return 0, err
	}
	today := s.dayOf(now)
	if n.ActiveOn >= today.number {
		return n.Number, nil
	}
	before := dayNumbered(n.ActiveOn)
	periods := []string{today.day}
	if n.ActiveOn == 0 || before.week != today.week {
		periods = append(periods, today.week)
	}
	if n.ActiveOn == 0 || before.month != today.month {
		periods = append(periods, today.month)
	}
	err = s.Numbers.CountActive(ctx, n, today.number, periods...)
	if errors.Is(err, storage.ErrStale) { // another request has counted the user
		err = nil
	}
	return n.Number, err
}

// date is a day, with the periods that it is in.
type date struct {
	number           int64 // days since 1970
	day, week, month string
}

// dayOf returns the day of a moment.
func (s *Service) dayOf(at time.Time) date {
	y, m, d := at.In(s.Zone).Date()
	return dayNumbered(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// dayNumbered returns the day with the number.
func dayNumbered(n int64) date {
	at := time.Unix(n*24*60*60, 0).UTC()
	year, week := at.ISOWeek()
	return date{n, at.Format(time.DateOnly), fmt.Sprintf("%d-W%02d", year, week), at.Format("2006-01")}
}

// months is how many months are counted.
const months = 60

// Activity is how many users were active, by period: days as 2006-01-02, weeks as 2006-W01, months as 2006-01. Periods
// before the first and after the last in which there was one are left out.
type Activity struct{ Days, Weeks, Months map[string]int64 }

// Activity returns how many users were active.
func (s *Service) Activity(ctx context.Context, a people.Asker) (Activity, error) {
	today := s.dayOf(time.Now())
	var days, weeks, monthsOf []string
	for i := s.Days - 1; i >= 0; i-- {
		days = append(days, dayNumbered(today.number-int64(i)).day)
	}
	for i := s.Weeks - 1; i >= 0; i-- {
		weeks = append(weeks, dayNumbered(today.number-7*int64(i)).week)
	}
	first := time.Unix(today.number*24*60*60, 0).UTC()
	first = time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, time.UTC)
	for i := months - 1; i >= 0; i-- {
		monthsOf = append(monthsOf, first.AddDate(0, -i, 0).Format("2006-01"))
	}
	since := []string{days[0], weeks[0], monthsOf[0]}
	if err := s.Numbers.ForgetActive(ctx, a.Tenant.ID, since...); err != nil {
		return Activity{}, err
	}
	counts, err := s.Numbers.ActiveIn(ctx, a.Tenant.ID, since...)
	return Activity{spanned(days, counts), spanned(weeks, counts), spanned(monthsOf, counts)}, err
}

// spanned returns the counts of the periods between the first and the last that have any.
func spanned(periods []string, counts map[string]int64) map[string]int64 {
	out := map[string]int64{}
	for len(periods) > 0 && counts[periods[0]] == 0 {
		periods = periods[1:]
	}
	for len(periods) > 0 && counts[periods[len(periods)-1]] == 0 {
		periods = periods[:len(periods)-1]
	}
	for _, p := range periods {
		out[p] = counts[p]
	}
	return out
}
