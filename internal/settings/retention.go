package settings

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Retention returns how long the settings keep events and revoked grants.
func (c *Config) Retention() (storage.Retention, error) {
	keep := storage.Retention{
		Events: time.Duration(c.KeepEvents), EventsOf: map[string]time.Duration{}, Addresses: time.Duration(c.KeepAddresses),
		Removed: time.Duration(c.KeepRemoved), Revoked: time.Duration(c.KeepRevoked), Exported: c.KeepUnexported,
		Months: storage.KeptMonths,
	}
	_, keep.Days, keep.Weeks = c.Statistics()
	for _, text := range c.KeepEventsOf {
		kind, life, ok := strings.Cut(text, "=")
		var d storage.Duration
		if err := d.UnmarshalText([]byte(life)); !ok || err != nil || kind == "" || strings.ContainsAny(kind, " %") {
			return keep, fmt.Errorf("%q: write KIND=DURATION, such as login.failed=2160h", text)
		}
		keep.EventsOf[kind] = time.Duration(d)
	}
	return keep, nil
}

// Statistics returns where days of statistics begin, and how many days and weeks are kept. Variables of Keratin AuthN,
// where they are set, count more than settings.
func (c *Config) Statistics() (zone *time.Location, days, weeks int) {
	zone, err := readZone(c.StatisticsZone)
	if err != nil {
		zone = time.UTC // told before
	}
	days, weeks = c.StatisticsDays, c.StatisticsWeeks
	if k := c.KeratinAuthN; k != nil {
		if k.TimeZone != nil {
			zone = k.TimeZone
		}
		days, weeks = cmp.Or(k.Days, days), cmp.Or(k.Weeks, weeks)
	}
	return zone, days, weeks
}

// readZone reads the name of a time zone. The names are part of the program, because an image of a container and
// Windows know none.
func readZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, errors.New("isn't a time zone: write one such as Europe/Paris")
	}
	return zone, nil
}

// checkStatistics reports what is wrong with the settings of statistics.
func (c *Config) checkStatistics(wrong wrong) {
	if _, err := readZone(c.StatisticsZone); err != nil {
		wrong("statistics_zone", "%q %v", c.StatisticsZone, err)
	}
	if n := c.StatisticsDays; n < 1 || n > 3660 {
		wrong("statistics_days", "%d is out of range: write 1 to 3660", n)
	}
	if n := c.StatisticsWeeks; n < 1 || n > 520 {
		wrong("statistics_weeks", "%d is out of range: write 1 to 520", n)
	}
}

// checkRetention reports what is wrong with the settings of how long data is kept.
func (c *Config) checkRetention(wrong wrong) {
	if _, err := c.Retention(); err != nil {
		wrong("keep_events_of", "%v", err)
	}
	if c.KeepRevoked < storage.Duration(15*time.Minute) {
		wrong("keep_revoked", "is shorter than 15m: a revoked grant is what tells that its code was used. Write 15m or more")
	}
}
