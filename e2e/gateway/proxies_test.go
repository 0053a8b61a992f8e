package gateway

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

var proxies = []proxy{
	{
		name: "nginx", program: "/usr/sbin/nginx", file: "nginx.conf",
		replaced: []string{
			"127.0.0.1:8080", "BEHIND", "127.0.0.1:9000", "APP", "app.example.com;", "127.0.0.1;",
			"listen 443 ssl", "listen 127.0.0.1:PORT ssl", "\tlisten [::]:443 ssl http2;\n", "",
			"/etc/letsencrypt/live/app.example.com/fullchain.pem", "CERT",
			"/etc/letsencrypt/live/app.example.com/privkey.pem", "KEY",
		},
		around: func(_ *testdaemon.Daemon, sample string) string {
			return "daemon off;\nworker_processes 1;\npid nginx.pid;\nevents {}\nhttp {\n\taccess_log off;\n" +
				"\tclient_body_temp_path body;\n\tproxy_temp_path proxy;\n\tfastcgi_temp_path fastcgi;\n" +
				"\tuwsgi_temp_path uwsgi;\n\tscgi_temp_path scgi;\n" + sample +
				"server {\n\tlisten 127.0.0.1:PORT ssl;\n\tserver_name localhost;\n\tssl_certificate CERT;\n" +
				"\tssl_certificate_key KEY;\n\tlocation / {\n\t\tproxy_pass http://BEHIND;\n" +
				"\t\tproxy_set_header Host $http_host;\n\t\tproxy_set_header X-Forwarded-For $remote_addr;\n\t}\n}\n}\n"
		},
		run: []string{"-p", "DIR", "-c", "CONF", "-e", "stderr"},
	},
	{
		name: "haproxy", program: "/usr/sbin/haproxy", file: "haproxy.cfg",
		replaced: []string{
			"bind :443", "bind 127.0.0.1:PORT", "/etc/haproxy/app.example.com.pem", "BOTH",
			"/etc/haproxy/vouchsafe.lua", "LUA",
			"127.0.0.1:9000", "APP", "    http-request lua.vouchsafe\n",
			"    http-request lua.vouchsafe if !{ hdr(host) localhost:PORT }\n" +
				"    use_backend vouchsafe if { hdr(host) localhost:PORT }\n",
		},
		around: func(_ *testdaemon.Daemon, sample string) string {
			return "global\n    nbthread 1\n    log stdout format raw local0 notice\n" + sample +
				"\nbackend vouchsafe\n    server a BEHIND\n"
		},
		run: []string{"-db", "-f", "CONF"},
	},
	{
		name: "caddy", program: "/usr/bin/caddy", file: "Caddyfile",
		replaced: []string{
			"127.0.0.1:8080", "BEHIND", "127.0.0.1:9000", "APP",
			"\napp.example.com {\n", "\nhttps://127.0.0.1:PORT {\n\ttls CERT KEY\n",
		},
		around: func(_ *testdaemon.Daemon, sample string) string {
			return "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n" +
				"\tdefault_sni 127.0.0.1\n}\n" + sample +
				"\nhttps://localhost:PORT {\n\ttls CERT KEY\n\treverse_proxy BEHIND\n}\n"
		},
		run: []string{"run", "--adapter", "caddyfile", "--config", "CONF"},
		env: []string{"HOME=DIR", "XDG_DATA_HOME=DIR", "XDG_CONFIG_HOME=DIR"},
	},
}

// TestProxiesAskTheGateway puts each proxy before an app, as its sample says.
func TestProxiesAskTheGateway(t *testing.T) {
	t.Parallel()
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			// One of them has PostgreSQL and Redis.
			p.start(t, vouchsafetest.Options{Shipped: true, Production: p.name == "nginx"}).isGuarded(t)
		})
	}
}

// isGuarded fails the test if the app behind the proxy is asked for what the gateway has to keep from it.
func (w *world) isGuarded(t *testing.T) {
	t.Helper()
	jo := w.site.Jo(t)
	w.strangersStayOut(t)
	w.noSpellingLeadsAround(t)
	v := w.signsIn(t, jo)
	w.forgedHeadersTellNothing(t, v)
	w.groupsDecide(t, v, jo)
	w.floodsEnd(t, v)
	w.signOutActs(t, v)
}

// strangersStayOut: without a session a page leads to sign in, and everything else gets 401, but for what is public.
func (w *world) strangersStayOut(t *testing.T) {
	t.Helper()
	for _, test := range []struct {
		method, target, mode string
		status               int // 0: the page leads to sign in
	}{
		{"GET", "/public/logo.svg", "no-cors", 200},
		{"POST", "/public/logo.svg", "cors", 401},
		{"GET", "/reports", "cors", 401},
		{"GET", "/reports", "navigate", 0},
		{"POST", "/reports", "navigate", 401},
		{"GET", "/reports?x=/public/", "cors", 401}, // CVE-2025-54576 of oauth2-proxy
		{"GET", "/public", "cors", 200},
		{"GET", "/publicity", "cors", 401},
	} {
		w.app.take()
		res, _ := w.raw(t, test.method, test.target, "Sec-Fetch-Mode: "+test.mode, "Sec-Fetch-Dest: document",
			"Accept: text/html", "X-Original-Url: "+w.url+"/public/x", "X-Original-Method: GET",
			"X-Forwarded-Uri: /public/x", "X-Forwarded-Method: GET", "X-Forwarded-Host: public.example",
			"X-Rewrite-Url: /public/x")
		to, leads := res.Header.Get("Location"), test.status == 0
		if leads && !strings.HasPrefix(to, w.site.Issuer+"/authorize?") || !leads && res.StatusCode != test.status {
			t.Errorf("%s %s as %s: got %d to %q, want %d", test.method, test.target, test.mode, res.StatusCode, to, test.status)
		}
		if got := len(w.app.take()); (got == 1) != (test.status == 200) {
			t.Errorf("%s %s as %s: %d requests reached the app", test.method, test.target, test.mode, got)
		}
	}
}

// noSpellingLeadsAround: however a path is written, no request without a session reaches what is not public.
func (w *world) noSpellingLeadsAround(t *testing.T) {
	t.Helper()
	for _, target := range []string{"/public/../admin", "/public/%2e%2e/admin", "/public/..%2fadmin",
		"/public/%2e%2e%2fadmin",
		"/public%2f..%2fadmin", "/public/..;/admin", "/public;x=/../admin", "/public/..%5cadmin", "/public\\..\\admin",
		"//admin", "/public//../admin", "/./admin", "/%61dmin", "/public/%252e%252e/admin", "/public/.%00./admin",
		"/admin#/public/", "/admin%3f/../public/x", "/public/../public/../admin/", w.url + "/admin",
		"http://public.example/public/../admin"} {
		// CVE-2024-45410 of Traefik: headers that Connection names were removed.
		drop := "Connection: X-Forwarded-Host, X-Forwarded-Uri, X-Forwarded-Method, X-Original-URL"
		for _, more := range [][]string{nil, {drop}} {
			w.app.take()
			w.raw(t, "GET", target, append(more, "Sec-Fetch-Mode: cors")...)
			for _, got := range w.app.take() {
				read, err := url.PathUnescape(got.URI)
				if err != nil || !strings.HasPrefix(path.Clean(strings.ReplaceAll(read, "\\", "/")), "/public") {
					t.Errorf("%s with %v reached the app as %s", target, more, got.URI)
				}
			}
		}
	}
	// Two hosts in one request: nginx goes by the request line.
	w.app.take()
	w.raw(t, "GET", w.url+"/admin", "Host: public.example", "Sec-Fetch-Mode: cors")
	if got := w.app.take(); len(got) > 0 {
		t.Errorf("a request with two hosts reached the app: %v", got)
	}
}

// signsIn opens a page of the app as the user, who signs in on the way.
func (w *world) signsIn(t *testing.T, jo vouchsafetest.Person) *vouchsafetest.Visitor {
	t.Helper()
	v := w.site.Visitor(t, jo)
	const page = "/reports?of=today&as=table"
	got := w.open(t, v, page)
	if got.URI != page || !v.GavePassword() {
		t.Errorf("the way in over %v ended at %s", v.Answered, got.URI)
	}
	if id := got.Headers.Values("X-Auth-User"); len(id) != 1 || len(id[0]) != 36 {
		t.Errorf("got X-Auth-User %q", id)
	}
	if email := got.Headers.Values("X-Auth-Email"); !slices.Equal(email, []string{jo.Email}) {
		t.Errorf("got X-Auth-Email %q", email)
	}
	token := got.Headers.Get("X-Auth-Identity")
	told := w.site.API(t).Verify(t, token)
	if told.Header.ExtraHeaders["typ"] != "vouchsafe-identity+jwt" || told.String("iss") != w.site.Issuer ||
		told.String("aud") != w.url || told.String("sub") != got.Headers.Get("X-Auth-User") ||
		told.Int("exp")-told.Int("iat") != 60 {
		t.Errorf("got the identity token %+v", told)
	}
	return v
}

// open opens a page and returns what the app saw of it.
func (w *world) open(t *testing.T, v *vouchsafetest.Visitor, target string) (got reached) {
	t.Helper()
	p := v.Open(t, w.url+target)
	if err := json.Unmarshal([]byte(p.Body), &got); err != nil {
		t.Fatalf("got %d at %s, want the app's answer: %v\n%.600s", p.Status, p.URL, err, p.Text(t))
	}
	return got
}

// forgedHeadersTellNothing: the app learns nothing from headers that the browser made up.
func (w *world) forgedHeadersTellNothing(t *testing.T, v *vouchsafetest.Visitor) {
	t.Helper()
	for _, name := range []string{"X-Auth-Groups", "X-Auth-Email", "X-Auth-Identity", "X_Auth_Email", "X_Auth-Groups",
		"x-auth-user"} {
		for _, target := range []string{"/reports", "/public/x"} {
			w.app.take()
			v.Header = http.Header{name: {"boss@example.com"}}
			v.Get(t, w.url+target)
			v.Header = http.Header{}
			for _, got := range w.app.take() {
				for name, values := range got.Headers {
					if slices.Contains(values, "boss@example.com") {
						t.Errorf("%s: the app was told %s: %q", target, name, values)
					}
				}
			}
		}
	}
}

// groupsDecide: a user in no group sees why not, joins, and is let in; and out again.
func (w *world) groupsDecide(t *testing.T, v *vouchsafetest.Visitor, jo vouchsafetest.Person) {
	t.Helper()
	p := v.Get(t, w.url+"/admin/users")
	if p.Status != http.StatusForbidden || !strings.Contains(p.Text(t), "have access to this page") {
		t.Errorf("without the group: got %d %.300s", p.Status, p.Text(t))
	}
	w.site.Command(t, "", "group", "add", "staff")
	w.site.Command(t, "", "group", "join", "staff", jo.Email)
	w.until(t, v, "/admin/users", http.StatusOK)
	if got := w.open(t, v, "/admin/users"); got.Headers.Get("X-Auth-Groups") != "staff" {
		t.Errorf("got the groups %q", got.Headers.Values("X-Auth-Groups"))
	}
	w.site.Command(t, "", "group", "leave", "staff", jo.Email)
	w.until(t, v, "/admin/users", http.StatusForbidden)
}

// until waits until a page has the status.
func (w *world) until(t *testing.T, v *vouchsafetest.Visitor, target string, status int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		got := w.status(t, v, target)
		if got == status {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s still answers %d, want %d", target, got, status)
		}
	}
}

// status returns the status that a script of the browser gets.
func (w *world) status(t *testing.T, v *vouchsafetest.Visitor, target string) int {
	t.Helper()
	var cookies []string
	for _, c := range v.CookiesOf(t, w.url) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	res, _ := w.raw(t, "GET", target, "Sec-Fetch-Mode: cors", "Cookie: "+strings.Join(cookies, "; "))
	return res.StatusCode
}

// floodsEnd: more requests of one user than the rule allows get 429.
func (w *world) floodsEnd(t *testing.T, v *vouchsafetest.Visitor) {
	t.Helper()
	for i, want := range []int{200, 200, 429, 429} {
		if got := w.status(t, v, "/export"); got != want {
			t.Errorf("request %d: got %d, want %d", i+1, got, want)
		}
	}
}

// signOutActs: after signing out the cookie of the app's host is worth nothing.
func (w *world) signOutActs(t *testing.T, v *vouchsafetest.Visitor) {
	t.Helper()
	if got := w.status(t, v, "/reports"); got != http.StatusOK {
		t.Fatalf("before the sign-out: got %d", got)
	}
	v.ConfirmSignOut(t, v.Get(t, w.url+"/.vouchsafe/sign-out"))
	w.until(t, v, "/reports", http.StatusUnauthorized)
}

// raw sends a request as it is written, and returns the answer.
func (w *world) raw(t *testing.T, method, target string, headers ...string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", w.at)
	if err == nil && strings.HasPrefix(w.url, "https:") {
		conn = tls.Client(conn, &tls.Config{RootCAs: w.site.Certificate.Roots, ServerName: "localhost"})
	}
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	text := method + " " + target + " HTTP/1.1\r\n"
	if !slices.ContainsFunc(headers, func(h string) bool { return strings.HasPrefix(h, "Host:") }) {
		text += "Host: " + w.at + "\r\n"
	}
	for _, h := range headers {
		text += h + "\r\n"
	}
	if method == http.MethodPost {
		text += "Content-Length: 3\r\n\r\na=b"
	} else {
		text += "\r\n"
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	body, _ := io.ReadAll(res.Body) // a proxy may close the connection after a refusal
	return res, string(body)
}
