package devpage

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

const key = "the-key-of-the-page"

func get(t *testing.T, tenant, host, peer, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	router := mux.NewRouter()
	p := &Page{
		Issuer: "http://localhost:8080", Key: key, Door: "40123",
		Errors: func(w http.ResponseWriter, _ *http.Request, p *web.Problem) { w.WriteHeader(p.Status) },
	}
	p.Register(router)
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host, r.RemoteAddr = host, peer
	r.AddCookie(&http.Cookie{Name: keyCookie, Value: key})
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	r = r.WithContext(web.WithTenant(r.Context(), tenantAt(tenant)))
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	return w
}

func TestOnlyThisMachineSeesThePage(t *testing.T) {
	for _, c := range []struct {
		name, tenant, host, peer string
		want                     int
	}{
		{"localhost", "default", "localhost:8080", "127.0.0.1:50000", 200},
		{"IPv6", "default", "[::1]:8080", "[::1]:50000", 200},
		{"a name below localhost", "default", "id.localhost:8080", "127.0.0.1:50000", 200},
		{"DNS rebinding", "default", "attacker.example:8080", "127.0.0.1:50000", 404},
		{"a name that only begins so", "default", "localhost.attacker.example", "127.0.0.1:50000", 404},
		{"another machine", "default", "localhost:8080", "192.0.2.1:50000", 404},
		{"another tenant", "acme", "localhost:8080", "127.0.0.1:50000", 200},
		{"another tenant, from another machine", "acme", "localhost:8080", "192.0.2.1:50000", 404},
		{"a tenant with a host", "hosted", "hosted.localhost:8080", "127.0.0.1:50000", 404},
	} {
		for _, path := range []string{"/dev", "/dev/callback", "/dev/dev.js", "/dev/dev.css"} {
			if got := get(t, c.tenant, c.host, c.peer, path).Code; got != c.want {
				t.Errorf("%s, %s: got %d, want %d", c.name, path, got, c.want)
			}
		}
	}
}

// A tunnel to the developer's machine connects from there, and may rewrite the Host.
func TestThePageIsNotSeenThroughAProxy(t *testing.T) {
	for _, name := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host",
		"X-Forwarded-Proto", "X-Real-IP"} {
		if got := get(t, "default", "localhost:8080", "127.0.0.1:50000", "/dev", name,
			"192.0.2.1").Code; got != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", name, got)
		}
	}
}

func TestPageKeepsItsOwnPolicy(t *testing.T) {
	w := get(t, "default", "localhost:8080", "127.0.0.1:50000", "/dev")
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("got policy %q", policy)
	}
	// What the policy forbids would be dead in the page.
	dead := regexp.MustCompile(`<script(?:[^>]*)>[^<]|<style|\son[a-z]+=|\sstyle=`)
	if inline := dead.FindString(w.Body.String()); inline != "" {
		t.Errorf("the page has something inline: %q", inline)
	}
	if !strings.Contains(w.Body.String(), `data-issuer="http://localhost:8080"`) {
		t.Error("the page does not say its issuer")
	}
}

func TestPlaygroundIsAValidClient(t *testing.T) {
	for _, tenant := range []string{storage.DefaultTenant, "acme"} {
		c := ClientOf(tenantAt(tenant))
		if faults := clients.Validate(&c); len(faults) > 0 || !Owns(c) || c.TenantID != tenant {
			t.Errorf("%s: got %v", tenant, faults)
		}
	}
}

// tenantAt returns a tenant of the server on this machine.
func tenantAt(id string) *issuer.Tenant {
	record := storage.Tenant{ID: id, Name: strings.ToUpper(id)}
	if id == "hosted" {
		record.Host = "hosted.localhost:8080"
	}
	return issuer.Of(&url.URL{Scheme: "http", Host: "localhost:8080"}, record)
}

// TestTheMailboxIsOfTheWholeServer: it has the mails of all tenants, and is below none of them.
func TestTheMailboxIsOfTheWholeServer(t *testing.T) {
	for _, path := range []string{"/dev/mail", "/dev/mail.json", "/dev/google/authorize"} {
		if got := get(t, "acme", "localhost:8080", "127.0.0.1:50000", path).Code; got != 404 {
			t.Errorf("%s: got %d, want 404", path, got)
		}
	}
}

// TestEachTenantHasItsPlayground: the page is about the tenant, and its client is stored there.
func TestEachTenantHasItsPlayground(t *testing.T) {
	w := get(t, "acme", "localhost:8080", "127.0.0.1:50000", "/dev")
	for _, want := range []string{`data-issuer="http://localhost:8080/t/acme"`, `data-path="/t/acme"`,
		`src="/t/acme/dev/dev.js"`, "developer page of ACME", "--tenant acme"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page is without %s", want)
		}
	}
	got := strings.Join(ClientOf(tenantAt("acme")).RedirectURIs, " ")
	if got != "http://localhost:8080/t/acme/dev/callback" {
		t.Errorf("got the redirect URI %s", got)
	}
	if strings.Contains(get(t, "default", "localhost:8080", "127.0.0.1:50000", "/dev").Body.String(), "--tenant") {
		t.Error("the page of the default tenant names a tenant")
	}
}
