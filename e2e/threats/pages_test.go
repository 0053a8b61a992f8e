package threats

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func pageRows() []row {
	return []row{
		{"A10 reflected HTML", a10},
		{"A11 a transaction in another browser", a11},
		{"A12 consent by another site", a12},
		{"A13 a step left out", a13},
		{"A14 a finished transaction", a14},
		{"A14 a finished transaction of another person", a14Other},
		{"A14 another person in mid-flow", a14Switch},
		{"A15 disabled in mid-flow", a15},
		{"A16 redirects after credentials", a16},
		{"A17 the form_post page", a17},
	}
}

func a10(t *testing.T, s *vouchsafetest.Server) {
	const payload = `'"><script>alert(1)</script><img src=x onerror=alert(1)>`
	b := jo(t, s)
	look := func(what string, page *vouchsafetest.Page) {
		t.Helper()
		if strings.Contains(page.Body, "<script>alert") || strings.Contains(page.Body, "<img src=x") {
			t.Errorf("%s came back unescaped", what)
		}
	}
	for _, name := range []string{
		"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce",
		"prompt", "max_age", "display",
		"ui_locales", "login_hint", "id_token_hint", "acr_values", "claims", "code_challenge",
		"code_challenge_method", "request",
	} {
		page := b.Get(t, vouchsafetest.NewRequest(web, name, payload).Path())
		look(name, page)
		if page.Left != nil && page.Left.Query().Get("error_description") != "" {
			look("error_description for "+name, page)
		}
	}
	q := url.QueryEscape(payload)
	for _, path := range []string{
		"/login?i=" + q, "/consent?i=" + q, "/select?i=" + q, "/signout?l=" + q, "/signed-out?x=" + q,
		"/" + q, "/authorize?i=" + q,
		"/login?error=" + q + "&error_description=" + q + "&error_hint=" + q, "/logout?id_token_hint=" + q,
		"/logout?client_id=" + q,
		"/logout?post_logout_redirect_uri=" + q, "/authorize?error=" + q + "&error_hint=" + q, "/setup?t=" + q,
		"/t/" + url.PathEscape(payload) + "/",
	} {
		look(path, b.Get(t, path))
	}
}

func a11(t *testing.T, s *vouchsafetest.Server) {
	attacker, victim := s.Browser(t, s.Person(t)), jo(t, s)
	tokens(t, s, victim, vouchsafetest.NewRequest(web)) // they are signed in
	r := vouchsafetest.NewRequest(vouchsafetest.Third)
	letter := attacker.Get(t, r.Path()).URL.Query().Get("i")
	if letter == "" {
		t.Fatal("the sign-in page has no sealed request in its URL")
	}
	for _, path := range []string{"/authorize", "/login", "/consent", "/select"} {
		page := victim.Get(t, path+"?i="+url.QueryEscape(letter))
		if page.Left != nil || page.Status != 400 {
			t.Errorf("%s with the request of another browser: got %d, %v, want 400", path, page.Status, page.Left)
		}
	}
	// The result cannot be read in a second browser either.
	for _, page := range []*vouchsafetest.Page{victim.Get(t, "/authorize?i="+url.QueryEscape(letter)+"&cancel=1")} {
		if page.Left != nil {
			t.Errorf("the browser was sent to %s", page.Left)
		}
	}
}

// consentPage returns the page at which a user who signed in is asked for consent.
func consentPage(t *testing.T, b *vouchsafetest.Browser,
	r *vouchsafetest.Request,
) (*vouchsafetest.Page, vouchsafetest.Form) {
	t.Helper()
	page := b.Get(t, r.Path())
	if strings.HasSuffix(page.URL.Path, "/login") {
		page = b.SignIn(t, page, b.Person)
	}
	forms := page.Forms(t)
	if !strings.HasSuffix(page.URL.Path, "/consent") || len(forms) == 0 {
		t.Fatalf("got %s, want the consent page", page.URL.Path)
	}
	for _, f := range forms {
		if f.Method == "POST" {
			return page, f
		}
	}
	t.Fatal("the consent page has no form")
	return nil, vouchsafetest.Form{}
}

func a12(t *testing.T, s *vouchsafetest.Server) {
	b := s.Browser(t, s.Person(t))
	r := vouchsafetest.NewRequest(vouchsafetest.Third)
	_, form := consentPage(t, b, r)
	fields := form.Fields
	if len(form.Buttons) > 0 && form.Buttons[0].Name != "" {
		fields.Set(form.Buttons[0].Name, form.Buttons[0].Value)
	}
	for _, origin := range []string{"https://evil.example", "null"} {
		if page := b.PostFrom(t, origin, form.Action, fields); page.Status != 403 {
			t.Errorf("consent posted by %s: got %d at %s, want 403", origin, page.Status, page.URL.Path)
		}
	}
	wantError(t, b.Authorize(t, r.Clone("prompt", "none")), "consent_required", "interaction_required")
}

func a13(t *testing.T, s *vouchsafetest.Server) {
	b := s.Browser(t, s.Person(t))
	r := vouchsafetest.NewRequest(vouchsafetest.Third)
	letter := url.QueryEscape(b.Get(t, r.Path()).URL.Query().Get("i"))
	// Without a session, neither the end nor a later step can be reached.
	for _, path := range []string{"/authorize?i=", "/consent?i=", "/select?i="} {
		page := b.Get(t, path+letter)
		if page.Left != nil || strings.HasSuffix(page.URL.Path, "/consent") && page.Status == 200 {
			t.Errorf("%s before signing in: got %d at %s, %v", path, page.Status, page.URL.Path, page.Left)
		}
	}
	for _, path := range []string{"/login", "/consent", "/select"} {
		page := b.Post(t, path, url.Values{"i": {b.Get(t, r.Path()).URL.Query().Get("i")}})
		if page.Left != nil {
			t.Errorf("an empty POST to %s sent the browser to %s", path, page.Left)
		}
	}
	// Signed in, consent missing: back to it.
	_, _ = consentPage(t, b, r)
	page := b.Get(t, "/authorize?i="+letter)
	if page.Left != nil || !strings.HasSuffix(page.URL.Path, "/consent") {
		t.Errorf("before consent: got %s, %v, want the consent page", page.URL.Path, page.Left)
	}
}

func a14(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	r := vouchsafetest.NewRequest(web)
	login := b.Get(t, r.Path())
	letter := url.QueryEscape(login.URL.Query().Get("i"))
	a := b.Walk(t, r, login)
	if a.Code() == "" {
		t.Fatalf("got %v", a.Params)
	}
	for range 3 { // the back button, and a second tab
		again := b.Walk(t, r, b.Get(t, "/authorize?i="+letter))
		if again.Code() != "" && again.Code() != a.Code() {
			t.Error("one transaction gave two codes")
		}
	}
	api := s.API(t)
	api.Redeem(t, r, a.Code()).Want(t, 200, "")
	if again := b.Walk(t, r, b.Get(t, "/authorize?i="+letter)); again.Code() != "" {
		api.Redeem(t, r, again.Code()).WantNot(t)
	}
}

// a14Other: the end of one user's authorization is not visible to another user in the same browser.
func a14Other(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	r := vouchsafetest.NewRequest(web)
	login := b.Get(t, r.Path())
	if a := b.Walk(t, r, login); a.Code() == "" {
		t.Fatalf("got %v", a.Params)
	}
	b.Person = s.Person(t)
	tokens(t, s, b, vouchsafetest.NewRequest(web, "prompt", "login"))
	if again := b.Walk(t, r, b.Get(t, "/authorize?i="+url.QueryEscape(login.URL.Query().Get("i")))); again.Code() != "" {
		t.Error("a second person in the browser got the first one's code")
	}
}

func a14Switch(t *testing.T, s *vouchsafetest.Server) {
	first, second := s.Person(t), s.Person(t)
	b := s.Browser(t, first)
	r := vouchsafetest.NewRequest(vouchsafetest.Third)
	_, form := consentPage(t, b, r) // the first person looks at it
	b.Person = second
	tokens(t, s, b, vouchsafetest.NewRequest(web, "prompt", "login")) // and another one signs in, in a second tab
	a := b.Walk(t, r, b.Submit(t, form, yes(form)))
	if a.Code() == "" {
		return // refused, or asked again and refused
	}
	sub := s.API(t).Verify(t, s.API(t).Redeem(t, r, a.Code()).Want(t, 200, "").ID()).String("sub")
	second2 := s.API(t).Verify(t, tokens(t, s, b, vouchsafetest.NewRequest(web)).ID()).String("sub")
	if sub == second2 && !a.Saw("/consent") {
		t.Error("the second person's code was given for the first person's consent")
	}
}

// yes returns the form's button that allows.
func yes(f vouchsafetest.Form) *vouchsafetest.Button {
	for i, b := range f.Buttons {
		text := strings.ToLower(b.Name + " " + b.Value + " " + b.Text)
		if !strings.Contains(text, "cancel") && !strings.Contains(text, "deny") && !strings.Contains(text, "decline") {
			return &f.Buttons[i]
		}
	}
	return nil
}

// noticed is how long another process's change may take to be seen.
const noticed = 1500 * time.Millisecond

func a15(t *testing.T, s *vouchsafetest.Server) {
	p := s.Person(t)
	b := s.Browser(t, p)
	r := vouchsafetest.NewRequest(vouchsafetest.Third)
	_, form := consentPage(t, b, r)
	s.Command(t, "", "user", "disable", p.Email)
	if page := b.Submit(t, form, yes(form)); page.Left != nil && page.Left.Query().Get("code") != "" {
		t.Error("a person disabled in mid-flow got a code")
	}
	if a := b.Authorize(t, r.Clone()); a.Code() != "" || a.Page.Status >= 500 {
		t.Errorf("a disabled person: got %v at %s", a.Params, a.Page.URL.Path)
	}

	// The client is removed: every step refuses it.
	c := s.AddClient(t)
	b = jo(t, s)
	r = vouchsafetest.NewRequest(c)
	login := b.Get(t, r.Path())
	code := jo(t, s).Code(t, r)
	s.Command(t, "", "client", "remove", c.ID(), "--yes")
	time.Sleep(noticed)
	if page := b.SignIn(t, login, b.Person); page.Left != nil || page.Status != 400 {
		t.Errorf("a client removed in mid-flow: got %d at %s, %v, want 400", page.Status, page.URL.Path, page.Left)
	}
	s.API(t).Redeem(t, r, code).Want(t, 401, "invalid_client")
}

func a16(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	r := vouchsafetest.NewRequest(web)
	page := b.SignIn(t, b.Get(t, r.Path()), b.Person)
	for _, hop := range page.Trail {
		if hop.Leads() == "" {
			t.Errorf("%s %s: got %d after credentials, want 303", hop.Method, hop.URL.Path, hop.Status)
		}
	}
	if page.Left == nil || !strings.HasPrefix(page.Left.String(), web.RedirectURI()) {
		t.Errorf("came to %v, want the client", page.Left)
	}
}

func a17(t *testing.T, s *vouchsafetest.Server) {
	const state = `"></form><script>alert(1)</script><form action="https://evil.example/">'&amp;`
	a := jo(t, s).Authorize(t, vouchsafetest.NewRequest(web, "response_mode", "form_post", "state", state))
	if a.Mode != "form_post" || a.Params.Get("state") != state {
		t.Fatalf("got state %q by %s, want it unchanged", a.Params.Get("state"), a.Mode)
	}
	if strings.Contains(a.Page.Body, "<script>alert") || strings.Count(a.Page.Body, "<form") != 1 {
		t.Errorf("the state left its field:\n%s", a.Page.Body)
	}
	csp := a.Page.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "'sha256-") || strings.Contains(csp, "unsafe-inline") {
		t.Errorf("got Content-Security-Policy %q, want the hash of the one script", csp)
	}
	if strings.Contains(a.Page.Body, `type="module"`) || !strings.Contains(a.Page.Body, "<button") {
		t.Error("the page wants a classic script, and a button where there are no scripts")
	}
}
