package provider

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/storage"
)

// prover is a holder of a key who proves it (RFC 9449).
type prover struct {
	*tokenServer
	key   crypto.Signer
	alg   jose.SignatureAlgorithm
	jkt   string
	nonce string // the last that came
}

// proves returns a new holder of a key.
func (s *tokenServer) proves() *prover {
	s.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.Fatal(err)
	}
	return s.provesBy(key, jose.ES256)
}

func (s *tokenServer) provesBy(key crypto.Signer, alg jose.SignatureAlgorithm) *prover {
	s.Helper()
	print, err := (&jose.JSONWebKey{Key: key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		s.Fatal(err)
	}
	return &prover{tokenServer: s, key: key, alg: alg, jkt: base64.RawURLEncoding.EncodeToString(print)}
}

// claims are those of a good proof, with what is given in place of its own; nil leaves one out.
func (p *prover) claims(method, path, token string, more ...any) map[string]any {
	all := map[string]any{"jti": rand.Text(), "htm": method, "htu": testIssuer + path, "iat": time.Now().Unix()}
	if p.nonce != "" {
		all["nonce"] = p.nonce
	}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		all["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	for i := 0; i < len(more); i += 2 {
		if all[more[i].(string)] = more[i+1]; more[i+1] == nil {
			delete(all, more[i].(string))
		}
	}
	return all
}

// sign returns a proof of these claims.
func (p *prover) sign(claims map[string]any) string {
	p.Helper()
	return signJWT(p, p.alg, p.key, claims, p.header())
}

func (p *prover) header() map[jose.HeaderKey]any {
	return map[jose.HeaderKey]any{"typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: p.key.Public()}}
}

// line returns the header DPoP for a request to the token endpoint.
func (p *prover) line(more ...any) string {
	p.Helper()
	return "DPoP: " + p.sign(p.claims("POST", "/token", "", more...))
}

// learns keeps the nonce that an answer has.
func (p *prover) learns(a reply) reply {
	if nonce := a.header.Get("DPoP-Nonce"); nonce != "" {
		p.nonce = nonce
	}
	return a
}

// posts posts the form to the token endpoint with a proof, once more if the answer has a nonce for it.
func (p *prover) posts(form url.Values, header ...string) reply {
	p.Helper()
	a := p.learns(p.post(form, append(header, p.line())...))
	if a.str("error") == "use_dpop_nonce" {
		a = p.learns(p.post(form, append(header, p.line())...))
	}
	return a
}

// redeems presents a code of a public client with a proof.
func (p *prover) redeems(c *storage.Client, code string) reply {
	p.Helper()
	return p.posts(values("grant_type", "authorization_code", "client_id", c.ClientID, "code", code,
		"redirect_uri", testRedirect, "code_verifier", testVerifier))
}

// gets gets bound tokens of a new code.
func (p *prover) gets(c *storage.Client) reply {
	p.Helper()
	a := p.redeems(c, p.code(c))
	if a.status != http.StatusOK || a.str("token_type") != "DPoP" {
		p.Fatalf("got %d %s, want bound tokens", a.status, a.raw)
	}
	return a
}

// refreshes presents a refresh token with a proof.
func (p *prover) refreshes(c *storage.Client, token string, header ...string) reply {
	p.Helper()
	return p.posts(values("grant_type", "refresh_token", "client_id", c.ClientID, "refresh_token", token), header...)
}

// shows brings an access token to userinfo, with the header DPoP unless it is "".
func (p *prover) shows(scheme, token, proof string) *http.Response {
	p.Helper()
	r := request("GET", "/userinfo", "", "Authorization: "+scheme+" "+token)
	if proof != "" {
		r.Header.Set("DPoP", proof)
	}
	return p.raw(r)
}

// userinfo asks for user information, as the holder of the token does.
func (p *prover) userinfo(token string, more ...any) *http.Response {
	p.Helper()
	return p.shows("DPoP", token, p.sign(p.claims("GET", "/userinfo", token, more...)))
}

// TestTokensAreBoundToAKey: RFC 9449, from the first nonce to the refreshed token.
func TestTokensAreBoundToAKey(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	for _, format := range []string{"jwt", "opaque"} {
		c := s.client(func(c *storage.Client) { c.AccessTokenFormat, c.ClientID = format, format })
		p := s.proves()
		code := s.code(c)
		form := values("grant_type", "authorization_code", "client_id", c.ClientID, "code", code,
			"redirect_uri", testRedirect, "code_verifier", testVerifier)
		asked := s.post(form, p.line())
		s.fails(asked, http.StatusBadRequest, "use_dpop_nonce")
		if p.learns(asked); p.nonce == "" {
			t.Fatal("got no nonce")
		}
		a := s.post(form, p.line())
		if a.status != http.StatusOK || a.str("token_type") != "DPoP" {
			t.Fatalf("got %d %s, want bound tokens", a.status, a.raw)
		}
		for range 2 {
			token := a.str("access_token")
			if got := s.access(a).Confirmation.Key(); got != p.jkt {
				t.Errorf("got cnf %q, want %s", got, p.jkt)
			}
			if resp := p.userinfo(token); resp.StatusCode != http.StatusOK {
				t.Errorf("userinfo: got %d %s", resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
			}
			a = p.refreshes(c, a.str("refresh_token"))
			if a.status != http.StatusOK || a.str("token_type") != "DPoP" {
				t.Fatalf("refresh: got %d %s, want bound tokens", a.status, a.raw)
			}
		}
		api, secret := s.confidential("api-"+format, func(c *storage.Client) { c.MayIntrospect = true })
		said := s.form("/introspect", values("token", a.str("access_token")), basic(api.ClientID, secret))
		cnf, _ := said.body["cnf"].(map[string]any)
		if said.str("token_type") != "DPoP" || cnf["jkt"] != p.jkt {
			t.Errorf("introspection: got %s, want the key", said.raw)
		}
	}
}

// TestTokensWithoutAProofStayBearers: what is not used changes nothing.
func TestTokensWithoutAProofStayBearers(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	a := s.tokens(c)
	if a.str("token_type") != "Bearer" || s.access(a).Confirmation != nil ||
		strings.Count(a.str("refresh_token"), ".") != 2 {
		t.Errorf("got %s, want bearer tokens", a.raw)
	}
	p := s.proves()
	resp := p.shows("DPoP", a.str("access_token"), p.line()[len("DPoP: "):])
	if resp.StatusCode != http.StatusUnauthorized ||
		!strings.Contains(resp.Header.Get("WWW-Authenticate"), "invalid_token") {
		t.Errorf("by the scheme DPoP: got %d %q, want invalid_token", resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
	}
	// A proof later binds access tokens, and leaves the refresh token as it is.
	b := p.refreshes(c, a.str("refresh_token"))
	if b.str("token_type") != "DPoP" || strings.Count(b.str("refresh_token"), ".") != 2 {
		t.Errorf("refreshed with a proof: got %s, want a bound access token alone", b.raw)
	}
	challenges := s.raw(request("GET", "/userinfo", "")).Header.Values("WWW-Authenticate")
	if len(challenges) != 2 || !strings.HasPrefix(challenges[0], "Bearer ") ||
		!strings.HasPrefix(challenges[1], "DPoP ") || !strings.Contains(challenges[1], `algs="ES256 `) {
		t.Errorf("without a token: got %q, want both schemes", challenges)
	}
}

// TestStolenTokensNeedTheirKey: an attacker who has the token, and perhaps a proof of the past, gets nothing.
func TestStolenTokensNeedTheirKey(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	p, thief := s.proves(), s.proves()
	token := p.gets(s.client()).str("access_token")
	thief.nonce = p.nonce
	seen := p.sign(p.claims("GET", "/userinfo", token))
	if resp := p.shows("DPoP", token, seen); resp.StatusCode != http.StatusOK {
		t.Fatalf("the holder: got %d %q", resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
	}
	other := p.gets(s.client()).str("access_token")
	for why, test := range map[string]struct{ scheme, proof, code string }{
		"as a bearer token":  {"Bearer", "", "invalid_token"},
		"bearer and a proof": {"Bearer", p.sign(p.claims("GET", "/userinfo", token)), "invalid_token"},
		"no proof":           {"DPoP", "", "invalid_dpop_proof"},
		"used before":        {"DPoP", seen, "invalid_dpop_proof"},
		"another key":        {"DPoP", thief.sign(thief.claims("GET", "/userinfo", token)), "invalid_dpop_proof"},
		"another method":     {"DPoP", p.sign(p.claims("POST", "/userinfo", token)), "invalid_dpop_proof"},
		"another endpoint":   {"DPoP", p.sign(p.claims("GET", "/token", token)), "invalid_dpop_proof"},
		"without ath":        {"DPoP", p.sign(p.claims("GET", "/userinfo", "")), "invalid_dpop_proof"},
		"of another token":   {"DPoP", p.sign(p.claims("GET", "/userinfo", other)), "invalid_dpop_proof"},
		"without a nonce":    {"DPoP", p.sign(p.claims("GET", "/userinfo", token, "nonce", nil)), "use_dpop_nonce"},
		"a made-up nonce":    {"DPoP", p.sign(p.claims("GET", "/userinfo", token, "nonce", "x")), "use_dpop_nonce"},
	} {
		resp := p.shows(test.scheme, token, test.proof)
		said := resp.Header.Get("WWW-Authenticate")
		if resp.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(said, "DPoP ") ||
			!strings.Contains(said, `error="`+test.code+`"`) || !strings.Contains(said, "algs=") {
			t.Errorf("%s: got %d %q, want 401 DPoP with %s", why, resp.StatusCode, said, test.code)
		}
		if test.code == "use_dpop_nonce" && resp.Header.Get("DPoP-Nonce") == "" {
			t.Errorf("%s: got no nonce", why)
		}
	}
	if resp := s.raw(request("POST", "/userinfo", "access_token="+url.QueryEscape(token), formType)); resp.StatusCode !=
		http.StatusUnauthorized {
		t.Errorf("in a form: got %d, want 401", resp.StatusCode)
	}
	r := request("GET", "/x", "", "Authorization: Bearer "+token).WithContext(s.inTenant().Context())
	if _, err := s.p.Apps().Bearer(r); problemCode(err) != "invalid_token" {
		t.Errorf("at the management API: got %v, want invalid_token", err)
	}
	if resp := p.userinfo(token); resp.StatusCode != http.StatusOK { // nothing was harmed
		t.Errorf("the holder: got %d %q", resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
	}
}

// TestProofsThatDoNotCount: what a proof must be and say (RFC 9449 section 4.3).
func TestProofsThatDoNotCount(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	svc, secret := s.service("svc")
	form, as := values("grant_type", "client_credentials"), basic(svc.ClientID, secret)
	p := s.proves()
	if a := p.posts(form, as); a.status != http.StatusOK || a.str("token_type") != "DPoP" {
		t.Fatalf("got %d %s, want a bound token", a.status, a.raw)
	}
	now := time.Now().Unix()
	claims := func(more ...any) map[string]any { return p.claims("POST", "/token", "", more...) }
	with := func(name jose.HeaderKey, v any) string {
		header := p.header()
		header[name] = v
		return signJWT(t, p.alg, p.key, claims(), header)
	}
	other := s.proves()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string]string{
		"no typ":              with("typ", "JWT"),
		"an access token":     with("typ", "at+jwt"),
		"another's key":       with("jwk", jose.JSONWebKey{Key: other.key.Public()}),
		"a private key":       with("jwk", map[string]any{"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "d": "d"}),
		"its own private key": with("jwk", jose.JSONWebKey{Key: p.key}),
		"a shared key":        with("jwk", jose.JSONWebKey{Key: []byte(strings.Repeat("k", 32))}),
		"no key":              with("jwk", map[string]any{}),
		"symmetric": signJWT(t, jose.HS256, []byte(strings.Repeat("k", 32)), claims(),
			map[jose.HeaderKey]any{"typ": "dpop+jwt", "jwk": map[string]any{"kty": "oct",
				"k": base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))}}),
		"unsigned":      unsigned(`{"alg":"none","typ":"dpop+jwt"}`, claims(), ""),
		"no jti":        p.sign(claims("jti", nil)),
		"a huge jti":    p.sign(claims("jti", strings.Repeat("j", 300))),
		"no htm":        p.sign(claims("htm", nil)),
		"htm of GET":    p.sign(claims("htm", "GET")),
		"htm in small":  p.sign(claims("htm", "post")),
		"no htu":        p.sign(claims("htu", nil)),
		"another host":  p.sign(claims("htu", "https://evil.example/token")),
		"by http":       p.sign(claims("htu", "http://id.example.com/token")),
		"another path":  p.sign(claims("htu", testIssuer+"/par")),
		"a path below":  p.sign(claims("htu", testIssuer+"/token/")),
		"of a tenant":   p.sign(claims("htu", testIssuer+"/t/other/token")),
		"with a user":   p.sign(claims("htu", "https://id.example.com@evil.example/token")),
		"another port":  p.sign(claims("htu", "https://id.example.com:8443/token")),
		"no iat":        p.sign(claims("iat", nil)),
		"of the past":   p.sign(claims("iat", now-6*60)),
		"of the future": p.sign(claims("iat", now+3600)),
		"nbf":           p.sign(claims("nbf", now+3600)),
		"exp":           p.sign(claims("exp", now-90)),
		"huge":          p.sign(claims("x", strings.Repeat("x", 4<<10))),
		"no JWT":        "x",
		"weak RSA": signJWT(t, jose.RS256, weak, claims(), map[jose.HeaderKey]any{"typ": "dpop+jwt",
			"jwk": jose.JSONWebKey{Key: weak.Public()}}),
		"cut off":  p.sign(claims())[:200],
		"no claim": signJWT(t, p.alg, p.key, "x", p.header()),
	}
	for why, proof := range bad {
		a := s.post(form, as, "DPoP: "+proof)
		if s.fails(a, http.StatusBadRequest, "invalid_dpop_proof"); t.Failed() {
			t.Fatalf("in %s", why)
		}
	}
	s.fails(s.post(form, as, p.line(), p.line()), http.StatusBadRequest, "invalid_dpop_proof")
	for why, proof := range map[string]string{
		"ten seconds ahead": p.sign(claims("iat", now+10, "nbf", now+10, "exp", now+300)),
		"two minutes late":  p.sign(claims("iat", time.Now().Unix()-2*60)),
		"in capitals":       p.sign(claims("htu", "HTTPS://ID.Example.COM/token")),
		"the usual port":    p.sign(claims("htu", "https://id.example.com:443/token")),
		"with a query":      p.sign(claims("htu", testIssuer+"/token?x=y#z")),
		"escaped":           p.sign(claims("htu", testIssuer+"/%74oken")),
		"with dots":         p.sign(claims("htu", testIssuer+"/x/../token")),
		"an unknown claim":  p.sign(claims("x", "y")),
	} {
		if a := s.post(form, as, "DPoP: "+proof); a.status != http.StatusOK {
			t.Errorf("%s: got %d %s, want a token", why, a.status, a.raw)
		}
	}
	// What a proxy made of the host and the scheme does not count: that is the trap of most servers.
	r := request("POST", "/token", form.Encode(), formType, as, p.line())
	r.Host, r.URL.Host, r.URL.Scheme = "id.example.com", "10.0.0.7:8080", "http"
	if a := s.do(r); a.status != http.StatusOK {
		t.Errorf("behind a proxy: got %d %s, want a token", a.status, a.raw)
	}
}

// TestKeysOfProofs: each kind of key that the metadata names works.
func TestKeysOfProofs(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*prover{s.provesBy(edKey, jose.EdDSA), s.provesBy(rsaKey, jose.PS256),
		s.provesBy(rsaKey, jose.RS256), s.provesBy(p384, jose.ES384)} {
		if resp := p.userinfo(p.gets(s.client()).str("access_token")); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: got %d %q", p.alg, resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
		}
	}
	discovery := s.do(request("GET", "/.well-known/openid-configuration", ""))
	algs, _ := discovery.body["dpop_signing_alg_values_supported"].([]any)
	for _, alg := range []any{"ES256", "PS256", "EdDSA", "Ed25519"} {
		if !slices.Contains(algs, alg) {
			t.Errorf("discovery: got %v, want %s among them", algs, alg)
		}
	}
}

// TestAProofIsSpentOnce: of many requests with one proof, at two replicas, one succeeds.
func TestAProofIsSpentOnce(t *testing.T) {
	t.Parallel()
	onEveryDatabase(t, func(t *testing.T, s *tokenServer) {
		svc, secret := s.service("svc")
		form, as := values("grant_type", "client_credentials"), basic(svc.ClientID, secret)
		p := s.proves()
		p.posts(form, as)
		line := p.line()
		var won atomic.Int64
		var wait sync.WaitGroup
		for _, server := range []*tokenServer{s, s.replica()} {
			for range 10 {
				wait.Go(func() {
					switch a := server.post(form, as, line); {
					case a.status == http.StatusOK:
						won.Add(1)
					default:
						server.fails(a, http.StatusBadRequest, "invalid_dpop_proof")
					}
				})
			}
		}
		if wait.Wait(); won.Load() != 1 {
			t.Errorf("%d requests with one proof succeeded, want 1", won.Load())
		}
	})
}

// TestTwoKeysMayHaveOneJTI: a jti is unique for its key alone (RFC 9449 section 4.2). In attesto's server (#18) an
// attacker could use up the proofs of others by theirs.
func TestTwoKeysMayHaveOneJTI(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	svc, secret := s.service("svc")
	form, as := values("grant_type", "client_credentials"), basic(svc.ClientID, secret)
	for range 2 {
		p := s.proves()
		p.posts(form, as)
		line := p.line("jti", "of both")
		if a := s.post(form, as, line); a.status != http.StatusOK {
			t.Errorf("got %d %s, want a token", a.status, a.raw)
		}
		s.fails(s.post(form, as, line), http.StatusBadRequest, "invalid_dpop_proof")
	}
}

// TestSignaturesThatProveNothing: of zeros, as Java accepted them for every message (CVE-2022-21449), in another form,
// or with more behind it, and claims of other types than theirs. All are refused, whether the header was seen before or
// not.
func TestSignaturesThatProveNothing(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	svc, secret := s.service("svc")
	form, as := values("grant_type", "client_credentials"), basic(svc.ClientID, secret)
	known, fresh := s.proves(), s.proves()
	known.posts(form, as)
	enc := base64.RawURLEncoding.EncodeToString
	order := elliptic.P256().Params().N.Bytes()
	for _, p := range []*prover{known, fresh} {
		p.nonce = known.nonce
		good := p.sign(p.claims("POST", "/token", ""))
		last := strings.LastIndexByte(good, '.')
		raw, err := base64.RawURLEncoding.DecodeString(good[last+1:])
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(good[:last]))
		der, err := ecdsa.SignASN1(rand.Reader, p.key.(*ecdsa.PrivateKey), sum[:])
		if err != nil {
			t.Fatal(err)
		}
		for why, signature := range map[string][]byte{
			"none": nil, "zeros": make([]byte, 64), "the order twice": slices.Concat(order, order),
			"the order and its own": slices.Concat(order, raw[32:]), "DER": der,
			"zero and its own": append(make([]byte, 32), raw[32:]...), "cut off": raw[:63],
			"with more behind it": append(slices.Clone(raw), 0), "turned around": slices.Concat(raw[32:], raw[:32]),
		} {
			a := s.post(form, as, "DPoP: "+good[:last+1]+enc(signature))
			if s.fails(a, http.StatusBadRequest, "invalid_dpop_proof"); t.Failed() {
				t.Fatalf("in %s", why)
			}
		}
		for _, other := range []string{good + "=", good + ".", good + ".AAAA", good[:last] + "." + good[last:],
			strings.Replace(good, ".", ".\t", 1)} {
			s.fails(s.post(form, as, "DPoP: "+other), http.StatusBadRequest, "invalid_dpop_proof")
		}
		for _, odd := range [][]any{{"iat", true}, {"iat", "1"}, {"iat", []int{1}}, {"iat", 1e300}, {"jti", 1}, {"jti", ""},
			{"htm", []string{"POST"}}, {"nonce", 1}, {"exp", "tomorrow"}} {
			s.fails(s.post(form, as, p.line(odd...)), http.StatusBadRequest, "invalid_dpop_proof")
		}
		if a := s.post(form, as, "DPoP: "+good); a.status != http.StatusOK { // nothing has spent it
			t.Errorf("got %d %s, want a token", a.status, a.raw)
		}
	}
}

// TestNoncesOfProofs: a nonce is for minutes. Keycloak forgot proofs before it stopped accepting them.
func TestNoncesOfProofs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		svc, secret := s.service("svc")
		form, as := values("grant_type", "client_credentials"), basic(svc.ClientID, secret)
		p := s.proves()
		p.posts(form, as)
		first := p.nonce
		if a := s.post(form, as, p.line()); a.status != http.StatusOK || a.header.Get("DPoP-Nonce") != "" {
			t.Errorf("with the current nonce: got %d, nonce %q, want a token alone", a.status, a.header.Get("DPoP-Nonce"))
		}
		s.fails(s.post(form, as, p.line("iat", time.Now().Unix()+61)), http.StatusBadRequest, "invalid_dpop_proof")
		if a := s.post(form, as, p.line("iat", time.Now().Unix()-299)); a.status != http.StatusOK {
			t.Errorf("with a clock that is behind: got %d %s, want a token", a.status, a.raw)
		}
		time.Sleep(3 * time.Minute)
		a := s.post(form, as, p.line())
		if next := a.header.Get("DPoP-Nonce"); a.status != http.StatusOK || next == "" || next == first {
			t.Errorf("after minutes: got %d, nonce %q, want a token and the next nonce", a.status, next)
		}
		spent := p.line()
		if a := s.post(form, as, spent); a.status != http.StatusOK {
			t.Fatalf("got %d %s, want a token", a.status, a.raw)
		}
		for range 5 {
			time.Sleep(30 * time.Second)
			a := s.post(form, as, spent)
			if code := a.str("error"); code != "invalid_dpop_proof" && code != "use_dpop_nonce" {
				t.Errorf("a spent proof: got %d %s, want it refused", a.status, a.raw)
			}
		}
		s.fails(p.learns(s.post(form, as, p.line())), http.StatusBadRequest, "use_dpop_nonce") // not that the proof is wrong
		if a := s.post(form, as, p.line()); a.status != http.StatusOK {
			t.Errorf("with the next nonce: got %d %s, want a token", a.status, a.raw)
		}
	})
}

// TestANonceCostsNoAssertion: clients of Duende used their assertion again for the request with the nonce.
func TestANonceCostsNoAssertion(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	a, p := startAssertions(s, "svc"), s.proves()
	form := values(append([]string{"grant_type", "client_credentials"}, a.form(a.claims())...)...)
	if got := p.posts(form); got.status != http.StatusOK || got.str("token_type") != "DPoP" {
		t.Errorf("got %d %s, want a token", got.status, got.raw)
	}
}

// TestBoundRefreshTokens: those of clients without credentials need their key, also inside the grace window.
func TestBoundRefreshTokens(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	p, thief := s.proves(), s.proves()
	first := p.gets(c)
	token := first.str("refresh_token")
	refused := func(when string) {
		t.Helper()
		s.fails(s.refresh(c, token), http.StatusBadRequest, "invalid_dpop_proof")
		s.fails(thief.refreshes(c, token), http.StatusBadRequest, "invalid_grant")
		if !s.lives(first) {
			t.Fatalf("%s: the grant has ended", when)
		}
	}
	refused("before its use")
	second := p.refreshes(c, token)
	if second.status != http.StatusOK {
		t.Fatalf("got %d %s, want tokens", second.status, second.raw)
	}
	refused("inside the grace window")
	if again := p.refreshes(c, token); again.str("refresh_token") != second.str("refresh_token") {
		t.Errorf("inside the grace window: got %s, want the same successor", again.raw)
	}
	third := p.refreshes(c, second.str("refresh_token"))
	refused("spent") // a thief without the key can't end the grant either
	if last := p.refreshes(c, third.str("refresh_token")); last.status != http.StatusOK {
		t.Errorf("got %d %s, want tokens", last.status, last.raw)
	}
	// A token without its key, or with another, is no token.
	parts := strings.Split(token, ".")
	without := strings.Join([]string{parts[0], parts[1], parts[3]}, ".")
	s.fails(s.refresh(c, without), http.StatusBadRequest, "invalid_grant")
	another := strings.Join([]string{parts[0], parts[1], thief.jkt, parts[3]}, ".")
	s.fails(thief.refreshes(c, another), http.StatusBadRequest, "invalid_grant")
	// Those of other clients are bound to the client (RFC 9449 section 5), which may replace its key.
	web, secret := s.confidential("web", func(c *storage.Client) {
		c.RedirectURIs, c.GrantTypes = []string{testRedirect}, []string{"authorization_code", "refresh_token"}
	})
	got := p.posts(values("grant_type", "authorization_code", "code", s.code(web), "redirect_uri", testRedirect,
		"code_verifier", testVerifier), basic(web.ClientID, secret))
	got = thief.posts(values("grant_type", "refresh_token", "refresh_token", got.str("refresh_token")),
		basic(web.ClientID, secret))
	if got.status != http.StatusOK || s.access(got).Confirmation.Key() != thief.jkt {
		t.Errorf("the next key of a client with a secret: got %d %s, want tokens for it", got.status, got.raw)
	}
}

// TestCodesAreBoundToAKey: RFC 9449 section 10. A code that an attacker injects, or steals, is of no use without its
// key.
func TestCodesAreBoundToAKey(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	a.signsIn(a.user)
	p, thief := a.proves(), a.proves()
	codeOf := func(more ...string) string {
		t.Helper()
		_, answer := a.goesTo(a.visit("/authorize?" + a.wanted(more...).Encode()))
		return answer.Get("code")
	}
	pushed := func(more ...string) reply {
		t.Helper()
		for {
			line := "DPoP: " + p.sign(p.claims("POST", "/par", ""))
			got := p.learns(a.form("/par", a.wanted(more...), line))
			if got.str("error") != "use_dpop_nonce" {
				return got
			}
		}
	}
	_, byPAR := a.brings(pushed().str("request_uri"), "dpop_jkt", thief.jkt)
	for name, code := range map[string]string{"dpop_jkt": codeOf("dpop_jkt", p.jkt), "a pushed proof": byPAR.Get("code")} {
		a.fails(a.redeem(a.client, code), http.StatusBadRequest, "invalid_grant")
		a.fails(thief.redeems(a.client, code), http.StatusBadRequest, "invalid_grant")
		if got := p.redeems(a.client, code); got.status != http.StatusOK || got.str("token_type") != "DPoP" {
			t.Errorf("%s: the holder of the key got %d %s, want tokens", name, got.status, got.raw)
		}
	}
	if got := pushed("dpop_jkt", thief.jkt); got.str("error") != "invalid_dpop_proof" {
		t.Errorf("dpop_jkt of another key than the pushed proof's: got %d %s", got.status, got.raw)
	}
	if got := pushed("dpop_jkt", p.jkt); got.status != http.StatusCreated {
		t.Errorf("dpop_jkt of the pushed proof: got %d %s, want 201", got.status, got.raw)
	}
	line := "DPoP: " + p.sign(p.claims("POST", "/par", ""))
	a.form("/par", a.wanted(), line)
	if got := a.form("/par", a.wanted(), line); got.str("error") != "invalid_dpop_proof" {
		t.Errorf("the same proof again: got %d %s, want invalid_dpop_proof", got.status, got.raw)
	}
	for _, jkt := range []string{"x", strings.Repeat("+", 43)} {
		_, answer := a.goesTo(a.visit("/authorize?" + a.wanted("dpop_jkt", jkt).Encode()))
		if answer.Get("error") != "invalid_request" {
			t.Errorf("dpop_jkt=%s: got %v, want invalid_request", jkt, answer)
		}
	}
}

// TestClientsThatRequireProofs: nothing gives such a client a token that any holder may use.
func TestClientsThatRequireProofs(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	p := s.proves()
	strict := func(c *storage.Client) { c.DPoP = storage.DPoPRequire }
	c := s.client()
	loose := s.tokens(c).str("refresh_token")
	c.DPoP = storage.DPoPRequire
	s.put(c)
	code := s.code(c)
	s.fails(s.redeem(c, code), http.StatusBadRequest, "invalid_dpop_proof")
	s.fails(p.refreshes(c, loose), http.StatusBadRequest, "invalid_grant") // of before
	got := p.redeems(c, code)                                              // the refusal has spent nothing
	if got.status != http.StatusOK || got.str("token_type") != "DPoP" {
		t.Fatalf("got %d %s, want bound tokens", got.status, got.raw)
	}
	s.fails(s.refresh(c, got.str("refresh_token")), http.StatusBadRequest, "invalid_dpop_proof")
	svc, secret := s.service("svc", strict)
	as := basic(svc.ClientID, secret)
	s.fails(s.post(values("grant_type", "client_credentials"), as), http.StatusBadRequest, "invalid_dpop_proof")
	if got := p.posts(values("grant_type", "client_credentials"), as); got.str("token_type") != "DPoP" {
		t.Errorf("got %s, want a bound token", got.raw)
	}
	app := s.app(strict)
	if err := s.p.Apps().CheckScope(*app, ""); problemCode(err) != "unauthorized_client" {
		t.Errorf("at the JSON API: got %v, want unauthorized_client", err)
	}
	_, err := s.p.Apps().Tokens(s.inTenant().Context(), *app, s.session, "")
	if problemCode(err) != "unauthorized_client" {
		t.Errorf("tokens of the JSON API: got %v, want unauthorized_client", err)
	}
	off := s.client(func(c *storage.Client) { c.ClientID, c.DPoP = "off", storage.DPoPOff })
	if got := p.redeems(off, s.code(off)); got.str("token_type") != "Bearer" || s.access(got).Confirmation != nil {
		t.Errorf("with dpop: off: got %s, want bearer tokens", got.raw)
	}
}

// TestAReplayedRequestGivesNothing: who repeats a whole request gets nothing, and ends nothing.
func TestAReplayedRequestGivesNothing(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c, p := s.client(), s.proves()
	p.gets(c) // learns the nonce
	code, line := s.code(c), p.line()
	form := values("grant_type", "authorization_code", "client_id", c.ClientID, "code", code, "redirect_uri", testRedirect,
		"code_verifier", testVerifier)
	first := s.post(form, line)
	s.fails(s.post(form, line), http.StatusBadRequest, "invalid_dpop_proof")
	if !s.lives(first) { // the proof was refused before the code, whose second use would end the grant
		t.Error("the replay has ended the grant")
	}
	refreshed := values("grant_type", "refresh_token", "client_id", c.ClientID,
		"refresh_token", first.str("refresh_token"))
	line = p.line()
	if got := s.post(refreshed, line); got.status != http.StatusOK {
		t.Fatalf("got %d %s, want tokens", got.status, got.raw)
	}
	s.fails(s.post(refreshed, line), http.StatusBadRequest, "invalid_dpop_proof")
	if !s.lives(first) {
		t.Error("the replay has ended the grant")
	}
}

// FuzzProof: any header DPoP is refused by a code of RFC 9449, and none but the holder's own proofs is taken.
func FuzzProof(f *testing.F) {
	s := startTokens(f)
	svc, secret := s.service("svc")
	form, as := values("grant_type", "client_credentials"), basic(svc.ClientID, secret)
	p := s.proves()
	p.posts(form, as)
	good := p.sign(p.claims("POST", "/token", ""))
	f.Add(good)
	f.Add(good + ".")
	f.Add(unsigned(`{"alg":"none","typ":"dpop+jwt"}`, p.claims("POST", "/token", ""), ""))
	f.Add(unsigned(`{"alg":"ES256","typ":"dpop+jwt","jwk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}}`, nil, "AAAA"))
	f.Add(unsigned(`{"alg":"ES256","typ":"dpop+jwt","jwk":{"kty":"oct","k":"AA"},"jwk":null}`, nil, "AAAA"))
	f.Add("..")
	f.Fuzz(func(t *testing.T, proof string) {
		s := s.elsewhere(t)
		r := request("POST", "/token", form.Encode(), formType, as)
		r.Header["Dpop"] = []string{proof}
		a := s.do(r)
		if a.status == http.StatusOK && s.access(a).Confirmation.Key() == p.jkt {
			return // the seed, or a proof that its holder made
		}
		code := a.str("error")
		if a.status != http.StatusBadRequest || code != "invalid_dpop_proof" && code != "use_dpop_nonce" {
			t.Fatalf("%q: got %d %s", proof, a.status, a.raw)
		}
	})
}
