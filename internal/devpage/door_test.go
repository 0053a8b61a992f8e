package devpage

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// locked returns a page with a mailbox and fake providers, and a function that requests its paths.
func locked(t *testing.T) (p *Page, ask func(method, to string, header ...string) *http.Response) {
	t.Helper()
	const root = "http://localhost:8080"
	p = &Page{
		Issuer: root, Key: key, Door: "40123", Mailbox: &Mailbox{}, StandIns: StandIns(root),
		Errors: func(w http.ResponseWriter, _ *http.Request, p *web.Problem) { w.WriteHeader(p.Status) },
	}
	router := mux.NewRouter()
	p.Register(router)
	return p, func(method, to string, header ...string) *http.Response {
		t.Helper()
		r := httptest.NewRequest(method, to, nil)
		r.Host, r.RemoteAddr = "localhost:8080", "127.0.0.1:50000"
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		r = r.WithContext(web.WithTenant(r.Context(), tenantAt(storage.DefaultTenant)))
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		return w.Result()
	}
}

// leads returns where an answer sends the browser, or "".
func leads(resp *http.Response) string {
	if resp.StatusCode != http.StatusSeeOther {
		return ""
	}
	return resp.Header.Get("Location")
}

// TestAProxyThatTellsNothingOpensNothing: a proxy that rewrites the Host and connects from this
// machine makes requests that look like those of this machine's browsers. The browsers behind it
// are sent to a port at which their own machines have no server.
func TestAProxyThatTellsNothingOpensNothing(t *testing.T) {
	p, ask := locked(t)
	p.Mailbox.Add(Letter{ID: "1", To: "jo@example.com", Text: "1234 5678 is your code"})
	for _, path := range []string{
		"/dev", "/dev/callback?code=c", "/dev/dev.js", "/dev/mail", "/dev/mail.json?to=jo@example.com",
		"/dev/mail/1", "/dev/mail/1/html",
		"/dev/google/authorize?client_id=vouchsafe", "/dev/facebook/v23.0/dialog/oauth?client_id=vouchsafe",
		"/dev?dev_key=guess", "/dev/mail?dev_key=",
	} {
		for _, cookie := range []string{"", keyCookie + "=guess", keyCookie + "="} {
			resp := ask(http.MethodGet, path, "Cookie", cookie)
			to, err := url.Parse(leads(resp))
			if err != nil || to.Host != "localhost:40123" || to.Path != "/" || strings.Contains(to.String(), key) ||
				resp.Header["Set-Cookie"] != nil {
				t.Errorf("%s with %q: got %d to %q", path, cookie, resp.StatusCode, to)
			}
		}
	}
	for _, path := range []string{"/dev/google/authorize", "/dev/facebook/v23.0/dialog/oauth"} {
		if got := ask(http.MethodPost, path).StatusCode; got != http.StatusForbidden {
			t.Errorf("a form to %s: got %d, want 403", path, got)
		}
	}
	// Requests that the server itself sends to the providers.
	if got := ask(http.MethodGet, "/dev/google/.well-known/openid-configuration").StatusCode; got != http.StatusOK {
		t.Errorf("discovery of a stand-in: got %d", got)
	}
	p.Door = ""
	if got := ask(http.MethodGet, "/dev/mail").StatusCode; got != http.StatusForbidden {
		t.Errorf("without a doorkeeper: got %d, want 403", got)
	}
	p.Key = ""
	if got := ask(http.MethodGet, "/dev/mail?dev_key=", "Cookie", keyCookie+"=").StatusCode; got != http.StatusForbidden {
		t.Errorf("without a key at all: got %d, want 403", got)
	}
}

func TestTheDoorkeeperLetsThisMachineIn(t *testing.T) {
	p, ask := locked(t)
	doorkeeper := func(host, peer, path string, header ...string) *http.Response {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host, r.RemoteAddr = host, peer
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		p.Doorkeeper().ServeHTTP(w, r)
		return w.Result()
	}
	sent, err := url.Parse(ask(http.MethodGet, "/dev/mail?x=a%26b").Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	back := doorkeeper(sent.Host, "127.0.0.1:50001", sent.RequestURI())
	if got, want := leads(back), "http://localhost:8080/dev/mail?dev_key="+key+"&x=a%26b"; got != want {
		t.Fatalf("got %d to %q, want %q", back.StatusCode, got, want)
	}
	// A program gets its answer at once. A browser stores the key in a cookie, and not in its
	// history.
	if resp := ask(http.MethodGet, "/dev/mail?dev_key="+key); resp.StatusCode != http.StatusOK {
		t.Errorf("a program: got %d", resp.StatusCode)
	}
	resp := ask(http.MethodGet, "/dev/mail?dev_key="+key+"&x=a%26b", "Sec-Fetch-Mode", "navigate")
	if got, want := leads(resp), "http://localhost:8080/dev/mail?x=a%26b"; got != want {
		t.Errorf("a browser: got %d to %q, want %q", resp.StatusCode, got, want)
	}
	c := resp.Cookies()
	if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteLaxMode || c[0].Path != "/dev" {
		t.Fatalf("got cookies %v", c)
	}
	if resp := ask(http.MethodGet, "/dev/mail", "Cookie", c[0].Name+"="+c[0].Value); resp.StatusCode != http.StatusOK {
		t.Errorf("with the cookie: got %d", resp.StatusCode)
	}
	for name, resp := range map[string]*http.Response{
		"DNS rebinding":   doorkeeper("evil.example:40123", "127.0.0.1:5", "/?to=/dev"),
		"another machine": doorkeeper("localhost:40123", "192.0.2.1:5", "/?to=/dev"),
		"a proxy":         doorkeeper("localhost:40123", "127.0.0.1:5", "/?to=/dev", "Via", "1.1 x"),
		"another path":    doorkeeper("localhost:40123", "127.0.0.1:5", "/x?to=/dev"),
		"elsewhere":       doorkeeper("localhost:40123", "127.0.0.1:5", "/?to=//evil.example/dev"),
		"elsewhere, too":  doorkeeper("localhost:40123", "127.0.0.1:5", "/?to=https://evil.example/dev"),
		"another page":    doorkeeper("localhost:40123", "127.0.0.1:5", "/?to=/developer"),
		"a host behind":   doorkeeper("localhost:40123", "127.0.0.1:5", "/?to=.evil.example/dev"),
		"nothing":         doorkeeper("localhost:40123", "127.0.0.1:5", "/"),
	} {
		if resp.StatusCode != http.StatusNotFound || resp.Header.Get("Location") != "" {
			t.Errorf("%s: got %d to %q, want 404", name, resp.StatusCode, resp.Header.Get("Location"))
		}
	}
}

func TestStandInsKnowTheirPages(t *testing.T) {
	for kind, page := range map[string]string{
		fakeidp.Google: "/authorize", fakeidp.Facebook: "/v23.0/dialog/oauth", fakeidp.GitHub: "/login/oauth/authorize",
		fakeidp.Discord: "/oauth2/authorize",
	} {
		s := &fakeidp.Server{Kind: kind, Issuer: "http://localhost/dev/" + kind}
		if !s.IsPage("/dev/"+kind+page) || s.IsPage("/dev/"+kind+"/token") {
			t.Errorf("%s: pages and what is for programs are confused", kind)
		}
	}
}
