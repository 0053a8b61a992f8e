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

// teller is a stand-in for Google that tells what was secret between it and the server: what
// came to its token endpoint, and what it answered there.
type teller struct {
	*fakeidp.Server

	mu    sync.Mutex
	heard map[string]string
	// repeats has it refuse each code, and repeat in its answer all that is secret.
	repeats bool
}

func newTeller(t *testing.T) *teller {
	p := &teller{Server: &fakeidp.Server{Kind: fakeidp.Google, Name: "google", ClientID: "vouchsafe", ClientSecret: "provider-canary-" + rand.Text()}}
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	p.Issuer = strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	return p
}

// ServeHTTP implements http.Handler.
func (p *teller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/token" {
		p.Server.ServeHTTP(w, r)
		return
	}
	answer := httptest.NewRecorder()
	p.Server.ServeHTTP(answer, r)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.heard == nil {
		p.heard = map[string]string{}
	}
	p.heard["code verifier"] = r.PostForm.Get("code_verifier")
	status, body := answer.Code, answer.Body.Bytes()
	said := map[string]any{}
	if status == http.StatusOK && json.Unmarshal(body, &said) == nil {
		said["refresh_token"] = "refresh-canary-" + rand.Text()
		for _, name := range []string{"access_token", "id_token", "refresh_token"} {
			p.heard[name], _ = said[name].(string)
		}
		body, _ = json.Marshal(said) // it was JSON
	}
	if p.repeats {
		all := strings.Join(append(slices.Collect(maps.Values(p.heard)), r.PostForm.Get("code"), p.ClientSecret), " ")
		status, body = http.StatusBadRequest, fmt.Appendf(nil, `{"error":"invalid_grant","error_description":%q}`, all)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the server has gone
}

// tell gives what was heard since it was asked last.
func (p *teller) tell() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	heard := p.heard
	p.heard = nil
	return heard
}

func (p *teller) repeat(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.repeats = yes
}

// federate adds a tenant whose people come from a provider that tells.
func (f *flows) federate() {
	f.google = newTeller(f.t)
	f.social = &social{Server: f.s.Tenant(f.t, "social"), google: f.google.Server, corp: provider(fakeidp.OpenID)}
	f.social.apply(f.t, nil)
	f.note("client secret at a provider", f.google.ClientSecret)
	f.note("client secret at another provider", f.social.corp.ClientSecret)
}

// upstream has people come from a provider, also in vain: that is logged with zeal.
func (f *flows) upstream() {
	t := f.t
	b, back, page := f.trip("a visit", "")
	if _, email := signedInAs(t, f.social.Server, b); email == "" {
		t.Fatalf("from a provider: nobody is signed in: %d at %s: %s", page.Status, page.URL.Path, page.Text(t))
	}
	f.lost("the same answer again", b.Get(t, back))
	f.lost("in another browser", f.social.Browser(t, vouchsafetest.Person{}).Get(t, back))
	for _, fault := range []string{"nonce", "signature", "at-hash", "json"} {
		_, _, page := f.trip(fault, fault)
		f.turnedAway(fault, page)
	}
	f.google.repeat(true)
	_, _, page = f.trip("all that is secret repeated", "")
	f.google.repeat(false)
	f.turnedAway("all that is secret repeated", page)

	state, code := f.note("state at a provider", "state-canary-"+rand.Text()), f.note("code of a provider", "code-canary-"+rand.Text())
	f.lost("made up", b.Get(t, "/upstream/google/callback?"+url.Values{"state": {state}, "code": {code}, "error_description": {f.note("text of a provider", "text-canary-"+rand.Text())}}.Encode()))
	f.byApp()
}

// trip goes to the provider and back. Its name tells the secrets on the way from others.
func (f *flows) trip(name, fault string) (b *vouchsafetest.Browser, back string, page *vouchsafetest.Page) {
	f.t.Helper()
	b = f.social.Browser(f.t, vouchsafetest.Person{})
	who := somebody(newAddress("example.com"))
	who.Fault = fault
	page = b.Get(f.t, "/upstream/google")
	if page.Left == nil {
		f.t.Fatalf("to a provider: got %d at %s: %s", page.Status, page.URL, page.Text(f.t))
	}
	for _, part := range []string{"state", "nonce"} {
		f.note(part+" at a provider, "+name, page.Left.Query().Get(part))
	}
	back = visit(f.t, page.Left, who)
	u, err := url.Parse(back)
	if err != nil {
		f.t.Fatal(err)
	}
	f.note("code of a provider, "+name, u.Query().Get("code"))
	page = b.Get(f.t, back)
	heard := f.google.tell()
	if want := 4; fault != "json" && len(heard) != want {
		f.t.Fatalf("%s: the provider tells %d secrets, want %d", name, len(heard), want)
	}
	for what, v := range heard {
		f.note(what+" at a provider, "+name, v)
	}
	return b, back, page
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
		_, _ = fmt.Fprintln(&f.said, hop.Status, hop.Header)
	}
	f.said.WriteString(page.Body)
}

// byApp signs in with what an app got by the provider's own kit. It serves once.
func (f *flows) byApp() {
	idToken, access, err := f.google.Issue(f.google.ClientID, somebody(newAddress("example.com")))
	if err != nil {
		f.t.Fatal(err)
	}
	f.note("ID token for an app", idToken)
	f.note("access token for an app", access)
	there := &flows{t: f.t, s: f.social.Server, api: f.social.API(f.t), secrets: f.secrets}
	there.call("/auth/sign-in", "providerType", "google", "id_token", idToken, "access_token", access).Want(f.t, 200, "")
	again := there.call("/auth/sign-in", "providerType", "google", "id_token", idToken)
	if again.Status != http.StatusUnprocessableEntity {
		f.t.Errorf("an ID token again: got %d %s, want 422", again.Status, again.Raw)
	}
	_, _ = fmt.Fprintln(&f.said, again.Status, again.Header, again.Raw)
}

// withoutRedis has much of it happen once more while Redis cannot be reached, and gives
// what the server says of itself meanwhile.
func (f *flows) withoutRedis(toRedis *faultproxy.Proxy) (readiness string) {
	toRedis.Set(faultproxy.Fault{Refuse: true})
	toRedis.Cut()
	defer toRedis.Set(faultproxy.Fault{})
	without := &flows{t: f.t, s: f.s, api: f.s.API(f.t), mails: f.mails, social: f.social, google: f.google, secrets: map[string]string{}}
	without.reset(without.signUp())
	without.secondFactor()
	without.upstream()
	deadline(f.t, "the server does not notice that Redis is down", func() bool {
		_, readiness = f.s.Ops(f.t, "/readyz")
		return strings.Contains(readiness, `"degraded"`) && strings.Contains(f.s.Log(), "counting attempts in this process alone")
	})
	for name, secret := range without.secrets {
		f.note(name+" without Redis", secret)
	}
	f.said.WriteString(without.said.String())
	return readiness
}
