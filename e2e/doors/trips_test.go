package doors

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
)

// voyage is a user's visit to a provider that has not led back yet.
type voyage struct {
	who      *person
	upstream string
	way      vouchsafetest.Way
}

// federate lets both tenants offer two providers, and API keys. The second one posts its answers.
func (sc *scene) federate(t *testing.T) {
	t.Helper()
	var all []any
	for _, kind := range []string{fakeidp.Google, fakeidp.Apple} {
		all = append(all, vouchsafetest.NewStandIn(t, kind, nil).Upstream)
	}
	for _, at := range []*vouchsafetest.Server{sc.north, sc.south} {
		at.ApplyTenant(t, map[string]any{"upstreams": all, "api_keys": map[string]any{"users": true},
			"outside_clients": map[string]any{"registration": "token"}})
	}
}

// link links the victim's identity at one provider to their account. In the victim's browser,
// another user's identity at the other provider waits for confirmation.
func (sc *scene) link(t *testing.T) {
	t.Helper()
	v, b := sc.victim, sc.victim.browser
	page := b.Post(t, "/account/identities",
		url.Values{"form": v.fields["form"], "session": v.fields["session"], "add": {fakeidp.Google}})
	if page.Left == nil {
		t.Fatalf("to link: got %d at %s: %s", page.Status, page.URL, page.Text(t))
	}
	if page = b.Take(t, vouchsafetest.Visit(t, page.Left, v.there)); page.Status != 200 ||
		!strings.Contains(page.Text(t), v.there.Email) {
		t.Fatalf("linked: got %d at %s: %s", page.Status, page.URL, page.Text(t))
	}
	v.canaries = append(v.canaries, v.there.Email)
	sc.arrives(t, b.Take(t, b.Leave(t, fakeidp.Apple, sc.neighbour.there)))
	sc.arrives(t, b.SignIn(t, b.Get(t, vouchsafetest.NewRequest(vouchsafetest.Web, "prompt", "login").Path()), v.Person))
	v.fields = v.form(t)
}

func (*scene) arrives(t *testing.T, page *vouchsafetest.Page) {
	t.Helper()
	if !strings.HasSuffix(page.URL.Path, "/federated/link") || page.Status != 200 {
		t.Fatalf("got %d at %s, want to be asked whether to link: %s", page.Status, page.URL, page.Text(t))
	}
}

// depart sends all users to both providers.
func (sc *scene) depart(t *testing.T) {
	t.Helper()
	for _, who := range []*person{sc.victim, sc.neighbour, sc.stranger} {
		for _, id := range []string{fakeidp.Google, fakeidp.Apple} {
			sc.voyages = append(sc.voyages, voyage{who, id, who.browser.Leave(t, id, who.there)})
		}
	}
}

// tryTrips sends the answers that providers gave to all users to the victim's tenant, with all keys
// except the browser that the answer was given to.
func (m *matrix) tryTrips(keys []key) {
	m.atOnce(func(work chan<- func()) {
		for _, v := range m.scene.voyages {
			for _, k := range keys {
				if k.browser != v.who {
					work <- func() { m.tripCell(v, k) }
				}
			}
		}
	})
}

func (m *matrix) tripCell(v voyage, k key) {
	path := "/upstream/" + v.upstream + "/callback"
	at := "what " + v.upstream + " said to " + v.who.Email + " with " + k.name
	method, said := http.MethodGet, v.way.Values(m.T)
	if v.way.Fields != nil {
		method = http.MethodPost
	}
	a := m.send(m.tripRequest(method, m.scene.north.Issuer+path, said, k))
	if to := vouchsafetest.Leads(a.StatusCode, a.Header); method == http.MethodPost && to != "" {
		// The request is repeated as a GET, to come with the browser's cookies.
		next, err := a.req.URL.Parse(to)
		if err != nil || next.Path != a.req.URL.Path || strings.Contains(to, url.QueryEscape(said.Get("code"))) {
			m.Errorf("%s: got a redirect to %q, want one to the same page, with no code that others can read", at, to)
			return
		}
		a = m.send(m.tripRequest(http.MethodGet, next.String(), nil, k))
	}
	if a.StatusCode < 400 || a.StatusCode > 499 {
		m.Errorf("%s: got %d to %q, want it refused", at, a.StatusCode, a.Header.Get("Location"))
	}
	m.secretive(at, k, a)
}

func (m *matrix) tripRequest(method, at string, said url.Values, k key) *http.Request {
	fields := url.Values{}
	for name, values := range said {
		fields[name] = values
	}
	var text string
	if method == http.MethodPost {
		text = fields.Encode()
	}
	req, err := http.NewRequestWithContext(m.Context(), method, at, strings.NewReader(text))
	if err != nil {
		m.Fatal(err)
	}
	k.put(req, fields)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else if said != nil {
		req.URL.RawQuery = strings.TrimPrefix(req.URL.RawQuery+"&"+fields.Encode(), "&")
	}
	return req
}

// comeBack lets all users come back in their own browsers: no other browser has used their answers
// up.
func (m *matrix) comeBack() {
	t, v := m.T, m.scene.victim
	page := v.browser.Get(t, "/federated/link")
	m.scene.arrives(t, page)
	form := page.Forms(t)[0]
	v.browser.Submit(t, form, &form.Buttons[0])
	linked := map[string]string{}
	for _, f := range v.browser.Get(t, "/account/identities").Forms(t) {
		linked[f.Fields.Get("provider")] = f.Fields.Get("subject")
	}
	if linked[fakeidp.Google] != v.there.Subject || linked[fakeidp.Apple] != m.scene.neighbour.there.Subject {
		t.Errorf("the victim has linked %v, want what was linked, and what waited for their yes", linked)
	}
	for _, voyage := range m.scene.voyages {
		page := voyage.who.browser.Take(t, voyage.way)
		if page.Status != 200 || strings.HasSuffix(page.URL.Path, "/login") {
			t.Errorf("%s comes back from %s: got %d at %s, want it to be as if no other browser had tried: %s", voyage.who.Email,
				voyage.upstream, page.Status, page.URL, page.Text(t))
			continue
		}
		m.opened[trip]++
	}
}
