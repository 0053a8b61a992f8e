package login

import (
	"crypto/sha256"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// withKeys lets the users of the site have API keys, and its administrators offer an API to all clients.
func (s *site) withKeys() {
	s.t.Helper()
	s.rules(func(settings *storage.TenantSettings) {
		settings.APIKeys = storage.APIKeySettings{Users: true, LongestLife: storage.Duration(100 * 24 * time.Hour)}
		settings.APIs = []storage.API{{Identifier: "https://orders.example", Scopes: []storage.APIScope{
			{Name: "orders:read"}, {Name: "orders:write"}}}}
	})
}

// keyWorks reports whether the key works.
func (s *site) keyWorks(key string) bool {
	s.t.Helper()
	rec, err := s.store.Tenant(s.t.Context(), storage.DefaultTenant)
	if err != nil {
		s.t.Fatal(err)
	}
	reader := apikeys.Reader{Store: s.store, Limits: s.login.Limits, Log: s.login.Log}
	_, _, err = reader.Present(s.t.Context(), &issuer.Tenant{Tenant: rec}, "192.0.2.1", key)
	return err == nil
}

func (s *site) keysOf(u storage.User) []storage.APIKey {
	s.t.Helper()
	all, err := s.store.APIKeysOf(s.t.Context(), u.TenantID, u.ID, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// apiKey stores a key of the user, and returns it with its record.
func (s *site) apiKey(u storage.User) (string, storage.APIKey) {
	s.t.Helper()
	value := apikeys.NewSecret(false)
	hash := sha256.Sum256([]byte(value))
	k := storage.APIKey{TenantID: u.TenantID, ID: newID(), Hash: hash[:], Start: value[:12], Name: "job", UserID: u.ID,
		Scopes: []string{"openid"}, CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}
	s.change(u, storage.Change{AddAPIKey: &k})
	return value, k
}

var shownKey = regexp.MustCompile(`<code class="secret">(vs_user_[0-9A-Za-z]{36})</code>`)

// showsKey returns the key that the page after a form shows.
func (v *visitor) showsKey(p answer) string {
	v.t.Helper()
	if p.leads() != "/account/api-keys/shown" || strings.Contains(p.location(), "vs_") {
		v.t.Fatalf("got %d to %q: %s", p.status, p.location(), p.body)
	}
	page := v.at("/account/api-keys/shown")
	found := shownKey.FindStringSubmatch(page.body)
	if found == nil || page.header.Get("Cache-Control") != "no-store" {
		v.t.Fatalf("no key is shown: %v %s", page.header, page.body)
	}
	return found[1]
}

// addsKey makes a key on the account's page.
func (v *visitor) addsKey(name string, scopes ...string) string {
	v.t.Helper()
	v.at("/account/api-keys/new")
	fields := []string{"name", name, "expires", "720h0m0s"}
	for _, scope := range scopes {
		fields = append(fields, "scope "+scope, "1")
	}
	return v.showsKey(v.post("/account/api-keys/new", fields...))
}

// TestUsersMakeSeeReplaceAndRevokeTheirKeys goes through the page without a script.
func TestUsersMakeSeeReplaceAndRevokeTheirKeys(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.withKeys()
	jo := s.user("default", "jo@example.com", "jo", right)
	v := s.signedIn("jo")
	key := v.addsKey("Backup <script>", "openid", "orders:read")
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, "An API key was added: Backup <script>.") ||
		strings.Contains(m.Text, key) {
		t.Errorf("the mail says %q", m.Text)
	}
	if !s.keyWorks(key) {
		t.Error("the key does not work")
	}
	// Reload, and another browser of the user, show the key no second time. No list has it.
	for _, page := range []string{"/account/api-keys/shown", "/account/api-keys"} {
		if p := v.at(page); strings.Contains(p.body, key) {
			t.Errorf("%s shows the key again", page)
		}
	}
	if p := v.at("/account/api-keys"); !strings.Contains(p.body, html.EscapeString("Backup <script>")) ||
		!strings.Contains(p.body, key[:12]+"…") || !strings.Contains(p.body, "orders:read") {
		t.Errorf("the list: %s", p.body)
	}
	if p := v.at("/account"); !strings.Contains(p.body, "1 key") {
		t.Error("the account page does not count it")
	}
	id := s.keysOf(jo)[0].ID
	if life := time.Until(s.keysOf(jo)[0].ExpiresAt); life < 29*24*time.Hour || life > 30*24*time.Hour {
		t.Errorf("it lives for %s", life)
	}

	next := v.showsKey(v.post("/account/api-keys", "rotate", id, "overlap", "24h0m0s"))
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, "An API key was replaced: Backup") {
		t.Errorf("the mail says %q", m.Text)
	}
	if next == key || !s.keyWorks(key) || !s.keyWorks(next) {
		t.Error("one of two keys does not work while one replaces the other")
	}
	if p := v.post("/account/api-keys", "rotate", id); p.status != http.StatusConflict ||
		alertOf(p) != english["apikeys.replaced"] {
		t.Errorf("replaced twice: got %d %s", p.status, alertOf(p))
	}
	last := v.showsKey(v.post("/account/api-keys", "rotate", s.keysOf(jo)[0].ID, "overlap", "0s"))
	s.mails.Next(t, "jo@example.com")
	if s.keyWorks(next) || !s.keyWorks(last) {
		t.Error("a key works that was replaced at once, or its successor does not")
	}

	gone := s.keysOf(jo)[0].ID
	if p := v.post("/account/api-keys", "remove", gone); p.leads() != "/account/api-keys?done=key-removed" {
		t.Errorf("revoke: got %d to %q", p.status, p.location())
	}
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, "An API key was revoked: Backup") {
		t.Errorf("the mail says %q", m.Text)
	}
	if s.keyWorks(last) {
		t.Error("a revoked key works")
	}
	if p := v.post("/account/api-keys", "remove", gone); p.status != http.StatusNotFound {
		t.Errorf("revoked twice: got %d", p.status)
	}
	for kind, want := range map[string]int{"api_key.added": 1, "api_key.rotated": 2, "api_key.removed": 1} {
		if s.count(kind) != want {
			t.Errorf("%d events %s", s.count(kind), kind)
		}
	}
	if data := v.post("/account/data"); !strings.Contains(data.body, `"start": "`+key[:12]) ||
		strings.Contains(data.body, key) {
		t.Errorf("the download: %d %s", data.status, data.body)
	}
}

// TestFormOfANewKey refuses what no key may be, keeps what was typed, and offers nothing beyond the user's rights.
func TestFormOfANewKey(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.withKeys()
	jo := s.user("default", "jo@example.com", "jo", right)
	v := s.signedIn("jo")
	page := v.at("/account/api-keys/new")
	if strings.Contains(page.body, `"8760h0m0s"`) || !strings.Contains(page.body, `"2400h0m0s"`) ||
		!strings.Contains(page.body, `value="2160h0m0s" selected`) {
		t.Error("the form offers a longer life than the tenant, or not the tenant's")
	}
	if strings.Contains(page.body, "users:read") || strings.Contains(page.body, " checked") {
		t.Error("the form offers a scope of administrators, or chooses one")
	}
	for field, wrong := range map[string][]string{
		"name":    {"name", " ", "scope openid", "1", "expires", "720h"},
		"scopes":  {"name", "job", "expires", "720h"},
		"expires": {"name", "job", "scope openid", "1", "expires", "2401h"},
	} {
		p := v.post("/account/api-keys/new", wrong...)
		if p.status != http.StatusUnprocessableEntity || !strings.Contains(p.body, `id="`+field+`-error"`) {
			t.Errorf("%s: got %d %s", field, p.status, p.body)
		}
		if field == "expires" && (!strings.Contains(p.body, `value="job"`) || !strings.Contains(p.body, " checked")) {
			t.Error("what was typed is lost")
		}
	}
	for _, fields := range [][]string{
		{"name", "job", "scope users:write", "1", "expires", "720h"},
		{"name", "job", "scope openid", "1", "expires", "0s"},
		{"name", "job", "scope openid", "1", "expires", "-1h"},
		{"name", "job", "scope openid", "1"},
		{"name", "a\u202eb", "scope openid", "1", "expires", "720h"},
	} {
		if p := v.post("/account/api-keys/new", fields...); p.status != http.StatusUnprocessableEntity {
			t.Errorf("%v: got %d", fields, p.status)
		}
	}
	if n := len(s.keysOf(jo)); n != 0 {
		t.Errorf("%d keys were made", n)
	}
}

// TestKeysNeedTheTenantsLeave: users have no keys unless the tenant says so, and those that they had end with that.
func TestKeysNeedTheTenantsLeave(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.withKeys()
	jo := s.user("default", "jo@example.com", "jo", right)
	v := s.signedIn("jo")
	key, id := v.addsKey("job", "openid"), s.keysOf(jo)[0].ID
	s.rules(func(settings *storage.TenantSettings) { settings.APIKeys.Users = false })
	time.Sleep(1100 * time.Millisecond) // the tenant's settings are read anew
	if s.keyWorks(key) {
		t.Error("a key works where users have none")
	}
	for _, path := range []string{"/account/api-keys", "/account/api-keys/new"} {
		if p := v.get(path); p.status != http.StatusNotFound {
			t.Errorf("%s: got %d", path, p.status)
		}
	}
	for _, fields := range [][]string{{"rotate", id}, {"remove", id}} {
		if p := v.post("/account/api-keys", fields...); p.status != http.StatusNotFound {
			t.Errorf("%v: got %d", fields, p.status)
		}
	}
	if p := v.at("/account"); strings.Contains(p.body, "/account/api-keys") {
		t.Error("the account page leads to keys")
	}
}

// TestKeysOfOthersAreOutOfReach: a user can neither replace nor revoke the key of another user, nor see it made.
func TestKeysOfOthersAreOutOfReach(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.withKeys()
	jo := s.user("default", "jo@example.com", "jo", right)
	s.user("default", "mo@example.com", "mo", right)
	key := s.signedIn("jo").addsKey("job", "openid")
	v := s.signedIn("mo")
	v.at("/account/profile") // the list of no keys has no form
	for _, what := range []string{"rotate", "remove"} {
		if p := v.post("/account/api-keys", what, s.keysOf(jo)[0].ID); p.status != http.StatusNotFound {
			t.Errorf("%s: got %d", what, p.status)
		}
	}
	if p := v.at("/account/api-keys"); strings.Contains(p.body, key[:12]) || !s.keyWorks(key) {
		t.Error("another user's key is listed, or does not work any more")
	}
}

// TestKeysEndWithTheAccount: a key that a thief made, or that belongs to a closed account, does not outlive "This
// wasn't me", a new password, a disabled account or a deleted one.
func TestKeysEndWithTheAccount(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, s *site, v *visitor, jo storage.User){
		"not me": func(t *testing.T, s *site, v *visitor, _ storage.User) {
			s.visitor().saysNotMe(notMeIn(t, s.mails.Next(t, "jo@example.com")))
		},
		"password": func(_ *testing.T, s *site, v *visitor, _ storage.User) {
			v.at("/account/password")
			v.post("/account/password", "old_password", right, "password", fresh)
		},
		"disabled": func(_ *testing.T, s *site, _ *visitor, jo storage.User) {
			jo = s.stored(jo)
			jo.Disabled = true
			s.change(jo, storage.Change{Update: &jo})
		},
		"deleted": func(_ *testing.T, s *site, v *visitor, _ storage.User) {
			v.at("/account/delete")
			v.post("/account/delete", "sure", "1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, free)
			s.withKeys()
			jo := s.verified("jo@example.com", "jo", right)
			v := s.signedIn("jo")
			key := v.addsKey("job", "openid")
			if !s.keyWorks(key) {
				t.Fatal("the key does not work")
			}
			end(t, s, v, jo)
			if s.keyWorks(key) {
				t.Error("the key works")
			}
		})
	}
}

// TestAppsManageTheKeysOfTheirUser goes through the calls of the JSON API.
func TestAppsManageTheKeysOfTheirUser(t *testing.T) {
	t.Parallel()
	a := newAPI(t, free)
	jo := a.verified("jo@example.com", "jo", right)
	in := a.signsIn(nil)
	token := in.str("access_token")
	call := func(path string, body fields) said { return a.bearer("POST", "/auth/"+path, token, body) }
	a.is(call("add-api-key", fields{"name": "job", "scopes": []string{"openid"}}), 404, "not_offered")
	a.is(call("list-api-keys", fields{}), 404, "not_offered")
	a.withKeys()
	time.Sleep(1100 * time.Millisecond) // the tenant's settings are read anew
	made := a.is(call("add-api-key", fields{"name": "job", "scopes": []string{"orders:read"}, "lifetime": "1h"}), 201, "")
	key := made.str("key")
	if !apikeys.IsKey(key) || !a.keyWorks(key) {
		t.Fatalf("got %s", made.raw)
	}
	for _, wrong := range []fields{
		{"name": "", "scopes": []string{"openid"}}, {"name": "job", "scopes": []string{}},
		{"name": "job", "scopes": []string{"users:read"}}, {"name": "job", "scopes": []string{"openid"}, "lifetime": "9000h"},
	} {
		a.is(call("add-api-key", wrong), 422, "invalid_fields")
	}
	listed := a.is(call("list-api-keys", fields{}), 200, "")
	if strings.Contains(listed.raw, key) || !strings.Contains(listed.raw, `"start":"`+key[:12]) ||
		!strings.Contains(listed.raw, `"orders:write"`) {
		t.Errorf("got %s", listed.raw)
	}
	next := a.is(call("rotate-api-key", fields{"key": made.str("id"), "overlap": "0s"}), 201, "")
	if a.keyWorks(key) || !a.keyWorks(next.str("key")) {
		t.Error("the replaced key works, or the new one does not")
	}
	a.is(call("rotate-api-key", fields{"key": made.str("id")}), 409, "replaced")
	a.is(call("rotate-api-key", fields{"key": "x"}), 404, "no_such_key")
	// A leaked key would otherwise make keys that outlive it.
	a.is(a.bearer("POST", "/auth/list-api-keys", next.str("key"), fields{"auth_session": in.str("auth_session")}), 401,
		"invalid_token")
	a.is(call("remove-api-key", fields{"key": next.str("id")}), 204, "")
	a.is(call("remove-api-key", fields{"key": next.str("id")}), 404, "no_such_key")
	if a.keyWorks(next.str("key")) || slices.ContainsFunc(a.keysOf(jo), func(k storage.APIKey) bool {
		return k.ID == next.str("id")
	}) {
		t.Error("a revoked key works")
	}
}

// TestLeakedKeysAreRevoked reports keys as GitHub's scanner does. A key is revoked once, its owner is told, and nothing
// that a reporter writes reaches the mail. Guesses are limited, and reports of living keys are not.
func TestLeakedKeysAreRevoked(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.withKeys()
	jo := a.verified("jo@example.com", "jo", right)
	report := func(body any) said { return a.send(a.request("POST", "/report-leaked-keys", body)) }
	const where = "https://github.com/acme/app/blob/4f2a/deploy.sh"
	key, record := a.apiKey(jo)
	other := apikeys.NewSecret(true)
	got := report([]fields{{"token": key, "type": "vouchsafe", "url": where, "source": "content"},
		{"token": other, "type": "vouchsafe", "url": where}, {"token": "no key"}})
	if got.status != 200 || strings.Count(got.raw, "true_positive") != 1 ||
		strings.Count(got.raw, "false_positive") != 2 ||
		!strings.Contains(got.raw, `{"token_raw":"`+key+`","token_type":"vouchsafe","label":"true_positive"}`) {
		t.Fatalf("got %d %s", got.status, got.raw)
	}
	if a.keyWorks(key) {
		t.Error("a leaked key works")
	}
	if m := a.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, "Your API key job was found in public") ||
		strings.Contains(m.Text, "github.com") {
		t.Errorf("the mail says %q", m.Text)
	}
	e := a.events(storage.DefaultTenant)[0]
	if e.Kind != storage.EventAPIKeyLeaked || e.Detail["url"] != where || e.Detail["key"] != record.ID ||
		strings.Contains(e.Detail["start"], key) {
		t.Errorf("got %+v", e)
	}
	if got := report([]fields{{"token": key, "url": where}}); strings.Contains(got.raw, "true_positive") {
		t.Errorf("a second report: got %s", got.raw)
	}
	for _, url := range []string{"javascript:alert(1)", "http://x.example/", "https://u:p@x.example/",
		"https://x.example/\u202e", "https://x.example/" + strings.Repeat("a", 1000)} {
		key, _ := a.apiKey(jo)
		report([]fields{{"token": key, "url": url}})
		if e := a.events(storage.DefaultTenant)[0]; a.keyWorks(key) || e.Detail["url"] != "" {
			t.Errorf("%.40q: got %+v", url, e)
		}
	}
	for _, body := range []any{fields{"token": key}, []fields{}, "x", slices.Repeat([]fields{{"token": "x"}}, 101)} {
		if got := report(body); got.status != 400 {
			t.Errorf("%.60v: got %d %s", body, got.status, got.raw)
		}
	}
	if got := a.send(a.request("GET", "/report-leaked-keys", nil)); got.status != 405 {
		t.Errorf("GET: got %d", got.status)
	}
	guesses := make([]fields, 100)
	for i := range guesses {
		guesses[i] = fields{"token": apikeys.NewSecret(false)}
	}
	if got := report(guesses); got.status != 429 || got.header.Get("Retry-After") == "" {
		t.Errorf("after a hundred guesses: got %d", got.status)
	}
	last, _ := a.apiKey(jo)
	if got := report([]fields{{"token": last}}); got.status != 200 || a.keyWorks(last) {
		t.Errorf("a living key after guesses: got %d", got.status)
	}
}
