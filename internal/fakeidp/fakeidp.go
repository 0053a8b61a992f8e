package fakeidp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"embed"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/internal/secret"
)

// The kinds of providers that a Server can imitate.
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
	// Issuer is the URL of the provider. All its routes are below it.
	Issuer string
	Kind   string
	Name   string // the name on its page
	// ClientID and ClientSecret are those of the client. An Apple client has no secret: it signs an
	// assertion, which AppleKey verifies.
	ClientID, ClientSecret string
	AppleKey               *ecdsa.PublicKey
	// Metadata, unless nil, alters the discovery document.
	Metadata func(map[string]any)

	mu    sync.Mutex
	keys  []jose.JSONWebKey         // private keys; the last one signs
	codes map[string]authorization  // the codes that were not redeemed yet
	open  map[string]*authorization // by access token
	hits  map[string]int            // how often each path was requested
}

// MakeAppleKey makes the key with which an Apple client signs its assertions, and sets AppleKey to
// its public half. It returns the private key in the form that Apple hands out (PEM of PKCS #8).
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

// maxKept bounds the codes, access tokens and paths that a Server remembers.
const maxKept = 1000

// authorization is the state behind a code or an access token.
type authorization struct {
	Person
	clientID, redirectURI, challenge, nonce string
}

// Person is a user of the provider, as the page or a test describes them.
type Person struct {
	Subject string // made from the address or the name if empty
	Name    string
	Email   string
	// Verified is what the provider says about the address: "true", "false", "text" ("true" as a
	// string), "one" ("1"), "number" (1), or "" for nothing.
	Verified string
	Hosted   string // the claim hd
	Tenant   string // the claim tid, with Microsoft
	Factors  string // the claim amr, separated by spaces
	Groups   string // the claim groups, separated by spaces; "none" for an empty list
	Fault    string // the id of a Fault, or "" for none
}

// subject returns the person's subject, which is always the same for the same address or name.
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

// authorizePath returns the path, below the issuer, of the page that browsers are sent to.
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

// IsPage reports whether path is a page for the browser. All other paths are for programs.
func (s *Server) IsPage(path string) bool {
	base, err := url.Parse(s.Issuer)
	return err != nil || path == base.Path+s.authorizePath()
}

// Hits returns how often the path was requested.
func (s *Server) Hits(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hits[path]
}

// discovery answers with the discovery document.
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

// microsoft returns the issuer of one directory: the issuer whose last but one segment is the
// directory's id.
func (s *Server) microsoft(tenant string) string {
	parts := strings.Split(s.Issuer, "/")
	if len(parts) > 4 {
		parts[len(parts)-2] = tenant
	}
	return strings.Join(parts, "/")
}

// signingKey returns the key that signs. It makes one if there is none, or if another is true.
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

// jwks answers with the public keys.
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

// style answers with the style sheet of the pages.
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
	_ = json.NewEncoder(w).Encode(v) // an error means that the client is gone
}

// number returns a number that is always the same for the text, because subjects of GitHub and
// Facebook are numbers.
func number(s string) string {
	sum := sha256.Sum256([]byte(s))
	return strconv.FormatUint(uint64(binary.BigEndian.Uint32(sum[:])), 10)
}

// openID reports whether this kind of provider speaks OpenID Connect.
func (s *Server) openID() bool { return s.Kind != Facebook && s.Kind != GitHub && s.Kind != Discord }
