package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestServeWithNothingSet(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	sample, err := os.ReadFile("../../clients.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sh.file(t, "clients.yaml", string(sample))
	r := sh.serve(t)

	for path, want := range map[string]int{
		"/.well-known/openid-configuration": 200, "/jwks": 200, "/login": 200, "/": 200, "/healthz": 200, "/readyz": 200,
		// What is the operator's is not the world's.
		"/metrics": 404, "/debug/pprof/": 404, "/debug/vars": 404, "/nowhere": 404, "//token": 404,
	} {
		if got, _ := r.get(t, path); got != want {
			t.Errorf("%s: got %d, want %d", path, got, want)
		}
	}
	if _, body := r.get(t, r.ops+"/metrics"); !strings.Contains(body,
		`vouchsafe_http_requests_total{route="/login",status="2xx"} 1`) || !strings.Contains(body, "go_goroutines") {
		t.Errorf("got metrics %s", body)
	}
	if _, body := r.get(t, "/readyz"); !strings.Contains(body, `"status":"ready"`) ||
		!strings.Contains(body, `"database":{"status":"ok"}`) {
		t.Errorf("got readyz %s", body)
	}
	if _, body := r.get(t, "/.well-known/openid-configuration"); !strings.Contains(body,
		`"ui_locales_supported":["en","de","es","fr","pt","ru"]`) {
		t.Errorf("got metadata %s", body)
	}
	for _, line := range []string{r.issuer, r.issuer + "/.well-known/openid-configuration", r.issuer + "/dev"} {
		if !strings.Contains(r.out.String(), line+"\n") {
			t.Errorf("%s is not printed:\n%s", line, r.out)
		}
	}
	// The playground's client is the server's own doing.
	if list := sh.do(t, "client", "list"); !regexp.MustCompile(`(?m)^playground .* server$`).MatchString(list) {
		t.Errorf("got clients\n%s", list)
	}
	// Each file is its owner's alone.
	for _, path := range []string{"data", "data/secret", "data/vouchsafe.db", "data/vouchsafe.db-wal",
		"data/vouchsafe.db-shm"} {
		info, err := os.Stat(filepath.Join(sh.dir, path))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: got mode %v, %v", path, info.Mode(), err)
		}
	}
	// A restart serves on with the same secret.
	link := setupLinkOf(t, r)
	r.stop(t)
	if again := setupLinkOf(t, sh.serve(t)); again.Query().Get("token") != link.Query().Get("token") {
		t.Error("the master secret did not survive a restart")
	}
}

func setupLinkOf(t *testing.T, r *running) *url.URL {
	t.Helper()
	link := regexp.MustCompile(`http\S+/setup\?token=\S+`).FindString(r.out.String())
	u, err := url.Parse(link)
	if err != nil || link == "" {
		t.Fatalf("there is no link for the first administrator:\n%s", r.out)
	}
	return u
}

func TestSetupLinkLastsUntilThereIsAnAdministrator(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	r := sh.serve(t)
	link := setupLinkOf(t, r).String()
	if got, _ := r.get(t, link); got != 200 {
		t.Errorf("the link: got %d, want 200", got)
	}
	if got, _ := r.get(t, link[:len(link)-4]+"AAAA"); got == 200 {
		t.Error("another token works too")
	}
	if _, errs, code := sh.run(t, "correct horse battery staple", "user", "add", "root@example.com", "--admin",
		"--password-stdin"); code != 0 {
		t.Fatal(errs)
	}
	if got, _ := r.get(t, link); got == 200 {
		t.Error("the link works although there is an administrator")
	}
	r.stop(t)
	if again := sh.serve(t); strings.Contains(again.out.String(), "/setup?") {
		t.Errorf("a link is printed although there is an administrator:\n%s", again.out)
	}
}

func TestUnknownHostsAreMisdirected(t *testing.T) {
	t.Parallel()
	r := newShell(t).serve(t)
	for _, host := range []string{"attacker.example", "localhost:1"} {
		for path, want := range map[string]int{"/.well-known/openid-configuration": 421, "/dev": 421, "/healthz": 200} {
			req, err := http.NewRequest(http.MethodGet, r.issuer+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = host
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != want {
				t.Errorf("%s at host %s: got %d, want %d", path, host, res.StatusCode, want)
			}
		}
	}
}

// enter has the client go to the developer page as a browser does: by the door that this
// machine alone has.
func enter(t *testing.T, c *http.Client, r *running) {
	t.Helper()
	to := r.issuer + "/dev"
	for _, host := range []string{"localhost", strings.TrimPrefix(r.issuer, "http://"), ""} {
		resp, err := c.Get(to)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		to = leads(resp)
		next, err := url.Parse(to)
		if err != nil || next.Host != host && next.Hostname() != host || host == "" && resp.StatusCode != http.StatusOK {
			t.Fatalf("got %d to %q", resp.StatusCode, to)
		}
	}
}

// leads is where an answer sends the browser: "" for nowhere.
func leads(resp *http.Response) string {
	if resp.StatusCode != http.StatusSeeOther {
		return ""
	}
	return resp.Header.Get("Location")
}

// TestDeveloperPageBehindAProxy is the attack: a proxy on the developer's machine that writes
// its own Host and does not name the client that it asks for.
func TestDeveloperPageBehindAProxy(t *testing.T) {
	t.Parallel()
	r := newShell(t).serve(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	enter(t, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}, r)
	to, err := url.Parse(r.issuer)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(to) }})
	defer proxy.Close()
	for _, path := range []string{"/dev", "/dev/mail", "/dev/mail.json", "/dev/dev.js",
		"/dev/google/authorize", "/?to=/dev"} {
		resp, err := http.DefaultTransport.RoundTrip(httptest.NewRequest(http.MethodGet, proxy.URL+path, nil))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || strings.Contains(string(body), "playground") && path != "/?to=/dev" ||
			strings.Contains(resp.Header.Get("Location"), "dev_key") || resp.StatusCode == http.StatusOK && path != "/?to=/dev" {
			t.Errorf("%s: got %d to %q: %s", path, resp.StatusCode, resp.Header.Get("Location"), body)
		}
	}
	link := regexp.MustCompile(`http\S+/dev\?dev_key=[^\s)]+`).FindString(r.out.String())
	if status, body := r.get(t, link); status != http.StatusOK || !strings.Contains(body, "playground") {
		t.Errorf("the link that the server printed (%q): got %d %s", link, status, body)
	}
}

func TestDeveloperPageIsForThisMachineAlone(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"VOUCHSAFE_LISTEN=:0", "VOUCHSAFE_DEVELOPMENT=false"} {
		sh := newShell(t, env)
		r := sh.serve(t)
		if got, _ := r.get(t, "/dev"); got != 404 {
			t.Errorf("%s: got %d, want 404", env, got)
		}
		if errs := sh.fails(t, 1, "client", "show", "playground"); !strings.Contains(errs,
			`there is no client "playground"`) {
			t.Errorf("%s: got %s", env, errs)
		}
	}
}

func TestClientOfThePlaygroundsNameIsLeftAlone(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	sh.file(t, "clients.yaml", "clients:\n  - client_id: playground\n    token_endpoint_auth_method: none\n    "+
		"redirect_uris: [https://play.example/callback]\n")
	for _, development := range []string{"true", "false"} {
		sh.env = append(sh.env, "VOUCHSAFE_DEVELOPMENT="+development)
		sh.serve(t).stop(t)
		if out := sh.do(t, "client", "show", "playground"); !strings.Contains(out, "https://play.example/callback") {
			t.Errorf("development %s: got %s", development, out)
		}
	}
}

func TestStopDropsNoRequest(t *testing.T) {
	t.Parallel()
	r := newShell(t, "VOUCHSAFE_STOP_DELAY=2s").serve(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(strings.Replace(r.issuer, "localhost", "127.0.0.1", 1), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// A request that has begun and waits for the rest of its body.
	const body = "grant_type=client_credentials&client_id=nobody&client_secret=nothing"
	fmt.Fprintf(conn, "POST /token HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"Content-Length: %d\r\n\r\n%s",
		strings.TrimPrefix(r.issuer, "http://"), len(body), body[:10])
	time.Sleep(100 * time.Millisecond)
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// Load balancers are told first, while everything else is still served.
	eventually(t, "readyz says that the server is stopping", func() bool {
		status, text := r.get(t, "/readyz")
		return status == 503 && strings.Contains(text, `"stopping"`)
	})
	if status, _ := r.get(t, "/login"); status != 200 {
		t.Errorf("while stopping: got %d, want 200", status)
	}
	eventually(t, "a stopping server takes no new connections", func() bool {
		another, err := net.Dial("tcp", conn.RemoteAddr().String())
		if err == nil {
			_ = another.Close()
		}
		return err != nil
	})
	if _, err := conn.Write([]byte(body[10:])); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("the request was dropped: %v", err)
	}
	res.Body.Close()
	if res.StatusCode != 401 {
		t.Errorf("got %d, want 401", res.StatusCode)
	}
	r.gone(t)
	if !strings.Contains(r.err.String(), `"msg":"stopped"`) {
		t.Errorf("it did not stop in order:\n%s", r.err)
	}
}

func TestWhatIsTakenIsSaid(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if errs := newShell(t).fails(t, 1, "serve", "--listen", l.Addr().String()); !strings.Contains(errs,
		"something else listens on "+l.Addr().String()) {
		t.Errorf("got %s", errs)
	}
	// The operator's listener, when it was asked for.
	if errs := newShell(t).fails(t, 1, "serve", "--metrics-listen",
		l.Addr().String()); !strings.Contains(errs, "metrics_listen") {
		t.Errorf("got %s", errs)
	}
}

func TestProductionRefusesToStart(t *testing.T) {
	t.Parallel()
	sh := newShell(t, "VOUCHSAFE_DATABASE_URL=postgres://vouchsafe@127.0.0.1:1/vouchsafe")
	errs := sh.fails(t, 1)
	for _, want := range []string{"VOUCHSAFE_SECRET is missing", "VOUCHSAFE_ISSUER is missing"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q is not said: %s", want, errs)
		}
	}
	if _, err := os.Stat(filepath.Join(sh.dir, "data")); err == nil {
		t.Error("a production server made a data folder")
	}
}

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	r := sh.serve(t)
	sh.do(t, "healthcheck", "--listen", strings.TrimPrefix(r.issuer, "http://"))
	r.stop(t)
	sh.fails(t, 1, "healthcheck", "--listen", strings.TrimPrefix(r.issuer, "http://"))
}

func TestBrokenClientsFileStopsTheStart(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	sh.file(t, "clients.yaml", "clients:\n  - client_id: a\n    redirect_url: x\n")
	if errs := sh.fails(t, 1); !strings.Contains(errs,
		"clients.yaml:3:5 redirect_url is not a field of a client: did you mean redirect_uris?") {
		t.Errorf("got %s", errs)
	}
}

// An older replica that starts again with its older file removes what the newer one added:
// the log must say which.
func TestStartNamesTheClientsThatItRemoves(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	for _, start := range []struct{ file, want string }{{clientsBefore, ""}, {clientsAfter, `"removed":["old"]`},
		{clientsBefore, `"removed":["service"]`}, {clientsBefore, ""}} {
		sh.file(t, "clients.yaml", start.file)
		r := sh.serve(t)
		r.stop(t)
		warned := regexp.MustCompile(`"level":"WARN","msg":"clients removed.*`).FindString(r.err.String())
		if (warned != "") != (start.want != "") || !strings.Contains(warned, start.want) {
			t.Errorf("got %q, want %q", warned, start.want)
		}
	}
}

func TestMissingFileIsToldWithItsSetting(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"CLIENTS", "TENANTS"} {
		errs := newShell(t, "VOUCHSAFE_"+name+"=nope.yaml").fails(t, 1, "serve")
		if !strings.Contains(errs, "nope.yaml") || !strings.Contains(errs, "VOUCHSAFE_"+name) {
			t.Errorf("%s: got %s", name, errs)
		}
	}
}

// Developers of clients read the error in the answer, which is no page.
func TestProgramsAreToldWhereToLook(t *testing.T) {
	t.Parallel()
	for _, development := range []bool{true, false} {
		r := newShell(t, fmt.Sprint("VOUCHSAFE_DEVELOPMENT=", development)).serve(t)
		host := strings.TrimPrefix(r.issuer, "http://")
		listed := ". The endpoints are listed at " + r.issuer + "/.well-known/openid-configuration."
		for _, c := range []struct {
			host, method, path, accept string
			status                     int
			want                       string
			always                     bool
		}{
			{host, "POST", "/oauth/token", "application/json", 404, listed, true},
			{host, "GET", "/oauth2/v1/authorize", "", 404, listed, true},
			{host, "DELETE", "/login", "*/*", 405, listed, true},
			{"127.0.0.1", "POST", "/token", "text/html", 421, host, false},
			{"127.0.0.1", "GET", "/.well-known/openid-configuration", "", 421, host, false},
		} {
			req, err := http.NewRequest(c.method, r.issuer+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = c.host
			req.Header.Set("Accept", c.accept)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || res.StatusCode != c.status || !json.Valid(body) ||
				strings.Contains(string(body), c.want) != (c.always || development) {
				t.Errorf("development %v, %s %s at %s: got %d %s, %v, want %d with %q: %v", development, c.method, c.path, c.host,
					res.StatusCode, body, err, c.status, c.want, c.always || development)
			}
		}
	}
}
