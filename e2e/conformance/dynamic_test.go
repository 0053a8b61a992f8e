package conformance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// suite is what the suite of the profile Dynamic OP does: it registers a client for each module, and publishes
// documents for it.
type suite struct {
	*plan
	jo    vouchsafetest.Person
	host  *httptest.Server
	mu    sync.Mutex
	files map[string]any
}

// dynamicModules are those of the profile Dynamic OP that Basic OP has not.
var dynamicModules = []struct {
	name string
	test func(s *suite, t *testing.T)
}{
	{"oidcc-server", (*suite).server},
	{"oidcc-idtoken-rs256", (*suite).idTokenRS256},
	{"oidcc-userinfo-rs256", (*suite).userinfoRS256},
	{"oidcc-ensure-redirect-uri-in-authorization-request", (*suite).redirectURIMissing},
	{"oidcc-redirect-uri-query-OK", (*suite).redirectURIQuery},
	{"oidcc-redirect-uri-regfrag", (*suite).redirectURIFragment},
	{"oidcc-registration-logo-uri,policy-uri,tos-uri", (*suite).pages},
	{"oidcc-registration-jwks-uri", (*suite).jwksURI},
	{"oidcc-registration-sector-uri", (*suite).sector},
	{"oidcc-registration-sector-bad", (*suite).sectorBad},
	{"oidcc-registration-dynamically,subject-types", (*suite).subjectTypes},
	{"oidcc-refresh-token-rp-key-rotation", (*suite).keyRotation},
	{"oidcc-ensure-client-assertion-with-iss-aud-succeeds", (*suite).assertionForIssuer},
	{"oidcc-idtoken-unsigned", (*suite).unsignedRefused},
	{"oidcc-client-deletion", (*suite).deletion},
}

func TestConformanceDynamic(t *testing.T) {
	t.Parallel()
	vouchsafetest.Each(t, func(t *testing.T, site *vouchsafetest.Server) {
		s := site.Tenant(t, "dynamic-"+strings.ToLower(rand.Text()[:8]))
		s.ApplyTenant(t, map[string]any{"outside_clients": map[string]any{"registration": "anyone"}})
		d := &suite{plan: &plan{Server: s, api: s.API(t)}, jo: s.Person(t, "--tenant", s.TenantID), files: map[string]any{}}
		d.host = httptest.NewUnstartedServer(http.HandlerFunc(d.serve))
		d.host.TLS = &tls.Config{Certificates: []tls.Certificate{s.Certificate.Pair}}
		d.host.StartTLS()
		t.Cleanup(d.host.Close)
		for _, m := range dynamicModules {
			t.Run(m.name, func(t *testing.T) { m.test(d, t) })
		}
	})
}

// serve publishes the documents.
func (s *suite) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	document, ok := s.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document)
}

// publish publishes a document, and returns its URL.
func (s *suite) publish(path string, document any) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = document
	return s.host.URL + path
}

// asks sends metadata as the suite does, changed by more.
func (s *suite) asks(t *testing.T, more map[string]any) *vouchsafetest.Reply {
	t.Helper()
	metadata := map[string]any{
		"client_name": "OIDF Conformance", "redirect_uris": []string{"https://suite.example/callback"},
		"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"},
		"token_endpoint_auth_method": "client_secret_basic", "contacts": []string{"certification@oidf.org"},
	}
	maps.Copy(metadata, more)
	text, err := json.Marshal(metadata)
	if err != nil {
		t.Fatal(err)
	}
	endpoint, _ := s.metadata(t)["registration_endpoint"].(string)
	path := strings.TrimPrefix(endpoint, s.Issuer)
	return s.api.Do(t, s.api.Request(t, http.MethodPost, path, "application/json", string(text)))
}

// registers returns a new client, and what it was told.
func (s *suite) registers(t *testing.T, more map[string]any) (vouchsafetest.Client, *vouchsafetest.Reply) {
	t.Helper()
	a := s.asks(t, more).Want(t, http.StatusCreated, "")
	c := vouchsafetest.Client{"redirect_uris": strs(a.Body["redirect_uris"])}
	for name, v := range a.Body {
		if text, ok := v.(string); ok {
			c[name] = text
		}
	}
	return c, a
}

// signsIn returns the answer of the token endpoint for a code of the user, and the ID token.
func (s *suite) signsIn(t *testing.T, c vouchsafetest.Client, more ...string) (
	*vouchsafetest.Reply, *vouchsafetest.Token,
) {
	t.Helper()
	r := vouchsafetest.Plain(c, append([]string{"scope", "openid email"}, more...)...)
	reply := s.api.Redeem(t, r, s.Browser(t, s.jo).Code(t, r)).Want(t, http.StatusOK, "")
	return reply, s.api.IDToken(t, c, r, reply)
}

func (s *suite) server(t *testing.T) {
	c, a := s.registers(t, nil)
	if a.Body["client_secret_expires_at"] != json.Number("0") || a.String("client_secret") == "" ||
		a.String("registration_access_token") == "" || a.String("registration_client_uri") == "" {
		t.Errorf("got %v", a.Body)
	}
	reply, id := s.signsIn(t, c)
	if id.String("sub") == "" || s.api.Userinfo(t, reply.Access()).String("sub") != id.String("sub") {
		t.Errorf("got %v", id.Claims)
	}
}

func (s *suite) idTokenRS256(t *testing.T) {
	c, _ := s.registers(t, map[string]any{"id_token_signed_response_alg": "RS256"})
	if _, id := s.signsIn(t, c); id.Header.Algorithm != "RS256" || id.Header.KeyID == "" {
		t.Errorf("got %+v", id.Header)
	}
}

func (s *suite) userinfoRS256(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256"} {
		c, a := s.registers(t, map[string]any{"userinfo_signed_response_alg": alg})
		if a.String("userinfo_signed_response_alg") != alg {
			t.Errorf("got %v", a.Body)
		}
		reply, id := s.signsIn(t, c)
		req := s.api.Request(t, http.MethodGet, "/userinfo", "", "")
		req.Header.Set("Authorization", "Bearer "+reply.Access())
		info := s.api.Do(t, req)
		if kind := info.Header.Get("Content-Type"); kind != "application/jwt" {
			t.Fatalf("got Content-Type %q, want application/jwt", kind)
		}
		said := s.api.Verify(t, info.Raw)
		if said.Header.Algorithm != alg || said.String("iss") != s.Issuer || said.Audience()[0] != c.ID() ||
			said.String("sub") != id.String("sub") || said.String("email") != s.jo.Email {
			t.Errorf("got %+v %v", said.Header, said.Claims)
		}
	}
}

func (s *suite) redirectURIMissing(t *testing.T) {
	c, _ := s.registers(t, map[string]any{
		"redirect_uris": []string{"https://suite.example/one", "https://suite.example/two"}})
	a := s.Browser(t, s.jo).Authorize(t, vouchsafetest.Plain(c, "redirect_uri", "-"))
	if a.Params != nil || a.Page.Status != http.StatusBadRequest {
		t.Errorf("got %v at %s (%d), want an error page", a.Params, a.Page.URL, a.Page.Status)
	}
}

func (s *suite) redirectURIQuery(t *testing.T) {
	c, _ := s.registers(t, map[string]any{"redirect_uris": []string{"https://suite.example/callback?foo=bar"}})
	r := vouchsafetest.Plain(c)
	if a := s.Browser(t, s.jo).Authorize(t, r); a.Code() == "" || a.Page.Left.Query().Get("foo") != "bar" {
		t.Errorf("got %v, want a code and foo", a.Page.Left)
	}
	for name, uri := range map[string]string{"mismatch": "https://suite.example/callback?bar=foo",
		"added": "https://suite.example/callback?foo=bar&x=y", "without": "https://suite.example/callback"} {
		if a := s.Browser(t, s.jo).Authorize(t, vouchsafetest.Plain(c, "redirect_uri", uri)); a.Params != nil ||
			a.Page.Status != http.StatusBadRequest {
			t.Errorf("oidcc-redirect-uri-query-%s: got %v at %s, want an error page", name, a.Params, a.Page.URL)
		}
	}
}

func (s *suite) redirectURIFragment(t *testing.T) {
	s.asks(t, map[string]any{"redirect_uris": []string{"https://suite.example/callback#foobar"}}).
		Want(t, http.StatusBadRequest, "invalid_redirect_uri")
}

// pages looks at the page on which the user signs in: it has links at once, and the logo once an administrator allowed
// the client.
func (s *suite) pages(t *testing.T) {
	c, _ := s.registers(t, map[string]any{"logo_uri": "https://suite.example/logo.png",
		"policy_uri": "https://suite.example/policy", "tos_uri": "https://suite.example/terms",
		"client_name": `<script>alert(1)</script>`})
	signIn := func() string {
		t.Helper()
		page := s.Browser(t, s.jo).Get(t, vouchsafetest.Plain(c).Path())
		return page.Body
	}
	body := signIn()
	for _, want := range []string{`href="https://suite.example/policy"`, `href="https://suite.example/terms"`} {
		if !strings.Contains(body, want) {
			t.Errorf("got no %s", want)
		}
	}
	if strings.Contains(body, "<script>alert") || strings.Contains(body, "logo.png") {
		t.Error("the page shows what it must not")
	}
	s.Command(t, "", "client", "allow", "--tenant", s.TenantID, c.ID())
	time.Sleep(1100 * time.Millisecond) // the cache of clients
	if body := signIn(); !strings.Contains(body, `src="https://suite.example/logo.png"`) {
		t.Error("got no logo of a client that an administrator allowed")
	}
}

// signer is a key of a client.
func signer(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// asserts posts a form with an assertion of the key.
func (s *suite) asserts(t *testing.T, c vouchsafetest.Client, key *ecdsa.PrivateKey, kid string, pairs ...string,
) *vouchsafetest.Reply {
	t.Helper()
	now := time.Now().Unix()
	assertion := vouchsafetest.Sign(t, jose.ES256, key, map[jose.HeaderKey]any{"kid": kid}, map[string]any{
		"iss": c.ID(), "sub": c.ID(), "aud": s.Issuer, "jti": rand.Text(), "iat": now, "exp": now + 60})
	return s.api.Form(t, "/token", vouchsafetest.Values(append(pairs, "client_assertion", assertion,
		"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")...))
}

// keyed registers a client with a key at its jwks_uri, and returns a code of the user for it.
func (s *suite) keyed(t *testing.T, key *ecdsa.PrivateKey, kid, path string) (vouchsafetest.Client, string) {
	t.Helper()
	c, _ := s.registers(t, map[string]any{"token_endpoint_auth_method": "private_key_jwt",
		"jwks_uri": s.publish(path, vouchsafetest.KeySet(key, kid, "ES256"))})
	r := vouchsafetest.Plain(c, "scope", "openid offline_access", "prompt", "consent")
	return c, s.Browser(t, s.jo).Code(t, r)
}

func (s *suite) jwksURI(t *testing.T) { s.byKey(t, "/jwks.json") }

// byKey redeems a code with an assertion for the issuer.
func (s *suite) byKey(t *testing.T, path string) {
	t.Helper()
	key := signer(t)
	c, code := s.keyed(t, key, "a", path)
	s.asserts(t, c, key, "a", "grant_type", "authorization_code", "code", code, "redirect_uri", c.RedirectURI()).
		Want(t, http.StatusOK, "")
	s.asks(t, map[string]any{"token_endpoint_auth_method": "private_key_jwt"}).
		Want(t, http.StatusBadRequest, "invalid_client_metadata")
}

func (s *suite) keyRotation(t *testing.T) {
	old, fresh := signer(t), signer(t)
	c, code := s.keyed(t, old, "old", "/rotated.json")
	first := s.asserts(t, c, old, "old", "grant_type", "authorization_code", "code", code,
		"redirect_uri", c.RedirectURI()).Want(t, http.StatusOK, "")
	s.publish("/rotated.json", vouchsafetest.KeySet(fresh, "fresh", "ES256"))
	next := s.asserts(t, c, fresh, "fresh", "grant_type", "refresh_token", "refresh_token", first.Refresh()).
		Want(t, http.StatusOK, "")
	s.asserts(t, c, old, "old", "grant_type", "refresh_token", "refresh_token", next.Refresh()).
		Want(t, http.StatusUnauthorized, "invalid_client")
}

func (s *suite) assertionForIssuer(t *testing.T) { s.byKey(t, "/others.json") }

func (s *suite) sector(t *testing.T) {
	uris := []string{"https://one.example/callback", "https://two.example/callback"}
	sector := s.publish("/sector.json", append(uris, "https://three.example/callback"))
	c, a := s.registers(t, map[string]any{"redirect_uris": uris, "subject_type": "pairwise",
		"sector_identifier_uri": sector})
	if a.String("sector_identifier_uri") != sector || a.String("subject_type") != "pairwise" {
		t.Errorf("got %v", a.Body)
	}
	third, _ := s.registers(t, map[string]any{"redirect_uris": []string{"https://three.example/callback"},
		"subject_type": "pairwise", "sector_identifier_uri": sector})
	_, one := s.signsIn(t, c)
	_, other := s.signsIn(t, third)
	if one.String("sub") != other.String("sub") {
		t.Errorf("got %s and %s in one sector", one.String("sub"), other.String("sub"))
	}
}

func (s *suite) sectorBad(t *testing.T) {
	sector := s.publish("/bad.json", []string{"https://example.com/op"})
	for _, kind := range []string{"pairwise", "public"} {
		s.asks(t, map[string]any{"sector_identifier_uri": sector, "subject_type": kind}).
			Want(t, http.StatusBadRequest, "invalid_client_metadata")
	}
	s.asks(t, map[string]any{"sector_identifier_uri": s.host.URL + "/missing"}).
		Want(t, http.StatusBadRequest, "invalid_client_metadata")
}

func (s *suite) subjectTypes(t *testing.T) {
	public, _ := s.registers(t, map[string]any{"subject_type": "public"})
	paired, _ := s.registers(t, map[string]any{"subject_type": "pairwise"})
	again, _ := s.registers(t, map[string]any{"subject_type": "pairwise"})
	_, p := s.signsIn(t, public)
	reply, a := s.signsIn(t, paired)
	_, b := s.signsIn(t, again)
	if p.String("sub") == a.String("sub") || a.String("sub") != b.String("sub") {
		t.Errorf("got %s, and %s and %s for one host", p.String("sub"), a.String("sub"), b.String("sub"))
	}
	if got := s.api.Userinfo(t, reply.Access()).String("sub"); got != a.String("sub") {
		t.Errorf("userinfo: got %s, want %s", got, a.String("sub"))
	}
	out := s.Command(t, "", "user", "show", "--tenant", s.TenantID, a.String("sub"))
	if !strings.Contains(out, s.jo.Email) {
		t.Errorf("the administrator finds %s", out)
	}
	out = s.Command(t, "", "claim", "explain", "--tenant", s.TenantID, s.jo.Email, paired.ID())
	if !strings.Contains(out, a.String("sub")) {
		t.Errorf("the explanation does not say the subject: %s", out)
	}
}

func (s *suite) unsignedRefused(t *testing.T) {
	s.asks(t, map[string]any{"id_token_signed_response_alg": "none"}).
		Want(t, http.StatusBadRequest, "invalid_client_metadata")
}

func (s *suite) deletion(t *testing.T) {
	c, a := s.registers(t, nil)
	path := strings.TrimPrefix(a.String("registration_client_uri"), s.Issuer)
	for _, want := range []int{http.StatusNoContent, http.StatusUnauthorized} {
		req := s.api.Request(t, http.MethodDelete, path, "", "")
		req.Header.Set("Authorization", "Bearer "+a.String("registration_access_token"))
		resp, err := s.HTTP(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: got %d, want %d", c.ID(), resp.StatusCode, want)
		}
	}
}
