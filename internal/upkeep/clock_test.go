package upkeep

import (
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	right := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	// set is an error of the clock from a moment on.
	type set struct{ at, off time.Duration }
	for _, test := range []struct {
		name  string
		start time.Duration // how wrong the clock is at the start
		sets  []set
		at    time.Duration // after the start
		want  time.Duration // how wrong the sweep's time is then
	}{
		{"right", 0, nil, 5 * time.Hour, 0},
		{"right for days", 0, nil, 5 * day, 0},
		{"a year ahead for an hour, within it", 0, []set{{time.Hour, 365 * day}}, 2 * time.Hour, 0},
		{"a year ahead for an hour, afterwards", 0, []set{{time.Hour, 365 * day}, {2 * time.Hour, 0}}, 3 * time.Hour, 0},
		{"a year ahead on the third day", 0, []set{{2 * day, 365 * day}}, 3*day - time.Hour, 0},
		{"an hour ahead, and further each hour", 0,
			[]set{{1 * time.Hour, time.Hour}, {10 * time.Hour, 2 * time.Hour},
				{20 * time.Hour, 3 * time.Hour}}, 30 * time.Hour, 0},
		{"back by an hour", 0, []set{{time.Hour, -time.Hour}}, 2 * time.Hour, -time.Hour},
		{"back, and right again", 0, []set{{time.Hour, -time.Hour}, {2 * time.Hour, 0}}, 3 * time.Hour, -time.Hour},
		{"back, and right for a day", 0, []set{{time.Hour, -time.Hour}, {2 * time.Hour, 0}}, 27 * time.Hour, 0},
		{"started a year ahead, mended, ahead again", 365 * day,
			[]set{{time.Hour, 0}, {2 * time.Hour, 365 * day}}, 3 * time.Hour, 0},
		{"started in the past, just mended", -9000 * day, []set{{time.Hour, 0}}, 2 * time.Hour, -9000 * day},
		{"started in the past, mended a day ago", -9000 * day, []set{{time.Hour, 0}}, 26 * time.Hour, 0},
		{"mended, a day ago, by small steps since", -9000 * day, []set{{time.Hour, 0}, {9 * time.Hour, 20 * time.Second}},
			26 * time.Hour, 20 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := Clock{begun: right.Add(test.start)}
			var got time.Time
			for up := time.Minute; up <= test.at; up += time.Minute {
				off := test.start
				for _, s := range test.sets {
					if up >= s.at {
						off = s.off
					}
				}
				got = c.time(right.Add(off+up), up)
			}
			if wrong := got.Sub(right.Add(test.at)); wrong != test.want {
				t.Errorf("the sweep goes by a time that is wrong by %v, want %v", wrong, test.want)
			}
		})
	}
}
