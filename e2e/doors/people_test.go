package doors

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/prooftest"
)

// App is a client of the JSON API.
var App = vouchsafetest.Client{
	"client_id": "app", "client_name": "The app", "client_secret": "app-secret-2vNq8ZxT4mKc7RwY",
	"grant_types": []string{"urn:vouchsafe:first-party", "authorization_code", "refresh_token"}, "first_party": true,
	"redirect_uris": []string{"https://app.example/callback"}, "scope": "openid profile email phone offline_access",
}

// foreign is a client of the other tenant only.
var foreign = vouchsafetest.Web.With(vouchsafetest.Client{"client_id": "foreign",
	"client_secret": "foreign-secret-7bWx3LpV9nQs5KdM"})

// person is a user with every credential that opens doors.
type person struct {
	vouchsafetest.Person
	at       *vouchsafetest.Server
	browser  *vouchsafetest.Browser
	fields   url.Values // what forms of the browser's current account carry
	tokens   *vouchsafetest.Reply
	opaque   *vouchsafetest.Reply
	app      *vouchsafetest.Reply // of the JSON API
	there    fakeidp.Person       // who they are at every provider
	canaries []string             // data that only the user, and clients that the user allowed, may see
}

func newPerson(t *testing.T, at *vouchsafetest.Server, roles ...string) *person {
	t.Helper()
	mark := rand.Text()
	p := &person{Person: vouchsafetest.Person{Email: strings.ToLower(mark) + "@example.com",
		Password: "a password of " + mark}, at: at}
	p.there = fakeidp.Person{Subject: "there-" + mark, Name: "There-" + mark, Email: "there-" + p.Email, Verified: "true"}
	hash, err := bcrypt.GenerateFromPassword([]byte(p.Password), 10)
	if err != nil {
		t.Fatal(err)
	}
	row, err := json.Marshal(map[string]any{
		"email": p.Email, "email_verified": true, "password_hash": string(hash), "roles": roles,
		"profile": map[string]any{"name": "Name-" + mark, "nickname": "Nick-" + mark,
			"website": "https://" + mark + ".example/"},
	})
	if err != nil {
		t.Fatal(err)
	}
	at.Command(t, string(row)+"\n", "user", "import", "-", "--format", "jsonl", "--roles", "--tenant", at.TenantID)
	p.browser = at.Browser(t, p.Person)
	p.tokens = p.get(t, vouchsafetest.Web)
	p.opaque = p.get(t, vouchsafetest.Opaque)
	p.fields = p.form(t)
	body, err := json.Marshal(map[string]any{"login": p.Email, "password": p.Password,
		"scope": "openid profile email offline_access"})
	if err != nil {
		t.Fatal(err)
	}
	api := at.API(t)
	req := api.Request(t, http.MethodPost, "/auth/sign-in", "application/json", string(body))
	vouchsafetest.Basic(App.ID(), App.Secret())(req)
	p.app = api.Do(t, req).Want(t, 200, "")
	p.canaries = []string{"Name-" + mark, "Nick-" + mark, mark + ".example", api.Verify(t, p.tokens.ID()).String("sub")}
	return p
}

// get is what the client is given with all scopes.
func (p *person) get(t *testing.T, c vouchsafetest.Client) *vouchsafetest.Reply {
	t.Helper()
	r := vouchsafetest.NewRequest(c, "scope", "openid profile email phone offline_access")
	return p.at.API(t).Redeem(t, r, p.browser.Code(t, r)).Want(t, 200, "")
}

func newAddress() string { return strings.ToLower(rand.Text()) + "@example.com" }

// form returns the fields that the user's browser sends with every form of the account.
func (p *person) form(t *testing.T) url.Values {
	t.Helper()
	page := p.browser.Get(t, "/account/profile")
	forms := page.Forms(t)
	if page.Status != 200 || len(forms) == 0 {
		t.Fatalf("got %d at %s, want the profile with its form", page.Status, page.URL.Path)
	}
	return url.Values{"form": forms[0].Fields["form"], "session": forms[0].Fields["session"]}
}

// scene is two tenants with users. The credentials of all of them are tried at the victim's doors.
type scene struct {
	north, south *vouchsafetest.Server
	victim       *person // at north
	neighbour    *person // at north too
	stranger     *person // at south, with the role of an administrator
	guest        *person // at north, for the app to have a life with
	gone         *person // the victim's neighbour who has signed out: the cookies are those from before
	goneCookies  []*http.Cookie
	brief        *vouchsafetest.Reply // expired tokens of the victim
	revoked      *vouchsafetest.Reply
	renewed      *vouchsafetest.Reply // what became of the victim's tokens in the end
	service      *vouchsafetest.Reply
	request      *vouchsafetest.Request // that the code is for
	code         string                 // of the victim, unspent
	letter       string
	prover       *prooftest.Key       // has the key of the bound tokens
	bound        *vouchsafetest.Reply // tokens of the victim that are bound to a key
	pushed       string               // a request URI of the victim's client
	registration string               // the registration access token of a client
	voyages      []voyage
	challenge    url.Values // what /authorize-challenge is asked for
}

func newScene(t *testing.T, s *vouchsafetest.Server) *scene {
	t.Helper()
	sc := &scene{north: s.Tenant(t, "north"), south: s.Tenant(t, "south"), challenge: url.Values{}}
	file := filepath.Join(t.TempDir(), "south.yaml")
	if err := vouchsafetest.WriteClients(file, append(vouchsafetest.Declared(), App, foreign)); err != nil {
		t.Fatal(err)
	}
	s.Command(t, "", "client", "apply", "--yes", file, "--tenant", "south")
	sc.register(t)
	sc.federate(t)
	sc.victim, sc.neighbour, sc.gone, sc.guest = newPerson(t, sc.north), newPerson(t, sc.north),
		newPerson(t, sc.north), newPerson(t, sc.north)
	sc.stranger = newPerson(t, sc.south, "admin")
	sc.neighbour.there.Email = sc.neighbour.Email // which has an account, and so is theirs for the asking
	sc.link(t)
	sc.depart(t)
	api := sc.north.API(t)

	sc.goneCookies = sc.gone.browser.Cookies()
	fields := maps.Clone(sc.gone.fields)
	if page := sc.gone.browser.Post(t, "/signout", fields); page.URL.Path != "/t/north/signed-out" {
		t.Fatalf("signing out led to %s: %d", page.URL.Path, page.Status)
	}
	sc.brief = sc.victim.get(t, vouchsafetest.Brief)
	given := time.Now()
	sc.revoked = sc.victim.get(t, vouchsafetest.Other)
	api.As(t, vouchsafetest.Other, "/revoke", url.Values{"token": {sc.revoked.Refresh()}})
	sc.service = api.Token(t, vouchsafetest.Service, "grant_type", "client_credentials").Want(t, 200, "")
	sc.letter = sc.north.Browser(t, sc.victim.Person).Get(t,
		vouchsafetest.NewRequest(vouchsafetest.Web).Path()).URL.Query().Get("i")
	sc.request = vouchsafetest.NewRequest(vouchsafetest.Web)
	sc.code = sc.victim.browser.Code(t, sc.request)
	sc.bind(t)
	time.Sleep(time.Until(given.Add(3 * time.Second))) // until the brief ones are over
	return sc
}

// bind gets tokens that are bound to a key, and pushes a request.
func (sc *scene) bind(t *testing.T) {
	t.Helper()
	api, c := sc.north.API(t), vouchsafetest.Public
	r := vouchsafetest.NewRequest(c, "scope", "openid profile email phone offline_access")
	sc.prover = prooftest.New(t)
	sc.bound = sc.proves(t, api, vouchsafetest.Values("grant_type", "authorization_code", "client_id", c.ID(),
		"code", sc.victim.browser.Code(t, r), "redirect_uri", c.RedirectURI(), "code_verifier", r.Verifier)).Want(t, 200, "")
	sc.pushed = api.As(t, vouchsafetest.Web, "/par", vouchsafetest.NewRequest(vouchsafetest.Web, "prompt", "none").Params).
		Want(t, 201, "").String("request_uri")
}

// proves posts a form to the token endpoint with a proof, and once more if the answer has a nonce for it.
func (sc *scene) proves(t *testing.T, api *vouchsafetest.API, form url.Values) (r *vouchsafetest.Reply) {
	t.Helper()
	for range 2 {
		r = api.Form(t, "/token", form, func(req *http.Request) {
			req.Header.Set("DPoP", sc.prover.Proof(req.Method, req.URL.String(), ""))
		})
		if !sc.prover.Learn(r.Header) {
			break
		}
	}
	return r
}

// register lets a client register itself, before the tenant asks for a token.
func (sc *scene) register(t *testing.T) {
	t.Helper()
	api := sc.north.API(t)
	sc.north.ApplyTenant(t, map[string]any{"outside_clients": map[string]any{"registration": "anyone"}})
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) { // servers read settings anew
		said := api.Do(t, api.Request(t, http.MethodPost, "/register", "application/json",
			`{"redirect_uris": ["https://registered.example/callback"], "token_endpoint_auth_method": "none"}`))
		if sc.registration = said.String("registration_access_token"); sc.registration != "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("registration: got %d %s, want 201", said.Status, said.Raw)
		}
	}
}

// unharmed fails the test if anything of the victim's has changed.
func (sc *scene) unharmed(t *testing.T) {
	t.Helper()
	v, api := sc.victim, sc.north.API(t)
	api.Redeem(t, sc.request, sc.code).Want(t, 200, "")
	for name, access := range map[string]string{"JWT": v.tokens.Access(), "opaque": v.opaque.Access(),
		"the app's": v.app.Access()} {
		if info := api.Userinfo(t, access); info.Status != 200 || !strings.Contains(info.Raw, v.canaries[0]) ||
			!strings.Contains(info.Raw, v.Email) {
			t.Errorf("%s access token: got %d %s, want it to be alive and its person as they were", name, info.Status, info.Raw)
		}
	}
	sc.renewed = api.Renew(t, vouchsafetest.Web, v.tokens.Refresh()).Want(t, 200, "")
	api.Renew(t, vouchsafetest.Opaque, v.opaque.Refresh()).Want(t, 200, "")
	api.Renew(t, App, v.app.Refresh()).Want(t, 200, "")
	sc.proves(t, api, vouchsafetest.Values("grant_type", "refresh_token", "client_id", vouchsafetest.Public.ID(),
		"refresh_token", sc.bound.Refresh())).Want(t, 200, "")
	if got := v.form(t); got.Get("session") != v.fields.Get("session") {
		t.Error("the victim's session is another one")
	}
	b := sc.north.Browser(t, v.Person) // the password is what it was
	if page := b.SignIn(t, b.Get(t, "/login"), v.Person); page.Status != 200 ||
		strings.HasSuffix(page.URL.Path, "/login") {
		t.Errorf("the victim cannot sign in: %d at %s", page.Status, page.URL.Path)
	}
}

// leave lets the victim delete their account through the API, with the body that was sent to that
// door before: the body was not the reason for the refusal.
func (sc *scene) leave(t *testing.T, body string) {
	t.Helper()
	api := sc.north.API(t)
	req := api.Request(t, http.MethodPost, "/auth/delete-account", "application/json", body)
	req.Header.Set("Authorization", "Bearer "+sc.victim.app.Access())
	if got := api.Do(t, req); got.Status >= 300 {
		t.Errorf("the victim cannot delete their own account: %d %s", got.Status, got.Raw)
	}
	if info := api.Userinfo(t, sc.victim.opaque.Access()); info.Status != 401 {
		t.Errorf("a deleted person's token: got %d, want 401", info.Status)
	}
}
