package login

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/upstreams"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// federatedSite is a site whose tenants let people come from stand-ins.
type federatedSite struct {
	*site
	idps map[string]*fakeidp.Server
}

// browserNamed is what people.Asker calls the browser of the default tenant that is bound by the value.
func browserNamed(bound string) string {
	t := &issuer.Tenant{Tenant: storage.Tenant{ID: storage.DefaultTenant}}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", "vouchsafe-browser="+bound)
	return (&ui.Site{}).Asker(r.WithContext(web.WithTenant(r.Context(), t))).Browser
}

// federate starts a stand-in of each kind, under the kind's name; change may change the
// default tenant's settings. A second tenant, acme, has the same upstreams.
func federate(t testing.TB, change func(*storage.TenantSettings), kinds ...string) *federatedSite {
	t.Helper()
	f := &federatedSite{idps: map[string]*fakeidp.Server{}}
	f.site = newSite(t, func(c *Config) { f.configure(t, c, change, kinds...) })
	return f
}

// configure starts the stand-ins and has the tenants offer them.
func (f *federatedSite) configure(t testing.TB, c *Config, change func(*storage.TenantSettings), kinds ...string) {
	t.Helper()
	c.Federation.Calls = upstreams.New(outbound.Client(outbound.Config{AllowPrivate: true, Timeout: 30 * time.Second}))
	var settings storage.TenantSettings
	secrets := map[string]string{}
	for _, kind := range kinds {
		u, clear := f.standIn(t, kind)
		settings.Upstreams = append(settings.Upstreams, u)
		secrets[u.ID] = clear
	}
	if change != nil {
		change(&settings)
	}
	for _, id := range []string{storage.DefaultTenant, "acme"} {
		sealed := settings
		sealed.Upstreams = slices.Clone(settings.Upstreams)
		for i, u := range sealed.Upstreams {
			sealed.Upstreams[i].ClientSecret = c.Secrets.Box(id, secret.UpstreamSecret).Seal([]byte(secrets[u.ID]))
		}
		write := c.Store.(interface{ storage.Tenants }).UpdateTenant
		if id != storage.DefaultTenant {
			write = c.Store.(interface{ storage.Tenants }).AddTenant
		}
		if err := write(t.Context(),
			storage.Tenant{ID: id, Name: "Site", CreatedAt: time.Now(), Settings: sealed}); err != nil {
			t.Fatal(err)
		}
	}
}

func (f *federatedSite) standIn(t testing.TB, kind string) (storage.Upstream, string) {
	t.Helper()
	idp := &fakeidp.Server{Kind: kind, Name: kind, ClientID: "vouchsafe", ClientSecret: secret.Token()}
	srv := httptest.NewServer(idp)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	idp.Issuer = strings.Replace(srv.URL, "127.0.0.1", "localhost", 1) // another site than ours
	u, clear := storage.Upstream{ID: kind, Preset: kind, Issuer: idp.Issuer, ClientID: idp.ClientID}, idp.ClientSecret
	if kind == fakeidp.Apple {
		var err error
		if clear, err = idp.MakeAppleKey(); err != nil {
			t.Fatal(err)
		}
		u.TeamID, u.KeyID = "TEAM", "KEY"
	}
	f.idps[kind] = idp
	return u, clear
}

var fedJo = fakeidp.Person{Subject: "4711", Name: "Jo Doe", Email: "jo@example.com", Verified: "true"}

// depart goes to a provider and says who it is; the answer's address is where that sends
// the browser.
func (v *visitor) depart(kind, query string, who fakeidp.Person) (to string, fields url.Values) {
	v.t.Helper()
	a := v.get("/upstream/" + kind + "?" + query)
	if a.leads() == "" {
		v.t.Fatalf("to %s: got %d %s", kind, a.status, a.body)
	}
	to, fields, err := fakeidp.Visit(http.DefaultClient, a.leads(), who, who.Fault == "cancel")
	if err != nil {
		v.t.Fatal(err)
	}
	return to, fields
}

// at opens an address of the site, as the browser is sent there.
func (v *visitor) visit(to string) answer {
	v.t.Helper()
	if strings.HasPrefix(to, "/") {
		to = v.url + to
	}
	req, err := http.NewRequest(http.MethodGet, to, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	return v.do(req)
}

// come makes the whole trip.
func (v *visitor) come(kind, query string, who fakeidp.Person) answer {
	v.t.Helper()
	to, _ := v.depart(kind, query, who)
	return v.visit(to)
}

// is returns the user who is signed in in the browser, as the account page names them.
func (v *visitor) is() string {
	v.t.Helper()
	body := v.get("/account").body
	_, after, ok := strings.Cut(body, `<span class="who">`)
	if !ok {
		return ""
	}
	who, _, _ := strings.Cut(after, "</span></span>")
	_, who, _ = strings.Cut(who, "<span>")
	return html.UnescapeString(who)
}

func (v *visitor) signedInAs(want string) {
	v.t.Helper()
	if got := v.is(); got != want {
		v.t.Errorf("signed in as %q, want %q", got, want)
	}
}

// goes checks where an answer leads.
func (v *visitor) goes(a answer, want string) {
	v.t.Helper()
	if a.outcome() != want {
		v.t.Fatalf("got %d to %q, want %s: %s", a.status, a.location(), want, a.body)
	}
}

func (f *federatedSite) identities(tenant, email string) []storage.Identity {
	f.t.Helper()
	u, err := f.store.UserByEmail(f.t.Context(), tenant, email)
	if err != nil {
		f.t.Fatal(err)
	}
	ids, err := f.store.IdentitiesOf(f.t.Context(), tenant, u.ID)
	if err != nil {
		f.t.Fatal(err)
	}
	return ids
}

// verified marks a user's address as proven.
func (f *federatedSite) verified(u storage.User) storage.User {
	f.t.Helper()
	u.EmailVerified = true
	if err := storagetest.UpdateUser(f.t.Context(), f.store, u); err != nil {
		f.t.Fatal(err)
	}
	return u
}

func TestComingFromAProvider(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google, fakeidp.OpenID, fakeidp.GitHub, fakeidp.Discord)
	for _, kind := range []string{fakeidp.Google, fakeidp.OpenID, fakeidp.GitHub, fakeidp.Discord} {
		who := fedJo
		who.Email = "jo@" + kind + ".example.com"
		v := f.visitor()
		if page := v.get("/login"); !strings.Contains(page.body, `href="/upstream/`+kind+`"`) {
			t.Errorf("%s is not offered: %s", kind, page.body)
		}
		v.goes(v.come(kind, "", who), "/")
		v.signedInAs(who.Email)
		u, err := f.store.UserByEmail(t.Context(), storage.DefaultTenant, who.Email)
		if err != nil || !u.EmailVerified || u.Profile.Name != "Jo Doe" {
			t.Errorf("%s: got %+v, %v", kind, u, err)
		}
		// The next time it is the same account, whatever became of the address there.
		again := f.visitor()
		who.Email, who.Verified = "other@example.com", "false"
		again.goes(again.come(kind, "", who), "/")
		again.signedInAs(u.Email)
	}
}

// G17: nothing of what a provider gave out stands in an address; a client gets a code alone.
func TestNoTokensInAddresses(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google)
	f.follow = true
	v := f.visitor()
	query := f.ask("", storage.Interaction{})
	to, _ := v.depart(fakeidp.Google, query, fedJo)
	code := mustParse(t, to).Query().Get("code")
	a := v.visit(to)
	// With its point, for a sealed letter, which is random, may have those three by chance.
	secrets := regexp.MustCompile(regexp.QuoteMeta(code) + `|token|eyJ[\w-]*\.`)
	for range 3 {
		if found := secrets.FindString(a.location() + " " + a.body); found != "" {
			t.Errorf("%q is in %s %s", found, a.location(), a.body)
		}
		if strings.HasPrefix(a.location(), "https://app.example/callback?code=") {
			return
		}
		a = v.visit(a.location())
	}
	t.Errorf("the client was not reached: %d %s", a.status, a.location())
}

func mustParse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// G1, G2, G14: an answer serves once, in the browser that was sent, at the callback of the
// provider that it was sent to, in time.
func TestAnswersInWrongPlaces(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google, fakeidp.OpenID)
	refuse := func(what string, v *visitor, to string) {
		t.Helper()
		before := len(f.events(storage.DefaultTenant))
		if a := v.visit(to); a.status != http.StatusBadRequest {
			t.Errorf("%s: got %d %s", what, a.status, a.location())
		}
		v.signedInAs("")
		if n := len(f.events(storage.DefaultTenant)) - before; n != 0 {
			t.Errorf("%s: %d events, want none", what, n)
		}
	}
	with := func(to, name, value string) string {
		u := mustParse(t, to)
		q := u.Query()
		if q.Del(name); value != "" {
			q.Set(name, value)
		}
		u.RawQuery = q.Encode()
		return u.String()
	}
	v := f.visitor()
	to, _ := v.depart(fakeidp.Google, "", fedJo)
	other := f.visitor()
	elsewhere, _ := other.depart(fakeidp.Google, "", fedJo)
	refuse("no state", v, with(to, "state", ""))
	refuse("a made-up state", v, with(to, "state", secret.Token()))
	refuse("another browser's state", v, with(to, "state", mustParse(t, elsewhere).Query().Get("state")))
	refuse("another browser", f.visitor(), to)
	refuse("another provider's callback", v, strings.Replace(to, "/google/", "/oidc/", 1))
	refuse("another tenant's callback", v, strings.Replace(to, "/upstream/", "/t/acme/upstream/", 1))
	refuse("two states", v, to+"&state=x")
	refuse("an error without state", v, f.url+"/upstream/google/callback?error=access_denied")

	old := &federation.Trip{
		ID: secret.Token(), Upstream: "google", Until: time.Now().Add(-time.Second),
		Browser: browserNamed(v.cookie("browser")),
	}
	refuse("too late", v, with(to, "state", f.seal(old)))

	v.goes(v.visit(to), "/")
	v.signedInAs(fedJo.Email)
	if a := v.visit(to); a.status != http.StatusBadRequest {
		t.Errorf("replayed: got %d", a.status)
	}
	// Mix-up: a code that another provider gave out is refused at its token endpoint, and an
	// answer that names another issuer before that.
	mixed := f.visitor()
	first, _ := mixed.depart(fakeidp.OpenID, "", fedJo)
	second, _ := mixed.depart(fakeidp.Google, "", fedJo)
	a := mixed.visit(with(second, "code", mustParse(t, first).Query().Get("code")))
	mixed.goes(a, "/login")
	if page := mixed.visit(a.location()); !strings.Contains(page.body, "couldn’t verify the response") {
		t.Errorf("mixed up: got %s", page.body)
	}
	third, _ := mixed.depart(fakeidp.Google, "", fedJo)
	mixed.goes(mixed.visit(third+"&iss=https%3A%2F%2Fother.example"), "/login")
	mixed.signedInAs("")
}

func (f *federatedSite) seal(tr *federation.Trip) string {
	f.t.Helper()
	plain := jsonOf(f.t, tr)
	return f.login.Secrets.Box(storage.DefaultTenant, secret.UpstreamTrip).SealString(plain)
}

// G1: another site cannot start it, and what it posts at the callback starts nothing.
func TestOtherSitesStartNothing(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google, fakeidp.Apple)
	v := f.visitor()
	a := v.visit(f.url + "/upstream/google") // Sec-Fetch-Site: cross-site
	v.goes(a, "/login")
	if a := v.post("/upstream/google/callback", "code", "c", "state", "s"); a.status != http.StatusMethodNotAllowed {
		t.Errorf("a form for a provider that posts none: got %d", a.status)
	}
	if a := v.get("/upstream/nobody"); a.status != http.StatusNotFound {
		t.Errorf("an unknown provider: got %d", a.status)
	}
}

// Apple's page posts its answer: no cookie comes with that, and the code does not come
// into an address.
func TestAnswersThatArePosted(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Apple)
	post := func(v *visitor, to string, fields url.Values) answer {
		req, err := http.NewRequest(http.MethodPost, to, strings.NewReader(fields.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", "https://appleid.apple.com")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		return f.visitor().do(req) // another jar: SameSite=Lax
	}
	v := f.visitor()
	to, fields := v.depart(fakeidp.Apple, "", fedJo)
	hop := post(v, to, fields)
	v.goes(hop, "/upstream/apple/callback")
	if strings.Contains(hop.location(), fields.Get("code")) || strings.Contains(hop.location(), fields.Get("state")) ||
		len(hop.header.Values("Set-Cookie")) > 0 {
		t.Errorf("got %s, %v", hop.location(), hop.header)
	}
	if a := f.visitor().visit(hop.location()); a.status != http.StatusBadRequest {
		t.Errorf("in another browser: got %d", a.status)
	}
	v.goes(v.visit(hop.location()), "/")
	v.signedInAs(fedJo.Email)
	if u, err := f.store.UserByEmail(t.Context(), storage.DefaultTenant, fedJo.Email); err != nil ||
		u.Profile.Name != "Jo Doe" {
		t.Errorf("got %+v, %v", u, err)
	}
	if a := v.visit(hop.location()); a.status != http.StatusBadRequest {
		t.Errorf("replayed: got %d", a.status)
	}
	mallory := f.visitor()
	fields.Set("state", "x")
	if a := mallory.visit(post(mallory, to, fields).location()); a.status != http.StatusBadRequest {
		t.Errorf("with a state of their own: got %d", a.status)
	}
}

func jsonOf(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
