package threats

import (
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
)

// social is a tenant whose users may come from two providers, google and corp.
type social struct {
	*vouchsafetest.Server
	google, corp *fakeidp.Server
}

// app is a client of the JSON API in such a tenant.
var app = vouchsafetest.Client{
	"client_id": "app", "client_name": "The app", "first_party": true, "token_endpoint_auth_method": "none",
	"grant_types": []string{"urn:vouchsafe:first-party", "refresh_token"}, "scope": "openid profile email offline_access",
}

var (
	socialMu sync.Mutex
	socials  = map[string]*social{}
)

// socialOf returns the tenant for the tests of this package. The first of them makes it.
func socialOf(t *testing.T, s *vouchsafetest.Server) *social {
	t.Helper()
	socialMu.Lock()
	defer socialMu.Unlock()
	if socials[s.Name] == nil {
		socials[s.Name] = newSocial(t, s, "social-"+s.Name, nil)
	}
	return socials[s.Name]
}

// newSocial makes a tenant with these settings. The providers live as long as the process.
func newSocial(t *testing.T, s *vouchsafetest.Server, id string, settings map[string]any) *social {
	t.Helper()
	out := &social{google: provider(fakeidp.Google), corp: provider(fakeidp.OpenID), Server: s.Tenant(t, id)}
	out.apply(t, settings)
	clients := filepath.Join(t.TempDir(), "clients.yaml")
	if err := vouchsafetest.WriteClients(clients, append(vouchsafetest.Declared(), app)); err != nil {
		t.Fatal(err)
	}
	s.Command(t, "", "client", "apply", "--yes", clients, "--tenant", id)
	return out
}

// apply applies the settings to the tenant, besides its providers.
func (w *social) apply(t *testing.T, settings map[string]any) {
	t.Helper()
	declared := map[string]any{
		"upstreams": []map[string]any{
			{"id": "google", "preset": "google", "issuer": w.google.Issuer, "client_id": "vouchsafe",
				"client_secret": w.google.ClientSecret},
			{"id": "corp", "name": "Corp", "issuer": w.corp.Issuer, "client_id": "vouchsafe",
				"client_secret": w.corp.ClientSecret, "domains": []string{"corp.example"}},
		},
	}
	for name, value := range settings {
		declared[name] = value
	}
	w.ApplyTenant(t, declared)
}

// provider starts a fake provider.
func provider(kind string) *fakeidp.Server {
	idp := &fakeidp.Server{Kind: kind, Name: kind, ClientID: "vouchsafe", ClientSecret: "upstream-secret-7Qk2"}
	srv := httptest.NewServer(idp)
	idp.Issuer = strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	return idp
}

// member adds a user to the tenant.
func (w *social) member(t *testing.T, args ...string) vouchsafetest.Person {
	t.Helper()
	return w.Person(t, append(args, "--tenant", w.TenantID)...)
}

// unproven adds an account with a password, whose address was never proven.
func (w *social) unproven(t *testing.T, email string) vouchsafetest.Person {
	t.Helper()
	p := vouchsafetest.Person{Email: email, Password: "chosen by a stranger 4Tz"}
	w.Command(t, p.Password+"\n", "user", "add", p.Email, "--password-stdin", "--tenant", w.TenantID)
	return p
}

// depart goes to a provider as who, and returns the address that leads back.
func (w *social) depart(t *testing.T, b *vouchsafetest.Browser, id string, who fakeidp.Person) string {
	t.Helper()
	return b.Leave(t, id, who).To
}

func visit(t *testing.T, at *url.URL, who fakeidp.Person) string {
	t.Helper()
	return vouchsafetest.Visit(t, at, who).To
}

// come goes to a provider and back.
func (w *social) come(t *testing.T, b *vouchsafetest.Browser, id string, who fakeidp.Person) *vouchsafetest.Page {
	t.Helper()
	return b.Get(t, w.depart(t, b, id, who))
}

// wantSignedOut fails the test if a user is signed in with the browser.
func wantSignedOut(t *testing.T, what string, b *vouchsafetest.Browser) {
	t.Helper()
	if a := b.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none")); a.Error() != "login_required" {
		t.Errorf("%s: got %v at %s, want no user to be signed in", what, a.Params, a.Page.URL.Path)
	}
}

// signedInAs returns the sub and the address of the user who is signed in with the browser.
func signedInAs(t *testing.T, s *vouchsafetest.Server, b *vouchsafetest.Browser) (sub, email string) {
	t.Helper()
	r := vouchsafetest.NewRequest(web, "prompt", "none", "scope", "openid email")
	a := b.Authorize(t, r)
	if a.Code() == "" {
		return "", ""
	}
	api := s.API(t)
	info := api.Userinfo(t, api.Redeem(t, r, a.Code()).Want(t, 200, "").Access())
	return info.String("sub"), info.String("email")
}

// atProvider returns a user of a provider, with a verified address.
func atProvider(email string) fakeidp.Person {
	return fakeidp.Person{Subject: "at-" + email, Name: "Sam Poe", Email: email, Verified: "true"}
}

// proveAddress types the code that was mailed to the address for a visit from a provider.
func proveAddress(t *testing.T, b *vouchsafetest.Browser, page *vouchsafetest.Page, email string) *vouchsafetest.Page {
	t.Helper()
	if strings.HasSuffix(page.URL.Path, "/federated/email") {
		f := page.Forms(t)[0]
		f.Fields.Set("email", email)
		page = b.Submit(t, f, firstOf(f))
	}
	if !strings.HasSuffix(page.URL.Path, "/federated/confirm") {
		t.Fatalf("got %s, want to be asked for a code: %s", page.URL.Path, page.Text(t))
	}
	return types(t, b, page, mails.Next(t, email).Code)
}

func firstOf(f vouchsafetest.Form) *vouchsafetest.Button {
	if len(f.Buttons) == 0 {
		return nil
	}
	return &f.Buttons[0]
}
