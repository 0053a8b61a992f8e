package threats

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func httpRows() []row {
	return []row{
		{"K1 forms of the target", k1},
		{"K2 CORS", k2},
		{"K3 clickjacking and K4 headers", k4},
		{"K5 content types", k5},
		{"K6 paths and methods", k6},
		{"K7 TLS", k7},
		{"K8 what is not for the public", k8},
		{"K12 other spellings of paths", k12},
		{"M1 M3 large requests and passwords", m1},
		{"H2 forms of other sites", h2},
	}
}

// raw sends bytes and returns the first line of the answer.
func raw(t *testing.T, s *vouchsafetest.Server, request string) string {
	t.Helper()
	var conn net.Conn
	var err error
	if strings.HasPrefix(s.Issuer, "https") {
		conn, err = tls.Dial("tcp", s.Address, &tls.Config{RootCAs: s.Certificate.Roots, ServerName: "localhost"})
	} else {
		conn, err = net.Dial("tcp", s.Address)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprint(conn, request); err != nil {
		return ""
	}
	line, _ := bufio.NewReader(conn).ReadString('\n') // a closed connection is an answer too
	return strings.TrimSpace(line)
}

func k1(t *testing.T, s *vouchsafetest.Server) {
	host := strings.TrimPrefix(strings.TrimPrefix(s.Issuer, "http://"), "https://")
	const path = "/.well-known/openid-configuration"
	for name, request := range map[string]string{
		"absolute form of another host": "GET http://evil.example" + path + " HTTP/1.1\r\nHost: " + host +
			"\r\nConnection: close\r\n\r\n",
		"no Host": "GET " + path + " HTTP/1.1\r\nConnection: close\r\n\r\n",
		"two Hosts": "GET " + path + " HTTP/1.1\r\nHost: " + host +
			"\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
		"HTTP/1.0 without Host": "GET " + path + " HTTP/1.0\r\n\r\n",
		"lengths that disagree": "POST /token HTTP/1.1\r\nHost: " + host +
			"\r\nContent-Length: 5\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello!",
		"a bad chunk": "POST /token HTTP/1.1\r\nHost: " + host +
			"\r\nTransfer-Encoding: chunked\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n" +
			"zz\r\nhello\r\n0\r\n\r\n",
		"a header with a space": "GET " + path + " HTTP/1.1\r\nHost : " + host + "\r\nConnection: close\r\n\r\n",
		"CONNECT":               "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\nConnection: close\r\n\r\n",
	} {
		line := raw(t, s, request)
		if line != "" && !strings.Contains(line, " 4") {
			t.Errorf("%s: got %q, want 400 or 421", name, line)
		}
	}
}

// published reports whether the answer at the path is the same for every client.
func published(path string) bool { return path == "/jwks" || strings.HasPrefix(path, "/.well-known") }

func k2(t *testing.T, s *vouchsafetest.Server) {
	api := s.API(t)
	ask := func(method, path, origin string) *vouchsafetest.Reply {
		req := api.Request(t, method, path, "", "")
		req.Header.Set("Origin", origin)
		if method == http.MethodOptions {
			req.Header.Set("Access-Control-Request-Method", "POST")
			if published(path) {
				req.Header.Set("Access-Control-Request-Method", "GET") // the one that there is
			}
			req.Header.Set("Access-Control-Request-Headers", "authorization,traceparent")
		}
		return api.Do(t, req)
	}
	open := []string{"/token", "/userinfo", "/revoke", "/jwks", "/.well-known/openid-configuration"}
	const registered = "https://spa.example"
	for _, path := range open {
		preflight := ask(http.MethodOptions, path, registered)
		if got := preflight.Header.Get("Access-Control-Allow-Origin"); got != registered && got != "*" ||
			preflight.Status >= 300 {
			t.Errorf("%s for %s: got %d, %q, want to be allowed", path, registered, preflight.Status, got)
		}
		if got := preflight.Header.Get("Access-Control-Allow-Credentials"); got != "" {
			t.Errorf("%s: got Access-Control-Allow-Credentials %q, want none: there are no cookies there", path, got)
		}
	}
	for _, origin := range []string{"https://evil.example", "null", "https://spa.example.evil.example",
		"https://evilspa.example", "http://spa.example", "https://spa.example:444", "https://SPA.example.",
		"https://spa.example/", s.Issuer + ".evil.example"} {
		for _, path := range open {
			for _, method := range []string{http.MethodOptions, http.MethodGet} {
				got := ask(method, path, origin).Header.Get("Access-Control-Allow-Origin")
				if want := map[bool]string{true: "*"}[published(path)]; got != want {
					t.Errorf("%s %s for %s: got Access-Control-Allow-Origin %q, want %q", method, path, origin, got, want)
				}
			}
		}
	}
	for _, path := range []string{"/authorize", "/login", "/consent", "/select", "/logout",
		"/signout", "/introspect", "/"} {
		for _, method := range []string{http.MethodOptions, http.MethodGet} {
			if got := ask(method, path, registered).Header.Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("%s %s: got Access-Control-Allow-Origin %q, want none there", method, path, got)
			}
		}
	}
	// Pages can read errors, too.
	req := api.Request(t, http.MethodPost, "/token", "application/x-www-form-urlencoded",
		"grant_type=authorization_code&code=x&client_id=public")
	req.Header.Set("Origin", registered)
	if reply := api.Do(t, req); reply.Header.Get("Access-Control-Allow-Origin") != registered {
		t.Errorf("an error at /token: got Access-Control-Allow-Origin %q, want %s",
			reply.Header.Get("Access-Control-Allow-Origin"), registered)
	}
	if got := ask(http.MethodGet, "/token",
		registered).Header.Values("Vary"); !strings.Contains(strings.Join(got, ","), "Origin") {
		t.Errorf("got Vary %q, want Origin", got)
	}
}

// k4: the test browser checks the headers of every page. This test visits pages of each kind.
func k4(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	tokens(t, s, b, vouchsafetest.NewRequest(web))
	for _, path := range []string{"/", "/login", "/signout", "/signed-out", "/select", "/nothing-here", "/authorize",
		"/authorize?client_id=web", "/consent", "/setup",
		vouchsafetest.NewRequest(web, "response_mode", "form_post").Path()} {
		page := b.Get(t, path)
		if s.Database != "" && page.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: got no Strict-Transport-Security", path)
		}
		if page.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: got no Content-Security-Policy", path)
		}
		if page.Header.Get("Server") != "" || page.Header.Get("X-Powered-By") != "" {
			t.Errorf("%s tells what serves it", path)
		}
	}
	for _, path := range []string{"/token", "/userinfo", "/introspect", "/revoke"} {
		reply := api.Form(t, path, url.Values{})
		if !strings.Contains(reply.Header.Get("Cache-Control"), "no-store") ||
			reply.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: got Cache-Control %q and X-Content-Type-Options %q", path, reply.Header.Get("Cache-Control"),
				reply.Header.Get("X-Content-Type-Options"))
		}
	}
}

func k5(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	login := b.Get(t, vouchsafetest.NewRequest(web).Path())
	for _, path := range []string{"/login", "/consent", "/select", "/signout", "/token", "/introspect",
		"/revoke", "/authorize"} {
		for _, kind := range []string{"text/plain", "application/json",
			"multipart/form-data; boundary=x", "application/xml"} {
			req := api.Request(t, http.MethodPost, path, kind, `{"login":"jo@example.com","password":"x"}`)
			req.Header.Set("Origin", s.Issuer)
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			if reply := api.Do(t, req); reply.Status < 400 || reply.Status > 499 {
				t.Errorf("%s with %s: got %d, want 415", path, kind, reply.Status)
			}
		}
	}
	if page := b.SignIn(t, login, b.Person); page.Left == nil {
		t.Errorf("got %d at %s, want to be signed in", page.Status, page.URL.Path)
	}
}

func k6(t *testing.T, s *vouchsafetest.Server) {
	api := s.API(t)
	for _, path := range []string{
		"//", "//login", "/./login", "/login/../metrics", "/..;/metrics", "/%2e%2e/metrics", "/login%2f..%2fmetrics", "/%00",
		"/login;x=y", "/login/", "/TOKEN", "/token/",
		"/static/../login", "/static/%2e%2e/%2e%2e/etc/passwd", "/static/..%2f..%2fetc%2fpasswd", "/static/", "/t/",
		"/t//login", "/t/../login", "/.git/config", "/.env", "/clients.yaml", "/data/vouchsafe.db",
	} {
		reply := api.Do(t, api.Request(t, http.MethodGet, path, "", ""))
		if reply.Status == http.StatusOK && path != "//" || strings.Contains(reply.Raw, "root:") {
			t.Errorf("%s: got %d", path, reply.Status)
		}
		if location := reply.Header.Get("Location"); strings.HasPrefix(location, "//") || strings.Contains(location, "\\") {
			t.Errorf("%s: sent to %s", path, location)
		}
	}
	for _, path := range []string{"/token", "/introspect", "/revoke", "/login", "/consent"} {
		for _, method := range []string{"TRACE", "PATCH", "DELETE", "BOGUS", "PUT"} {
			reply := api.Do(t, api.Request(t, method, path, "", ""))
			if reply.Status != http.StatusMethodNotAllowed && reply.Status != http.StatusNotFound &&
				reply.Status != http.StatusBadRequest {
				t.Errorf("%s %s: got %d, want 405", method, path, reply.Status)
			}
		}
	}
	// Headers that claim another method or another client have no effect.
	req := api.Request(t, http.MethodGet,
		"/token?grant_type=client_credentials&client_id=service-post&client_secret="+
			vouchsafetest.ServicePost.Secret(), "", "")
	for _, h := range []string{"X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"} {
		req.Header.Set(h, "POST")
	}
	if reply := api.Do(t, req); reply.Status != http.StatusMethodNotAllowed {
		t.Errorf("a method override: got %d %s, want 405", reply.Status, reply.Raw)
	}
}

// k12 spells paths in ways that the rules of a proxy in front do not know: a request that the proxy
// keeps from /login must not reach it.
func k12(t *testing.T, s *vouchsafetest.Server) {
	api := s.API(t)
	ask := func(method, path string) *vouchsafetest.Reply { return api.Do(t, api.Request(t, method, path, "", "")) }
	s.Command(t, "", "tenant", "add", "k12")
	for _, path := range []string{
		"/%6cogin", "/%6Cogin", "/login%2fpasskey", "/login%2Fpasskey", "/%74oken", "/%6awks",
		"/.well-known/openid%2dconfiguration", "/%68ealthz", "/%72eadyz", "/%61ccount",
		"/t/k12%2flogin", "/t%2fk12/login", "/%74/k12/login", "/t/%6b12/login", "/t/k12/%6cogin", "/t/k12/login%2f",
		"/static%2fx", "/.well-known%2fopenid-configuration/t/k12",
		"/.well-known/openid-configuration/t%2fk12", "/%2flogin", "/login%00", "/login%20", "/login%3bx=y", "/x/%2e%2e/login",
		"//login", "//login/", "/login//", "/./login/", "//evil.example/", "/\\evil.example/", "/%2fevil.example/",
		"/t/k12//evil.example/", "/t/k12//",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			if reply := ask(method, path); reply.Status != http.StatusNotFound || reply.Header.Get("Location") != "" {
				t.Errorf("%s %s: got %d to %q, want 404", method, path, reply.Status, reply.Header.Get("Location"))
			}
		}
	}
	// A path with too many slashes redirects to the same path of this server, and is not served
	// itself.
	for path, want := range map[string]string{
		"/login/": "/login", "/login/?next=//evil.example": "/login?next=//evil.example", "/jwks/": "/jwks",
		"/account/":     "/account",
		"/t/k12/login/": "/t/k12/login", "/t/k12/jwks/": "/t/k12/jwks",
		"/.well-known/openid-configuration/": "/.well-known/openid-configuration",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			if reply := ask(method, path); vouchsafetest.Leads(reply.Status, reply.Header) != want {
				t.Errorf("%s %s: got %d to %q, want %q", method, path, reply.Status, reply.Header.Get("Location"), want)
			}
		}
		if reply := ask(http.MethodPost, path); reply.Status != http.StatusNotFound {
			t.Errorf("POST %s: got %d, want 404", path, reply.Status)
		}
	}
	for _, path := range []string{"/nothing/", "/static/", "/t/", "/t/nobody/login/"} {
		if reply := ask(http.MethodGet, path); reply.Status != http.StatusNotFound {
			t.Errorf("%s: got %d to %q, want 404", path, reply.Status, reply.Header.Get("Location"))
		}
	}
	// Clients look for a tenant's metadata before or after its path.
	for _, name := range []string{"openid-configuration", "oauth-authorization-server"} {
		for _, path := range []string{"/t/k12/.well-known/" + name, "/.well-known/" + name + "/t/k12",
			"/.well-known/" + name + "/t/k12/"} {
			if reply := ask(http.MethodGet, path).Want(t, http.StatusOK, ""); reply.String("issuer") != s.Issuer+"/t/k12" {
				t.Errorf("%s: got the metadata of %q", path, reply.String("issuer"))
			}
		}
	}
}

func k7(t *testing.T, s *vouchsafetest.Server) {
	if s.Database == "" {
		return // http, on this machine
	}
	for name, config := range map[string]*tls.Config{
		"TLS 1.0": {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10},
		"TLS 1.1": {MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11},
		"weak suites": {MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{
			tls.TLS_RSA_WITH_RC4_128_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA,
			tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA, tls.TLS_RSA_WITH_AES_128_GCM_SHA256,
		}},
	} {
		config.RootCAs, config.ServerName = s.Certificate.Roots, "localhost"
		if conn, err := tls.Dial("tcp", s.Address, config); err == nil {
			conn.Close()
			t.Errorf("%s was accepted", name)
		}
	}
	// Each cipher suite of TLS 1.2 by itself: only forward secrecy with authenticated encryption is
	// accepted.
	for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if !slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
			continue
		}
		good := strings.HasPrefix(suite.Name, "TLS_ECDHE_ECDSA") &&
			(strings.Contains(suite.Name, "_GCM_") || strings.Contains(suite.Name, "CHACHA20"))
		conn, err := tls.Dial("tcp", s.Address, &tls.Config{
			MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID},
			RootCAs: s.Certificate.Roots, ServerName: "localhost",
		})
		if err == nil {
			conn.Close()
		}
		if (err == nil) != good {
			t.Errorf("%s: got %v, want it to be taken: %v", suite.Name, err, good)
		}
	}
}

func k8(t *testing.T, s *vouchsafetest.Server) {
	api := s.API(t)
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/vars", "/debug/pprof/heap", "/docs", "/swagger",
		"/openapi.json", "/administrator", "/api", "/graphql", "/actuator", "/server-status"} {
		if reply := api.Do(t, api.Request(t, http.MethodGet, path, "", "")); reply.Status != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, reply.Status)
		}
	}
	if s.Database != "" {
		for _, path := range []string{"/dev", "/dev/", "/dev/callback"} {
			if reply := api.Do(t, api.Request(t, http.MethodGet, path, "", "")); reply.Status != http.StatusNotFound {
				t.Errorf("%s in production: got %d, want 404", path, reply.Status)
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if status, body := s.Ops(t, path); status != http.StatusOK {
			t.Errorf("%s for the operator: got %d %s", path, status, body)
		}
	}
}

func m1(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	const form = "application/x-www-form-urlencoded"
	large := strings.Repeat("x", 4<<20)
	for name, req := range map[string]*http.Request{
		"a body of 4 MiB": api.Request(t, http.MethodPost, "/token", form, "grant_type="+large),
		"100,000 fields":  api.Request(t, http.MethodPost, "/token", form, strings.Repeat("a=b&", 100000)),
		"10,000 scopes": api.Request(t, http.MethodPost, "/token", form,
			"grant_type=client_credentials&client_id=service-post&client_secret="+vouchsafetest.ServicePost.Secret()+"&scope="+
				strings.Repeat("s%20", 10000)),
		"introspection, 4 MiB": api.Request(t, http.MethodPost, "/introspect", form, "token="+large),
		"user info, 4 MiB":     api.Request(t, http.MethodPost, "/userinfo", form, "access_token="+large),
		"authorize, 4 MiB":     api.Request(t, http.MethodPost, "/authorize", form, "state="+large),
	} {
		start := time.Now()
		reply := api.Do(t, req)
		if reply.Status < 400 || reply.Status > 499 || time.Since(start) > 5*time.Second {
			t.Errorf("%s: got %d after %v, want 4xx at once", name, reply.Status, time.Since(start))
		}
	}
	// A long password is refused before it is hashed.
	login := b.Get(t, vouchsafetest.NewRequest(web).Path())
	start := time.Now()
	page := b.SignIn(t, login, vouchsafetest.Person{Email: b.Person.Email, Password: strings.Repeat("p", 2<<20)})
	if page.Left != nil || page.Status >= 500 || time.Since(start) > 5*time.Second {
		t.Errorf("a password of 2 MiB: got %d after %v", page.Status, time.Since(start))
	}
	if line := raw(t, s, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: "+strings.Repeat("x",
		2<<20)+"\r\n\r\n"); line != "" && !strings.Contains(line, " 4") {
		t.Errorf("headers of 2 MiB: got %q, want 431", line)
	}
}

func h2(t *testing.T, s *vouchsafetest.Server) {
	b := s.Browser(t, s.Person(t))
	page := b.Get(t, vouchsafetest.NewRequest(web).Path())
	form := page.Forms(t)[0]
	fields := form.Fields
	fields.Set("login", b.Person.Email)
	fields.Set("password", b.Person.Password)
	for _, origin := range []string{"https://evil.example", "null", s.Issuer + ".evil.example",
		strings.Replace(s.Issuer, "localhost", "evil.localhost", 1)} {
		if page := b.PostFrom(t, origin, form.Action, fields); page.Status != http.StatusForbidden {
			t.Errorf("the sign-in form from %s: got %d at %s, want 403", origin, page.Status, page.URL.Path)
		}
	}
	// Without any of the headers that say where a form comes from, and without the cookie.
	api := s.API(t)
	if reply := api.Form(t, "/login", fields); reply.Status != http.StatusForbidden {
		t.Errorf("the sign-in form from nowhere: got %d, want 403", reply.Status)
	}
	if page := s.Browser(t, b.Person).Post(t, form.Action, fields); page.Left != nil ||
		page.Status != http.StatusForbidden && page.Status != http.StatusBadRequest {
		t.Errorf("the sign-in form in another browser: got %d, want 403", page.Status)
	}
	wantError(t, b.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none")), "login_required")
}
