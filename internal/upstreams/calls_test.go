package upstreams

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

const directory = "11111111-2222-3333-4444-555555555555"

// there is a provider and what reaches it.
type there struct {
	t   *testing.T
	idp *fakeidp.Server
	srv *httptest.Server
	*provider
}

// provider is the provider of the settings, with its secret in the clear.
func (c *Caller) provider(u storage.Upstream, secret string) (*provider, error) {
	p, err := upstream.New(u, secret)
	return c.to(p), err
}

// serve starts a stand-in of the given kind; change may change what is set for it.
func serve(t *testing.T, kind string, timeout time.Duration, change func(*fakeidp.Server, *storage.Upstream)) *there {
	t.Helper()
	idp := &fakeidp.Server{Kind: kind, Name: "Stand-in", ClientID: "vouchsafe", ClientSecret: secret.Token()}
	srv := httptest.NewServer(idp)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	idp.Issuer = srv.URL
	u := storage.Upstream{ID: "there", Preset: kind, Issuer: srv.URL, ClientID: idp.ClientID}
	clear := idp.ClientSecret
	switch kind {
	case fakeidp.Microsoft:
		idp.Issuer += "/common/v2.0"
		u.Issuer = idp.Issuer
	case fakeidp.Apple:
		var err error
		if clear, err = idp.MakeAppleKey(); err != nil {
			t.Fatal(err)
		}
		u.TeamID, u.KeyID = "TEAM", "KEY"
	}
	if change != nil {
		change(idp, &u)
	}
	p, err := New(outbound.Client(outbound.Config{AllowPrivate: true, Timeout: timeout})).provider(u, clear)
	if err != nil {
		t.Fatal(err)
	}
	return &there{t, idp, srv, p}
}

func newRequest() upstream.Request {
	return upstream.Request{RedirectURI: "https://id.example.com/upstream/there/callback", State: secret.Token(),
		Nonce: secret.Token(), Verifier: oauth2.GenerateVerifier()}
}

// come makes a round trip as who. It may be called from any goroutine.
func (th *there) come(who fakeidp.Person) (upstream.Identity, error) {
	r := newRequest()
	address, err := th.AuthURL(th.t.Context(), r)
	if err != nil {
		return upstream.Identity{}, err
	}
	a, err := th.answer(address, who, r)
	if err != nil {
		return upstream.Identity{}, fmt.Errorf("the browser: %w", err)
	}
	return th.Identify(th.t.Context(), r, a)
}

func (th *there) answer(address string, who fakeidp.Person, r upstream.Request) (upstream.Answer, error) {
	to, fields, err := fakeidp.Visit(th.srv.Client(), address, who, false)
	if err != nil {
		return upstream.Answer{}, err
	}
	if fields == nil {
		u, err := url.Parse(to)
		if err != nil {
			return upstream.Answer{}, err
		}
		fields = u.Query()
		to, _, _ = strings.Cut(to, "?")
	}
	if to != r.RedirectURI || fields.Get("state") != r.State {
		return upstream.Answer{}, fmt.Errorf("it went to %s with %v", to, fields)
	}
	return upstream.Answer{Code: fields.Get("code"), Error: fields.Get("error"), Iss: fields.Get("iss"),
		User: fields.Get("user")}, nil
}

var jo = fakeidp.Person{Subject: "4711", Name: "Jo Doe", Email: "jo@example.com", Verified: "true", Tenant: directory}

func TestEveryKindOfProvider(t *testing.T) {
	t.Parallel()
	named := storage.Profile{Name: "Jo Doe", GivenName: "Jo", FamilyName: "Doe"}
	for kind, want := range map[string]upstream.Identity{
		fakeidp.OpenID:    {Subject: "4711", Email: "jo@example.com", EmailVerified: true, Profile: named},
		fakeidp.Google:    {Subject: "4711", Email: "jo@example.com", EmailVerified: true, Profile: named},
		fakeidp.Microsoft: {Subject: directory + ".4711", Email: "jo@example.com", EmailVerified: true, Profile: named},
		fakeidp.Apple:     {Subject: "4711", Email: "jo@example.com", EmailVerified: true, Profile: named},
		fakeidp.Facebook:  {Subject: "4711", Email: "jo@example.com", Profile: named}, // it says of no address whose it is
		fakeidp.GitHub: {Subject: "4711", Email: "jo@example.com", EmailVerified: true,
			Profile: storage.Profile{Name: "Jo Doe", Nickname: "jo-doe"}},
		fakeidp.Discord: {Subject: "4711", Email: "jo@example.com", EmailVerified: true,
			Profile: storage.Profile{Name: "Jo Doe", Nickname: "jo_doe", Locale: "en-US"}},
	} {
		t.Run(kind, func(t *testing.T) {
			got, err := serve(t, kind, time.Minute, nil).come(jo)
			if err != nil {
				t.Fatal(err)
			}
			if says := kind != fakeidp.Facebook && kind != fakeidp.GitHub &&
				kind != fakeidp.Discord; got.ProvenAt.IsZero() == says {
				t.Errorf("proven at %s", got.ProvenAt)
			}
			got.ProvenAt, got.Said = time.Time{}, nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("got instead of wanted:\n%s", diff)
			}
		})
	}
}

// G3, G2: an ID token that is not exactly ours is refused, and an answer of another issuer.
func TestWrongTokensAreRefused(t *testing.T) {
	t.Parallel()
	th := serve(t, fakeidp.OpenID, time.Minute, nil)
	for _, fault := range []string{
		"no-id-token", "issuer", "audience", "azp", "nonce", "no-nonce", "signature", "unsigned", "symmetric", "expired",
		"no-exp", "future", "old",
		"no-iat", "no-sub", "at-hash", "iss-parameter",
	} {
		who := jo
		who.Fault = fault
		if id, err := th.come(who); !errors.Is(err, upstream.ErrRefused) {
			t.Errorf("%s: got %+v, %v; want it refused", fault, id, err)
		}
	}
	if _, err := th.come(jo); err != nil {
		t.Errorf("without a fault: %v", err)
	}
	nameless := fakeidp.Person{Subject: "4711", Fault: "userinfo"} // so that userinfo is asked
	if id, err := th.come(nameless); !errors.Is(err, upstream.ErrRefused) {
		t.Errorf("userinfo about another user: got %+v, %v; want it refused", id, err)
	}
	ms := serve(t, fakeidp.Microsoft, time.Minute, nil)
	for _, who := range []fakeidp.Person{{Subject: "1", Tenant: directory, Fault: "tid"},
		{Subject: "1", Tenant: "evil/../x"}, {Subject: "1"}} {
		if id, err := ms.come(who); !errors.Is(err, upstream.ErrRefused) {
			t.Errorf("directory %q, %s: got %+v, %v; want it refused", who.Tenant, who.Fault, id, err)
		}
	}
}

// G2: a discovery document that calls itself something else, or lacks something.
func TestWrongDiscoveryIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(map[string]any){
		"another issuer":  func(m map[string]any) { m["issuer"] = "https://accounts.google.com" },
		"a template":      func(m map[string]any) { m["issuer"] = "https://login.microsoftonline.com/{tenantid}/v2.0" },
		"no token URL":    func(m map[string]any) { delete(m, "token_endpoint") },
		"no keys":         func(m map[string]any) { delete(m, "jwks_uri") },
		"a script as URL": func(m map[string]any) { m["authorization_endpoint"] = "javascript:alert(1)" },
	} {
		for _, kind := range []string{fakeidp.OpenID, fakeidp.Google} {
			th := serve(t, kind, time.Minute, func(s *fakeidp.Server, _ *storage.Upstream) { s.Metadata = change })
			if _, err := th.AuthURL(t.Context(), newRequest()); !errors.Is(err, upstream.ErrRefused) {
				t.Errorf("%s, %s: got %v, want it refused", kind, name, err)
			}
		}
	}
	th := serve(t, fakeidp.OpenID, time.Minute, func(s *fakeidp.Server, _ *storage.Upstream) {
		s.Metadata = func(m map[string]any) { m["authorization_response_iss_parameter_supported"] = true }
	})
	if _, err := th.come(jo); !errors.Is(err, upstream.ErrRefused) { // RFC 9207 section 2.4
		t.Errorf("an answer without the iss that was promised: got %v, want it refused", err)
	}
}

// G5: only the boolean true is verified, and what a provider documents to mean it.
func TestVerifiedAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, says string
		want       bool
	}{
		{fakeidp.OpenID, "true", true}, {fakeidp.OpenID, "false", false}, {fakeidp.OpenID, "", false},
		{fakeidp.OpenID, "text", false},
		{fakeidp.OpenID, "one", false}, {fakeidp.OpenID, "number", false},
		{fakeidp.Google, "text", false}, {fakeidp.Google, "one", false}, {fakeidp.Apple, "one", false},
		{fakeidp.Discord, "text", false}, {fakeidp.Facebook, "one", false},
		{fakeidp.Microsoft, "true", true}, {fakeidp.Microsoft, "text", true}, {fakeidp.Microsoft, "one", true},
		{fakeidp.Microsoft, "number", true},
		{fakeidp.Microsoft, "", false}, {fakeidp.Microsoft, "false", false}, {fakeidp.Apple, "text", true},
		{fakeidp.Apple, "false", false},
		{fakeidp.Facebook, "true", false}, {fakeidp.GitHub, "false", false}, {fakeidp.Discord, "false", false},
	} {
		who := jo
		who.Verified = c.says
		id, err := serve(t, c.kind, time.Minute, nil).come(who)
		if err != nil || id.EmailVerified != c.want || id.Email != who.Email {
			t.Errorf("%s says %q: got %+v, %v; want verified %v", c.kind, c.says, id, err, c.want)
		}
	}
	th := serve(t, fakeidp.OpenID, time.Minute, func(_ *fakeidp.Server, u *storage.Upstream) { u.DistrustEmail = true })
	if id, err := th.come(jo); err != nil || id.EmailVerified {
		t.Errorf("distrusted: got %+v, %v", id, err)
	}
	th = serve(t, fakeidp.OpenID, time.Minute, func(_ *fakeidp.Server, u *storage.Upstream) {
		u.Claims = map[string]string{"email": "contact", "name": "given_name"}
	})
	if id, err := th.come(jo); err != nil || id.Email != "" || id.EmailVerified || id.Profile.Name != "Jo" {
		t.Errorf("mapped: got %+v, %v", id, err)
	}
}

// G5: what a provider says of one claim's address is not said of another's.
func TestAnAddressOfAnotherClaimIsNotVerified(t *testing.T) {
	t.Parallel()
	said := claims{"email": "eve@example.com", "email_verified": true, "preferred_username": "victim@example.com"}
	for verified, want := range map[string]bool{"": false, "email_verified": true} {
		th := serve(t, fakeidp.OpenID, time.Minute, func(_ *fakeidp.Server, u *storage.Upstream) {
			u.Claims = map[string]string{"email": "preferred_username"}
			if verified != "" {
				u.Claims["email_verified"] = verified
			}
		})
		if id := th.identity(said); id.Email != "victim@example.com" || id.EmailVerified != want {
			t.Errorf("email_verified as %q: got %+v", verified, id)
		}
	}
}

// G13: what hangs, floods, leads inwards or answers nonsense ends soon and cleanly.
func TestProvidersThatMisbehave(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{fakeidp.OpenID, fakeidp.Facebook} {
		for _, fault := range []string{"hang", "huge", "status", "json", "redirect", "error"} {
			t.Run(kind+" "+fault, func(t *testing.T) {
				t.Parallel()
				timeout := time.Minute
				if fault == "hang" {
					timeout = time.Second
				}
				th := serve(t, kind, timeout, nil)
				who := jo
				who.Fault = fault
				start := time.Now()
				id, err := th.come(who)
				if !errors.Is(err, upstream.ErrUnreachable) && !errors.Is(err, upstream.ErrRefused) ||
					errors.Is(err, upstream.ErrDenied) {
					t.Errorf("got %+v, %v", id, err)
				}
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("took %s", took)
				}
				if strings.Contains(fmt.Sprint(err), th.Secret) || len(fmt.Sprint(err)) > 300 {
					t.Errorf("the error says too much: %v", err)
				}
				if n := th.idp.Hits("/elsewhere"); n != 0 {
					t.Errorf("a redirect was followed %d times", n)
				}
			})
		}
	}
}

// G13: a key that was not there a moment ago is looked for.
func TestKeysChange(t *testing.T) {
	t.Parallel()
	th := serve(t, fakeidp.OpenID, time.Minute, nil)
	for range 3 {
		who := jo
		who.Fault = "new-key"
		if _, err := th.come(who); err != nil {
			t.Fatal(err)
		}
		if _, err := th.come(jo); err != nil {
			t.Fatal(err)
		}
	}
	if n := th.idp.Hits("/keys"); n != 3 {
		t.Errorf("keys were fetched %d times, want 3", n)
	}
	if n := th.idp.Hits("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("the discovery document was fetched %d times, want once", n)
	}
}

// G13: a provider that is down is not asked again at once, and those who wait do so together.
func TestProviderThatIsDown(t *testing.T) {
	t.Parallel()
	th := serve(t, fakeidp.OpenID, time.Minute, nil)
	th.srv.Close()
	for range 20 {
		if _, err := th.AuthURL(t.Context(), newRequest()); !errors.Is(err, upstream.ErrUnreachable) {
			t.Fatalf("got %v, want it unreachable", err)
		}
	}
}

// L1 for upstreams: without leave, nothing inside is reached.
func TestNothingInsideIsReached(t *testing.T) {
	t.Parallel()
	hits := 0
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits++ }))
	defer srv.Close()
	for _, issuer := range []string{srv.URL, strings.Replace(srv.URL, "http:", "https:", 1),
		"https://169.254.169.254", "https://[::1]"} {
		p, err := New(outbound.Client(outbound.Config{Timeout: time.Second})).provider(storage.Upstream{ID: "x",
			Issuer: issuer, ClientID: "c"}, "s")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.AuthURL(t.Context(), newRequest()); !errors.Is(err, upstream.ErrUnreachable) {
			t.Errorf("%s: got %v, want it unreachable", issuer, err)
		}
	}
	if hits != 0 {
		t.Errorf("%d requests came in", hits)
	}
}

// G15: many at once through one provider never get each other's identity.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{fakeidp.OpenID, fakeidp.Facebook} {
		th := serve(t, kind, time.Minute, nil)
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				who := jo
				who.Subject, who.Email = fmt.Sprint(1000+i), fmt.Sprintf("p%d@example.com", i)
				if id, err := th.come(who); err != nil || id.Subject != who.Subject || id.Email != who.Email {
					t.Errorf("%s: got %+v, %v; want %s", kind, id, err, who.Subject)
				}
			})
		}
		wg.Wait()
	}
}

func TestWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]map[string]string{
		fakeidp.OpenID: {"prompt": "login", "max_age": "0", "login_hint": "jo@example.com",
			"scope": "openid profile email", "nonce": "*"},
		fakeidp.Google: {"prompt": "select_account", "max_age": "0", "hd": "example.com", "nonce": "*"},
		fakeidp.Apple:  {"response_mode": "form_post", "max_age": "0", "scope": "openid name email", "nonce": "*"},
		fakeidp.Facebook: {"auth_type": "reauthenticate", "max_age": "", "scope": "public_profile email",
			"nonce": "", "login_hint": ""},
	} {
		th := serve(t, kind, time.Minute, func(_ *fakeidp.Server, u *storage.Upstream) {
			u.Domains = []string{"example.com"}
		})
		r := newRequest()
		r.Fresh, r.LoginHint = true, "jo@example.com"
		address, err := th.AuthURL(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		for name, value := range want {
			if got := q.Get(name); got != value && (value != "*" || got == "") {
				t.Errorf("%s: %s is %q, want %q", kind, name, got, value)
			}
		}
		if q.Get("code_challenge") != oauth2.S256ChallengeFromVerifier(r.Verifier) ||
			q.Get("code_challenge_method") != "S256" || q.Get("response_type") != "code" {
			t.Errorf("%s: asked for with %v", kind, q)
		}
	}
}

// What a provider says of a person is shown to others: one line of text, https or nothing.
func TestHostileProfiles(t *testing.T) {
	t.Parallel()
	th := serve(t, fakeidp.OpenID, time.Minute, nil)
	said := claims{
		"name": "Jo\u202eeoD", "given_name": strings.Repeat("x", 201), "family_name": "a\nb",
		"picture": "javascript:alert(1)", "website": "http://example.com",
		"profile": "https://u:p@example.com", "email": []any{"a@example.com"}, "email_verified": true,
		"nickname": map[string]any{}, "locale": 7,
		"amr": []any{"pwd", 7, strings.Repeat("x", 40)},
	}
	got := th.identity(said)
	got.Said = nil
	if diff := cmp.Diff(upstream.Identity{AMR: []string{"pwd"}}, got); diff != "" {
		t.Errorf("got instead of wanted:\n%s", diff)
	}
}
