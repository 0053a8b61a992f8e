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

// teller is a stand-in for a provider that tells what was secret between it and the server:
// what came to its endpoints, and what it answered there.
type teller struct {
	*vouchsafetest.StandIn

	mu    sync.Mutex
	heard map[string]string
	does  string // of the deeds below; "" for none
}

// What a teller does wrong.
const (
	// repeats has it refuse each code, and repeat in its answer all that is secret.
	repeats = "all that is secret repeated"
	// betrays does so when it is asked who somebody is, where there is no ID token to say so.
	betrays = "all that is secret repeated for a token"
	// hangsUp ends the connection there: what is said of that names the address.
	hangsUp = "hung up on a token"
)

func newTeller(t *testing.T, kind string) *teller {
	p := &teller{}
	p.StandIn = vouchsafetest.NewStandIn(t, kind, p)
	return p
}

func (p *teller) openID() bool { return p.Kind == fakeidp.Google || p.Kind == fakeidp.Apple }

// secrets are how many a visit has it tell.
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

// redeems hears what passes when a code is redeemed, and adds a refresh token to that.
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

// tell gives what was heard since it was asked last.
func (p *teller) tell() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	heard := p.heard
	p.heard = nil
	return heard
}

// do has it do wrong until it is told otherwise.
func (p *teller) do(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.does = what
}

// federate adds a tenant whose people come from providers that tell.
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

// upstream has people come from each provider, also in vain: that is logged with zeal.
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
		t.Fatalf("from %s: nobody is signed in: %d at %s: %s", p.Kind, page.Status, page.URL.Path, page.Text(t))
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

// trip goes to the provider and back. Its name tells the secrets on the way from others.
func (f *flows) trip(p *teller, name, fault string) (b *vouchsafetest.Browser, way vouchsafetest.Way,
	page *vouchsafetest.Page) {
	f.t.Helper()
	b = f.social.Browser(f.t, vouchsafetest.Person{})
	who := somebody(newAddress("example.com"))
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

// lost wants an answer that belongs to no visit of the browser's to be refused.
func (f *flows) lost(name string, page *vouchsafetest.Page) {
	f.t.Helper()
	if page.Status != http.StatusBadRequest {
		f.t.Errorf("%s: got %d at %s, want 400", name, page.Status, page.URL.Path)
	}
	f.keep(page)
}

// turnedAway wants the way back to end where people sign in.
func (f *flows) turnedAway(name string, page *vouchsafetest.Page) {
	f.t.Helper()
	if !strings.HasSuffix(page.URL.Path, "/login") || page.URL.Query().Get("why") == "" {
		f.t.Errorf("%s: got %d at %s, want to be told why nobody is signed in", name, page.Status, page.URL.Path)
	}
	f.keep(page)
}

// keep remembers what was said on the way to a page.
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

// byApp signs in with what an app got by the provider's own kit, where there is one. A token
// that says when it was made serves once.
func (f *flows) byApp(p *teller) {
	if p.Kind == fakeidp.GitHub || p.Kind == fakeidp.Discord {
		return
	}
	idToken, access, err := p.Issue(p.ClientID, somebody(newAddress("example.com")))
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

// withoutRedis ends the names of what passed without it.
const withoutRedis = " without Redis"

// withoutRedis has much of it happen once more while Redis cannot be reached, and gives
// what the server says of itself meanwhile.
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
