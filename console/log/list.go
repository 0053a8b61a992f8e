package log

import (
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

// pageSize is how many entries a page has.
const pageSize = 25

// row is an entry in the list.
type row struct {
	URL     string // of its own page
	Say     []piece
	Why     string
	Refused bool
	At      ui.Stamp
	// By is who did it, if that is not who it is about.
	By *piece
	IP *piece
}

// listPage is what the list shows.
type listPage struct {
	List console.List
	Rows []row
	Form console.Form
	// Open says that the fields are shown, because one of them is wrong.
	Open bool
	// Person is the page of the user whose entries the list shows; "" for none.
	Person string
	// Searched says that few of many entries match, and the search has come to a time.
	Searched *ui.Stamp
	// Newer is the page again, and Live the page with or without being followed.
	Newer, Live string
	Follows     bool
	CSV, JSON   string
	Clear       string
}

// list shows what happened, newest first.
func (p Config) list(c *console.Call) error {
	q, err := p.query(c)
	if err != nil {
		return err
	}
	page := listPage{List: console.List{First: c.First()}, Clear: c.Link(root)}
	var events []storage.Event
	if len(q.faults) == 0 {
		var next string
		if events, next, err = q.Page(c.Context(), p.Store, console.At[string](c, q.name), pageSize); err != nil {
			return err
		}
		if next != "" {
			if page.List.Next, err = console.PageAfter(c, q.name, next); err != nil {
				return err
			}
			if at, ok := timeOf(next); ok && len(events) < pageSize {
				stamp := ui.StampOf(c.Words, at)
				page.Searched = &stamp
			}
		}
	}
	s := p.speaker(c)
	for _, e := range events {
		page.Rows = append(page.Rows, s.row(e))
	}
	p.fill(c, q, s, &page)
	return c.Show("list", "place.log", page)
}

// fill adds what stands around the entries.
func (p Config) fill(c *console.Call, q query, s *speaker, page *listPage) {
	var kept []string
	for _, name := range parameters {
		if value := c.FormValue(name); value != "" {
			kept = append(kept, name, value)
			page.List.Filtered = true
			if slices.Contains([]string{"of", "reason", "way"}, name) { // these have no field
				page.List.Kept = append(page.List.Kept, console.Option{Value: name, Text: value})
			}
		}
	}
	for _, of := range groups {
		page.List.Filters = append(page.List.Filters, c.Toggle("of", of, "log.of."+of))
	}
	add := func(name, text, shown string) {
		if value := c.FormValue(name); value != "" {
			page.List.Filters = append(page.List.Filters, c.Toggle(name, value, text, shown))
		}
	}
	page.Open = len(q.faults) > 0
	person := c.FormValue("person")
	if q.UserID != "" {
		person = s.user(q.UserID).Text
		if _, err := p.Accounts.Store.User(c.Context(), q.Tenant, q.UserID); err == nil && c.Has("/people/{user}") {
			page.Person = c.Link("/people/" + q.UserID)
		}
	}
	add("person", "log.is.person", person)
	add("actor", "log.is.actor", s.by(c.FormValue("actor")).Text)
	add("app", "log.is.app", s.app(c.FormValue("app")).Text)
	add("kind", "log.is.kind", label(c, c.FormValue("kind")))
	for _, name := range []string{"address", "request", "reason", "way", "since", "until"} {
		add(name, "log.is."+name, c.FormValue(name))
	}
	page.Form = p.form(c, q)
	page.CSV = c.Link(root+"/export", append(kept, "format", "csv")...)
	page.JSON = c.Link(root+"/export", append(kept, "format", "json")...)
	if c.FormValue("after") == "" && c.FormValue("until") == "" {
		page.Follows = c.FormValue("live") == "1"
		page.Newer = c.Link(root, kept...)
		page.Live = c.Link(root, append(kept, "live", "1")...)
	}
}

// form returns the fields by which the list is narrowed.
func (p Config) form(c *console.Call, q query) console.Form {
	kinds := []console.Option{{Text: c.T("log.kind_any")}}
	for _, k := range storage.EventKinds {
		kinds = append(kinds, console.Option{Value: k.Kind, Text: label(c, k.Kind)})
	}
	form := c.Form(
		console.Field{Name: "person", Label: "log.person", Hint: "log.person_hint", Max: 320, Value: c.FormValue("person")},
		console.Field{Name: "kind", Label: "log.kind", Kind: "select", Options: kinds, Value: c.FormValue("kind")},
		console.Field{Name: "app", Label: "log.app", Hint: "log.app_hint", Max: 256, Value: c.FormValue("app")},
		console.Field{Name: "actor", Label: "log.actor", Hint: "log.actor_hint", Max: 256, Value: c.FormValue("actor")},
		console.Field{Name: "address", Label: "log.address", Max: 64, Value: c.FormValue("address")},
		console.Field{Name: "request", Label: "log.request", Max: 128, Value: c.FormValue("request")},
		console.Field{Name: "since", Label: "log.since", Kind: "datetime-local", Value: c.FormValue("since")},
		console.Field{Name: "until", Label: "log.until", Kind: "datetime-local", Value: c.FormValue("until")},
	)
	for i := range form.Fields {
		form.Fields[i].Fault = q.faults[form.Fields[i].Name]
	}
	return form
}

// label returns the sentence of a kind without names, for lists of kinds.
func label(c *console.Call, kind string) string {
	text, err := c.Words.Say(sentenceOf(kind))
	if err != nil {
		return kind
	}
	return strings.ReplaceAll(text, "%s", "…")
}

// row returns an event as the list shows it.
func (s *speaker) row(e storage.Event) row {
	r := row{
		URL: s.c.Link(root + "/" + e.ID), Say: s.say(e), Why: why(s.c.Words, e), At: ui.StampOf(s.c.Words, e.At),
		Refused: slices.Contains(refusals, e.Kind),
	}
	if e.Actor != "" && e.Actor != e.UserID && e.Actor != e.ClientID && e.Actor != anonymous {
		by := s.by(e.Actor)
		r.By = &by
	}
	if e.IP != "" {
		r.IP = &piece{Text: e.IP, URL: s.c.Link(root, "address", e.IP)}
	}
	return r
}

// anonymous is the actor of events that a browser caused in which no user is signed in.
const anonymous = "anonymous"

// by returns the name of an actor, which leads to what else it did.
func (s *speaker) by(actor string) piece {
	found := piece{Text: actor, URL: s.c.Link(root, "actor", actor), Name: true}
	switch {
	case actor == "":
	case actor == "cli":
		found.Text, found.Name = s.c.T("log.by_cli"), false
	case actor == anonymous:
		found.Text, found.Name = s.c.T("log.by_anonymous"), false
	case len(actor) == 36 && strings.Count(actor, "-") == 4:
		found.Text = s.user(actor).Text
	default:
		found.Text = s.app(actor).Text
	}
	return found
}
