package provider

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// visitor is a browser that keeps cookies and does not follow redirects by itself.
type visitor struct {
	*tokenServer
	cookies map[string]string
}

const (
	afterLogout = "https://app.example.com/bye?from=id"
	signOutPage = "/signout"
	signedOut   = "/signed-out"
)

// startLogout serves, with a browser that is signed in and a client that may sign it out.
func startLogout(t testing.TB) (*visitor, *storage.Client) {
	t.Helper()
	s := startTokens(t, func(c *Config) {
		c.Sessions = &browser.Sessions{Store: c.Store.(sessions.Store), Idle: 1000 * time.Hour, Lifetime: 1000 * time.Hour}
		c.Pages = Pages{SignOut: signOutPage, SignedOut: signedOut}
	})
	v := &visitor{s, map[string]string{}}
	v.session = v.signsIn(s.user)
	return v, s.client(func(c *storage.Client) { c.PostLogoutRedirectURIs = []string{afterLogout} })
}

// signsIn starts a session as the sign-in page does.
func (v *visitor) signsIn(u storage.User) storage.Session {
	v.Helper()
	return v.starts(u, storage.ACRPassword, "pwd")
}

func (v *visitor) starts(u storage.User, acr string, amr ...string) storage.Session {
	v.Helper()
	r := request("POST", "/login", "")
	v.bring(r)
	r = r.WithContext(web.WithTenant(r.Context(), v.tenant))
	w := httptest.NewRecorder()
	sess, err := startSession(v.p.Sessions, w, r, u, acr, amr...)
	if err != nil {
		v.Fatal(err)
	}
	v.keep(w.Result())
	return sess
}

// startSession signs the browser in as the sign-in pages do.
func startSession(s *browser.Sessions, w http.ResponseWriter, r *http.Request, u storage.User,
	acr string, amr ...string) (
	storage.Session, error,
) {
	sess, held, err := (*sessions.Keeper)(s).Begin(r.Context(), browser.Held(r), storage.Session{
		TenantID: web.TenantOf(r.Context()).ID, UserID: u.ID, CredentialVersion: u.CredentialVersion,
		AuthTime: time.Now(), ACR: acr, AMR: amr,
	}, nil)
	if err == nil {
		s.Hold(w, r, held)
	}
	return sess, err
}

func (v *visitor) bring(r *http.Request) {
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
}

func (v *visitor) keep(resp *http.Response) {
	for _, c := range resp.Cookies() {
		if c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		} else {
			v.cookies[c.Name] = c.Value
		}
	}
}

// visit goes to an address of the provider, and says where it is sent next: "" and the
// status when it is shown something instead.
func (v *visitor) visit(address string) (to string, status int) {
	v.Helper()
	r := request("GET", strings.TrimPrefix(address, testIssuer), "")
	v.bring(r)
	resp := v.raw(r)
	v.keep(resp)
	if resp.Header.Get("Location") != "" && resp.Header.Get("Cache-Control") != "no-store" {
		v.Errorf("%s: Cache-Control is %q, want no-store", address, resp.Header.Get("Cache-Control"))
	}
	return leads(resp), resp.StatusCode
}

// leads is where an answer sends the browser: "" for nowhere.
func leads(resp *http.Response) string {
	if resp.StatusCode != http.StatusSeeOther {
		return ""
	}
	return resp.Header.Get("Location")
}

func (v *visitor) logout(pairs ...string) (to string, status int) {
	v.Helper()
	return v.visit("/logout?" + values(pairs...).Encode())
}

// isIn says whether the browser's session lives.
func (v *visitor) isIn() bool {
	v.Helper()
	r := request("GET", "/", "")
	v.bring(r)
	_, err := v.p.Sessions.Current(r.WithContext(web.WithTenant(r.Context(), v.tenant)))
	return err == nil
}

// asked checks that the user is asked and still signed in, and gives the letter.
func (v *visitor) asked(to string, status int) string {
	v.Helper()
	letter, ok := strings.CutPrefix(to, signOutPage+"?l=")
	if !ok || !v.isIn() {
		v.Fatalf("got %d to %q, signed in %v; want the page that asks", status, to, v.isIn())
	}
	return letter
}

// confirms does what the page does when the user says yes.
func (v *visitor) confirms(letter string) (to string, status int) {
	v.Helper()
	r := request("POST", signOutPage, "")
	v.bring(r)
	r = r.WithContext(web.WithTenant(r.Context(), v.tenant))
	w := httptest.NewRecorder()
	account, err := v.p.Sessions.Current(r)
	if err != nil {
		v.Fatal(err)
	}
	if err := v.p.Sessions.End(w, r, nil, account.ID); err != nil {
		v.Fatal(err)
	}
	v.keep(w.Result())
	return v.visit("/logout?l=" + letter)
}

// sent checks that the browser is sent to the address, and is signed out.
func (v *visitor) sent(want string, to string, status int) {
	v.Helper()
	if to != want {
		v.Errorf("got %d to %q, want it sent to %q", status, to, want)
	}
	if v.isIn() {
		v.Error("still signed in")
	}
}
