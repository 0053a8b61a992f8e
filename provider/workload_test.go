package provider

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/memory"
)

// platform signs tokens of workloads as one of the platforms does that are used most.
type platform struct {
	testing.TB
	issuer  string // in the trust entry
	jwksURI string
	alg     jose.SignatureAlgorithm
	key     crypto.Signer
	header  map[jose.HeaderKey]any
	claims  map[string]any // of a good token
	accepts map[string]string
	set     func(p *platform) string // its key set, as it publishes it
}

// token returns a token with the claims in place of its own; nil leaves one out.
func (p *platform) token(more ...any) string {
	p.Helper()
	all := maps.Clone(p.claims)
	now := time.Now().Unix()
	all["aud"], all["exp"] = []string{testIssuer}, now+3600
	if _, ok := all["iat"]; ok {
		all["iat"], all["nbf"] = now-5, now-5
	}
	for i := 0; i < len(more); i += 2 {
		if all[more[i].(string)] = more[i+1]; more[i+1] == nil {
			delete(all, more[i].(string))
		}
	}
	return signJWT(p, p.alg, p.key, all, p.header)
}

func rsaKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ecKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// certificate returns a certificate of the key, signed by itself.
func certificate(t testing.TB, key crypto.Signer) []*x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)},
		&x509.Certificate{SerialNumber: big.NewInt(1)}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return []*x509.Certificate{cert}
}

func (p *platform) keys(more ...jose.JSONWebKey) string {
	return string(keySetOf(p, append(more,
		jose.JSONWebKey{Key: p.key.Public(), KeyID: p.header["kid"].(string), Use: "sig", Algorithm: string(p.alg)})...))
}

// platforms are the shapes of tokens and key sets that Kubernetes, GitHub, GitLab and SPIRE document.
func platforms(t testing.TB) map[string]*platform {
	return map[string]*platform{
		"Kubernetes": {TB: t, issuer: "https://kubernetes.default.svc.cluster.local",
			jwksURI: "https://k8s.example.com/openid/v1/jwks", alg: jose.RS256, key: rsaKey(t),
			header: map[jose.HeaderKey]any{"kid": "JuuUTKKnBHkYOrP3xSDzRSlYPGtZQpnRvNqUfn8fPEU"},
			claims: map[string]any{
				"iss": "https://kubernetes.default.svc.cluster.local", "iat": 0, "jti": "ea28ed49-2e11-4280-9ec5-bc3d1d84661a",
				"kubernetes.io": map[string]any{
					"namespace": "shop", "node": map[string]any{"name": "node-1", "uid": "646e7c5e"},
					"pod":            map[string]any{"name": "orders-69cbfb9798-jv9gn", "uid": "778a530c"},
					"serviceaccount": map[string]any{"name": "orders", "uid": "a087d5a0-e1dd-43ec-93ac-f13d89cd13af"},
				},
				"sub": "system:serviceaccount:shop:orders",
			},
			accepts: map[string]string{"sub": "system:serviceaccount:shop:orders",
				"/kubernetes.io/serviceaccount/uid": "a087d5a0-e1dd-43ec-93ac-f13d89cd13af"},
			set: func(p *platform) string { return p.keys() }},
		"GitHub": {TB: t, issuer: "https://token.actions.githubusercontent.com",
			jwksURI: "https://token.actions.githubusercontent.com/.well-known/jwks", alg: jose.RS256, key: rsaKey(t),
			header: map[jose.HeaderKey]any{"typ": "JWT", "kid": "cc413527-173f-5a05-976e-9c52b1d7b431", "x5t": "eBZ_cn3"},
			claims: map[string]any{
				"jti": "1e0a24c7", "sub": "repo:acme/app:ref:refs/heads/main", "ref": "refs/heads/main", "sha": "bb4b",
				"repository": "acme/app", "repository_owner": "acme", "repository_owner_id": "65", "run_id": "30433642",
				"run_number": "10", "run_attempt": "1", "repository_visibility": "private", "repository_id": "74",
				"actor_id": "12", "actor": "octocat", "workflow": "deploy", "head_ref": "", "base_ref": "",
				"event_name": "push", "ref_protected": "true", "ref_type": "branch",
				"job_workflow_ref": "acme/app/.github/x.yml@refs/heads/main", "runner_environment": "github-hosted",
				"iss": "https://token.actions.githubusercontent.com", "iat": 0,
			},
			accepts: map[string]string{"repository_id": "74", "sub": "repo:acme/app:ref:refs/heads/*"},
			set: func(p *platform) string {
				old := rsaKey(p)
				return p.keys(jose.JSONWebKey{Key: old.Public(), KeyID: "38826b17-6a30-5f9b-b169-8beb8202f723", Use: "sig",
					Algorithm: "RS256", Certificates: certificate(p, old)})
			}},
		"GitLab": {TB: t, issuer: "https://gitlab.example.com", jwksURI: "https://gitlab.example.com/oauth/discovery/keys",
			alg: jose.RS256, key: rsaKey(t), header: map[jose.HeaderKey]any{"typ": "JWT", "kid": "4i3sFE7sxqNPOT7FdvcGA1ZVG"},
			claims: map[string]any{
				"namespace_id": "72", "namespace_path": "my-group", "project_id": "20", "project_path": "my-group/my-project",
				"user_id": "1", "user_login": "sample-user", "user_access_level": "developer", "user_identities": []any{},
				"pipeline_id": "574", "pipeline_source": "push", "job_id": "302", "ref": "feature-branch-1", "ref_type": "branch",
				"ref_path": "refs/heads/feature-branch-1", "ref_protected": "false", "groups_direct": []string{"group/sub"},
				"runner_id": 1, "runner_environment": "self-hosted", "project_visibility": "public", "jti": "235b3a54", "iat": 0,
				"iss": "https://gitlab.example.com", "sub": "project_path:my-group/my-project:ref_type:branch:ref:feature-branch-1",
			},
			accepts: map[string]string{"project_path": "my-group/*", "ref_path": "refs/**"},
			set:     func(p *platform) string { return p.keys() }},
		"SPIFFE": {TB: t, issuer: "spiffe://example.org", jwksURI: "https://spire.example.org/keys", alg: jose.ES256,
			key: ecKey(t), header: map[jose.HeaderKey]any{"typ": "JWT", "kid": "C6vs25welZOx6WksNYfbMfiw9l96pMnD"},
			claims:  map[string]any{"sub": "spiffe://example.org/ns/shop/sa/orders"},
			accepts: map[string]string{"sub": "spiffe://example.org/ns/shop/sa/orders"},
			set: func(p *platform) string { // a bundle has keys for X.509, too
				authority := ecKey(p)
				bundle := p.keys(jose.JSONWebKey{Key: authority.Public(), Use: "x509-svid",
					Certificates: certificate(p, authority)})
				bundle = strings.Replace(bundle, `"use":"sig"`, `"use":"jwt-svid"`, 1)
				bundle = strings.Replace(bundle, `,"alg":"ES256"`, "", 1)
				return strings.TrimSuffix(bundle, "}") + `,"spiffe_sequence":1,"spiffe_refresh_hint":2419200}`
			}},
	}
}

// published are documents by their address. It is a clientauth.Fetcher.
type publishedKeys struct {
	mu    sync.Mutex
	docs  map[string]string
	asked int
}

// Fetch implements clientauth.Fetcher.
func (p *publishedKeys) Fetch(_ context.Context, url string) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	if doc, ok := p.docs[url]; ok {
		return []byte(doc), nil
	}
	return nil, errors.New("there is no such document")
}

// works makes a client that the workload authenticates, with its keys inline or at an address.
func (p *platform) trusted(s *tokenServer, id string, inline bool, change ...func(*storage.Workload)) {
	p.Helper()
	w := storage.Workload{Issuer: p.issuer, JWKSURI: p.jwksURI, Claims: p.accepts}
	if inline {
		w.JWKSURI, w.JWKS = "", json.RawMessage(p.set(p))
	}
	for _, f := range change {
		f(&w)
	}
	c, _ := s.service(id, func(c *storage.Client) {
		c.GrantTypes = []string{"client_credentials", clients.BearerGrant}
		c.TokenEndpointAuthMethod, c.SecretHashes, c.Workloads = "private_key_jwt", nil, []storage.Workload{w}
	})
	copied := *c
	if faults := clients.Validate(&copied); len(faults) > 0 {
		p.Fatal(faults)
	}
}

// authenticates asks for a token with the workload's token as client assertion, and asserts as the grant itself.
func (s *tokenServer) authenticates(id, token string, more ...string) reply {
	s.Helper()
	return s.post(values(append([]string{"grant_type", "client_credentials", "client_id", id, "client_assertion_type",
		jwtBearer, "client_assertion", token}, more...)...))
}

func (s *tokenServer) asserts(id, token string, more ...string) reply {
	s.Helper()
	return s.post(values(append([]string{"grant_type", clients.BearerGrant, "client_id", id, "assertion", token},
		more...)...))
}

// TestWorkloads: tokens of the shapes that platforms give authenticate a client without a secret, also more than once,
// with keys that are fetched or declared.
func TestWorkloads(t *testing.T) {
	t.Parallel()
	for database, open := range databases {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			fetched := &publishedKeys{docs: map[string]string{}}
			s := startTokensOn(t, openDatabase(t, open(t)), memory.New(), func(c *Config) { c.Fetch = fetched })
			for name, p := range platforms(t) {
				for _, inline := range []bool{false, true} {
					fetched.docs[p.jwksURI] = p.set(p)
					id := strings.ToLower(name)
					p.trusted(s, id, inline)
					token := p.token()
					for range 2 { // the platform mounts it as a file
						for how, a := range map[string]reply{
							"client_assertion": s.authenticates(id, token),
							"assertion":        s.asserts(id, token, "scope", "jobs"),
						} {
							if a.status != http.StatusOK {
								t.Fatalf("%s, %s: got %d %s", name, how, a.status, a.raw)
							}
							if c := s.access(a); c.Subject != id || c.ClientID != id || c.GrantID != "" {
								t.Errorf("%s, %s: got %+v", name, how, c)
							}
						}
					}
					soon := p.token("exp", time.Now().Unix()+100)
					if c := s.access(s.asserts(id, soon)); c.Lifetime() > 100*time.Second {
						t.Errorf("%s: the token outlives the assertion: %s", name, c.Lifetime())
					}
				}
			}
		})
	}
}

// TestForeignWorkloads refuses the tokens of other workloads, for other servers, and forged ones. Elsewhere a prefix of
// a name matched another owner's, an audience was compared by its beginning, and an optional claim ended in a crash.
func TestForeignWorkloads(t *testing.T) {
	t.Parallel()
	fetched := &publishedKeys{docs: map[string]string{}}
	s := startTokens(t, func(c *Config) { c.Fetch = fetched })
	all := platforms(t)
	for name, p := range all {
		fetched.docs[p.jwksURI] = p.set(p)
		p.trusted(s, strings.ToLower(name), false)
	}
	now := time.Now().Unix()
	for name, p := range all {
		id := strings.ToLower(name)
		other := all["SPIFFE"]
		if name == "SPIFFE" {
			other = all["GitHub"]
		}
		thief := *p
		if thief.key = ecKey(t); p.alg == jose.RS256 {
			thief.key = rsaKey(t)
		}
		bad := map[string]string{
			"another key":               thief.token(),
			"no audience":               p.token("aud", nil),
			"another audience":          p.token("aud", "https://sts.example.net"),
			"an audience that begins":   p.token("aud", testIssuer+".evil.example"),
			"another server, too":       p.token("aud", []string{testIssuer, "https://sts.example.net"}),
			"expired":                   p.token("exp", now-60),
			"no expiry":                 p.token("exp", nil),
			"a long life":               p.token("exp", now+365*24*3600),
			"from the future":           p.token("nbf", now+600),
			"from long ago":             p.token("iat", now-48*3600),
			"no subject":                p.token("sub", nil),
			"a subject of another kind": p.token("sub", []string{p.claims["sub"].(string)}),
			"alg none":                  unsigned(`{"alg":"none"}`, p.claims, ""),
			"the token of another":      other.token(),
		}
		for what, claims := range map[string][]any{
			"another's subject":    {"sub", p.claims["sub"].(string) + "-2"},
			"the end of a subject": {"sub", "x" + p.claims["sub"].(string)},
		} {
			if _, ok := p.accepts["sub"]; ok {
				bad[what] = p.token(claims...)
			}
		}
		if name == "GitHub" {
			delete(bad, "another's subject") // the branch main-2
			bad["another branch"] = p.token("sub", "repo:acme/app:ref:refs/heads/a/b")
			bad["a pull request"] = p.token("sub", "repo:acme/app:pull_request")
			bad["a repository of the same name"] = p.token("repository_id", "75")
			bad["an id that is a number"] = p.token("repository_id", 74)
		}
		if name == "Kubernetes" {
			bad["an account that was made anew"] = p.token("kubernetes.io", map[string]any{"serviceaccount": map[string]any{
				"uid": "b"}})
			bad["no object where one was"] = p.token("kubernetes.io", "serviceaccount")
		}
		if name == "SPIFFE" {
			bad["another trust domain"] = p.token("sub", "spiffe://example.org.evil/ns/shop/sa/orders")
		}
		for what, token := range bad {
			t.Run(name+", "+what, func(t *testing.T) {
				s := s.elsewhere(t)
				s.fails(s.authenticates(id, token), http.StatusUnauthorized, "invalid_client")
				if a := s.asserts(id, token); a.status != http.StatusUnauthorized {
					t.Errorf("got %d %s", a.status, a.raw)
				}
			})
		}
		if a := s.authenticates(id, p.token()); a.status != http.StatusOK {
			t.Errorf("%s: got %d %s after all of that", name, a.status, a.raw)
		}
		s.fails(s.post(values("grant_type", "client_credentials", "client_assertion_type", jwtBearer, "client_assertion",
			p.token())), http.StatusUnauthorized, "invalid_client")
	}
	// JWT-SVIDs may have an issuer, and their own type of assertion.
	svid := all["SPIFFE"]
	for what, token := range map[string]string{"with iss": svid.token("iss", "https://spire.example.org"),
		"with jti": svid.token("jti", "x", "iat", now)} {
		if a := s.authenticates("spiffe", token, "client_assertion_type", ""); a.status == http.StatusOK {
			t.Errorf("%s: two types: got %s", what, a.raw)
		}
		a := s.post(values("grant_type", "client_credentials", "client_id", "spiffe", "client_assertion", token,
			"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe"))
		if a.status != http.StatusOK {
			t.Errorf("%s: got %d %s", what, a.status, a.raw)
		}
	}
}

// TestWorkloadsBesideASecret: a client can move from its secret to a workload; each works, but not both at once. A
// client that trusts none takes no token, and a client that authenticates by its secret gets invalid_grant.
func TestWorkloadsBesideASecret(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	p := platforms(t)["Kubernetes"]
	moving, secret := s.service("moving", func(c *storage.Client) {
		c.GrantTypes = []string{"client_credentials", clients.BearerGrant}
		c.Workloads = []storage.Workload{{Issuer: p.issuer, JWKS: json.RawMessage(p.set(p)), Claims: p.accepts,
			Audience: []string{"vouchsafe"}}}
	})
	token := p.token("aud", "vouchsafe")
	as := basic("moving", secret)
	for _, a := range []reply{s.authenticates("moving", token), ask(s, as), s.asserts("moving", token),
		s.post(values("grant_type", clients.BearerGrant, "assertion", token), as)} {
		if a.status != http.StatusOK {
			t.Errorf("got %d %s", a.status, a.raw)
		}
	}
	s.fails(s.authenticates("moving", token, "client_secret", secret), http.StatusBadRequest, "invalid_request")
	s.fails(s.authenticates("moving", p.token()), http.StatusUnauthorized, "invalid_client")
	s.fails(s.post(values("grant_type", clients.BearerGrant, "assertion", p.token()), as), http.StatusBadRequest,
		"invalid_grant")
	s.fails(s.post(values("grant_type", clients.BearerGrant), as), http.StatusBadRequest, "invalid_request")
	moving.Workloads = nil
	s.put(moving)
	s.fails(s.authenticates("moving", token), http.StatusUnauthorized, "invalid_client")
	s.fails(s.asserts("moving", token), http.StatusUnauthorized, "invalid_client")
}

// TestForeignKeysAreFetchedSeldom: tokens with made-up kids make one fetch.
func TestForeignKeysAreFetchedSeldom(t *testing.T) {
	t.Parallel()
	p := platforms(t)["GitHub"]
	fetched := &publishedKeys{docs: map[string]string{p.jwksURI: p.set(p)}}
	s := startTokens(t, func(c *Config) { c.Fetch = fetched })
	p.trusted(s, "ci", false)
	s.authenticates("ci", p.token())
	for range 10 {
		p.header["kid"] = rand.Text()
		s.authenticates("ci", p.token())
	}
	if fetched.asked > 2 {
		t.Errorf("%d fetches", fetched.asked)
	}
	fetched.asked = 0
	s.authenticates("ci", p.token("repository_id", "75")) // the conditions are compared first
	if fetched.asked > 0 {
		t.Errorf("%d fetches for a token that meets no condition", fetched.asked)
	}
}
