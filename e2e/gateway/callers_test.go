package gateway

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// proxyAt is the address from which the tests ask.
const proxyAt = "127.0.0.1"

// startWithRules is startStandIn for Traefik, with more rules before those of the sample. HOST stands for the app's.
func startWithRules(t *testing.T, more string) *world {
	t.Helper()
	return startStandIn(t, "traefik", func(rules string) string {
		return strings.Replace(rules, "    - name: public\n", strings.ReplaceAll(more, "HOST", w0(rules))+
			"    - name: public\n", 1)
	})
}

// visit is a browser at one host of an app, as the proxy there sees it.
type visit struct {
	*world
	host    string
	cookies map[string]string
}

func (w *world) visits(host string) *visit { return &visit{w, host, map[string]string{}} }

// asks sends a check with the browser's cookies, and keeps those that the answer sets.
func (v *visit) asks(t *testing.T, target string, header ...string) *http.Response {
	t.Helper()
	h := with(v.forwarded("GET", target), "X-Forwarded-Host", v.host)
	for name, value := range v.cookies {
		h.Add("Cookie", name+"="+value)
	}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	res := v.world.asks(t, proxyAt, "traefik", h)
	for _, c := range res.Cookies() {
		v.cookies[c.Name] = c.Value
	}
	return res
}

// opens opens a page of the app, and returns where the gateway sends the browser.
func (v *visit) opens(t *testing.T, target string) (to string) {
	t.Helper()
	res := v.asks(t, target, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
	if to = res.Header.Get("Location"); !strings.HasPrefix(to, v.site.Issuer+"/authorize?") {
		t.Fatalf("opening %s at %s: got %d to %q, want a way to sign in", target, v.host, res.StatusCode, to)
	}
	return to
}

// comesBack takes the browser from the answer of the authorization endpoint back to the app's page.
func (v *visit) comesBack(t *testing.T, page *vouchsafetest.Page, target string) {
	t.Helper()
	if page.Left == nil || page.Left.Host != v.host {
		t.Fatalf("the browser is at %s (%d), on its way to %v, and wants to go back to %s: %s", page.URL, page.Status,
			page.Left, v.host, page.Text(t))
	}
	res := v.asks(t, page.Left.RequestURI(), "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
	if to := res.Header.Get("Location"); to != "http://"+v.host+target {
		t.Fatalf("the sign-in ended with %d and leads to %q, want %s", res.StatusCode, to, target)
	}
}

// signsIn signs the user in at the app, in a browser of the issuer.
func (v *visit) signsIn(t *testing.T, b *vouchsafetest.Browser, p vouchsafetest.Person, target string) {
	t.Helper()
	page := b.Get(t, v.opens(t, target))
	for page.Left == nil {
		page = b.SignIn(t, page, p)
	}
	v.comesBack(t, page, target)
}

// until waits until a check has the status, and returns its answer.
func (v *visit) until(t *testing.T, target string, status int) *http.Response {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		res := v.asks(t, target)
		if res.StatusCode == status {
			return res
		}
		if time.Now().After(end) {
			t.Fatalf("%s still gets %d, want %d", target, res.StatusCode, status)
		}
	}
}

// passes fails the test unless the request passes, and returns what the app is told.
func (v *visit) passes(t *testing.T, target string, header ...string) http.Header {
	t.Helper()
	res := v.asks(t, target, header...)
	if res.StatusCode != http.StatusOK {
		t.Errorf("%s at %s: got %d, want 200", target, v.host, res.StatusCode)
	}
	return res.Header
}

// gets fails the test unless the answer has the status.
func (v *visit) gets(t *testing.T, target string, status int, header ...string) http.Header {
	t.Helper()
	res := v.asks(t, target, header...)
	if res.StatusCode != status {
		t.Errorf("%s at %s with %.60q: got %d, want %d", target, v.host, header, res.StatusCode, status)
	}
	return res.Header
}

var (
	secretKey = regexp.MustCompile(`<code class="secret">([A-Z2-7 ]+)</code>`)
	goesOn    = regexp.MustCompile(`class="button primary" href="([^"]+)"`)
)

// TestUsersComeBackStronger: a user whose sign-in is too weak or too old for a rule signs in again on the way, and
// comes back to the page with a session that passes.
func TestUsersComeBackStronger(t *testing.T) {
	t.Parallel()
	w := startWithRules(t, "    - {name: strong, hosts: [HOST], paths: [/strong], second_factor: true, "+
		"headers: [user, identity]}\n    - {name: fresh, hosts: [HOST], paths: [/fresh], max_age: 3s}\n")
	p := w.site.Person(t)
	b, v := w.site.Browser(t, p), w.visits(w.at)
	v.signsIn(t, b, p, "/reports")

	v.until(t, "/fresh", http.StatusUnauthorized) // the sign-in gets too old
	for end := time.Now().Add(time.Minute); ; {
		page := b.Get(t, v.opens(t, "/fresh"))
		if page.URL.Path != "/login" || page.Left != nil {
			t.Fatalf("a sign-in that is too old leads to %s, want to sign in again", page.URL)
		}
		for page.Left == nil {
			page = b.SignIn(t, page, p)
		}
		if v.asks(t, page.Left.RequestURI()).Header.Get("Location") == "http://"+v.host+"/fresh" &&
			v.asks(t, "/fresh").StatusCode == http.StatusOK {
			break
		}
		if time.Now().After(end) { // a slow machine needs more than three seconds at times
			t.Fatal("no new sign-in is recent enough")
		}
	}

	v.gets(t, "/strong", http.StatusUnauthorized)
	page := b.Get(t, v.opens(t, "/strong"))
	page = b.Get(t, page.URL.RequestURI()+"&app=1") // rather than a passkey
	key := secretKey.FindStringSubmatch(page.Body)
	if key == nil {
		t.Fatalf("a second factor is demanded, and %s has no key to set one up", page.URL)
	}
	code, err := totp.GenerateCode(strings.ReplaceAll(key[1], " ", ""), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range page.Forms(t) {
		if _, ok := f.Fields["code"]; ok {
			f.Fields.Set("code", code)
			page = b.Submit(t, f, nil)
		}
	}
	on := goesOn.FindStringSubmatch(page.Body)
	if on == nil {
		t.Fatalf("nothing leads on from %s: %d", page.URL, page.Status)
	}
	v.comesBack(t, b.Get(t, on[1]), "/strong")
	told := w.site.API(t).Verify(t, v.passes(t, "/strong").Get("X-Auth-Identity"))
	if amr, _ := json.Marshal(told.Claims["amr"]); !strings.Contains(string(amr), `"mfa"`) {
		t.Errorf("the identity token says amr %s", amr)
	}
}

// TestRolesAreAskedForAndTold: a rule asks for roles, the app is told of them, and a refusal is recorded once.
func TestRolesAreAskedForAndTold(t *testing.T) {
	t.Parallel()
	w := startWithRules(t, "    - {name: wiki, hosts: [HOST], paths: [/wiki/*], roles: [{client: wiki, role: editor}], "+
		"headers: [user, roles]}\n")
	w.site.Command(t, "", "client", "add", "wiki", "--kind", "web", "--redirect-uri", "https://wiki.example/cb")
	w.site.Command(t, "", "role", "add", "editor", "--client", "wiki")
	w.site.Command(t, "", "role", "add", "reader", "--client", "wiki")
	p := w.site.Person(t)
	b, v := w.site.Browser(t, p), w.visits(w.at)
	v.signsIn(t, b, p, "/reports")
	w.site.Command(t, "", "role", "give", "reader", "--client", "wiki", "--user", p.Email)
	for range 3 {
		v.gets(t, "/wiki/Main?token=s3cret", http.StatusForbidden)
	}
	w.site.Command(t, "", "role", "give", "editor", "--client", "wiki", "--user", p.Email)
	if got := v.until(t, "/wiki/Main", http.StatusOK).Header.Get("X-Auth-Roles"); got != "wiki:editor,wiki:reader" {
		t.Errorf("the app is told the roles %q", got)
	}
	w.site.Command(t, "", "role", "take", "editor", "--client", "wiki", "--user", p.Email)
	v.until(t, "/wiki/Main", http.StatusForbidden)

	out := w.site.Command(t, "", "audit", "list", "--kind", "access.refused", "--user", p.Email, "--json")
	if n := strings.Count(out, `"access.refused"`); n != 1 || !strings.Contains(out, `"rule":"wiki"`) &&
		!strings.Contains(out, `"rule": "wiki"`) {
		t.Errorf("got %d events, want one that names the rule: %s", n, out)
	}
	if strings.Contains(out, "s3cret") {
		t.Errorf("the audit trail has the query: %s", out)
	}
}

// TestARefusedUserChoosesAnotherAccount: the page that refuses a user leads to another account, and from there back.
func TestARefusedUserChoosesAnotherAccount(t *testing.T) {
	t.Parallel()
	w := startWithRules(t, "    - {name: wiki, hosts: [HOST], paths: [/wiki/*], groups: [staff]}\n")
	w.site.Command(t, "", "group", "add", "staff")
	p, staff := w.site.Person(t), w.site.Person(t)
	w.site.Command(t, "", "group", "join", "staff", staff.Email)
	b, v := w.site.Browser(t, p), w.visits(w.at)
	v.signsIn(t, b, p, "/reports")
	const target = "/wiki/A%20B?c=d&e=%26"
	res := v.asks(t, target, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Accept", "text/html")
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	link := goesOn.FindStringSubmatch(string(body))
	if res.StatusCode != http.StatusForbidden || link == nil {
		t.Fatalf("got %d, want a page that refuses, with a way to another account: %s", res.StatusCode, body)
	}
	page := b.Get(t, v.opens(t, html.UnescapeString(link[1])))
	if page.URL.Path != "/select" {
		t.Fatalf("the browser is at %s, want the choice of an account", page.URL)
	}
	other := regexp.MustCompile(`href="([^"]+)"[^>]*>Use another account`).FindStringSubmatch(page.Body)
	if other == nil {
		t.Fatalf("no other account can be chosen: %s", page.Body)
	}
	for page = b.Get(t, html.UnescapeString(other[1])); page.Left == nil; {
		page = b.SignIn(t, page, staff)
	}
	v.comesBack(t, page, target)
	v.passes(t, target)

	for _, evil := range []string{".evil.example/", "//evil.example/\r\nSet-Cookie: a=b", "https://evil.example/",
		"@evil.example", "\\evil.example", "/.vouchsafe/other-account?back=/", "", "/%zz\x00"} {
		page := b.Get(t, v.opens(t, "/.vouchsafe/other-account?"+url.Values{"back": {evil}}.Encode()))
		for _, f := range page.Forms(t) {
			if strings.Contains(f.Action, "/select") {
				page = b.Submit(t, f, &f.Buttons[0])
			}
		}
		v.comesBack(t, page, "/")
	}
}

// TestHostsOfAWildcard: each host that a wildcard stands for has a session of its own, and a host further below none.
func TestHostsOfAWildcard(t *testing.T) {
	t.Parallel()
	w := startWithRules(t, "    - {name: apps, hosts: ['*.apps.example'], headers: [user, identity]}\n")
	p := w.site.Person(t)
	b := w.site.Browser(t, p)
	wiki, shop := w.visits("wiki.apps.example"), w.visits("shop.apps.example")
	wiki.signsIn(t, b, p, "/a?b=c")
	told := w.site.API(t).Verify(t, wiki.passes(t, "/a").Get("X-Auth-Identity"))
	if aud := told.String("aud"); aud != "http://wiki.apps.example" {
		t.Errorf("the identity token is for %q", aud)
	}
	shop.cookies = wiki.cookies
	shop.gets(t, "/a", http.StatusUnauthorized) // the other app's cookie
	for _, host := range []string{"apps.example", "a.b.apps.example", "wiki.apps.example.evil.example",
		"wiki.apps.example@evil.example", ".apps.example", "*.apps.example/x"} {
		v := w.visits(host)
		v.cookies = wiki.cookies
		v.gets(t, "/a", http.StatusForbidden)
	}
	const back = "redirect_uri=http%3A%2F%2Fshop.apps.example%2F.vouchsafe%2Fcallback"
	if to := shop.opens(t, "/a"); !strings.Contains(to, back) {
		t.Errorf("the sign-in of the other host leads back by %s", to)
	}
}

// TestLimitsAreTold: RateLimit headers say what is left (draft-ietf-httpapi-ratelimit-headers-10), to one user by one
// rule.
func TestLimitsAreTold(t *testing.T) {
	t.Parallel()
	w := startWithRules(t, "    - {name: few, hosts: [HOST], paths: [/few], limit: 2/1h}\n")
	for range 2 { // users don't share what is left
		p := w.site.Person(t)
		v := w.visits(w.at)
		v.signsIn(t, w.site.Browser(t, p), p, "/reports")
		for i, want := range []string{`"user";r=1`, `"user";r=0`, `"user";r=0;t=`} {
			h := v.gets(t, "/few", []int{200, 200, 429}[i])
			if got := h.Get("Ratelimit"); !strings.HasPrefix(got, want) || i < 2 && got != want {
				t.Errorf("request %d: got RateLimit %q, want %q", i+1, got, want)
			}
			if got := h.Get("Ratelimit-Policy"); got != `"user";q=2;w=3600` {
				t.Errorf("request %d: got RateLimit-Policy %q", i+1, got)
			}
			if got := h.Get("Retry-After"); (got != "") != (i == 2) {
				t.Errorf("request %d: got Retry-After %q", i+1, got)
			}
		}
		if h := v.passes(t, "/reports"); len(h["Ratelimit"])+len(h["Ratelimit-Policy"]) > 0 {
			t.Errorf("a rule without a limit tells %v", h)
		}
	}
}

// TestAppsAreToldWhoActs: an app learns that an administrator acts in the place of the user, and the end of that
// ends the access.
func TestAppsAreToldWhoActs(t *testing.T) {
	t.Parallel()
	w := startWithRules(t, "    - {name: told, hosts: [HOST], paths: [/told], headers: [user, identity]}\n")
	w.site.ApplyTenant(t, map[string]any{"sign_in_as": map[string]any{"enabled": true}})
	user, support := w.site.Person(t), w.site.Person(t)
	w.site.Command(t, "", "admin", "add", support.Email, "--role", "support")
	id := func(p vouchsafetest.Person) string {
		var u struct{ ID string }
		if err := json.Unmarshal([]byte(w.site.Command(t, "", "user", "show", p.Email, "--json")), &u); err != nil {
			t.Fatal(err)
		}
		return u.ID
	}
	own := w.visits(w.at)
	own.signsIn(t, w.site.Browser(t, user), user, "/told")
	if h := own.passes(t, "/told"); len(h["X-Auth-Actor"]) > 0 {
		t.Errorf("the user acts alone, and the app is told %q", h["X-Auth-Actor"])
	}
	b := w.site.Browser(t, support)
	page := b.SignIn(t, b.Get(t, "/account/sign-in-as"), support)
	for end := time.Now().Add(time.Minute); page.Status == http.StatusNotFound && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond) // the server still has the settings of the second before
		page = b.Get(t, "/account/sign-in-as")
	}
	for _, f := range page.Forms(t) {
		if strings.HasSuffix(f.Action, "/account/sign-in-as") {
			f.Fields.Set("user", user.Email)
			f.Fields.Set("reason", "request 4711")
			page = b.Submit(t, f, nil)
		}
	}
	if !strings.Contains(page.Body, `class="acting"`) {
		t.Fatalf("the administrator isn't signed in as the user: %d at %s: %s", page.Status, page.URL, page.Text(t))
	}
	v := w.visits(w.at)
	v.comesBack(t, b.Get(t, v.opens(t, "/told")), "/told")
	h := v.passes(t, "/told")
	if h.Get("X-Auth-User") != id(user) || h.Get("X-Auth-Actor") != id(support) {
		t.Errorf("the app is told the user %q and the actor %q", h.Get("X-Auth-User"), h.Get("X-Auth-Actor"))
	}
	act, _ := w.site.API(t).Verify(t, h.Get("X-Auth-Identity")).Claims["act"].(map[string]any)
	if act["sub"] != id(support) {
		t.Errorf("the identity token says act %v", act)
	}
	for _, f := range page.Forms(t) {
		if strings.HasSuffix(f.Action, "/sign-in-as/end") {
			b.Submit(t, f, nil)
		}
	}
	v.until(t, "/told", http.StatusUnauthorized)
	own.passes(t, "/told")
}

// TestAPIKeysPass: an API key passes where a rule takes API keys, with all the scopes of the rule and while it lives.
// Elsewhere it is worth nothing, and it does not replace an access token of an audience.
func TestAPIKeysPass(t *testing.T) {
	t.Parallel()
	w := startWithRules(t, "    - {name: keys, hosts: [HOST], paths: [/keys], api_keys: true, scopes: [read], "+
		"headers: [user, client, scope, identity]}\n"+
		"    - {name: tokens, hosts: [HOST], paths: [/tokens], audience: 'https://api.example', scopes: [read]}\n"+
		"    - {name: recent, hosts: [HOST], paths: [/recent], api_keys: true, scopes: [read], max_age: 1h}\n")
	w.site.Command(t, "s3cret-of-billing-s3cret\n", "client", "add", "billing", "--kind", "service", "--scope",
		"read write", "--audience", "https://api.example", "--secret-stdin")
	api, owner := w.site.API(t), w.site.OwnerToken(t)
	add := func(scope string) (id, key string) {
		req := api.Request(t, http.MethodPost, "/api/v1/clients/billing/api-keys", "application/json",
			`{"name": "k", "scopes": ["`+scope+`"], "lifetime": "1h"}`)
		req.Header.Set("Authorization", "Bearer "+owner)
		reply := api.Do(t, req).Want(t, http.StatusCreated, "")
		return reply.String("id"), reply.String("key")
	}
	id, key := add("read")
	_, writer := add("write")
	v := w.visits(w.at)
	h := v.passes(t, "/keys", "Authorization", "Bearer "+key)
	if h.Get("X-Auth-Client") != "billing" || h.Get("X-Auth-Scope") != "read" || h.Get("X-Auth-User") != "" {
		t.Errorf("the app is told %v", h)
	}
	if told := api.Verify(t, h.Get("X-Auth-Identity")); told.String("sub") != "billing" ||
		told.Claims["auth_time"] != nil {
		t.Errorf("the identity token says %v", told.Claims)
	}
	token := api.Form(t, "/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"},
		"subject_token": {key}, "subject_token_type": {"urn:vouchsafe:token-type:api-key"},
	}).Want(t, http.StatusOK, "").Access()
	for name, test := range map[string]struct {
		target, value string
		status        int
		challenge     string
	}{
		"another scope":            {"/keys", writer, 403, `error="insufficient_scope"`},
		"a damaged key":            {"/keys", key[:len(key)-1] + "!", 401, `error="invalid_token"`},
		"an unknown key":           {"/keys", "vs_service_" + strings.Repeat("0", 36), 401, `error="invalid_token"`},
		"where tokens are taken":   {"/tokens", key, 401, `error="invalid_token"`},
		"where sessions are taken": {"/reports", key, 401, ""},
		"a key is no sign-in":      {"/recent", key, 401, `error="insufficient_user_authentication"`},
		"a token without audience": {"/keys", token, 401, `error="invalid_token"`},
		"a token of its audience":  {"/tokens", token, 200, ""},
	} {
		h := v.gets(t, test.target, test.status, "Authorization", "Bearer "+test.value)
		if got := h.Get("Www-Authenticate"); !strings.Contains(got, test.challenge) {
			t.Errorf("%s: got the challenge %q, want %s", name, got, test.challenge)
		}
	}
	req := api.Request(t, http.MethodDelete, "/api/v1/clients/billing/api-keys/"+id, "", "")
	req.Header.Set("Authorization", "Bearer "+owner)
	api.Do(t, req)
	v.gets(t, "/keys", http.StatusUnauthorized, "Authorization", "Bearer "+key)
}
