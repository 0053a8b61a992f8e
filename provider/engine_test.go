package provider

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/storage"
)

// engineClients are the clients of both engines, with their methods of authentication.
var engineClients = map[string]string{
	"web": "client_secret_basic", "other": "client_secret_basic", "svc": "client_secret_basic",
	"posts": "client_secret_post", "native": "none",
}

// engine is a server of the protocol with the same clients and a user who is signed in and allows
// everything: fosite with its own handlers, or Vouchsafe.
//
// web and other are clients with a secret, for Basic; posts sends its secret in the form; svc gets
// tokens for itself; native has redirect URIs of a program on the user's computer.
type engine interface {
	// handle answers one request of a program or a browser.
	handle(r *http.Request) *http.Response
	// writes counts what f has the store write.
	writes(f func()) int
	// lose has the store fail from now on.
	lose()
	// jwt returns an access token in the format of a JWT.
	jwt(t testing.TB) string
}

// stockSecret is the secret of all clients that have one.
var stockSecret, stockHash = clients.NewSecret()

const nativeRedirect = "https://127.0.0.1/cb"

// ownEngine is Vouchsafe with the clients of an engine.
type ownEngine struct {
	*visitor
	down *failing
}

func startOwn(t *testing.T) *ownEngine {
	t.Helper()
	down := &failing{}
	s := startTokens(t, func(c *Config) {
		down.testStore = c.Store.(testStore)
		c.Sessions = &browser.Sessions{Store: c.Store.(sessions.Store), Idle: time.Hour, Lifetime: time.Hour}
		c.Pages = Pages{Login: "/login", Select: "/select", SecondFactor: "/second-factor", Consent: "/consent"}
		c.Store = down
	})
	v := &visitor{s, map[string]string{}}
	v.session = v.signsIn(v.user)
	for id, method := range engineClients {
		v.client(func(c *storage.Client) {
			c.ClientID, c.TokenEndpointAuthMethod, c.FirstParty = id, method, true
			switch id {
			case "svc":
				c.GrantTypes = []string{"client_credentials"}
			case "native":
				c.ApplicationType, c.RedirectURIs = "native", []string{nativeRedirect}
			}
			if method != "none" {
				c.SecretHashes = []string{stockHash}
			}
		})
	}
	return &ownEngine{v, down}
}

func (o *ownEngine) handle(r *http.Request) *http.Response {
	if r.URL.Path == "/authorize" {
		o.bring(r)
	}
	return o.raw(r)
}

func (o *ownEngine) writes(f func()) (n int) {
	store := o.down.testStore.(interface{ OnStatement(func(string)) })
	store.OnStatement(func(query string) {
		if verb, _, _ := strings.Cut(strings.TrimSpace(query), " "); verb == "INSERT" {
			n++
		}
	})
	defer store.OnStatement(nil)
	f()
	return n
}

func (o *ownEngine) lose() { o.down.set("all") }

func (o *ownEngine) jwt(t testing.TB) string {
	t.Helper()
	return tokensOf(t, o).AccessToken
}

// asks sends a browser to the authorization endpoint for the client web. Pairs replace parameters;
// an empty value leaves one out.
func asks(e engine, pairs ...string) *http.Response {
	q := values("client_id", "web", "redirect_uri", testRedirect, "response_type", "code",
		"scope", "openid offline_access", "state", "a-state-that-is-long-enough", "nonce", "a-nonce-that-is-long-enough",
		"code_challenge", s256(testVerifier), "code_challenge_method", "S256")
	for name, v := range values(pairs...) {
		if q[name] = v; v[0] == "" {
			delete(q, name)
		}
	}
	return e.handle(request("GET", "/authorize?"+q.Encode(), ""))
}

// answers returns the parameters that the browser takes to the client: those of the query or of the
// fragment.
func answers(resp *http.Response) url.Values {
	u, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || u.Host != "app.example.com" && u.Hostname() != "127.0.0.1" {
		return url.Values{}
	}
	q := u.Query()
	fragment, err := url.ParseQuery(u.Fragment)
	if err != nil {
		return q
	}
	for name, v := range fragment {
		q[name] = v
	}
	return q
}

// posts sends a form as the client id, by Basic; without authentication if id is "".
func posts(e engine, path, id string, pairs ...string) reply {
	header := []string{formType}
	if id != "" {
		header = append(header, basic(id, stockSecret))
	}
	resp := e.handle(request("POST", path, values(pairs...).Encode(), header...))
	a := reply{status: resp.StatusCode, header: resp.Header}
	_ = json.NewDecoder(resp.Body).Decode(&a.body) // none has a.body empty
	return a
}

// redeems redeems a code of the client web.
func redeems(e engine, code, verifier string) reply {
	pairs := []string{"grant_type", "authorization_code", "code", code, "redirect_uri", testRedirect}
	if verifier != "" {
		pairs = append(pairs, "code_verifier", verifier)
	}
	return posts(e, "/token", "web", pairs...)
}

// tokensOf returns the tokens of a new code of the client web.
func tokensOf(t testing.TB, e engine, pairs ...string) storage.Tokens {
	t.Helper()
	resp := asks(e, pairs...)
	a := redeems(e, answers(resp).Get("code"), testVerifier)
	if a.status != http.StatusOK {
		t.Fatalf("no tokens: authorize %d %s, token %d %v", resp.StatusCode, resp.Header.Get("Location"), a.status, a.body)
	}
	return storage.Tokens{
		AccessToken: a.str("access_token"), RefreshToken: a.str("refresh_token"), IDToken: a.str("id_token"),
	}
}

// renews uses a refresh token as the client id.
func renews(e engine, id, token string) reply {
	return posts(e, "/token", id, "grant_type", "refresh_token", "refresh_token", token)
}
