package fakeidp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"embed"
	"encoding/json"
	"encoding/pem"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/internal/secret"
)

// Kinds of providers.
const (
	OpenID    = "oidc"
	Google    = "google"
	Microsoft = "microsoft"
	Apple     = "apple"
	Facebook  = "facebook"
	GitHub    = "github"
	Discord   = "discord"
)

//go:embed static
var static embed.FS

var pages = template.Must(template.ParseFS(static, "static/*.html"))

// Server is one provider with one client.
type Server struct {
	// Issuer is its URL: what it answers to is below.
	Issuer string
	Kind   string
	Name   string // shown on its page
	// ClientID and ClientSecret are the client's. With Apple the secret is signed by AppleKey.
	ClientID, ClientSecret string
	AppleKey               *ecdsa.PublicKey
	// Metadata, when set, changes the discovery document.
	Metadata func(map[string]any)

	mu    sync.Mutex
	keys  []jose.JSONWebKey         // private; the last one signs
	codes map[string]authorization  // that were given out
	open  map[string]*authorization // by access token
	hits  map[string]int            // by path
}

// MakeAppleKey makes what an Apple client signs with in the place of a secret, in the form
// that Apple hands out (PEM of PKCS #8). The server keeps what it is verified with.
func (s *Server) MakeAppleKey() (private string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	s.AppleKey = &key.PublicKey
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// maxKept bounds what is remembered.
const maxKept = 1000

// authorization is what a code stands for.
type authorization struct {
	Person
	clientID, redirectURI, challenge, nonce string
}

// Person is whoever comes, as they say themselves.
type Person struct {
	Subject string // made from the address or name when empty
	Name    string
	Email   string
	// Verified is what the provider says of the address: true, false, text ("true" as a
	// string), one ("1"), number (1), or "" for nothing.
	Verified string
	Hosted   string // hd
	Tenant   string // tid, with Microsoft
	Factors  string // amr, separated by spaces
	Fault    string // one of Faults, or "" for none
}

// subject is the person's, always the same for the same address or name.
func (p Person) subject() string {
	if p.Subject != "" {
		return p.Subject
	}
	who := strings.ToLower(p.Email)
	if who == "" {
		who = strings.ToLower(p.Name)
	}
	return number(who)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	base, err := url.Parse(s.Issuer)
	if err != nil {
		http.Error(w, "no issuer", http.StatusInternalServerError)
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, base.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	if s.hits == nil {
		s.hits = map[string]int{}
	}
	if len(s.hits) < maxKept {
		s.hits[path]++
	}
	s.mu.Unlock()
	h := s.routes()[r.Method+" "+path]
	if h == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	h(w, r)
}

// authorizePath is where people are sent, below the issuer.
func (s *Server) authorizePath() string {
	switch s.Kind {
	case Facebook:
		return "/v23.0/dialog/oauth"
	case GitHub:
		return "/login/oauth/authorize"
	case Discord:
		return "/oauth2/authorize"
	}
	return "/authorize"
}

// IsPage says whether people see what is at the path. The rest is for programs.
func (s *Server) IsPage(path string) bool {
	base, err := url.Parse(s.Issuer)
	return err != nil || path == base.Path+s.authorizePath()
}

func (s *Server) routes() map[string]http.HandlerFunc {
	var token string
	authorize := s.authorizePath()
	routes := map[string]http.HandlerFunc{"GET /style.css": s.style}
	switch s.Kind {
	case Facebook:
		token = "/v23.0/oauth/access_token"
		routes["GET /v23.0/me"], routes["GET /v23.0/debug_token"] = s.facebookMe, s.facebookDebug
	case GitHub:
		token = "/login/oauth/access_token"
		routes["GET /api/v3/user"], routes["GET /api/v3/user/emails"] = s.gitHubUser, s.gitHubEmails
	case Discord:
		token = "/api/oauth2/token"
		routes["GET /api/users/@me"] = s.discordMe
	default:
		token = "/token"
		routes["GET /.well-known/openid-configuration"] = s.discovery
		routes["GET /keys"], routes["GET /userinfo"] = s.jwks, s.userinfo
	}
	routes["GET "+authorize], routes["POST "+authorize], routes["POST "+token] = s.authorize, s.choose, s.token
	return routes
}

// Hits is how often a path was asked for.
func (s *Server) Hits(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hits[path]
}

func (s *Server) discovery(w http.ResponseWriter, _ *http.Request) {
	issuer := s.Issuer
	if s.Kind == Microsoft {
		issuer = s.microsoft("{tenantid}")
	}
	doc := map[string]any{
		"issuer": issuer, "authorization_endpoint": s.Issuer + "/authorize", "token_endpoint": s.Issuer + "/token",
		"jwks_uri": s.Issuer + "/keys", "userinfo_endpoint": s.Issuer + "/userinfo",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
		"code_challenge_methods_supported":      []string{"S256"},
	}
	if s.Metadata != nil {
		s.Metadata(doc)
	}
	writeJSON(w, doc)
}

// microsoft is the issuer of one directory: the last but one part of the path is its id.
func (s *Server) microsoft(tenant string) string {
	parts := strings.Split(s.Issuer, "/")
	if len(parts) > 4 {
		parts[len(parts)-2] = tenant
	}
	return strings.Join(parts, "/")
}

// signingKey is the newest key, made when there is none or another is wanted.
func (s *Server) signingKey(another bool) (jose.JSONWebKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.keys) == 0 || another {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return jose.JSONWebKey{}, err
		}
		s.keys = []jose.JSONWebKey{{Key: k, KeyID: secret.Token()[:12], Algorithm: "ES256", Use: "sig"}}
	}
	return s.keys[len(s.keys)-1], nil
}

func (s *Server) jwks(w http.ResponseWriter, _ *http.Request) {
	if _, err := s.signingKey(false); err != nil {
		http.Error(w, "no key", http.StatusInternalServerError)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var set jose.JSONWebKeySet
	for _, k := range s.keys {
		set.Keys = append(set.Keys, k.Public())
	}
	writeJSON(w, set)
}

func (s *Server) style(w http.ResponseWriter, _ *http.Request) {
	text, err := static.ReadFile("static/style.css")
	if err != nil {
		http.Error(w, "no style", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(text)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // whoever asked has gone
}
