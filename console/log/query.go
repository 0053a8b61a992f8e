package log

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/storage"
)

// query is what the parameters of the list ask for.
type query struct {
	audit.Search
	// name tells the list from others, for cursors.
	name   string
	faults map[string]string // of the fields, in words
}

// fields are the parameters that are compared with a field of audit.Table.
var fields = []struct{ name, column string }{
	{"actor", "actor"}, {"app", "client_id"}, {"address", "ip"}, {"request", "request_id"}, {"reason", "detail.reason"},
	{"way", "detail.amr"},
}

// parameters are all parameters of the list.
var parameters = []string{
	"person", "actor", "app", "kind", "of", "address", "request", "reason", "way", "since", "until",
}

// refusals are the kinds of events that say that something was refused, or was not as it should be.
var refusals = []string{
	storage.EventLoginFailed, storage.EventAccessRefused, storage.EventUpstreamFailed, storage.EventFactorFailed,
	storage.EventPasswordRefused, storage.EventAppRefused, storage.EventPasskeyCopied, storage.EventRefreshReused,
	storage.EventRefreshAhead, storage.EventCodeReused, storage.EventCodeBurnt, storage.EventClientUnprotected,
	storage.EventAPIKeyLeaked, storage.EventConsentDenied,
}

// groups are the kinds that the list can be narrowed to by a link, by name: log.of.NAME is their text.
var groups = []string{"refused", "sign-ins", "accounts", "settings"}

// kindsOf returns the kinds of a group.
func kindsOf(group string) (all []string) {
	if group == "refused" {
		return refusals
	}
	for _, k := range storage.EventKinds {
		subject, _, _ := strings.Cut(k.Kind, ".")
		of := "settings"
		if k.Subject == storage.AboutUser {
			of = "accounts"
			if slices.Contains([]string{"login", "session", "sessions", "acting", "upstream", "access"}, subject) {
				of = "sign-ins"
			}
		}
		if of == group {
			all = append(all, k.Kind)
		}
	}
	return all
}

// moments are the forms in which fields send times, in UTC.
var moments = []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339, time.DateOnly}

// query reads the parameters.
func (p Config) query(c *console.Call) (q query, err error) {
	q = query{faults: map[string]string{}}
	q.Tenant = c.Tenant().ID
	var conditions []string
	is := func(column, value string) error {
		text, err := json.Marshal(value)
		conditions = append(conditions, column+" eq "+string(text))
		return err
	}
	for _, name := range parameters {
		q.name += name + "=" + c.FormValue(name) + "\x00"
	}
	for _, f := range fields {
		if value := strings.TrimSpace(c.FormValue(f.name)); value != "" {
			if err := is(f.column, value); err != nil {
				return q, err
			}
		}
	}
	if name := strings.TrimSpace(c.FormValue("person")); name != "" {
		id, err := p.person(c, name)
		if errors.Is(err, storage.ErrNotFound) {
			q.faults["person"] = c.T("log.no_person")
		} else if err != nil {
			return q, err
		}
		if err := is("user_id", id); err != nil {
			return q, err
		}
	}
	for name, to := range map[string]*time.Time{"since": &q.Since, "until": &q.Until} {
		if *to, err = moment(c.FormValue(name)); err != nil {
			q.faults[name] = c.T("log.no_time")
		}
	}
	if kind := c.FormValue("kind"); kind != "" {
		q.Kinds = []string{kind}
	} else if of := c.FormValue("of"); slices.Contains(groups, of) {
		q.Kinds = kindsOf(of)
	}
	if len(conditions) == 0 {
		return q, nil
	}
	if f, err := audit.Table.Parse(strings.Join(conditions, " and ")); err == nil {
		q.Narrow(f)
	} else { // too long
		q.faults["request"] = c.T("log.too_long")
	}
	return q, nil
}

// person returns the id of the user who has the id, address or username. The id of a user who was removed is one, too.
func (p Config) person(c *console.Call, name string) (string, error) {
	if len(name) == 36 && strings.Count(name, "-") == 4 || !c.May("users:read") {
		return name, nil
	}
	u, err := p.Accounts.Find(c.Context(), c.Asker, name)
	if err != nil {
		return name, err
	}
	return u.ID, nil
}

// moment reads a time in UTC; "" is the zero time.
func moment(text string) (at time.Time, err error) {
	if text == "" {
		return at, nil
	}
	for _, form := range moments {
		if at, err = time.Parse(form, text); err == nil {
			return at, nil
		}
	}
	return at, err
}
