package console_test

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/console/consoletest"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// maxPage is how many bytes a page has at most.
const maxPage = 60 << 10

// TestNavigationLeadsOnlyWhereTheRoleMayGo opens every link of every page, as administrators of each role: no link
// leads to a page that refuses.
func TestNavigationLeadsOnlyWhereTheRoleMayGo(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t)
	s.Tenant("north")
	s.User(storage.DefaultTenant, "reader", "")
	s.User("north", "reader", "")
	for _, tenant := range []string{storage.DefaultTenant, "north"} {
		for _, role := range administration.AdminRoles {
			u := s.User(tenant, role, role)
			b := s.Browser(u, time.Time{})
			begin := "/admin"
			if tenant != storage.DefaultTenant {
				begin = "/t/" + tenant + begin
			}
			seen, todo := map[string]bool{}, []string{begin}
			for len(todo) > 0 && len(seen) < 400 {
				at := todo[0]
				todo = todo[1:]
				if path, _, _ := strings.Cut(at, "?"); seen[path] || !strings.Contains(path, "/admin") {
					continue
				} else {
					seen[path] = true
				}
				p := b.Get(at)
				if p.Status != http.StatusOK {
					t.Errorf("%s of %s: a link leads to %s, which answers %d", role, tenant, at, p.Status)
					continue
				}
				// An email that is shown is no page of the console: it has a sandbox of its own.
				sandboxed := strings.HasPrefix(p.Header.Get("Content-Security-Policy"), "sandbox; default-src 'none'")
				if strings.HasSuffix(p.Header.Get("Content-Type"), "html; charset=utf-8") && !sandboxed {
					examine(t, at, p)
				}
				todo = append(todo, b.Links()...)
			}
		}
	}
}

// examine says what is wrong with a page.
func examine(t *testing.T, at string, p consoletest.Page) {
	t.Helper()
	if len(p.Body) > maxPage {
		t.Errorf("%s has %d bytes, more than %d", at, len(p.Body), maxPage)
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
		"X-Content-Type-Options": "nosniff",
	} {
		if got := p.Header.Get(name); got != want {
			t.Errorf("%s: got %s %q, want %q", at, name, got, want)
		}
	}
	policy := p.Header.Get("Content-Security-Policy")
	if strings.HasPrefix(policy, "sandbox; default-src 'none'; ") && !strings.Contains(policy, "script") {
		return // a document that is only shown, such as an email, without scripts and in an origin of its own
	}
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") ||
		!strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("%s: got the policy %q", at, policy)
	}
	for _, bad := range []string{" style=", "<style", " onclick=", "javascript:", "ZgotmplZ", "access_token", "Bearer "} {
		if strings.Contains(p.Body, bad) {
			t.Errorf("%s has %q", at, bad)
		}
	}
}

// TestOnlyAdministratorsGetIn: a stranger is asked to sign in, and led back. A user without a role is told so.
func TestOnlyAdministratorsGetIn(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t)
	p := s.Stranger().Get("/admin/tenants?after=x")
	to, err := url.Parse(p.Header.Get("Location"))
	if err != nil || to.Path != "/login" || to.Query().Get("next") != "/admin/tenants?after=x" {
		t.Errorf("a stranger is led to %q", p.Header.Get("Location"))
	}
	b := s.Browser(s.User(storage.DefaultTenant, "reader", ""), time.Time{})
	if p := b.Get("/admin"); p.Status != http.StatusForbidden {
		t.Errorf("got %s, want 403", p)
	}
	b.Says("Only for administrators")
	b.SaysNot("Next steps", "People")
	owner := s.Browser(s.User(storage.DefaultTenant, "owner", storage.RoleOwner), time.Time{})
	owner.Open("/admin")
	owner.Says("Overview", "Next steps", "Add an app")
	if p := owner.Get("/admin/nowhere"); p.Status != http.StatusNotFound {
		t.Errorf("got %s, want 404", p)
	}
}

// TestTheOperatorChangesBetweenTenants: an owner of the default tenant manages all tenants, and no other administrator
// learns that there are any.
func TestTheOperatorChangesBetweenTenants(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t)
	s.Tenant("north")
	owner := s.Browser(s.User(storage.DefaultTenant, "owner", storage.RoleOwner), time.Time{})
	owner.Open("/admin/tenants")
	owner.Says("Tenant north")
	owner.Open("/admin/t/north")
	owner.Says("Tenant north")
	if p := owner.Get("/admin/t/south"); p.Status != http.StatusNotFound {
		t.Errorf("a tenant that isn't there: got %s", p)
	}
	admin := s.Browser(s.User(storage.DefaultTenant, "admin", storage.RoleAdministrator), time.Time{})
	stranger := s.Browser(s.User("north", "owner", storage.RoleOwner), time.Time{})
	for path, b := range map[string]*consoletest.Browser{
		"/admin/t/north": admin, "/admin/tenants": admin, "/t/north/admin/t/default": stranger,
		"/t/north/admin/tenants": stranger,
	} {
		if p := b.Get(path); p.Status < 400 {
			t.Errorf("got %s, want a refusal", p)
		}
	}
	stranger.Open("/t/north/admin")
	stranger.SaysNot("All tenants")
	if p := stranger.Get("/admin"); !strings.HasPrefix(p.Leads(), "/login?") {
		t.Errorf("a session of another tenant: got %s, want the sign-in", p)
	}
}

// TestTheSetUpLinkLeadsToTheConsole: the first administrator lands on the next steps, which go as they are done.
func TestTheSetUpLinkLeadsToTheConsole(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t)
	masters, err := installation.OpenSecrets(t.Context(), s.Config, s.Store)
	if err != nil {
		t.Fatal(err)
	}
	b := s.Stranger()
	b.Open("/setup?token=" + people.SetupLink{Secrets: masters}.Token())
	p := b.Send("/setup", "email", "first@default.example", "password", "correct horse battery staple")
	if p.Leads() != "/admin" {
		t.Fatalf("the first administrator is led to %q", p.Leads())
	}
	b.Follow(p)
	b.Says("Next steps", "3 steps remain", "Add an app", "Invite people", "Set up email")
	s.User(storage.DefaultTenant, "second", "")
	b.Open("/admin")
	b.Says("2 steps remain")
	b.SaysNot("Invite people")
}

// TestTheConsoleCanBeOff: without it there is no page, and no link to one.
func TestTheConsoleCanBeOff(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, "VOUCHSAFE_CONSOLE", "false")
	owner := s.Browser(s.User(storage.DefaultTenant, "owner", storage.RoleOwner), time.Time{})
	if p := owner.Get("/admin"); p.Status != http.StatusNotFound {
		t.Errorf("got %s, want 404", p)
	}
	owner.Open("/account")
	owner.SaysNot("Open the console")
}

// TestStylesheetsKnowNoLeftAndRight: pages in a language that is written from right to left are mirrored, so the
// stylesheets say start and end. A border of an arrow that is turned is none of a side.
func TestStylesheetsKnowNoLeftAndRight(t *testing.T) {
	t.Parallel()
	sided := regexp.MustCompile(
		`[^a-z](?:left|right)\b|\b(?:padding|margin|inset): ([^\s;]+) ([^\s;]+) ([^\s;]+) ([^\s;]+);`)
	for _, file := range []string{"static/console.css", "../login/ui/static/style.css"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range sided.FindAllStringSubmatch(string(text), -1) {
			if m[2] == "" || m[2] != m[4] {
				t.Errorf("%s has a side: %s", file, m[0])
			}
		}
	}
}
