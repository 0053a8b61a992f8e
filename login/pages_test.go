package login

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

func TestAnAccountIsChosen(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	s.user("default", "mo@example.com", "", right)
	v := s.visitor()
	q := s.ask("", storage.Interaction{Prompt: []string{"select_account"}})
	if p := v.get("/select?" + q); p.status != http.StatusOK ||
		!strings.Contains(p.body, `href="/login?i=letter-1&amp;other=1"`) {
		t.Errorf("no user signed in: got %d without a way to sign in", p.status)
	}
	v.signIn("jo@example.com", right)
	v.signIn("mo@example.com", right)
	p := v.get("/select?" + q)
	ids := accountButtons(p.body)
	if len(ids) != 2 || !strings.Contains(p.body, "jo@example.com") || !strings.Contains(p.body, "mo@example.com") {
		t.Fatalf("got accounts %q", ids)
	}
	if p := v.post("/select", "i", "letter-1", "account", ids[1]); p.leads() != "/authorize?"+q {
		t.Errorf("got %d to %q", p.status, p.location())
	}
	if p := v.get("/account"); !strings.Contains(p.body, "jo@example.com") {
		t.Error("the chosen account is not the current one")
	}
	if p := v.get("/select"); accountButtons(p.body)[0] != ids[1] {
		t.Error("the chosen account is not the first")
	}
	stranger := s.visitor()
	stranger.get("/login")
	for _, id := range []string{ids[0], "", "x", "../../x"} {
		if p := stranger.post("/select", "i", "letter-1", "account", id); p.status != http.StatusUnprocessableEntity ||
			stranger.cookie("session") != "" {
			t.Errorf("another browser chose %q: got %d", id, p.status)
		}
	}
}

// accountButtons are the sessions that the account chooser offers.
func accountButtons(body string) []string {
	var out []string
	for _, part := range strings.Split(body, `name="account" value="`)[1:] {
		id, _, _ := strings.Cut(part, `"`)
		out = append(out, id)
	}
	return out
}

func TestSigningOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	s.user("default", "mo@example.com", "", right)
	v := s.visitor()
	if p := v.get("/signout"); p.location() != "/signed-out" {
		t.Errorf("no user signed in: got %d to %q", p.status, p.location())
	}
	if p := v.get("/signout?l=a%26b"); p.location() != "/logout?l=a%26b" {
		t.Errorf("no user signed in, for a client: got %d to %q", p.status, p.location())
	}
	v.signIn("jo@example.com", right)
	v.signIn("mo@example.com", right)
	old := v.cookie("session")
	if p := v.get("/signout?l=letter"); p.status != http.StatusOK || !strings.Contains(p.body, "mo@example.com") ||
		!strings.Contains(p.body, `name="l" value="letter"`) {
		t.Errorf("got %d without the account or the letter", p.status)
	}
	if v.cookie("session") != old {
		t.Error("looking at the page ended a session")
	}
	if p := v.post("/signout", "l", "a&b"); p.leads() != "/logout?l=a%26b" {
		t.Errorf("got %d to %q", p.status, p.location())
	}
	if p := v.get("/account"); !strings.Contains(p.body, "jo@example.com") {
		t.Error("the other account was signed out too")
	}
	v.plant(&http.Cookie{Name: "vouchsafe-session", Value: old, Path: "/"})
	if p := v.get("/account"); strings.Contains(p.body, "mo@example.com") {
		t.Error("the old cookie still works")
	}
	v.signIn("mo@example.com", right)
	v.get("/signout")
	if p := v.post("/signout", "all", "1"); p.location() != "/signed-out" {
		t.Errorf("all: got %d to %q", p.status, p.location())
	}
	if p := v.get("/"); !strings.Contains(p.body, english["home.none"]) || v.cookie("session") != "" {
		t.Error("a user is still signed in")
	}
	if p := v.post("/signout"); p.location() != "/signed-out" {
		t.Errorf("twice: got %d to %q", p.status, p.location())
	}
	ended := 0
	for _, e := range s.events("default") {
		if e.Kind == "session.ended" {
			ended++
		}
	}
	if ended != 3 {
		t.Errorf("got %d events session.ended, want 3", ended)
	}
	if p := v.get("/signed-out"); p.status != http.StatusOK || !strings.Contains(p.body, english["signedout.title"]) {
		t.Errorf("got %d", p.status)
	}
}

func TestTheFirstAdministratorIsCreatedOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	v := s.visitor()
	for _, path := range []string{"/setup", "/setup?token=", "/setup?token=x"} {
		if p := v.get(path); p.status != http.StatusForbidden {
			t.Errorf("%s: got %d, want 403", path, p.status)
		}
	}
	for range 3 { // mail scanners and chat previews follow links
		if p := v.get("/setup?token=setup-default"); p.status != http.StatusOK {
			t.Fatalf("got %d", p.status)
		}
	}
	for _, test := range [][3]string{
		{"nobody", right, english["setup.bad_email"]}, {"a@b@c", right, english["setup.bad_email"]},
		{"admin@example.com", "1234567", "Use at least 8 characters."},
		{"admin@example.com", "Admin@Example.com", english["setup.name"]},
		{"admin@example.com", strings.Repeat("x", 1025), "Use a shorter password: at most 1,024 bytes."},
	} {
		p := v.post("/setup", "token", "setup-default", "email", test[0], "password", test[1])
		if p.status != http.StatusUnprocessableEntity || !strings.Contains(p.body, test[2]) ||
			!strings.Contains(p.body, `value="`+test[0]+`"`) || strings.Contains(p.body, `value="`+test[1]+`"`) {
			t.Errorf("%q: got %d without %q, or not what was typed", test[:2], p.status, test[2])
		}
	}
	if p := v.post("/setup", "token", "x", "email", "admin@example.com", "password",
		right); p.status != http.StatusForbidden {
		t.Errorf("wrong token: got %d, want 403", p.status)
	}

	var created, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range 16 {
		v := s.visitor()
		v.get("/setup?token=setup-default")
		req := v.request("/setup", "token", "setup-default", "email", fmt.Sprintf("admin%d@example.com", i), "password",
			right, "roles", "owner", "tenant", "acme")
		wg.Go(func() {
			resp, err := v.client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			switch got := s.outcome(resp); {
			case got == "/" && v.cookie("session") != "":
				created.Add(1)
			case got == "403" && v.cookie("session") == "":
				refused.Add(1)
			default:
				t.Errorf("got %s", got)
			}
		})
	}
	wg.Wait()
	if created.Load() != 1 || refused.Load() != 15 {
		t.Errorf("got %d created and %d refused, want 1 and 15", created.Load(), refused.Load())
	}
	if p := v.get("/setup?token=setup-default"); p.status != http.StatusForbidden {
		t.Errorf("afterwards: got %d, want 403", p.status)
	}
	for _, e := range s.events("default") {
		if e.Kind != "login.succeeded" {
			continue
		}
		u, err := s.store.User(t.Context(), "default", e.UserID)
		if err != nil || len(u.Roles) != 1 || u.Roles[0] != "admin" || u.AdminRole != "owner" ||
			!u.EmailVerified {
			t.Errorf("got %+v, %v", u, err)
		}
		if p := s.visitor().signIn(u.Email, right); p.leads() != "/" {
			t.Errorf("the administrator cannot sign in: got %d", p.status)
		}
	}
}

func TestTenantsKeepToThemselves(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	if err := s.store.AddTenant(t.Context(),
		storage.Tenant{ID: "acme", Name: "Acme <b>Ltd</b>", LogoURI: "https://acme.example/logo.svg"}); err != nil {
		t.Fatal(err)
	}
	s.user("default", "jo@example.com", "", right)
	s.user("acme", "mo@example.com", "", right)
	v := s.visitor()
	v.base = "/t/acme"
	q := s.ask("/t/acme", storage.Interaction{Client: storage.Client{PolicyURI: "https://app.example/p"},
		Scopes: []string{"openid"}})
	if p := v.signIn("jo@example.com", right); p.status != http.StatusUnprocessableEntity {
		t.Errorf("another tenant's person: got %d, want 422", p.status)
	}
	if p := v.signIn("mo@example.com", right); p.location() != "/t/acme/" {
		t.Errorf("got %d to %q", p.status, p.location())
	}
	s.begin(q)
	for _, path := range []string{"/account", "/login?" + q, "/login?other=1&" + q, "/select?" + q, "/consent?" + q,
		"/signout", "/signed-out", "/setup?token=setup-acme", "/nonsense?i=x"} {
		p := v.get(path)
		if path != "/nonsense?i=x" &&
			(p.status != http.StatusOK || !strings.Contains(p.body, "Acme &lt;b&gt;Ltd") ||
				!strings.Contains(p.body, `src="https://acme.example/logo.svg"`)) {
			t.Errorf("%s: got %d without the tenant's name and logo", path, p.status)
		}
		for _, attr := range []string{`href="/`, `action="/`, `src="/`} {
			for _, rest := range strings.Split(p.body, attr)[1:] {
				if !strings.HasPrefix(rest, "t/acme/") {
					t.Errorf("%s links to /%.30s", path, rest)
				}
			}
		}
	}
	// The default tenant knows nothing of it.
	v.base = ""
	if p := v.get("/"); !strings.Contains(p.body, english["home.none"]) {
		t.Error("signed in at another tenant")
	}
	v.get("/login")
	form := v.form
	v.base = "/t/acme"
	v.get("/login?other=1")
	v.form = form
	if p := v.post("/login", "login", "mo@example.com", "password", right); p.status != http.StatusForbidden {
		t.Errorf("the form of another tenant's page: got %d, want 403", p.status)
	}
}

func TestPagesAreWellFormed(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	q := s.ask("", storage.Interaction{Scopes: []string{"openid"}})
	v := s.visitor()
	paths := []string{"/", "/login", "/login?" + q, "/setup?token=setup-default", "/signed-out", "/select", "/signup",
		"/signup?" + q, "/forgot"}
	for range 2 {
		for _, path := range paths {
			p := v.get(path)
			for _, want := range []string{`<html lang="en">`, "<title>", "<h1>", "<main>", `name="viewport"`} {
				if p.status == http.StatusOK && !strings.Contains(p.body, want) {
					t.Errorf("%s lacks %s", path, want)
				}
			}
			for _, never := range []string{"<script", " style=", " onclick", "ZgotmplZ", "<no value>", "%!"} {
				if strings.Contains(strings.ReplaceAll(p.body, `<script src="/static/`, ""), never) {
					t.Errorf("%s holds %s", path, never)
				}
			}
			// Every field that people fill in has a label.
			for _, part := range strings.Split(p.body, `<input id="`)[1:] {
				id, _, _ := strings.Cut(part, `"`)
				if !strings.Contains(p.body, `<label for="`+id+`">`) ||
					!strings.Contains(part[:strings.Index(part, ">")], "autocomplete=") {
					t.Errorf("%s: the field %s has no label or no autocomplete", path, id)
				}
			}
		}
		v.signIn("jo@example.com", right)
		paths = []string{"/", "/login?" + q, "/consent?" + q, "/select?" + q, "/signout", "/signout?l=x"}
	}
}
