package delegated

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// TestDaysAreThoseOfTheZone: a day with 23 or 25 hours is one day, and no moment is in two.
func TestDaysAreThoseOfTheZone(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		s := &Service{Zone: zone}
		last := int64(0)
		for at := time.Date(2011, 12, 1, 0, 0, 0, 0, zone); at.Year() < 2013; at = at.Add(30 * time.Minute) {
			got := s.dayOf(at)
			if want := at.Format(time.DateOnly); got.day != want || got.month != want[:7] {
				t.Fatalf("%s: %s is counted on %s of %s", name, at, got.day, got.month)
			}
			// Samoa had no 30 December 2011.
			if step := got.number - last; last > 0 && step != 0 && step != 1 && !(step == 2 && name == "Pacific/Apia") {
				t.Fatalf("%s: from one half hour to the next the day goes on by %d at %s", name, step, at)
			}
			last = got.number
		}
	}
}

// TestOldPeriodsAreForgotten in both databases: what is older than the retention is neither told nor kept.
func TestOldPeriodsAreForgotten(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) string{
		"SQLite":     func(t *testing.T) string { return "sqlite:" + t.TempDir() + "/db" },
		"PostgreSQL": func(t *testing.T) string { return pgtest.Start(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, err := sqldb.Open(t.Context(), open(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			if err := store.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			now := time.Now()
			u := storage.User{TenantID: storage.DefaultTenant, ID: uuid.Must(uuid.NewV7()).String(), Username: "jo",
				UsernameKey: "jo", CreatedAt: now, UpdatedAt: now}
			if err := storagetest.AddUser(t.Context(), store, u, nil, nil); err != nil {
				t.Fatal(err)
			}
			s := &Service{Numbers: store, Zone: time.UTC, Days: 3, Weeks: 2}
			today := s.dayOf(now)
			n, err := store.NumberOf(t.Context(), u.TenantID, u.ID, now)
			if err != nil {
				t.Fatal(err)
			}
			want := Activity{map[string]int64{}, map[string]int64{}, map[string]int64{}}
			for _, ago := range []int64{70, 15, 8, 2, 1, 0} {
				d := dayNumbered(today.number - ago)
				if err := store.CountActive(t.Context(), n, d.number, d.day, d.week, d.month); err != nil {
					t.Fatal(err)
				}
				n.ActiveOn = d.number
				if want.Months[d.month]++; ago < 3 {
					want.Days[d.day]++
				}
				if d.week == today.week || d.week == dayNumbered(today.number-7).week {
					want.Weeks[d.week]++
				}
			}
			fill(want.Months, dayNumbered(today.number-70).month, today.month)
			a := people.Asker{Tenant: &issuer.Tenant{Tenant: storage.Tenant{ID: u.TenantID}}}
			for range 2 {
				got, err := s.Activity(t.Context(), a)
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Fatalf("%v: %s", err, diff)
				}
			}
			kept, err := store.ActiveIn(t.Context(), u.TenantID, "0000-00-00", "0000-W00")
			if err != nil || len(kept) != len(want.Days)+len(want.Weeks) {
				t.Errorf("%d days and weeks are kept, want %d: %v, %v", len(kept), len(want.Days)+len(want.Weeks), kept, err)
			}
		})
	}
}

// fill adds the months between two that have none.
func fill(months map[string]int64, first, last string) {
	for at, _ := time.Parse("2006-01", first); at.Format("2006-01") <= last; at = at.AddDate(0, 1, 0) {
		months[at.Format("2006-01")] += 0
	}
}
