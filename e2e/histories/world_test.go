package histories

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/load"
	"github.com/vouchsafe/vouchsafe/internal/prooftest"
)

// client is an app that users in histories use.
type client struct{ vouchsafetest.Client }

func (c client) ours() bool { return c.Client["first_party"] == true }

// clients are of every kind: with and without a secret, with opaque tokens, and one of another
// company.
var clients = []client{{vouchsafetest.Web}, {vouchsafetest.Public}, {vouchsafetest.Opaque}, {vouchsafetest.Third}}

const (
	people   = 2
	browsers = 3 // two are the first person's
	first    = "the password that they began with"
)

func owner(browser int) int { return max(0, browser-1) }

// world is what a history changes: servers with one database, and what they have issued so far.
type world struct {
	t        testing.TB
	servers  []*vouchsafetest.Server
	apis     []*vouchsafetest.API
	persons  []vouchsafetest.Person
	browsers [][]*vouchsafetest.Browser // by browser and replica
	off      map[int]bool               // clients that are disabled

	mu     sync.Mutex
	grants []*held
	access []string // tokens; "" for none
}

// held is what the apps have of a grant.
type held struct {
	browser, client int
	offline         bool
	request         *vouchsafetest.Request
	code            string
	refresh         map[int]string // by generation
	key             *prooftest.Key // that its tokens are bound to; nil for none
	newest          int            // generation
	rotated         time.Time
	id              string
}

// crowd adds users at once, with hashes that take no time.
func crowd(t testing.TB, s *vouchsafetest.Server, n int) []vouchsafetest.Person {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(first), 10)
	if err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder
	var all []vouchsafetest.Person
	for range n {
		p := vouchsafetest.Person{Email: strings.ToLower(rand.Text()) + "@example.com", Password: first}
		all = append(all, p)
		row, err := json.Marshal(map[string]any{"email": p.Email, "email_verified": true, "password_hash": string(hash)})
		if err != nil {
			t.Fatal(err)
		}
		rows.Write(append(row, '\n'))
	}
	s.Command(t, rows.String(), "user", "import", "-", "--format", "jsonl")
	return all
}

func newWorld(t testing.TB, servers []*vouchsafetest.Server, persons []vouchsafetest.Person) *world {
	w := &world{t: t, servers: servers, persons: slices.Clone(persons), off: map[int]bool{}}
	for _, s := range servers {
		w.apis = append(w.apis, s.API(t))
	}
	for i := range browsers {
		b := servers[0].Browser(t, w.persons[owner(i)])
		at := []*vouchsafetest.Browser{b}
		for _, s := range servers[1:] {
			at = append(at, b.At(t, s))
		}
		w.browsers = append(w.browsers, at)
	}
	return w
}

// begin returns the model of a world in which nothing has happened.
func (w *world) begin(grace bool) model {
	m := model{grace: grace, users: make([]user, people), disabled: make([]bool, len(clients))}
	for range people {
		m.consents = append(m.consents, make([]int, len(clients)))
	}
	for range browsers {
		m.browsers = append(m.browsers, -1)
	}
	return m
}

// run carries out an operation at the server. It returns whether it was granted, and the answer if
// it was not. form was prepared for the operation.
func (w *world) run(o op, form url.Values) (ok bool, said string) {
	switch o.kind {
	case authorize, silent:
		return w.authorize(o)
	case redeem:
		h := w.grants[o.grant]
		if h.key != nil {
			return w.tokens(o, w.proves(o, url.Values{"grant_type": {"authorization_code"}, "code": {h.code},
				"redirect_uri": {h.request.Params.Get("redirect_uri")}, "code_verifier": {h.request.Verifier}}), 1)
		}
		return w.tokens(o, w.apis[o.replica].Redeem(w.t, h.request, h.code), 1)
	case refresh:
		h := w.grants[o.grant]
		c := clients[o.actor(h.client)].Client
		if h.key != nil && !o.foreign && !o.stolen {
			return w.tokens(o, w.proves(o, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {w.refresh(o)}}),
				o.generation+1)
		}
		return w.tokens(o, w.apis[o.replica].Renew(w.t, c, w.refresh(o)), o.generation+1)
	case revoke:
		return w.revoke(o, w.refresh(o))
	case revokeOne:
		return w.revoke(o, w.access[o.access])
	case userinfo:
		return w.userinfo(o)
	case introspect:
		return w.apis[o.replica].Active(w.t, vouchsafetest.Inspector, w.access[o.access]), ""
	case inspect:
		reply := w.apis[o.replica].As(w.t, clients[w.grants[o.grant].client].Client, "/introspect",
			url.Values{"token": {w.refresh(o)}})
		return reply.Body["active"] == true, replied(reply)
	case logout:
		return w.logout(o)
	case others:
		return w.post(o, form, "/account/sessions", "others", "1")
	case withdraw:
		return w.post(o, form, "/account/apps", "client", clients[o.client].ID())
	case change:
		return w.change(o, form)
	}
	return w.command(o), ""
}

// proves posts a form of the grant's client with a proof of its key, and once more if the answer has a nonce for it.
func (w *world) proves(o op, form url.Values) (r *vouchsafetest.Reply) {
	form.Set("client_id", clients[w.grants[o.grant].client].ID())
	for range 2 {
		r = w.apis[o.replica].Form(w.t, "/token", form, func(req *http.Request) {
			req.Header.Set("DPoP", w.proof(o, req, ""))
		})
		w.mu.Lock()
		learned := w.grants[o.grant].key.Learn(r.Header)
		w.mu.Unlock()
		if !learned {
			break
		}
	}
	return r
}

// proof returns a proof by the key of the grant.
func (w *world) proof(o op, req *http.Request, token string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.grants[o.grant].key.Proof(req.Method, req.URL.String(), token)
}

// userinfo uses an access token as its holder does, or as a thief who lacks its key.
func (w *world) userinfo(o op) (ok bool, said string) {
	api, token := w.apis[o.replica], w.access[o.access]
	if token == "" || w.grants[o.grant].key == nil || o.stolen {
		reply := api.Userinfo(w.t, token)
		return reply.Status == 200, replied(reply)
	}
	for range 2 { // once more if the nonce has become too old
		req := api.Request(w.t, http.MethodGet, "/userinfo", "", "")
		req.Header.Set("Authorization", "DPoP "+token)
		req.Header.Set("DPoP", w.proof(o, req, token))
		reply := api.Do(w.t, req)
		ok, said = reply.Status == 200, replied(reply)
		w.mu.Lock()
		learned := w.grants[o.grant].key.Learn(reply.Header)
		w.mu.Unlock()
		if ok || !learned {
			break
		}
	}
	return ok, said
}

func replied(r *vouchsafetest.Reply) string { return fmt.Sprint(r.Status, " ", r.Error()) }

// showed returns the path of a page and the beginning of its text.
func (w *world) showed(p *vouchsafetest.Page) string {
	return fmt.Sprintf("%d at %v: %.150s", p.Status, p.Paths(), p.Text(w.t))
}

func (w *world) refresh(o op) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.grants[o.grant].refresh[o.generation]
}

func (w *world) authorize(o op) (ok bool, said string) {
	h := w.grants[o.grant]
	b := w.browsers[o.browser][o.replica]
	if o.kind == authorize { // runs alone: prompt=none shows no page to fill in
		b.Person = w.persons[o.user]
	}
	ask, said := w.asks(o)
	if ask == nil {
		return false, said
	}
	a := ask()
	// Too many passwords are being hashed: nothing was decided.
	for end := time.Now().Add(time.Minute); load.WhileItLasts(a.Page.Status, a.Page.Header) == nil &&
		time.Now().Before(end); a = ask() {
		time.Sleep(time.Second)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if h.code = a.Code(); h.code == "" {
		said = a.Error() + " " + w.showed(a.Page)
	}
	return h.code != "", said
}

// asks returns how the browser sends the request; nil if the client can't push it.
func (w *world) asks(o op) (ask func() *vouchsafetest.Answer, said string) {
	h, b := w.grants[o.grant], w.browsers[o.browser][o.replica]
	if !o.pushed {
		return func() *vouchsafetest.Answer { return b.Authorize(w.t, h.request) }, ""
	}
	c := clients[o.client].Client
	reply := w.apis[o.replica].As(w.t, c, "/par", h.request.Params)
	if reply.Status != http.StatusCreated {
		return nil, replied(reply)
	}
	query := url.Values{"client_id": {c.ID()}, "request_uri": {reply.String("request_uri")}}
	return func() *vouchsafetest.Answer {
		return b.Walk(w.t, h.request, b.Get(w.t, "/authorize?"+query.Encode()))
	}, ""
}

// tokens stores the answer of the token endpoint. A refresh token of a generation must be the one
// that was issued before: there is never a second branch.
func (w *world) tokens(o op, r *vouchsafetest.Reply, generation int) (ok bool, said string) {
	if r.Status != 200 {
		return false, replied(r)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.grants[o.grant]
	if before := h.refresh[generation]; before != "" && before != r.Refresh() {
		w.t.Errorf("%v: the grant has two refresh tokens of one generation", o)
	}
	if h.refresh[generation] == "" {
		h.rotated = time.Now()
	}
	h.refresh[generation], w.access[o.access] = r.Refresh(), r.Access()
	h.newest = max(h.newest, generation)
	if h.id == "" {
		h.id = r.ID()
	}
	return true, ""
}

func (w *world) revoke(o op, token string) (ok bool, said string) {
	c := clients[o.actor(w.grants[o.grant].client)].Client
	reply := w.apis[o.replica].As(w.t, c, "/revoke", url.Values{"token": {token}})
	return reply.Status == 200, replied(reply)
}

// logout reports whether the browser was signed out without a question.
func (w *world) logout(o op) (ok bool, said string) {
	w.mu.Lock()
	hint := w.grants[o.grant].id
	w.mu.Unlock()
	page := w.browsers[o.browser][o.replica].Get(w.t, "/logout?"+url.Values{"id_token_hint": {hint}}.Encode())
	return page.Status == 200 && page.URL.Path == "/signed-out", w.showed(page)
}

// form returns the fields that the account's pages demand with every form; nil if the browser is
// not signed in.
func (w *world) form(o op) url.Values {
	page := w.browsers[o.browser][o.replica].Get(w.t, "/account/profile")
	if page.Status != 200 || page.URL.Path != "/account/profile" {
		return nil
	}
	fields := page.Forms(w.t)[0].Fields
	return url.Values{"form": fields["form"], "session": fields["session"]}
}

func (w *world) post(o op, form url.Values, path string, pairs ...string) (ok bool, said string) {
	if form == nil {
		return false, "it is not signed in"
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	page := w.browsers[o.browser][o.replica].Post(w.t, path, form)
	return strings.Contains(page.Trail[0].Leads(), "done="), w.showed(page)
}

func (w *world) change(o op, form url.Values) (ok bool, said string) {
	next := "changed " + rand.Text()
	ok, said = w.post(o, form, "/account/password", "old_password", w.persons[o.user].Password, "password", next)
	if ok {
		w.persons[o.user].Password = next
	}
	return ok, said
}

// command runs a command of the operator.
func (w *world) command(o op) bool {
	s, p := w.servers[o.replica], &w.persons[o.user]
	switch o.kind {
	case password:
		p.Password = "set " + rand.Text()
		s.Command(w.t, p.Password+"\n", "user", "password", p.Email, "--password-stdin")
	case disable, enable:
		s.Command(w.t, "", "user", strings.TrimSuffix(string(o.kind), " user"), p.Email)
	case switchOff, switchOn:
		w.off[o.client] = o.kind == switchOff
		w.apply()
	}
	return true
}

// apply stores the clients as they must be, and waits until every replica has noticed.
func (w *world) apply() {
	declared := vouchsafetest.Declared()
	for i, c := range clients {
		if w.off[i] {
			at := slices.IndexFunc(declared, func(d vouchsafetest.Client) bool { return d.ID() == c.ID() })
			declared[at] = c.With(vouchsafetest.Client{"disabled": true})
		}
	}
	file := filepath.Join(w.t.TempDir(), "clients.yaml")
	if err := vouchsafetest.WriteClients(file, declared); err != nil {
		w.t.Fatal(err)
	}
	w.servers[0].Command(w.t, "", "client", "apply", "--yes", file)
	for i, c := range clients {
		for _, api := range w.apis {
			for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
				refused := api.Renew(w.t, c.Client, "none").Error() == "invalid_client"
				if refused == w.off[i] {
					break
				}
				if time.Now().After(end) {
					w.t.Fatalf("client %s: a replica has not noticed in a minute whether it is disabled", c.ID())
				}
			}
		}
	}
}

// allot makes room in the world for what the operation may give.
func (w *world) allot(o *op, states []model) {
	switch o.kind {
	case authorize, silent:
		o.grant = len(w.grants)
		r := vouchsafetest.NewRequest(clients[o.client].Client)
		if o.offline {
			r.Params.Set("scope", "openid offline_access")
		}
		if o.kind == silent {
			r.Params.Set("prompt", "none")
		}
		g := &held{browser: o.browser, client: o.client, offline: o.offline, request: r, refresh: map[int]string{}}
		if o.bound && clients[o.client].Method() == "none" {
			g.key = prooftest.New(w.t)
		}
		w.grants = append(w.grants, g)
		for i := range states {
			states[i].grants = append(slices.Clip(states[i].grants), grant{})
		}
	case redeem, refresh:
		o.access = len(w.access)
		w.access = append(w.access, "")
		for i := range states {
			states[i].access = append(slices.Clip(states[i].access), access{grant: -1})
		}
	}
}

func (o op) String() string {
	what := string(o.kind)
	switch o.kind {
	case authorize, silent:
		what += fmt.Sprintf(": grant %d to %s for browser %d, offline %t, pushed %t, bound %t", o.grant,
			clients[o.client].ID(), o.browser, o.offline, o.pushed, o.bound)
	case redeem:
		what += fmt.Sprintf(": grant %d, access token %d", o.grant, o.access)
	case refresh:
		what += fmt.Sprintf(": grant %d, generation %d, access token %d", o.grant, o.generation, o.access)
	case revoke, inspect:
		what += fmt.Sprintf(": grant %d, generation %d", o.grant, o.generation)
	case revokeOne, userinfo, introspect:
		what += fmt.Sprintf(": access token %d of grant %d", o.access, o.grant)
	case logout:
		what += fmt.Sprintf(": browser %d, by grant %d", o.browser, o.grant)
	case others, change:
		what += fmt.Sprintf(": browser %d", o.browser)
	case withdraw:
		what += fmt.Sprintf(": browser %d, from %s", o.browser, clients[o.client].ID())
	case disable, enable, password:
		what += fmt.Sprintf(": person %d", o.user)
	case switchOff, switchOn:
		what += ": " + clients[o.client].ID()
	}
	if o.stolen {
		what += ", without its key"
	}
	if o.foreign {
		what += ", as " + clients[o.client].ID()
	}
	return what + fmt.Sprintf(" (replica %d)", o.replica)
}
