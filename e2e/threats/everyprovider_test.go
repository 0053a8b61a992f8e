package threats

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/faultproxy"
)

// teller is a fake provider that reveals the secrets between it and the server: what arrived at its
// endpoints, and what it answered.
type teller struct {
	*vouchsafetest.StandIn

	mu    sync.Mutex
	heard map[string]string
	does  string // of the deeds below; "" for none
}

// How a teller misbehaves.
const (
	// repeats makes it refuse each code, and repeat all secrets in its answer.
	repeats = "all that is secret repeated"
	// betrays makes it do the same when it is asked for the user, for providers without ID tokens.
	betrays = "all that is secret repeated for a token"
	// hangsUp makes it close the connection then: the error names the address.
	hangsUp = "hung up on a token"
)

func newTeller(t *testing.T, kind string) *teller {
	p := &teller{}
	p.StandIn = vouchsafetest.NewStandIn(t, kind, p)
	return p
}

func (p *teller) openID() bool { return p.Kind == fakeidp.Google || p.Kind == fakeidp.Apple }

// secrets returns how many secrets a visit has.
func (p *teller) secrets() int {
	n := 3 // code verifier, access and refresh token
	if p.openID() {
		n++ // the ID token
	}
	if p.Kind == fakeidp.Apple || p.Kind == fakeidp.Facebook {
		n++ // what is made of the client secret
	}
	return n
}

// ServeHTTP implements http.Handler.
func (p *teller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := httptest.NewRecorder()
	p.Server.ServeHTTP(answer, r)
	status, body := answer.Code, answer.Body.Bytes()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.heard == nil {
		p.heard = map[string]string{}
	}
	refuses := false
	switch proof := r.URL.Query().Get("appsecret_proof"); {
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "token"):
		body = p.redeems(r, status, body)
		refuses = p.does == repeats
	case r.Header.Get("Authorization") != "":
		if proof != "" {
			p.heard["proof of the client secret"] = proof
		}
		if p.does == hangsUp {
			panic(http.ErrAbortHandler)
		}
		refuses = p.does == betrays
	}
	if refuses {
		all := strings.Join(append(slices.Collect(maps.Values(p.heard)), r.PostForm.Get("code"), p.ClientSecret), " ")
		status, body = http.StatusBadRequest, fmt.Appendf(nil, `{"error":"invalid_grant","error_description":%q}`, all)
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(status)
	_, _ = w.Write(body) // the server has gone
}

// redeems records the secrets of a redemption, and adds a refresh token to the answer.
func (p *teller) redeems(r *http.Request, status int, body []byte) []byte {
	p.heard["code verifier"] = r.PostForm.Get("code_verifier")
	if p.Kind == fakeidp.Apple {
		p.heard["proof of the client secret"] = r.PostForm.Get("client_secret")
	}
	said := map[string]any{}
	if status != http.StatusOK || json.Unmarshal(body, &said) != nil {
		return body
	}
	said["refresh_token"] = "refresh-canary-" + rand.Text()
	for _, name := range []string{"access_token", "id_token", "refresh_token"} {
		if v, ok := said[name].(string); ok {
			p.heard[name] = v
		}
	}
	body, _ = json.Marshal(said) // it was JSON
	return body
}

// tell returns what was recorded since the last call.
func (p *teller) tell() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	heard := p.heard
	p.heard = nil
	return heard
}

// do makes it misbehave until it is told otherwise.
func (p *teller) do(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.does = what
}

// federate adds a tenant whose users come from tellers.
func (f *flows) federate() {
	f.social = f.s.Tenant(f.t, "social")
	var declared []any
	for _, kind := range []string{fakeidp.Google, fakeidp.Apple, fakeidp.Facebook, fakeidp.GitHub, fakeidp.Discord} {
		p := newTeller(f.t, kind)
		f.providers = append(f.providers, p)
		declared = append(declared, p.Upstream)
		secret := p.ClientSecret
		if lines := strings.Split(secret, "\n"); len(lines) > 1 { // of a key, one that is its own
			secret = lines[1]
		}
		f.note("client secret at "+kind, secret)
	}
	f.social.ApplyTenant(f.t, map[string]any{"upstreams": declared})
}

// upstream signs in through each provider, with and without success, because failures are logged in
// more detail.
func (f *flows) upstream() {
	for _, p := range f.providers {
		f.comeFrom(p)
		f.byApp(p)
	}
}

func (f *flows) comeFrom(p *teller) {
	t := f.t
	b, way, page := f.trip(p, "a visit", "")
	if strings.HasSuffix(page.URL.Path, "/federated/email") { // the provider does not say whose the address is
		email := newAddress("example.com")
		form := page.Forms(t)[0]
		form.Fields.Set("email", email)
		page = b.Submit(t, form, firstOf(form))
		page = types(t, b, page, f.mail(email, "prove an address from "+p.Kind).Code)
	}
	if _, email := signedInAs(t, f.social, b); email == "" {
		t.Fatalf("from %s: no user is signed in: %d at %s: %s", p.Kind, page.Status, page.URL.Path, page.Text(t))
	}
	f.lost("the same answer again", b.Take(t, way))
	f.lost("in another browser", f.social.Browser(t, vouchsafetest.Person{}).Take(t, way))
	faults, deeds := []string{"json"}, []string{repeats}
	if p.openID() {
		faults = append(faults, "nonce", "signature", "at-hash")
	} else {
		deeds = append(deeds, betrays, hangsUp)
	}
	for _, fault := range faults {
		_, _, page := f.trip(p, fault, fault)
		f.turnedAway(fault, page)
	}
	for _, deed := range deeds {
		p.do(deed)
		_, _, page = f.trip(p, deed, "")
		p.do("")
		f.turnedAway(deed, page)
	}
	made := url.Values{"state": {"state-canary-" + rand.Text()}, "code": {"code-canary-" + rand.Text()},
		"error_description": {"text-canary-" + rand.Text()}}
	for name, values := range made {
		f.note("made-up "+name+" of "+p.Kind, values[0])
	}
	if way.Fields != nil {
		way.Fields = made
	} else {
		way.To = "/upstream/" + p.Kind + "/callback?" + made.Encode()
	}
	f.lost("made up", b.Take(t, way))
}

// trip goes to the provider and back. name tells its secrets from those of other trips.
func (f *flows) trip(p *teller, name, fault string) (b *vouchsafetest.Browser, way vouchsafetest.Way,
	page *vouchsafetest.Page) {
	f.t.Helper()
	b = f.social.Browser(f.t, vouchsafetest.Person{})
	who := atProvider(newAddress("example.com"))
	who.Fault = fault
	if p.Kind == fakeidp.GitHub {
		who.Subject = "" // it has numbers of its own
	}
	page = b.Get(f.t, "/upstream/"+p.Kind)
	if page.Left == nil {
		f.t.Fatalf("to %s: got %d at %s: %s", p.Kind, page.Status, page.URL, page.Text(f.t))
	}
	note := func(what, secret string) { f.note(what+" at "+p.Kind+", "+name, secret) }
	note("state", page.Left.Query().Get("state"))
	if p.openID() {
		note("nonce", page.Left.Query().Get("nonce"))
	}
	way = vouchsafetest.Visit(f.t, page.Left, who)
	note("code", way.Values(f.t).Get("code"))
	page = b.Take(f.t, way)
	if sent := page.Trail[0].Header.Get("Location"); way.Fields != nil {
		_, sealed, _ := strings.Cut(sent, "posted=")
		note("what was posted", sealed)
	}
	heard := p.tell()
	if fault != "json" && len(heard) != p.secrets() && p.does != repeats {
		f.t.Fatalf("%s: %s tells %d secrets, want %d: %v", name, p.Kind, len(heard), p.secrets(),
			slices.Sorted(maps.Keys(heard)))
	}
	for what, v := range heard {
		note(what, v)
	}
	return b, way, page
}

// lost fails the test unless an answer that belongs to no visit of the browser's is refused.
func (f *flows) lost(name string, page *vouchsafetest.Page) {
	f.t.Helper()
	if page.Status != http.StatusBadRequest {
		f.t.Errorf("%s: got %d at %s, want 400", name, page.Status, page.URL.Path)
	}
	f.keep(page)
}

// turnedAway fails the test unless the way back ends at the sign-in page.
func (f *flows) turnedAway(name string, page *vouchsafetest.Page) {
	f.t.Helper()
	if !strings.HasSuffix(page.URL.Path, "/login") || page.URL.Query().Get("why") == "" {
		f.t.Errorf("%s: got %d at %s, want to be told why no user is signed in", name, page.Status, page.URL.Path)
	}
	f.keep(page)
}

// keep remembers the answers on the way to a page.
func (f *flows) keep(page *vouchsafetest.Page) {
	for _, hop := range page.Trail {
		said := hop.Header.Clone()
		if strings.Contains(said.Get("Location"), "?posted=") {
			said.Del("Location") // it carries what was posted, to come back with the cookies
		}
		_, _ = fmt.Fprintln(&f.said, hop.Status, said)
	}
	f.said.WriteString(page.Body)
}

// byApp signs in with the token that an app got through the provider's own software kit, where
// there is one. A token that says when it was made works once.
func (f *flows) byApp(p *teller) {
	if p.Kind == fakeidp.GitHub || p.Kind == fakeidp.Discord {
		return
	}
	idToken, access, err := p.Issue(p.ClientID, atProvider(newAddress("example.com")))
	if err != nil {
		f.t.Fatal(err)
	}
	f.note("access token for an app, of "+p.Kind, access)
	there := &flows{t: f.t, s: f.social, api: f.social.API(f.t), secrets: f.secrets}
	if !p.openID() {
		// whose address is it?
		got := there.call("/auth/sign-in", "providerType", p.Kind, "access_token", access).Want(f.t, http.StatusConflict, "")
		_, _ = fmt.Fprintln(&f.said, got.Status, got.Header, got.Raw)
		return
	}
	f.note("ID token for an app, of "+p.Kind, idToken)
	there.call("/auth/sign-in", "providerType", p.Kind, "id_token", idToken, "access_token", access).Want(f.t, 200, "")
	again := there.call("/auth/sign-in", "providerType", p.Kind, "id_token", idToken)
	if again.Status != http.StatusUnprocessableEntity {
		f.t.Errorf("an ID token again: got %d %s, want 422", again.Status, again.Raw)
	}
	_, _ = fmt.Fprintln(&f.said, again.Status, again.Header, again.Raw)
}

// withoutRedis is appended to the names of secrets that were used without Redis.
const withoutRedis = " without Redis"

// withoutRedis repeats much of it while Redis cannot be reached, and returns what the server says
// about its readiness.
func (f *flows) withoutRedis(toRedis *faultproxy.Proxy) (readiness string) {
	toRedis.Set(faultproxy.Fault{Refuse: true})
	toRedis.Cut()
	defer toRedis.Set(faultproxy.Fault{})
	without := &flows{t: f.t, s: f.s, api: f.s.API(f.t), mails: f.mails, social: f.social, providers: f.providers,
		secrets: map[string]string{}}
	without.reset(without.signUp())
	without.secondFactor()
	without.passkey()
	without.invitation()
	without.upstream()
	deadline(f.t, "the server does not notice that Redis is down", func() bool {
		_, readiness = f.s.Ops(f.t, "/readyz")
		return strings.Contains(readiness, `"degraded"`) &&
			strings.Contains(f.s.Log(), "counting attempts in this process alone")
	})
	for name, secret := range without.secrets {
		f.note(name+withoutRedis, secret)
	}
	f.said.WriteString(without.said.String())
	return readiness
}
