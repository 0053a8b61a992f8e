package log

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/console"
)

// fact is one thing that is known of an entry.
type fact struct {
	Name, Value string
	// Code says that the value is none of our words.
	Code bool
	// Only leads to all entries with the value, and Open to what it names.
	Only, Open string
}

// entryPage is what the page of one entry shows.
type entryPage struct {
	row
	Facts, Details []fact
}

// entry shows one entry with all that is known of it.
func (p Config) entry(c *console.Call) error {
	e, err := p.Store.EventByID(c.Context(), c.Tenant().ID, c.PathValue("event"))
	if err != nil {
		return err
	}
	s := p.speaker(c)
	page := entryPage{row: s.row(e)}
	add := func(name, parameter, value, shown string) *fact {
		if value == "" {
			return &fact{}
		}
		page.Facts = append(page.Facts, fact{Name: c.T(name), Value: shown, Only: c.Link(root, parameter, value)})
		return &page.Facts[len(page.Facts)-1]
	}
	add("log.kind", "kind", e.Kind, e.Kind).Code = true
	if e.UserID != "" {
		person := add("log.person", "person", e.UserID, s.user(e.UserID).Text)
		if person.Value != e.UserID && c.Has("/people/{user}") {
			person.Open = c.Link("/people/" + e.UserID)
		}
	}
	add("log.app", "app", e.ClientID, s.app(e.ClientID).Text)
	add("log.actor", "actor", e.Actor, s.by(e.Actor).Text)
	add("log.address", "address", e.IP, e.IP)
	add("log.request", "request", e.RequestID, e.RequestID).Code = true
	page.Facts = append(page.Facts, fact{Name: c.T("log.id"), Value: e.ID, Code: true})
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		page.Details = append(page.Details, fact{Name: name, Value: e.Detail[name], Code: true})
	}
	v := c.View("log.entry").BackTo("place.log", root)
	return c.ShowView("entry", v, page)
}

// timeOf returns the time in the id of an event.
func timeOf(id string) (at time.Time, ok bool) {
	b, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil || len(b) < 6 {
		return at, false
	}
	ms := int64(0)
	for _, x := range b[:6] {
		ms = ms<<8 | int64(x)
	}
	return time.UnixMilli(ms), true
}
