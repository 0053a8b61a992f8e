package signin

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// saidRow is a claim of the provider: what it says, and which claim of ours has which value by it.
type saidRow struct{ Theirs, Says, Ours, Becomes string }

// triedPage is what came out when an administrator signed in at the provider.
type triedPage struct {
	ID      string
	Why     string // the administrator did not arrive; Detail says more, in English
	Detail  string
	Subject string
	Taken   []saidRow
	Unused  []saidRow
	Groups  []string
}

// longestValue is how many characters of a value are shown.
const longestValue = 300

// depart sends the administrator to the provider. What comes back signs no user in, and links nothing.
func (p place) depart(c *console.Call) error {
	at, err := p.enabled(c)
	if err != nil {
		return err
	}
	to, err := p.Federation.DepartTrial(c.Context(), c.Bound(), at, c.Administrator.ID)
	if failed, ok := errors.AsType[*federation.NotArrived](err); ok {
		return p.showTried(c, at, triedPage{Why: c.T("sign-in.trial." + failed.Why), Detail: failed.Error()})
	}
	if err != nil {
		return err
	}
	http.Redirect(c.W, c.Request, to, http.StatusSeeOther)
	return nil
}

// enabled returns the provider that the path names, unless it is off. Callbacks and their cookies are those of the
// administrator's own tenant.
func (p place) enabled(c *console.Call) (*upstream.Provider, error) {
	if !c.IsOwnTenant() {
		return nil, storage.ErrNotFound
	}
	return p.Federation.Provider(c.Asker, c.PathValue("upstream"))
}

// tried redeems what the administrator came back with, and shows each claim and where it goes. It is shown once: the
// provider's code is used up.
func (p place) tried(c *console.Call) error {
	at, err := p.enabled(c)
	if err != nil {
		return err
	}
	answer, tr, err := p.answer(c, at)
	if err == nil {
		var id upstream.Identity
		id, err = p.Federation.Return(c.Context(), c.Asker, at, tr, answer)
		if err == nil {
			return p.showTried(c, at, came(at, id))
		}
	}
	if failed, ok := errors.AsType[*federation.NotArrived](err); ok {
		return p.showTried(c, at, triedPage{Why: c.T("sign-in.trial." + failed.Why), Detail: failed.Error()})
	}
	if lost, ok := errors.AsType[federation.Lost](err); ok {
		return p.showTried(c, at, triedPage{Why: c.T("sign-in.trial.lost"), Detail: string(lost)})
	}
	return err
}

// answer returns the provider's answer and the trip that it ends, which this session has begun as a trial.
func (p place) answer(c *console.Call, at *upstream.Provider) (upstream.Answer, *federation.Trip, error) {
	given, err := p.Federation.OpenAnswer(c.Asker, at, c.FormValue("answer"))
	if err != nil {
		return upstream.Answer{}, nil, err
	}
	first := func(name string) string {
		if len(given[name]) == 0 {
			return ""
		}
		return given[name][0]
	}
	tr, err := p.Federation.OpenTrip(c.Asker, at, first("state"))
	if err != nil {
		return upstream.Answer{}, nil, err
	}
	if session, ok := tr.TrialOf(); !ok || session != c.Administrator.ID {
		return upstream.Answer{}, nil, federation.Lost("the test run was begun in another session")
	}
	return upstream.Answer{Code: first("code"), Error: first("error"), Iss: first("iss"), User: first("user")}, tr, nil
}

// showTried shows what came out.
func (p place) showTried(c *console.Call, at *upstream.Provider, page triedPage) error {
	page.ID = at.ID
	return c.ShowView("tried", c.View("sign-in.trial").BackTo(at.Name, path(at.ID, "")), page)
}

// came returns what the provider says about the user who came, and what is taken of it.
func came(p *upstream.Provider, id upstream.Identity) triedPage {
	page := triedPage{Subject: id.Subject, Groups: id.Groups}
	said := map[string]any{}
	for _, claims := range slices.Backward(id.Said) { // the first place counts
		maps.Copy(said, claims)
	}
	ours := map[string]string{"email": id.Email}
	if id.EmailVerified {
		ours["email_verified"] = "true"
	}
	for _, c := range claims.Standard.All() {
		if c.Upstream {
			ours[c.Name] = *c.Text(&id.Profile)
		}
	}
	used := map[string]bool{"sub": true}
	for _, pair := range p.Taken() {
		name, theirs := pair[0], pair[1]
		first, _, _ := strings.Cut(theirs, ".")
		if value, ok := find(said, theirs); ok {
			used[theirs], used[first] = true, true
			page.Taken = append(page.Taken, saidRow{theirs, shown(value), name, ours[name]})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(said)) {
		if !used[name] {
			page.Unused = append(page.Unused, saidRow{Theirs: name, Says: shown(said[name])})
		}
	}
	return page
}

// find returns a claim by its name, or by a path of names with dots between.
func find(said map[string]any, name string) (value any, ok bool) {
	if value, ok = said[name]; ok {
		return value, true
	}
	first, rest, nested := strings.Cut(name, ".")
	inner, is := said[first].(map[string]any)
	if !nested || !is {
		return nil, false
	}
	return find(inner, rest)
}

// shown returns a value as JSON, cut if it is long.
func shown(value any) string {
	raw, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	if text := string(raw); utf8.RuneCountInString(text) > longestValue {
		return string([]rune(text)[:longestValue]) + "…"
	}
	return string(raw)
}
