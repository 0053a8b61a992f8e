package login

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/login/api"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

// everyCall are the calls of the API that are sent a body.
func everyCall(t *testing.T) (calls []jsonapi.Route) {
	t.Helper()
	for _, route := range api.Routes() {
		if route.In != nil {
			calls = append(calls, route)
		}
	}
	if len(calls) < 3 {
		t.Fatalf("only %d calls", len(calls))
	}
	return calls
}

// K5, H16, M3, M5: every call reads JSON and forms, strictly.
func TestEveryCallReadsStrictly(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	for _, call := range everyCall(t) {
		for name, c := range map[string]struct {
			body    string
			headers []string
			status  int
			code    string
		}{
			"plain text": {`{"client_id":"mobile"}`, []string{"Content-Type: text/plain"}, 415, "unsupported_media_type"},
			"a field twice": {`client_id=mobile&login=a&login=b`,
				[]string{"Content-Type: application/x-www-form-urlencoded"}, 400, "malformed"},
			"no type":        {`{"client_id":"mobile"}`, []string{"Content-Type: "}, 415, "unsupported_media_type"},
			"a member twice": {`{"client_id":"mobile","client_id":"shop"}`, nil, 400, "malformed"},
			"bad UTF-8":      {"{\"client_id\":\"\xff\"}", nil, 400, "malformed"},
			"depth":          {strings.Repeat(`[`, 20_000) + strings.Repeat(`]`, 20_000), nil, 400, "malformed"},
			"a list":         {`[]`, nil, 400, "malformed"},
			"nothing":        {``, nil, 400, "malformed"},
			"other types":    {`{"client_id":["mobile"]}`, nil, 400, "invalid_fields"},
			// H13
			"mass assignment": {`{"client_id":"mobile","email_verified":true,"roles":["admin"],"tenant_id":"x"}`,
				nil, 400, "invalid_fields"},
			"too much": {`{"client_id":"` + strings.Repeat("m", 70<<10) + `"}`, nil, 413, "too_large"},
		} {
			got := a.send(a.request(call.Method, call.Path, c.body, c.headers...))
			if got.status != c.status || got.str("code") != c.code {
				t.Errorf("%s, %s: got %d %s, want %d %s", call.Path, name, got.status, got.raw, c.status, c.code)
			}
		}
		a.is(a.send(a.request(call.Method, call.Path+"?client_id=mobile", `{}`)), 400, "invalid_request")
		a.is(a.send(a.request("PUT", call.Path, `{}`)), 405, "method_not_allowed")
	}
	a.is(a.post("/auth/nothing", nil), 404, "not_found")
	a.base = "/t/nobody"
	a.is(a.post("/auth/sign-in", nil), 404, "not_found")
}

// K2, H2: scripts of origins that the client registered, and of no others; no cookies.
func TestScriptsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.user(storage.DefaultTenant, "jo@example.com", "jo", right)
	a.app("other", func(c *storage.Client) { c.AllowedCORSOrigins = []string{"https://other.example"} })
	body := fields{"client_id": "mobile", "login": "jo", "password": right}
	for name, c := range map[string]struct {
		headers []string
		ok      bool
	}{
		"a program":             {nil, true},
		"the app's":             {[]string{"Origin: " + appOrigin, "Sec-Fetch-Site: cross-site"}, true},
		"our own page's":        {[]string{"Origin: " + a.url, "Sec-Fetch-Site: same-origin"}, true},
		"another client's":      {[]string{"Origin: https://other.example", "Sec-Fetch-Site: cross-site"}, false},
		"a stranger's":          {[]string{"Origin: https://evil.example"}, false},
		"a longer name":         {[]string{"Origin: " + appOrigin + ".evil"}, false},
		"by http":               {[]string{"Origin: http://app.example"}, false},
		"another port":          {[]string{"Origin: " + appOrigin + ":8443"}, false},
		"in capitals":           {[]string{"Origin: HTTPS://APP.EXAMPLE"}, false},
		"no origin's":           {[]string{"Origin: null"}, false},
		"one that hides itself": {[]string{"Sec-Fetch-Site: cross-site"}, false},
		"a subdomain's":         {[]string{"Sec-Fetch-Site: same-site"}, false},
	} {
		got := a.send(a.request(http.MethodPost, "/auth/sign-in", body, c.headers...))
		if c.ok && got.status != 200 {
			t.Errorf("%s: got %d %s", name, got.status, got.raw)
		}
		if !c.ok {
			a.is(got, http.StatusForbidden, "origin_not_allowed")
		}
		if got.header.Get("Access-Control-Allow-Credentials") != "" ||
			strings.Contains(got.header.Get("Access-Control-Allow-Origin"), "*") {
			t.Errorf("%s: got %v", name, got.header)
		}
		if readable := got.header.Get("Access-Control-Allow-Origin") != ""; readable != (name == "the app's" ||
			name == "another client's") {
			t.Errorf("%s: readable %v", name, readable)
		}
	}
	twice := a.request(http.MethodPost, "/auth/sign-in", body, "Origin: "+appOrigin)
	twice.Header.Add("Origin", appOrigin)
	a.is(a.send(twice), http.StatusForbidden, "origin_not_allowed")

	for origin, want := range map[string]string{appOrigin: appOrigin, "https://evil.example": "", "null": ""} {
		req := a.request(http.MethodOptions, "/auth/update-password", "", "Origin: "+origin,
			"Access-Control-Request-Method: PATCH", "Access-Control-Request-Headers: authorization,content-type")
		resp, err := a.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("preflight from %s: got %q", origin, got)
		}
	}
}

// A browser's own cookies count for nothing: a session signs no user in, and the browser gets no
// session.
func TestCookiesHaveNoPartInTheAPI(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.user(storage.DefaultTenant, "jo@example.com", "jo", right)
	v := a.visitor()
	v.signIn("jo", right)
	a.client = v.client
	a.is(a.post("/auth/sign-in", fields{"login": "jo", "password": "wrong battery horse"}), 422, "wrong_credentials")
	before := v.cookie("session")
	a.signsIn(nil)
	if v.cookie("session") != before {
		t.Error("the API changed the browser's session")
	}
}

// H4: unknown, wrong, disabled and without a password look alike.
func TestAnAppCannotTellWhoHasAnAccount(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	names := lookalikes(t, a.site)
	var first said
	for kind, name := range names {
		if strings.ContainsRune(name, 0) {
			continue // refused for its shape, whether or not there is such a user
		}
		got := a.is(a.post("/auth/sign-in", fields{"login": name, "password": "wrong battery horse"}),
			422, "wrong_credentials")
		got.raw = strings.ReplaceAll(got.raw, got.header.Get("X-Request-Id"), "ID")
		for _, h := range []string{"X-Request-Id", "Date"} {
			got.header.Del(h)
		}
		if first.raw == "" {
			first = got
		}
		if got.raw != first.raw || len(got.header) != len(first.header) {
			t.Errorf("%s: got %s %v, want %s %v", kind, got.raw, got.header, first.raw, first.header)
		}
		for h := range first.header {
			if !slices.Equal(got.header[h], first.header[h]) {
				t.Errorf("%s: %s is %q, want %q", kind, h, got.header[h], first.header[h])
			}
		}
	}
}

// H6, H7: guesses are counted with those at the page, and an app that its owner has used
// is not locked out by them.
func TestGuessesThroughTheAPIAreLimited(t *testing.T) {
	t.Parallel()
	a := newAPI(t, func(c *Config) {
		c.PerAccount = limit.Rule{Max: 5, Window: time.Minute}
		c.PerAddress = limit.Rule{Max: 1000, Window: time.Minute}
	})
	a.user(storage.DefaultTenant, "jo@example.com", "jo", right)
	kept := a.signsIn(nil).str("auth_session")
	var mu sync.Mutex
	count := map[int]int{}
	var wg sync.WaitGroup
	for i := range 60 {
		login := []string{"jo", "JO@example.com", " jo "}[i%3]
		wg.Go(func() {
			got := a.post("/auth/sign-in", fields{"login": login, "password": "wrong battery horse"})
			mu.Lock()
			defer mu.Unlock()
			count[got.status]++
			if got.status == 429 && (got.header.Get("Retry-After") != "60" || got.str("code") != "too_many_attempts") {
				t.Errorf("got %v %s", got.header, got.raw)
			}
		})
	}
	wg.Wait()
	// Two names have five each; of the account's five, no more are compared.
	if count[422] != 10 || count[429] != 50 {
		t.Errorf("got %v, want 10 wrong", count)
	}
	compared := 0
	for _, e := range a.events(storage.DefaultTenant) {
		if e.Detail["reason"] == "password" {
			compared++
		}
	}
	if compared != 5 {
		t.Errorf("%d guesses were compared, want 5", compared)
	}
	if p := a.visitor().signIn("jo", right); p.status != 429 {
		t.Errorf("the page: got %d, want the same counter", p.status)
	}
	a.is(a.post("/auth/sign-in", fields{"login": "jo", "password": right}), 429, "too_many_attempts")
	if got := a.signsIn(fields{"auth_session": kept}); got.str("auth_session") == "" {
		t.Error("nothing to keep")
	}
}

// What an app keeps is its own, of this tenant, and not to be changed.
func TestWhatAnAppKeepsIsBoundToIt(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.user(storage.DefaultTenant, "jo@example.com", "jo", right)
	kept := a.signsIn(nil).str("auth_session")
	body := fields{"login": "jo", "password": right}
	a.is(a.send(a.request("POST", "/auth/sign-in", body.with(fields{"auth_session": kept}), basicAuth("shop", a.secret))),
		400, "invalid_session")
	changed := []byte(kept)
	changed[len(changed)/2] ^= 1
	for _, s := range []string{string(changed), kept + "\n", kept[:20], "x", "e30"} {
		a.is(a.post("/auth/sign-in", body.with(fields{"auth_session": s})), 400, "invalid_session")
	}
	if err := a.store.AddTenant(t.Context(), storage.Tenant{ID: "acme", Name: "Acme"}); err != nil {
		t.Fatal(err)
	}
	c, err := a.store.Client(t.Context(), storage.DefaultTenant, "mobile")
	if err != nil {
		t.Fatal(err)
	}
	c.TenantID = "acme"
	if err := a.store.PutClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	a.user("acme", "jo@example.com", "jo", right)
	tokens := a.signsIn(nil)
	a.base = "/t/acme"
	a.is(a.post("/auth/sign-in", body.with(fields{"auth_session": kept})), 400, "invalid_session")
	// H14: nor is anything else of another tenant.
	a.is(a.post("/auth/refresh-tokens", fields{"refresh_token": tokens.str("refresh_token")}), 400, "invalid_grant")
	a.is(a.post("/auth/logout", fields{"token": tokens.str("refresh_token")}), 204, "")
	a.base = ""
	a.is(a.post("/auth/refresh-tokens", fields{"refresh_token": tokens.str("refresh_token")}), 200, "")
}

// H14: what one client was given, another can neither use nor end.
func TestTokensOfOtherClientsAreLeftAlone(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.user(storage.DefaultTenant, "jo@example.com", "jo", right)
	mine := a.signsIn(nil)
	auth := basicAuth("shop", a.secret)
	a.is(a.send(a.request("POST", "/auth/refresh-tokens", fields{"refresh_token": mine.str("refresh_token")}, auth)), 400,
		"invalid_grant")
	for _, token := range []string{mine.str("refresh_token"), mine.str("access_token")} {
		a.is(a.send(a.request("POST", "/auth/logout", fields{"token": token}, auth)), 204, "")
	}
	a.is(a.post("/auth/refresh-tokens", fields{"refresh_token": mine.str("refresh_token")}), 200, "")
}

// A problem quotes nothing that was sent: it may be a user's password.
func TestProblemsQuoteNothing(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	secret := "Tr0ub4dor-and-3"
	for _, body := range []any{
		fields{"login": secret, "password": secret},
		fields{"login": []string{secret}, "password": fields{"x": secret}},
		`{"client_id":"mobile","password":"` + secret + `","password":"` + secret + `"}`,
		`{"client_id":"mobile","password":"` + secret,
		fields{"providerType": secret, "auth_session": secret, "scope": secret},
	} {
		b, _ := json.Marshal(body)
		if s, ok := body.(string); ok {
			b = []byte(s)
		}
		if got := a.send(a.request("POST", "/auth/sign-in", string(b))); strings.Contains(got.raw, secret) ||
			got.status < 400 {
			t.Errorf("got %d %s", got.status, got.raw)
		}
	}
}

func TestWhatIsMissingIsToldInTheLanguageThatIsAskedFor(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	got := a.is(a.post("/auth/sign-in", fields{"login": " "}, "Accept-Language: de"), 422, "invalid_fields")
	if got.faults() != "login=login_missing password=password_missing" ||
		!strings.Contains(got.raw, texts.In("de")["signin.missing_login"]) {
		t.Errorf("got %s", got.raw)
	}
}

// BenchmarkAppFailures is BenchmarkFailures for the API: run it with -benchtime 200x.
func BenchmarkAppFailures(b *testing.B) {
	a := newAPI(b, func(c *Config) {
		many := limit.Rule{Max: 1 << 40, Window: time.Hour}
		c.PerAccount, c.PerAddress = many, many
	})
	real, err := password.New(argon2id.OWASP, nil)
	must(b, err)
	a.hasher, a.login.Passwords = real, real
	names := a.people()
	took := map[string][]time.Duration{}
	for b.Loop() {
		for kind, name := range names {
			req := a.request(http.MethodPost, "/auth/sign-in",
				fields{"client_id": "mobile", "login": name, "password": "wrong battery horse"})
			start := time.Now()
			if got := a.send(req); got.status != 422 {
				b.Fatalf("%s: got %d %s", kind, got.status, got.raw)
			}
			took[kind] = append(took[kind], time.Since(start))
		}
	}
	for kind, all := range took {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds()), strings.ReplaceAll(kind, " ", "-")+"-µs")
	}
}
