package overview

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// days is how many the charts show.
const days = 30

// tile is a number that is read first.
type tile struct{ Name, Value string }

// fillNumbers adds what the users did.
func (p Config) fillNumbers(c *console.Call, s *standing) error {
	if !c.May("stats:read") || p.Count == nil {
		return nil
	}
	st, err := p.Count(c.Context(), c.Asker, days)
	if err != nil {
		return err
	}
	w := c.Words
	s.Zone = st.Zone
	if time.Since(st.Until) > lateAfter {
		until := ui.StampOf(w, st.Until)
		s.Counted = &until
	}
	for _, t := range []struct {
		id string
		n  int64
	}{{"overview.day", st.Day}, {"overview.week", st.Week}, {"overview.month", st.Month}} {
		s.Tiles = append(s.Tiles, tile{c.T(t.id), c.Words.Number(t.n)})
	}
	s.Charts = []chart{
		chartOf(w, "overview.active", "overview.people", "", st.Days,
			func(d administration.DayStatistics) [2]int64 { return [2]int64{d.Active} }),
		chartOf(w, "overview.sign_ins", "overview.succeeded", "overview.refused", st.Days,
			func(d administration.DayStatistics) [2]int64 { return [2]int64{d.SignIns, d.Failures} }),
	}
	s.Ways = p.shares(c, st.SignIns, "overview.way.", storage.EventLoginSucceeded, "way")
	s.Reasons = p.shares(c, st.Failures, "overview.reason.", storage.EventLoginFailed, "reason")
	return nil
}

// fillSignUps adds how many accounts are new, by day.
func (p Config) fillSignUps(c *console.Call, s *standing) error {
	if !c.May("users:read") || p.SignUps == nil {
		return nil
	}
	all, err := p.SignUps(c.Context(), c.Asker, days)
	if err != nil {
		return err
	}
	week, each := int64(0), make([]administration.DayStatistics, len(all))
	for i, day := range all {
		each[i] = administration.DayStatistics{Day: day.First, Active: day.Users}
		if len(all)-i <= 7 {
			week += day.Users
		}
	}
	s.Tiles = append(s.Tiles, tile{c.T("overview.sign_ups"), c.Words.Number(week)})
	s.Charts = append(s.Charts, chartOf(c.Words, "overview.sign_ups_day", "overview.accounts", "", each,
		func(d administration.DayStatistics) [2]int64 { return [2]int64{d.Active} }))
	return nil
}

// shares returns counts by the words for their keys, the greatest first, with links to their entries in the log.
func (p Config) shares(c *console.Call, counts map[string]int64, text, kind, parameter string) (all []share) {
	most := int64(1)
	for _, n := range counts {
		most = max(most, n)
	}
	for _, key := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	}) {
		n := counts[key]
		one := share{Text: said(c, text, key), Count: c.Words.Number(n), Width: units(float64(n) / float64(most) * 100)}
		if c.Has("/log") {
			one.URL = c.Link("/log", "kind", kind, parameter, key)
		}
		if all = append(all, one); len(all) == 12 {
			break
		}
	}
	return all
}

// said returns the words for a reason, or for a way to sign in, which is an amr. What has no text is shown as it is.
func said(c *console.Call, text, key string) string {
	words, err := c.Words.Say(text + strings.ReplaceAll(key, " ", "_"))
	if err == nil {
		return words
	}
	var parts []string
	for part := range strings.FieldsSeq(key) {
		if one, err := c.Words.Say(text + part); err == nil {
			parts = append(parts, one)
		} else if part != "mfa" && part != "user" { // these follow from the others
			return cmp.Or(key, "–")
		}
	}
	return cmp.Or(strings.Join(parts, " + "), key, "–")
}

// standing is how the tenant stands.
type standing struct {
	Steps   []step
	Matters []matter
	States  []state
	Tiles   []tile
	Charts  []chart
	// Ways are sign-ins by their way, and Reasons refusals by their reason.
	Ways, Reasons []share
	// Log is the list of refusals in the log, and Zone where days begin.
	Log, Zone string
	// Counted is up to when all is counted; nil for now.
	Counted *ui.Stamp
}

// add adds what another part says.
func (s *standing) add(part standing) {
	s.Steps, s.Matters = append(s.Steps, part.Steps...), append(s.Matters, part.Matters...)
	s.States, s.Tiles = append(s.States, part.States...), append(s.Tiles, part.Tiles...)
	s.Charts = append(s.Charts, part.Charts...)
	s.Ways, s.Reasons = append(s.Ways, part.Ways...), append(s.Reasons, part.Reasons...)
	s.Zone, s.Counted = cmp.Or(s.Zone, part.Zone), cmp.Or(s.Counted, part.Counted)
}
