package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/prooftest"
)

// standIn is a proxy that asks as Traefik's ForwardAuth and Envoy's ext_authz say in their documents: neither program
// is among Debian's packages. TestEnvoyAsksTheGateway has Envoy itself ask.
type standIn struct {
	form   string
	server string
	app    string
	// patterns are the headers that Envoy shows to the check.
	patterns []matcher
}

// shown reports whether the sample of Envoy shows a header to the check. Envoy always shows Authorization.
func (p *standIn) shown(name string) bool {
	name = strings.ToLower(name)
	return name == "authorization" || slices.ContainsFunc(p.patterns, func(m matcher) bool {
		return m.Exact == name || m.Prefix != "" && strings.HasPrefix(name, m.Prefix) || m.Regex.matches(name)
	})
}

// matcher is Envoy's StringMatcher, as far as the sample has it.
type matcher struct {
	Exact  string
	Prefix string
	Regex  regex `yaml:"safe_regex"`
}

// regex has to match the whole of a text.
type regex struct{ Regex string }

func (r regex) matches(text string) bool {
	return r.Regex != "" && regexp.MustCompile(`\A(?:`+r.Regex+`)\z`).MatchString(text)
}

// patterns returns the allowed_headers of the sample of Envoy.
func patterns(t *testing.T) []matcher {
	t.Helper()
	var file struct {
		Filters []struct {
			Config struct {
				Allowed struct{ Patterns []matcher } `yaml:"allowed_headers"`
			} `yaml:"typed_config"`
		} `yaml:"http_filters"`
	}
	if err := yaml.Unmarshal([]byte(sampleFile(t, "envoy.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	for _, f := range file.Filters {
		if p := f.Config.Allowed.Patterns; len(p) > 0 {
			return p
		}
	}
	t.Fatal("envoy.yaml has no allowed_headers")
	return nil
}

// TestEnvoyShowsTheCheckEverySpelling: an app reads names that look alike as the same one, and the check can refuse
// only what Envoy shows it.
func TestEnvoyShowsTheCheckEverySpelling(t *testing.T) {
	t.Parallel()
	envoy := &standIn{patterns: patterns(t)}
	names := append([]string{"X-Auth-Name", "X-Auth-Username", "X-Auth-Roles", "X-Auth-Client", "X-Auth-Scope",
		"X-Auth-Actor", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"}, told...)
	for _, name := range names {
		for _, spelling := range []string{name, strings.ToUpper(name), strings.ReplaceAll(name, "-", "_"),
			strings.Replace(name, "-", "_", 1), strings.ReplaceAll(name, "-", "."), strings.Replace(name, "-", "~", 1)} {
			if !envoy.shown(spelling) {
				t.Errorf("the check isn't shown %s", spelling)
			}
		}
	}
	for _, name := range []string{"X-Custom", "Content-Length", "X-Authentic", "X-Forwarded-Host"} {
		if envoy.shown(name) {
			t.Errorf("the check is shown %s", name)
		}
	}
}

var told = []string{"X-Auth-User", "X-Auth-Email", "X-Auth-Groups", "X-Auth-Identity"}

func (p *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	check := p.check(r)
	res, err := http.DefaultTransport.RoundTrip(check)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		pass(w, res)
		return
	}
	to := r.Clone(r.Context())
	to.URL.Scheme, to.URL.Host, to.RequestURI = "http", p.app, ""
	for _, name := range told {
		to.Header.Del(name)
		if v := res.Header.Get(name); v != "" {
			to.Header.Set(name, v)
		}
	}
	to.Header.Del("X_auth_email") // the samples drop names with _
	to.Header.Del("X_auth-Groups")
	answer, err := http.DefaultTransport.RoundTrip(to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	pass(w, answer)
}

// pass passes an answer on.
func pass(w http.ResponseWriter, res *http.Response) {
	for name, values := range res.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body) // the test sees a body that was cut off
}

// check returns the request that asks about r.
func (p *standIn) check(r *http.Request) *http.Request {
	target := "http://" + p.server + "/forward-auth/" + p.form
	if p.form == "envoy" {
		c := &http.Request{Method: r.Method, Host: r.Host, Header: http.Header{},
			URL: &url.URL{Scheme: "http", Host: p.server, Opaque: "/forward-auth/envoy" + r.RequestURI}}
		for name, values := range r.Header {
			if p.shown(name) {
				c.Header[name] = values
			}
		}
		return c.WithContext(r.Context())
	}
	c, err := http.NewRequestWithContext(r.Context(), http.MethodGet, target, nil)
	if err != nil {
		panic(err) // the address is the test's
	}
	c.Header = r.Header.Clone()
	c.Header.Del("Connection")
	for name, value := range map[string]string{"Method": r.Method, "Host": r.Host, "Uri": r.RequestURI, "Proto": "http",
		"For": "127.0.0.1"} {
		c.Header.Set("X-Forwarded-"+name, value)
	}
	return c
}

// startStandIn starts a server, an app and a proxy of that form.
func startStandIn(t *testing.T, form string, change func(rules string) string) *world {
	t.Helper()
	w := &world{app: startApp(t)}
	p := &standIn{form: form, app: w.app.Listener.Addr().String(), patterns: patterns(t)}
	front := httptest.NewServer(p)
	t.Cleanup(front.Close)
	w.at, w.url = front.Listener.Addr().String(), front.URL
	rules := strings.ReplaceAll(sampleFile(t, "gateway.yaml"), "app.example.com", w.at)
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(file, []byte(change(rules)), 0o600); err != nil {
		t.Fatal(err)
	}
	w.site = vouchsafetest.Start(t, vouchsafetest.Options{Shipped: true, Env: map[string]string{
		"VOUCHSAFE_GATEWAY": file, "VOUCHSAFE_TRUSTED_PROXIES": "127.0.0.1"}})
	p.server = w.site.Address
	return w
}

func unchanged(rules string) string { return rules }

// TestTraefikAndEnvoyAskTheGateway is TestProxiesAskTheGateway by the requests that the two document.
func TestTraefikAndEnvoyAskTheGateway(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"traefik", "envoy"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			startStandIn(t, form, unchanged).isGuarded(t)
		})
	}
}

// asks sends a check as the proxy at an address would, and returns the answer.
func (w *world) asks(t *testing.T, from, entry string, header http.Header) *http.Response {
	t.Helper()
	return w.asksAt(t, from, w.site.Address, entry, header)
}

func (w *world) asksAt(t *testing.T, from, host, entry string, header http.Header) *http.Response {
	t.Helper()
	target := "http://" + w.site.Address + "/forward-auth/" + entry
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header, req.Host = header, host
	transport := &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext,
		DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res
}

// forwarded are the headers of a check as Traefik sends them.
func (w *world) forwarded(method, target string) http.Header {
	return http.Header{"X-Forwarded-Method": {method}, "X-Forwarded-Host": {w.at}, "X-Forwarded-Uri": {target},
		"Sec-Fetch-Mode": {"cors"}}
}

// with returns a copy of the headers with another one.
func with(h http.Header, name string, values ...string) http.Header {
	h = h.Clone()
	h[name] = values
	return h
}

// TestOnlyTrustedProxiesAsk: a check counts only from a trusted proxy, at no host of users, in the form of its entry.
func TestOnlyTrustedProxiesAsk(t *testing.T) {
	t.Parallel()
	w := startStandIn(t, "traefik", unchanged)
	public := w.forwarded("GET", "/public/x")
	original := http.Header{"X-Original-Method": {"GET"}, "X-Original-Url": {"http://" + w.at + "/public/x"}}
	issuer, err := url.Parse(w.site.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	const proxy, asked, host = "127.0.0.1", "X-Original-Url", "X-Forwarded-Host"
	here := w.site.Address
	both := original.Clone()
	for name, values := range w.forwarded("GET", "/reports") {
		both[name] = values
	}
	for name, test := range map[string]struct {
		from, at, entry string
		header          http.Header
		status          int
	}{
		"a trusted proxy":             {proxy, here, "traefik", public, 200},
		"another machine":             {"127.0.0.2", here, "traefik", public, 403},
		"at the issuer's host":        {proxy, issuer.Host, "traefik", public, 404},
		"an entry that is not there":  {proxy, here, "other", public, 403},
		"the headers of another form": {proxy, here, "nginx", public, 403},
		"those of nginx":              {proxy, here, "nginx", original, 200},
		"those of nginx at Traefik's": {proxy, here, "traefik", original, 403},
		"both, at Traefik's":          {proxy, here, "traefik", both, 401},
		"a header twice":              {proxy, here, "traefik", with(public, "X-Forwarded-Uri", "/public/x", "/"), 403},
		"two hosts in one header":     {proxy, here, "traefik", with(public, host, w.at+", "+w.at), 403},
		"no method":                   {proxy, here, "traefik", with(public, "X-Forwarded-Method"), 403},
		"a method in small letters":   {proxy, here, "traefik", with(public, "X-Forwarded-Method", "get"), 403},
		// Traefik passed such names on until 3.6.17.
		"another path by _": {proxy, here, "traefik", with(with(public, "X-Forwarded-Uri", "/reports"),
			"X_Forwarded_Uri", "/public/x"), 401},
		"another method by _":        {proxy, here, "traefik", with(public, "X_http_method.override", "PUT"), 403},
		"an identity by .":           {proxy, here, "traefik", with(public, "X.Auth-Email", "boss@example.com"), 403},
		"another method by a header": {proxy, here, "traefik", with(public, "X-Http-Method-Override", "PUT"), 403},
		"a host without a rule":      {proxy, here, "traefik", with(public, host, "evil.example"), 403},
		"the issuer as the app":      {proxy, here, "traefik", with(public, host, issuer.Host), 403},
		"a path below the entry's":   {proxy, here, "traefik/page", public, 403},
		"the page of nginx":          {proxy, here, "nginx/page", with(original, asked, "http://"+w.at+"/reports"), 401},
		"a relative URL":             {proxy, here, "nginx", with(original, asked, "/public/x"), 403},
		"a user before the host":     {proxy, here, "nginx", with(original, asked, "http://a@"+w.at+"/public/x"), 403},
		"another scheme":             {proxy, here, "nginx", with(original, asked, "x://"+w.at+"/public/x"), 403},
	} {
		res := w.asksAt(t, test.from, test.at, test.entry, test.header)
		if res.StatusCode != test.status {
			t.Errorf("%s: got %d, want %d", name, res.StatusCode, test.status)
		}
	}
}

// TestSignInsStayInTheirBrowserAndHost: an answer of the authorization endpoint counts in the browser and at the host
// in which the sign-in began, once, and leads nowhere else.
func TestSignInsStayInTheirBrowserAndHost(t *testing.T) {
	t.Parallel()
	w := startStandIn(t, "traefik", func(rules string) string {
		return strings.ReplaceAll(rules, "hosts: ["+w0(rules)+"]", "hosts: ["+w0(rules)+", other.example]")
	})
	jo := w.site.Jo(t)
	page := with(with(w.forwarded("GET", "/reports?a=//evil.example"), "Sec-Fetch-Mode", "navigate"), "Sec-Fetch-Dest",
		"document")
	begun := w.asks(t, "127.0.0.1", "traefik", page)
	cookie := begun.Header.Get("Set-Cookie")
	cookie, _, _ = strings.Cut(cookie, ";")
	b := w.site.Browser(t, jo)
	answer := b.Get(t, begun.Header.Get("Location"))
	for answer.Left == nil {
		answer = b.SignIn(t, answer, jo)
	}
	callback := answer.Left.RequestURI()
	if !strings.HasPrefix(callback, "/.vouchsafe/callback?") || answer.Left.Host != w.at {
		t.Fatalf("the browser was sent to %s", answer.Left)
	}
	back := with(w.forwarded("GET", callback), "Cookie", cookie)
	state := answer.Left.Query().Get("state")
	evil := strings.Replace(callback, "iss=", "iss=https://evil.example&x=", 1)
	for name, h := range map[string]http.Header{
		"no cookie":        w.forwarded("GET", callback),
		"another browser":  with(back, "Cookie", cookie[:len(cookie)-3]+"AAA"),
		"another host":     with(back, "X-Forwarded-Host", "other.example"),
		"a damaged state":  with(back, "X-Forwarded-Uri", strings.Replace(callback, state, state[:len(state)-2]+"AA", 1)),
		"another issuer":   with(back, "X-Forwarded-Uri", evil),
		"no code":          with(back, "X-Forwarded-Uri", strings.Replace(callback, "code=", "x=", 1)),
		"the state twice":  with(back, "X-Forwarded-Uri", callback+"&state="+state),
		"another's method": with(back, "X-Forwarded-Method", "POST"),
	} {
		res := w.asks(t, "127.0.0.1", "traefik", h)
		if res.StatusCode < 400 || res.StatusCode >= 500 || len(res.Header["Set-Cookie"]) > 0 {
			t.Errorf("%s: got %d and cookies %q", name, res.StatusCode, res.Header["Set-Cookie"])
		}
	}
	in := w.asks(t, "127.0.0.1", "traefik", back)
	if to := in.Header.Get("Location"); to != w.url+"/reports?a=//evil.example" {
		t.Errorf("the browser comes back to %q", to)
	}
	if again := w.asks(t, "127.0.0.1", "traefik", back); again.StatusCode < 400 {
		t.Errorf("a second time: got %d", again.StatusCode)
	}
	// The code was used twice: what it gave is revoked. A new sign-in is not touched.
	v := w.signsIn(t, jo)
	var own string
	for _, c := range v.CookiesOf(t, w.url) {
		if c.Name == "vouchsafe-gateway" {
			own = c.Name + "=" + c.Value
		}
	}
	signedIn := with(w.forwarded("GET", "/reports"), "Cookie", own)
	for name, test := range map[string]struct {
		h      http.Header
		status int
	}{
		"its own host":     {signedIn, 200},
		"another host":     {with(signedIn, "X-Forwarded-Host", "other.example"), 401},
		"a damaged cookie": {with(w.forwarded("GET", "/reports"), "Cookie", own[:len(own)-2]+"AA"), 401},
	} {
		if res := w.asks(t, "127.0.0.1", "traefik", test.h); res.StatusCode != test.status {
			t.Errorf("%s: got %d, want %d", name, res.StatusCode, test.status)
		}
	}
	w.site.Command(t, "", "user", "disable", jo.Email)
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		res := w.asks(t, "127.0.0.1", "traefik", signedIn)
		if res.StatusCode == http.StatusUnauthorized {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the account is disabled, and its cookie still works")
		}
	}
}

// w0 returns the first host of a gateway file.
func w0(rules string) string {
	_, after, _ := strings.Cut(rules, "hosts: [")
	host, _, _ := strings.Cut(after, "]")
	return host
}

// TestTokensPass: an access token passes where the rule takes it, for its audience and with its scopes, and nowhere
// else. A second factor and a recent sign-in can be demanded.
func TestTokensPass(t *testing.T) {
	t.Parallel()
	w := startStandIn(t, "traefik", func(rules string) string {
		return strings.Replace(rules, "    - name: app\n", "    - {name: api, hosts: ["+w0(rules)+"], paths: [/api/*], "+
			"audience: 'https://api.example', scopes: [read], headers: [user, client, scope]}\n"+
			"    - {name: hidden, hosts: ["+w0(rules)+"], paths: [/hidden], subject_type: pairwise, "+
			"headers: [user, identity]}\n"+
			"    - {name: strong, hosts: ["+w0(rules)+"], paths: [/strong], second_factor: true}\n"+
			"    - {name: fresh, hosts: ["+w0(rules)+"], paths: [/fresh], max_age: 1s}\n    - name: app\n", 1)
	})
	token := func(id, scope, audience string) string {
		w.site.Command(t, "s3cret-of-"+id+"-s3cret\n", "client", "add", id, "--kind", "service", "--scope", scope,
			"--audience", audience, "--secret-stdin")
		c := vouchsafetest.Client{"client_id": id, "client_secret": "s3cret-of-" + id + "-s3cret"}
		return w.site.API(t).Token(t, c, "grant_type", "client_credentials").Want(t, http.StatusOK, "").Access()
	}
	good := token("worker", "read write", "https://api.example")
	elsewhere := token("elsewhere", "read", "https://else.example")
	writer := token("writer", "write", "https://api.example")
	key, bound := prooftest.New(t), ""
	for bound == "" { // the first answer has a nonce
		api := w.site.API(t)
		req := api.Request(t, "POST", "/token", "application/x-www-form-urlencoded", "grant_type=client_credentials")
		req.SetBasicAuth("worker", "s3cret-of-worker-s3cret")
		req.Header.Set("DPoP", key.Proof("POST", w.site.Issuer+"/token", ""))
		if got := api.Do(t, req); !key.Learn(got.Header) {
			bound = got.Want(t, http.StatusOK, "").Access()
		}
	}
	for name, test := range map[string]struct {
		target, authorization string
		status                int
		challenge             string
	}{
		"a bound token":       {"/api/x", "Bearer " + bound, 401, `error="invalid_token"`},
		"… by its scheme":     {"/api/x", "DPoP " + bound, 401, `error="invalid_token"`},
		"the token":           {"/api/x", "Bearer " + good, 200, ""},
		"no token":            {"/api/x", "", 401, "Bearer realm="},
		"a damaged token":     {"/api/x", "Bearer " + good[:len(good)-4] + "AAAA", 401, `error="invalid_token"`},
		"another audience":    {"/api/x", "Bearer " + elsewhere, 401, `error="invalid_token"`},
		"another scope":       {"/api/x", "Bearer " + writer, 403, `error="insufficient_scope"`},
		"another scheme":      {"/api/x", "Basic d29ya2VyOng=", 401, "Bearer realm="},
		"a rule without them": {"/reports", "Bearer " + good, 401, ""},
	} {
		h := w.forwarded("GET", test.target)
		if test.authorization != "" {
			h = with(h, "Authorization", test.authorization)
		}
		res := w.asks(t, "127.0.0.1", "traefik", h)
		if res.StatusCode != test.status || !strings.Contains(res.Header.Get("Www-Authenticate"), test.challenge) {
			t.Errorf("%s: got %d with %q, want %d with %s", name, res.StatusCode, res.Header.Get("Www-Authenticate"),
				test.status, test.challenge)
		}
		told := res.Header.Get("X-Auth-Client") + " " + res.Header.Get("X-Auth-Scope") + res.Header.Get("X-Auth-User")
		if test.status == 200 && (told != "worker read write" || len(res.Header["X-Auth-User"]) != 1) {
			t.Errorf("%s: the app is told %v", name, res.Header)
		}
	}
	jo := w.site.Jo(t)
	v := w.signsIn(t, jo)
	w.hidesUsers(t, v, jo)
	// An app's own scheme does not stand in the place of the cookie, as it did elsewhere (hillaliy/LanGuard#168).
	var cookies []string
	for _, c := range v.CookiesOf(t, w.url) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	for own, want := range map[string]int{
		"Token app-s3cret": 200, "Basic d29ya2VyOng=": 200, "Bearer x": 401, "bearer x": 401,
	} {
		if res, _ := w.raw(t, "GET", "/api/x", "Sec-Fetch-Mode: cors", "Cookie: "+strings.Join(cookies, "; "),
			"Authorization: "+own); res.StatusCode != want {
			t.Errorf("a session with %q: got %d, want %d", own, res.StatusCode, want)
		}
	}
	time.Sleep(1100 * time.Millisecond) // the sign-in gets too old for the rule
	for _, target := range []string{"/strong", "/fresh"} {
		if got := w.status(t, v, target); got != http.StatusUnauthorized {
			t.Errorf("%s: got %d, want 401", target, got)
		}
	}
	if p := v.Get(t, w.url+"/strong"); p.URL.Path != "/second-factor" && p.URL.Path != "/second-factor/setup" {
		t.Errorf("the way to a second factor leads to %s", p.URL)
	}
	if p := v.Get(t, w.url+"/fresh"); p.URL.Path != "/login" {
		t.Errorf("the way to a recent sign-in leads to %s", p.URL)
	}
}

// hidesUsers: an app whose rule is pairwise knows the user, and the session, by other names than the app beside it.
func (w *world) hidesUsers(t *testing.T, v *vouchsafetest.Visitor, jo vouchsafetest.Person) {
	t.Helper()
	said := func(target string) (user string, claims map[string]any) {
		t.Helper()
		got := w.open(t, v, target)
		_, rest, _ := strings.Cut(got.Headers.Get("X-Auth-Identity"), ".")
		payload, _, _ := strings.Cut(rest, ".")
		plain, err := base64.RawURLEncoding.DecodeString(payload)
		if err != nil || json.Unmarshal(plain, &claims) != nil {
			t.Fatalf("%s: got %v", target, got.Headers)
		}
		return got.Headers.Get("X-Auth-User"), claims
	}
	id, known := said("/reports")
	name, hidden := said("/hidden")
	again, _ := said("/hidden")
	if len(name) != 43 || again != name || hidden["sub"] != name || hidden["sid"] == known["sid"] {
		t.Errorf("%s is told as %q, then %q, with %v", id, name, again, hidden)
	}
	if shown := w.site.Command(t, "", "user", "show", name); !strings.Contains(shown, jo.Email) {
		t.Errorf("%s isn't found by the name that the app knows:\n%s", jo.Email, shown)
	}
}

// TestSamplesTellTheSame: the samples that no program reads here are YAML, ask at an entry of gateway.yaml, and pass on
// the headers that the others do.
func TestSamplesTellTheSame(t *testing.T) {
	t.Parallel()
	rules := sampleFile(t, "gateway.yaml")
	for _, form := range []string{"traefik", "envoy"} {
		text := sampleFile(t, form+".yaml")
		var any map[string]any
		if err := yaml.Unmarshal([]byte(text), &any); err != nil || len(any) == 0 {
			t.Errorf("%s.yaml: %v", form, err)
		}
		if !strings.Contains(text, "/forward-auth/"+form) || !strings.Contains(rules, "{id: "+form+", form: "+form+"}") {
			t.Errorf("%s.yaml doesn't ask at the entry of gateway.yaml", form)
		}
	}
	for _, file := range []string{"traefik.yaml", "envoy.yaml", "nginx.conf", "Caddyfile", "vouchsafe.lua"} {
		text := strings.ToLower(sampleFile(t, file))
		for _, name := range told {
			if !strings.Contains(text, strings.ToLower(name)) {
				t.Errorf("%s doesn't pass on %s", file, name)
			}
		}
	}
}
