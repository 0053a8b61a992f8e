package administration

import (
	"testing"
	"time"
)

// TestDaysBeginInTheirZone: no moment is in two days, and none in no day, where clocks change at midnight, too, and
// where a day was left out.
func TestDaysBeginInTheirZone(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Havana",
		"Asia/Beirut", "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for day := time.Date(2011, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2019; day = day.AddDate(0, 0, 1) {
			at := startOf(day, zone)
			if name == "Pacific/Apia" && day.Format(time.DateOnly) == "2011-12-30" {
				continue // it had no such day
			}
			if !date(at).Equal(day) || !date(at.Add(-1)).Before(day) {
				t.Errorf("%s: %s begins at %s, which is no beginning", name, day.Format(time.DateOnly), at)
			}
		}
	}
}

// TestWeeksKeepTheirNames reads the names of the weeks of some years.
func TestWeeksKeepTheirNames(t *testing.T) {
	t.Parallel()
	for monday := time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC); monday.Year() < 2034; monday = monday.AddDate(0, 0, 7) {
		if got, err := MondayOf(WeekName(monday)); err != nil || !got.Equal(monday) {
			t.Fatalf("%s: got %s, %v, want %s", WeekName(monday), got, err, monday)
		}
	}
}
