package provider

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/internal/testkeys"
	"github.com/vouchsafe/vouchsafe/provider/mtls"
	"github.com/vouchsafe/vouchsafe/storage"
)

// proxyIP is the address of the trusted proxy of servers to which clients present certificates.
const proxyIP = "198.51.100.7"

// issued returns a certificate of the authority.
func issued(by *testkeys.Authority, name string, change ...func(*x509.Certificate)) *x509.Certificate {
	by.Helper()
	own, _ := by.Client(name, change...)
	return own
}

// selfSigned returns a certificate that its key has signed.
func selfSigned(t testing.TB) *x509.Certificate {
	t.Helper()
	return issued(&testkeys.Authority{TB: t}, "self")
}

// presents posts a form to a path over a connection in which the client presented these certificates.
func (s *tokenServer) presents(path string, form url.Values, shown ...*x509.Certificate) reply {
	s.Helper()
	r := httptest.NewRequest("POST", testIssuer+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.TLS = &tls.ConnectionState{PeerCertificates: shown}
	return s.do(r)
}

// certificateServer takes certificates, and trusts the authority.
func certificateServer(t testing.TB, trusted *testkeys.Authority) *tokenServer {
	t.Helper()
	return startTokens(t, func(c *Config) {
		c.Certificates, c.CertificatesURL, c.Authorities = true, "https://mtls.example", x509.NewCertPool()
		c.Authorities.AddCert(trusted.Own)
	})
}

var own = values("grant_type", "client_credentials", "client_id", "service")

// TestClientsAuthenticateByTheirCertificates: one of a trusted authority with the registered name (RFC 8705 section
// 2.1), or one with a registered key (section 2.2). All others are refused.
func TestClientsAuthenticateByTheirCertificates(t *testing.T) {
	t.Parallel()
	trusted, foreign := testkeys.NewAuthority(t, "Trusted", nil), testkeys.NewAuthority(t, "Trusted", nil)
	between := testkeys.NewAuthority(t, "Between", trusted)
	s := certificateServer(t, trusted)
	byDNS := func(of *x509.Certificate) { of.DNSNames = []string{"app.example.com"} }
	wildcard := func(of *x509.Certificate) { of.DNSNames = []string{"*.example.com"} }
	expired := func(of *x509.Certificate) { of.NotAfter = time.Now().Add(-time.Minute) }
	forServers := func(of *x509.Certificate) { of.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }
	more := func(of *x509.Certificate) {
		of.URIs = []*url.URL{{Scheme: "spiffe", Host: "example.com", Path: "/app"}}
		of.IPAddresses = []net.IP{net.ParseIP("192.0.2.9")}
		of.EmailAddresses = []string{"app@example.com"}
	}
	type all = []*x509.Certificate
	dn := func(dn string) func(*storage.Client) {
		return func(c *storage.Client) { c.CertificateDN = dn }
	}
	known := dn(`CN=app,O=Example\, Inc.,C=DE`)
	for name, c := range map[string]struct {
		client func(*storage.Client)
		shown  all
		ok     bool
	}{
		"a name": {known, all{issued(trusted, "app")}, true},
		"a name that is written otherwise": {dn(`cn = APP, O=Example\2C Inc., 2.5.4.6=de`),
			all{issued(trusted, "app")}, true},
		"a name in another order":     {dn(`C=DE,O=Example\, Inc.,CN=app`), all{issued(trusted, "app")}, false},
		"a part of a name":            {dn(`CN=app`), all{issued(trusted, "app")}, false},
		"another name":                {known, all{issued(trusted, "app2")}, false},
		"an intermediate authority":   {known, all{issued(between, "app"), between.Own}, true},
		"without the intermediate":    {known, all{issued(between, "app")}, false},
		"an authority of that name":   {known, all{issued(foreign, "app"), foreign.Own}, false},
		"expired":                     {known, all{issued(trusted, "app", expired)}, false},
		"a certificate for servers":   {known, all{issued(trusted, "app", forServers)}, false},
		"no certificate":              {known, nil, false},
		"another's, who is behind it": {known, all{selfSigned(t), issued(trusted, "app")}, false},
		"a DNS name": {func(c *storage.Client) { c.CertificateDNS = "app.example.com" },
			all{issued(trusted, "x", byDNS)}, true},
		"a DNS name as common name": {func(c *storage.Client) { c.CertificateDNS = "app.example.com" },
			all{issued(trusted, "app.example.com")}, false},
		"a wildcard": {func(c *storage.Client) { c.CertificateDNS = "app.example.com" },
			all{issued(trusted, "x", wildcard)}, false},
		"a URI": {func(c *storage.Client) { c.CertificateURI = "spiffe://example.com/app" },
			all{issued(trusted, "x", more)}, true},
		"the beginning of a URI": {func(c *storage.Client) { c.CertificateURI = "spiffe://example.com/" },
			all{issued(trusted, "x", more)}, false},
		"an IP address": {func(c *storage.Client) { c.CertificateIP = "192.0.2.9" },
			all{issued(trusted, "x", more)}, true},
		"an email address": {func(c *storage.Client) { c.CertificateEmail = "app@example.com" },
			all{issued(trusted, "x", more)}, true},
		"another email address": {func(c *storage.Client) { c.CertificateEmail = "app@example.org" },
			all{issued(trusted, "x", more)}, false},
	} {
		s := s.elsewhere(t)
		s.service("service", func(stored *storage.Client) {
			stored.TokenEndpointAuthMethod, stored.SecretHashes = "tls_client_auth", nil
			c.client(stored)
		})
		if a := s.presents("/token", own, c.shown...); c.ok != (a.status == http.StatusOK) ||
			!c.ok && (a.status != http.StatusUnauthorized || a.str("error") != "invalid_client") {
			t.Errorf("%s: got %d %s", name, a.status, a.raw)
		}
	}

	mine, renewed := selfSigned(t), (*x509.Certificate)(nil)
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: mine.PublicKey, KeyID: "k"}}})
	if err != nil {
		t.Fatal(err)
	}
	s.service("service", func(c *storage.Client) {
		c.TokenEndpointAuthMethod, c.SecretHashes, c.JWKS = "self_signed_tls_client_auth", nil, keys
	})
	renewed = issued(trusted, "service")
	for name, c := range map[string]struct {
		shown *x509.Certificate
		ok    bool
	}{"its key": {mine, true}, "another's key": {selfSigned(t), false}, "a trusted authority's": {renewed, false}} {
		if a := s.elsewhere(t).presents("/token", own, c.shown); c.ok != (a.status == http.StatusOK) {
			t.Errorf("self-signed, %s: got %d %s", name, a.status, a.raw)
		}
	}
	// A certificate is no credential of a client that is registered for another method.
	_, secret := s.service("service", func(c *storage.Client) { c.CertificateDN = "CN=service" })
	if a := s.elsewhere(t).presents("/token", own, issued(trusted, "service")); a.str("error") != "invalid_client" {
		t.Errorf("a client with a secret: got %d %s", a.status, a.raw)
	}
	if a := s.post(values("grant_type", "client_credentials"), basic("service", secret)); a.status != http.StatusOK {
		t.Errorf("by its secret: got %d %s", a.status, a.raw)
	}
}

// TestProxiesPassCertificates: the header of a trusted proxy counts, in each form in which proxies write it. That
// of a client counts for nothing, and neither does a certificate of the proxy itself.
func TestProxiesPassCertificates(t *testing.T) {
	t.Parallel()
	trusted := testkeys.NewAuthority(t, "Trusted", nil)
	between := testkeys.NewAuthority(t, "Between", trusted)
	s := certificateServer(t, trusted)
	s.service("service", func(c *storage.Client) {
		c.TokenEndpointAuthMethod, c.SecretHashes, c.CertificateDNS = "tls_client_auth", nil, "app.example.com"
	})
	byDNS := func(of *x509.Certificate) { of.DNSNames = []string{"app.example.com"} }
	good := issued(trusted, "x", byDNS)
	coded := base64.StdEncoding.EncodeToString(good.Raw)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: good.Raw}))
	chained := base64.StdEncoding.EncodeToString(issued(between, "x", byDNS).Raw)
	escaped := strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
	issuer := base64.StdEncoding.EncodeToString(between.Own.Raw)
	for name, c := range map[string]struct {
		from  string
		lines []string
		ok    bool
	}{
		"RFC 9440":           {proxyIP, []string{"Client-Cert: :" + coded + ":"}, true},
		"nginx and Envoy":    {proxyIP, []string{"Client-Cert: " + url.PathEscape(text)}, true},
		"nginx, all escaped": {proxyIP, []string{"Client-Cert: " + escaped}, true},
		"HAProxy":            {proxyIP, []string{"Client-Cert: " + coded}, true},
		"Apache":             {proxyIP, []string{"Client-Cert: " + strings.ReplaceAll(text, "\n", " ")}, true},
		"with an intermediate": {proxyIP, []string{"Client-Cert: :" + chained + ":",
			"Client-Cert-Chain: :" + issuer + ":"}, true},
		"no certificate":     {proxyIP, []string{"Client-Cert: "}, false},
		"Apache without one": {proxyIP, []string{"Client-Cert: (null)"}, false},
		"none of ours":       {proxyIP, []string{"Client-Cert: nonsense"}, false},
		"two":                {proxyIP, []string{"Client-Cert: :" + coded + ":", "Client-Cert: :" + coded + ":"}, false},
		"too large":          {proxyIP, []string{"Client-Cert: :" + strings.Repeat("A", 20<<10) + ":"}, false},
		"a client's own":     {"192.0.2.1", []string{"Client-Cert: :" + coded + ":"}, false},
		"another header":     {proxyIP, []string{"X-Client-Cert: :" + coded + ":"}, false},
	} {
		s := s.elsewhere(t)
		s.ip = c.from
		if a := s.post(own, c.lines...); c.ok != (a.status == http.StatusOK) ||
			!c.ok && a.str("error") != "invalid_client" && a.str("error") != "invalid_request" {
			t.Errorf("%s: got %d %s", name, a.status, a.raw)
		}
	}
	s.ip = proxyIP
	if a := s.presents("/token", own, good); a.str("error") != "invalid_client" {
		t.Errorf("the proxy's own certificate: got %d %s", a.status, a.raw)
	}
}

// TestTokensAreBoundToCertificates: only who presents the certificate can use them (RFC 8705 section 3), and public
// clients refresh with it alone (section 4).
func TestTokensAreBoundToCertificates(t *testing.T) {
	t.Parallel()
	s := certificateServer(t, testkeys.NewAuthority(t, "Trusted", nil))
	bound := func(c *storage.Client) { c.CertificateBound = true }
	c := s.client(bound)
	mine, stolen := selfSigned(t), selfSigned(t)
	redeem := func(code string) url.Values {
		return values("grant_type", "authorization_code", "client_id", c.ClientID, "code", code,
			"redirect_uri", testRedirect, "code_verifier", testVerifier)
	}
	code := s.code(c)
	if a := s.post(redeem(code)); a.status != http.StatusBadRequest || a.str("error") != "invalid_request" {
		t.Errorf("without a certificate: got %d %s", a.status, a.raw)
	}
	got := s.presents("/token", redeem(code), mine) // the code was not spent
	if got.status != http.StatusOK || got.str("token_type") != "Bearer" {
		t.Fatalf("got %d %s", got.status, got.raw)
	}
	access, refresh := got.str("access_token"), got.str("refresh_token")
	if cnf, _ := payload(t, access)["cnf"].(map[string]any); len(cnf) != 1 || cnf["x5t#S256"] != mtls.Thumbprint(mine) {
		t.Errorf("got the claim cnf %v", cnf)
	}

	userinfo := func(shown ...*x509.Certificate) reply {
		r := httptest.NewRequest("GET", testIssuer+"/userinfo", nil)
		r.Header.Set("Authorization", "Bearer "+access)
		r.TLS = &tls.ConnectionState{PeerCertificates: shown}
		return s.do(r)
	}
	if a := userinfo(mine); a.status != http.StatusOK || a.str("sub") != s.user.ID {
		t.Errorf("userinfo: got %d %s", a.status, a.raw)
	}
	for name, a := range map[string]reply{"no certificate": userinfo(), "another": userinfo(stolen)} {
		if a.status != http.StatusUnauthorized || a.str("error") != "invalid_token" {
			t.Errorf("userinfo with %s: got %d %s", name, a.status, a.raw)
		}
	}

	ask, secret := s.service("asks", func(c *storage.Client) { c.MayIntrospect = true })
	for name, token := range map[string]string{"access": access} {
		r := httptest.NewRequest("POST", testIssuer+"/introspect", strings.NewReader(url.Values{"token": {token}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(ask.ClientID, secret)
		a := s.do(r)
		if cnf, _ := a.body["cnf"].(map[string]any); a.body["active"] != true || cnf["x5t#S256"] != mtls.Thumbprint(mine) {
			t.Errorf("introspection of the %s token: got %s", name, a.raw)
		}
	}

	again := values("grant_type", "refresh_token", "client_id", c.ClientID, "refresh_token", refresh)
	if a := s.presents("/token", again, stolen); a.str("error") != "invalid_grant" {
		t.Errorf("refresh with another certificate: got %d %s", a.status, a.raw)
	}
	next := s.presents("/token", again, mine)
	if next.status != http.StatusOK {
		t.Fatalf("refresh: got %d %s", next.status, next.raw)
	}
	// Neither does a client that stops binding its tokens set those free that it has.
	s.client()
	again.Set("refresh_token", next.str("refresh_token"))
	if a := s.post(again); a.str("error") != "invalid_grant" {
		t.Errorf("refresh once tokens are not bound: got %d %s", a.status, a.raw)
	}

	// Those that it had before it began to bind its tokens don't count any more.
	free := s.tokens(s.client()).str("refresh_token")
	s.client(bound)
	again.Set("refresh_token", free)
	if a := s.presents("/token", again, mine); a.str("error") != "invalid_grant" {
		t.Errorf("a refresh token from before: got %d %s", a.status, a.raw)
	}

	// A client with credentials presents what certificate it has: its refresh tokens are bound to the credentials.
	confidential, secret := s.service("web", bound, func(c *storage.Client) {
		c.GrantTypes, c.RedirectURIs, c.Scope = []string{"authorization_code", "refresh_token"}, []string{testRedirect},
			"openid offline_access api"
	})
	c = confidential
	form := redeem(s.code(c))
	form.Set("client_secret", secret)
	form.Del("client_id")
	post := func(form url.Values, shown ...*x509.Certificate) reply {
		r := httptest.NewRequest("POST", testIssuer+"/token", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(c.ClientID, secret)
		r.TLS = &tls.ConnectionState{PeerCertificates: shown}
		return s.do(r)
	}
	form.Del("client_secret")
	first := post(form, mine)
	second := post(values("grant_type", "refresh_token", "refresh_token", first.str("refresh_token")), stolen)
	cnf, _ := payload(t, second.str("access_token"))["cnf"].(map[string]any)
	if cnf["x5t#S256"] != mtls.Thumbprint(stolen) {
		t.Errorf("a confidential client with a new certificate: got %s, then %s", first.raw, second.raw)
	}
}

// TestProofsAtTheAlias: a client that presents a certificate may prove a key, too, and its proof names the URL to which
// it goes.
func TestProofsAtTheAlias(t *testing.T) {
	t.Parallel()
	s := certificateServer(t, testkeys.NewAuthority(t, "Trusted", nil))
	_, secret := s.service("service")
	p := s.proves()
	ask := func(htu string) reply {
		return p.learns(s.post(values("grant_type", "client_credentials"), basic("service", secret), p.line("htu", htu)))
	}
	ask(testIssuer + "/token") // the first nonce
	for htu, want := range map[string]int{
		testIssuer + "/token": http.StatusOK, "https://mtls.example/token": http.StatusOK,
		"https://mtls.example/par": http.StatusBadRequest, "https://other.example/token": http.StatusBadRequest,
	} {
		if got := ask(htu); got.status != want {
			t.Errorf("%s: got %d %s, want %d", htu, got.status, got.raw, want)
		}
	}
}

// TestCertificatesAreAnnounced: discovery names what counts here, and where certificates are presented (RFC 8705
// section 5). Without the setting, it names none of it.
func TestCertificatesAreAnnounced(t *testing.T) {
	t.Parallel()
	s := certificateServer(t, testkeys.NewAuthority(t, "Trusted", nil))
	read := func(s *tokenServer) map[string]any {
		return s.do(httptest.NewRequest("GET", testIssuer+"/.well-known/openid-configuration", nil)).body
	}
	doc := read(s)
	aliases, _ := doc["mtls_endpoint_aliases"].(map[string]any)
	for _, name := range []string{"token_endpoint", "userinfo_endpoint", "introspection_endpoint", "revocation_endpoint",
		"pushed_authorization_request_endpoint", "device_authorization_endpoint"} {
		want := strings.Replace(doc[name].(string), testIssuer, "https://mtls.example", 1)
		if aliases[name] != want {
			t.Errorf("the alias of %s is %v, want %s", name, aliases[name], want)
		}
	}
	methods := func(doc map[string]any) string {
		raw, err := json.Marshal(doc["token_endpoint_auth_methods_supported"])
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	if got := methods(doc); !strings.Contains(got, `"tls_client_auth","self_signed_tls_client_auth"`) ||
		doc["tls_client_certificate_bound_access_tokens"] != true {
		t.Errorf("got the methods %s", got)
	}
	none := read(startTokens(t))
	if got := methods(none); strings.Contains(got, "tls") || none["mtls_endpoint_aliases"] != nil ||
		none["tls_client_certificate_bound_access_tokens"] != nil {
		t.Errorf("a server without certificates announces %v", none)
	}
	s = startTokens(t, func(c *Config) { c.Certificates = true })
	if got := methods(read(s)); strings.Contains(got, `"tls_client_auth"`) || read(s)["mtls_endpoint_aliases"] != nil {
		t.Errorf("without authorities, and at the issuer itself: got %s", got)
	}
}
