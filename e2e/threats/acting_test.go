package threats

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func actingRows() []row {
	return []row{
		{"Q1 Q2 who may sign in as which user", q1},
		{"Q3 Q4 links and cookies of administrators", q3},
		{"Q5 Q6 what an administrator can do as a user", q5},
		{"Q7 Q8 what ends it, and what it leaves", q7},
	}
}

const signInAsPage = "/account/sign-in-as"

// help is a tenant whose administrators may sign in as users.
type help struct {
	*vouchsafetest.Server
	user, support vouchsafetest.Person
	ids           map[string]string // by address
}

func newHelp(t *testing.T, s *vouchsafetest.Server, name string) *help {
	t.Helper()
	h := &help{Server: s.Tenant(t, name+"-"+s.Name), ids: map[string]string{}}
	h.ApplyTenant(t, map[string]any{"sign_in_as": map[string]any{"enabled": true, "notify": true}})
	h.user, h.support = h.person(t, ""), h.person(t, "support")
	return h
}

// person adds a user with a role as an administrator, "" for none.
func (h *help) person(t *testing.T, role string) vouchsafetest.Person {
	t.Helper()
	p := h.Person(t, "--tenant", h.TenantID)
	h.ids[p.Email] = h.show(t, p)["id"].(string)
	if role != "" {
		h.Command(t, "", "admin", "add", p.Email, "--role", role, "--tenant", h.TenantID)
	}
	return p
}

func (h *help) show(t *testing.T, p vouchsafetest.Person) (u map[string]any) {
	t.Helper()
	out := h.Command(t, "", "user", "show", p.Email, "--json", "--tenant", h.TenantID)
	if err := json.Unmarshal([]byte(out), &u); err != nil {
		t.Fatal(err)
	}
	return u
}

// page opens the page in a browser of the administrator, who signs in.
func (h *help) page(t *testing.T, by vouchsafetest.Person) (*vouchsafetest.Browser, *vouchsafetest.Page) {
	t.Helper()
	b := h.Browser(t, by)
	return b, b.SignIn(t, b.Get(t, signInAsPage), by)
}

// form returns the page's form that signs in as a user.
func formTo(t *testing.T, page *vouchsafetest.Page, path string) vouchsafetest.Form {
	t.Helper()
	for _, f := range page.Forms(t) {
		if strings.HasSuffix(f.Action, path) {
			return f
		}
	}
	t.Fatalf("%s has no form to %s: %d %s", page.URL, path, page.Status, page.Text(t))
	return vouchsafetest.Form{}
}

// try fills in the page's form.
func try(t *testing.T, b *vouchsafetest.Browser, page *vouchsafetest.Page, user, reason string) *vouchsafetest.Page {
	t.Helper()
	f := formTo(t, page, signInAsPage)
	f.Fields.Set("user", user)
	f.Fields.Set("reason", reason)
	return b.Submit(t, f, nil)
}

// acts returns a browser in which the administrator is signed in as the user.
func (h *help) acts(t *testing.T) *vouchsafetest.Browser {
	t.Helper()
	b, page := h.page(t, h.support)
	after := try(t, b, page, h.user.Email, "request 4711")
	if !isActing(t, after) || after.Status != 200 {
		t.Fatalf("got %d at %s, want to be signed in as the user: %s", after.Status, after.URL, after.Text(t))
	}
	return b
}

// isActing reports whether the page has the banner.
func isActing(t *testing.T, page *vouchsafetest.Page) bool {
	t.Helper()
	return slices.ContainsFunc(page.Forms(t), func(f vouchsafetest.Form) bool {
		return strings.HasSuffix(f.Action, "/sign-in-as/end")
	}) && strings.Contains(page.Body, `class="acting"`)
}

// q1: the tenant has to allow it, the administrator needs the role and a fresh proof, and the user is no administrator
// and of the same tenant.
func q1(t *testing.T, s *vouchsafetest.Server) {
	off := s.Tenant(t, "nohelp-"+s.Name)
	owner := off.Person(t, "--tenant", off.TenantID)
	off.Command(t, "", "admin", "add", owner.Email, "--role", "owner", "--tenant", off.TenantID)
	b := off.Browser(t, owner)
	b.SignIn(t, b.Get(t, "/account/profile"), owner)
	if page := b.Get(t, signInAsPage); page.Status != 404 {
		t.Errorf("where it is off: got %d, want 404", page.Status)
	}
	if why := off.Refuses(t, "", "user", "sign-in-as", owner.Email, "--as", owner.Email, "--reason", "x", "--tenant",
		off.TenantID); !strings.Contains(why, "sign_in_as.enabled") {
		t.Errorf("the command where it is off: %s", why)
	}

	h := newHelp(t, s, "who")
	for _, role := range []string{"", "auditor"} {
		if _, page := h.page(t, h.person(t, role)); page.Status != 403 {
			t.Errorf("with the role %q: got %d, want 403", role, page.Status)
		}
	}
	disabled, foreign := h.person(t, ""), s.Jo(t)
	h.Command(t, "", "user", "disable", disabled.Email, "--tenant", h.TenantID)
	b, page := h.page(t, h.support)
	for name, user := range map[string]string{
		"an owner": h.person(t, "owner").Email, "an auditor": h.person(t, "auditor").Email, "themselves": h.support.Email,
		"a disabled user": disabled.Email, "a user of another tenant": foreign.Email, "no user": "x", "nothing": "",
	} {
		after := try(t, b, page, user, "request 4711")
		if after.Status != 422 || isActing(t, after) {
			t.Errorf("as %s: got %d at %s, want 422", name, after.Status, after.URL)
		}
		page = b.Get(t, signInAsPage)
	}
	for name, reason := range map[string]string{"none": " ", "two lines": "a\nb", "a long one": strings.Repeat("x", 400)} {
		if after := try(t, b, page, h.user.Email, reason); after.Status != 422 || isActing(t, after) {
			t.Errorf("%s as the reason: got %d, want 422", name, after.Status)
		}
		page = b.Get(t, signInAsPage)
	}
	// Another site posts the form.
	f := formTo(t, page, signInAsPage)
	f.Fields.Set("user", h.user.Email)
	f.Fields.Set("reason", "x")
	if after := b.PostFrom(t, "https://evil.example", f.Action, f.Fields); after.Status != 403 {
		t.Errorf("posted by another site: got %d, want 403", after.Status)
	}
	// The role is taken between the page and its form.
	h.Command(t, "", "admin", "remove", h.support.Email, "--tenant", h.TenantID)
	if after := b.Submit(t, f, nil); after.Status != 403 || isActing(t, after) {
		t.Errorf("without the role any more: got %d, want 403", after.Status)
	}
}

// q3: a link fills in a form, for one administrator, once. The value of the cookie is worth nothing elsewhere.
func q3(t *testing.T, s *vouchsafetest.Server) {
	h := newHelp(t, s, "link")
	other := h.person(t, "support")
	link := strings.TrimSpace(h.Command(t, "", "user", "sign-in-as", h.user.Email, "--as", h.support.Email, "--reason",
		"request 4711", "--tenant", h.TenantID))
	if why := h.Refuses(t, "", "user", "sign-in-as", h.support.Email, "--as", other.Email, "--reason", "x", "--tenant",
		h.TenantID); !strings.Contains(why, "administrator") {
		t.Errorf("a link as an administrator: %s", why)
	}
	// A stranger, the user and another administrator get nothing from it.
	for name, p := range map[string]vouchsafetest.Person{"the user": h.user, "another administrator": other} {
		b := h.Browser(t, p)
		page := b.Get(t, link)
		if strings.Contains(strings.Join(page.Paths(), " "), "ticket") || isActing(t, page) {
			t.Errorf("%s: the link led to %v", name, page.Paths())
		}
		page = b.SignIn(t, page, p)
		if strings.Contains(page.Body, "request 4711") || strings.Contains(page.Body, h.user.Email) && p != h.user {
			t.Errorf("%s sees what the link asks for", name)
		}
	}
	b := h.Browser(t, h.support)
	page := b.SignIn(t, b.Get(t, link), h.support)
	if isActing(t, page) || !strings.Contains(page.Body, "request 4711") || page.URL.RawQuery != "" {
		t.Fatalf("the link led to %s: %s", page.URL, page.Text(t))
	}
	f := formTo(t, page, signInAsPage)
	after := b.Submit(t, f, nil)
	if !isActing(t, after) {
		t.Fatalf("got %d at %s: %s", after.Status, after.URL, after.Text(t))
	}
	taken := b.Cookies()
	end(t, b, after)
	if page = b.Get(t, link); strings.Contains(page.Body, "request 4711") || !strings.Contains(page.Body, `role="alert"`) {
		t.Errorf("the link works twice: %s", page.Text(t))
	}

	// The cookie in another browser, alone and in place of the session's; and after its end.
	b = h.acts(t)
	for name, cookies := range map[string][]string{
		"the cookie alone": {"acting"}, "as the session's": {"acting", "session"},
	} {
		thief := h.Browser(t, h.user)
		stolen := actingCookie(t, b)
		for _, as := range cookies {
			c := *stolen
			c.Name = strings.Replace(c.Name, "acting", as, 1)
			c.Path = "/"
			thief.SetCookies([]*http.Cookie{&c})
		}
		wantError(t, thief.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none")), "login_required")
		if page := thief.Get(t, "/account"); page.URL.Path == h.path("/account") {
			t.Errorf("%s: the browser is signed in", name)
		}
	}
	old := h.Browser(t, h.user)
	old.SetCookies(taken)
	if page := old.Get(t, "/account"); isActing(t, page) {
		t.Error("cookies from before its end work")
	}
}

// path returns a path below the tenant.
func (h *help) path(path string) string {
	u, err := url.Parse(h.Issuer)
	if err != nil {
		panic(err)
	}
	return u.Path + path
}

func actingCookie(t *testing.T, b *vouchsafetest.Browser) *http.Cookie {
	t.Helper()
	for _, c := range b.Cookies() {
		if strings.Contains(c.Name, "vouchsafe-acting") && !strings.Contains(c.Name, "ticket") {
			return c
		}
	}
	t.Fatal("no cookie of a session of an administrator")
	return nil
}

// end presses the button of the banner.
func end(t *testing.T, b *vouchsafetest.Browser, page *vouchsafetest.Page) {
	t.Helper()
	if after := b.Submit(t, formTo(t, page, "/sign-in-as/end"), nil); after.Status != 200 || isActing(t, after) {
		t.Fatalf("got %d at %s, want an end", after.Status, after.URL)
	}
}

// q5: an administrator looks at the account and uses apps, and changes, proves, exports and allows nothing.
func q5(t *testing.T, s *vouchsafetest.Server) {
	h := newHelp(t, s, "does")
	b := h.acts(t)
	home := b.Get(t, "/account")
	token := home.Forms(t)[0].Fields.Get("form")
	everything := url.Values{"form": {token}, "sure": {"1"}, "others": {"1"}, "client": {"web"},
		"email": {"m@evil.example"}, "password": {"another-password-9xQ2"}, "old_password": {h.user.Password},
		"do": {"off"}, "name": {"Mallory"}, "phone": {"+4930123456"}, "code": {"12345678"}, "login": {h.user.Email},
		"answer": {"allow"}}
	for _, path := range []string{"profile", "email", "email/confirm", "phone", "phone/confirm", "password", "passkeys",
		"identities", "second-factor", "second-factor/app", "second-factor/passkey", "sessions", "apps", "data", "delete",
		"sign-in-as"} {
		page := b.Post(t, "/account/"+path, everything)
		if page.Status != 403 || !isActing(t, page) {
			t.Errorf("POST /account/%s: got %d at %s, want 403 with the banner", path, page.Status, page.URL)
		}
	}
	for _, path := range []string{"/login", "/second-factor", "/second-factor/setup", "/consent", "/signup",
		"/new-password", "/select", "/forgot", "/federated/link"} {
		if page := b.Post(t, path, everything); page.Status != 403 || !isActing(t, page) {
			t.Errorf("POST %s: got %d at %s, want 403 with the banner", path, page.Status, page.URL)
		}
	}
	for _, path := range []string{"/account/data", "/account/delete", "/account/second-factor/app",
		"/account/second-factor/passkey", "/account/passkeys/options", "/second-factor/setup", "/login"} {
		if page := b.Get(t, path); page.Status != 403 {
			t.Errorf("GET %s: got %d at %s, want 403", path, page.Status, page.URL)
		}
	}
	for _, path := range []string{"/account", "/account/profile", "/account/sessions", "/account/apps",
		"/account/activity", "/nothing", signInAsPage} {
		if page := b.Get(t, path); !isActing(t, page) || page.Status >= 500 {
			t.Errorf("GET %s: got %d at %s without the banner", path, page.Status, page.URL)
		}
	}
	wantError(t, b.Authorize(t, vouchsafetest.NewRequest(vouchsafetest.Third, "prompt", "none")), "consent_required")
	if a := b.Authorize(t, vouchsafetest.NewRequest(vouchsafetest.Third)); a.Code() != "" || a.Page.Status != 403 {
		t.Errorf("consent: got %v at %s (%d), want 403", a.Params, a.Page.URL, a.Page.Status)
	}

	// What apps get names the administrator, and ends with the session.
	r := vouchsafetest.NewRequest(web, "scope", "openid profile email offline_access")
	got := h.API(t).Redeem(t, r, b.Code(t, r)).Want(t, 200, "")
	if got.Refresh() != "" || strings.Contains(got.String("scope"), "offline_access") {
		t.Errorf("got a refresh token or offline_access: %s", got.Raw)
	}
	h.namesActor(t, web, got)
	opaque := vouchsafetest.NewRequest(vouchsafetest.Opaque)
	h.namesActor(t, vouchsafetest.Opaque, h.API(t).Redeem(t, opaque, b.Code(t, opaque)).Want(t, 200, ""))
	// Without the administrator nothing is named.
	own := tokens(t, h.Server, h.Browser(t, h.user), vouchsafetest.NewRequest(web))
	if info := h.API(t).Userinfo(t, own.Access()); info.Body["act"] != nil {
		t.Errorf("the user's own token has act: %s", info.Raw)
	}
}

// namesActor checks the claim act of all that says something of the tokens.
func (h *help) namesActor(t *testing.T, c vouchsafetest.Client, got *vouchsafetest.Reply) {
	t.Helper()
	api := h.API(t)
	said := map[string]map[string]any{
		"ID token": claimsIn(t, got.ID()), "userinfo": api.Userinfo(t, got.Access()).Body,
		"introspection": api.As(t, c, "/introspect", url.Values{"token": {got.Access()}}).Body,
	}
	if strings.Count(got.Access(), ".") == 2 {
		said["access token"] = claimsIn(t, got.Access())
	}
	for place, claims := range said {
		act, _ := claims["act"].(map[string]any)
		if claims["sub"] != h.ids[h.user.Email] || len(act) != 1 || act["sub"] != h.ids[h.support.Email] {
			t.Errorf("%s: got sub %v and act %v, want the user and the administrator", place, claims["sub"], claims["act"])
		}
	}
}

// q7: whatever ends the right to it ends the session, its codes and its tokens; the trail has both ends, and the user
// did nothing. storagetest has all that ends it.
func q7(t *testing.T, s *vouchsafetest.Server) {
	h := newHelp(t, s, "help-ends")
	before, support := h.show(t, h.user), h.support
	b := h.acts(t)
	if after := h.show(t, h.user); after["last_sign_in"] != before["last_sign_in"] ||
		after["last_activity"] != before["last_activity"] {
		t.Errorf("got %v and %v, want no sign-in of the user", after["last_sign_in"], after["last_activity"])
	}
	// The user's own sessions are others: they say nothing of the administrator, and go on when that has ended.
	own := h.Browser(t, h.user)
	if page := own.SignIn(t, own.Get(t, "/account/profile"), h.user); isActing(t, page) {
		t.Error("the user's own session acts")
	}
	h.endsBy(t, "the button", b, func() { end(t, b, b.Get(t, "/account")) })
	wantAlive(t, h.Server, tokens(t, h.Server, own, vouchsafetest.NewRequest(web, "prompt", "none")))
	h.wantTrail(t)
	if history := own.Get(t, "/account/activity"); !strings.Contains(history.Body, "request 4711") {
		t.Errorf("the user does not see it: %s", history.Text(t))
	}
	if m := mails.Next(t, h.user.Email); !strings.Contains(m.Text, "request 4711") {
		t.Errorf("the user got %q", m.Text)
	}
	b = h.acts(t)
	h.endsBy(t, "sign-out", b, func() { b.Submit(t, formTo(t, b.Get(t, "/signout"), "/signout"), nil) })
	b = h.acts(t)
	h.endsBy(t, "the user", b, func() {
		f := formTo(t, own.Get(t, "/account/sessions"), "/account/sessions")
		f.Fields.Set("others", "1")
		own.Submit(t, f, nil)
	})
	b = h.acts(t)
	h.endsBy(t, "the role", b, func() {
		h.Command(t, "", "admin", "remove", support.Email, "--tenant", h.TenantID)
	})
	h.support = h.person(t, "owner")
	b = h.acts(t)
	h.endsBy(t, "the setting", b, func() {
		h.ApplyTenant(t, map[string]any{})
		time.Sleep(1100 * time.Millisecond) // tenants are kept for a second
	})
}

// endsBy checks that what the administrator has as the user ends.
func (h *help) endsBy(t *testing.T, what string, b *vouchsafetest.Browser, ends func()) {
	t.Helper()
	r := vouchsafetest.NewRequest(web)
	got := h.API(t).Redeem(t, r, b.Code(t, r)).Want(t, 200, "")
	waits := vouchsafetest.NewRequest(web)
	code := b.Code(t, waits)
	ends()
	if info := h.API(t).Userinfo(t, got.Access()); info.Status != 401 {
		t.Errorf("%s: its access token: got %d, want 401", what, info.Status)
	}
	h.API(t).Redeem(t, waits, code).Want(t, 400, "invalid_grant")
	if a := b.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none")); a.Code() != "" {
		again := h.API(t).Redeem(t, a.Request, a.Code()).Want(t, 200, "")
		if claims := claimsIn(t, again.ID()); claims["sub"] != h.ids[h.support.Email] || claims["act"] != nil {
			t.Errorf("%s: the browser still acts: %v", what, claims)
		}
	}
	if page := b.Get(t, "/account"); isActing(t, page) {
		t.Errorf("%s: the banner is still there", what)
	}
}

// wantTrail checks the events of the session.
func (h *help) wantTrail(t *testing.T) {
	t.Helper()
	seen := 0
	for line := range strings.Lines(h.Command(t, "", "audit", "export", "--tenant", h.TenantID)) {
		var e struct {
			Kind, Actor string
			UserID      string `json:"user_id"`
			Detail      map[string]string
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(e.Kind, "acting.") {
			continue
		}
		seen++
		if e.UserID != h.ids[h.user.Email] || e.Actor != h.ids[h.support.Email] || e.Detail["administrator"] != e.Actor ||
			e.Detail["reason"] != "request 4711" || e.Detail["session"] == "" {
			t.Errorf("got %s", line)
		}
	}
	if seen != 2 {
		t.Errorf("got %d events, want its beginning and its end", seen)
	}
}

// claimsIn returns the claims of a JWT, whose signature is no concern here.
func claimsIn(t *testing.T, token string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%.20q is no JWT", token)
	}
	plain, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(plain, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}
