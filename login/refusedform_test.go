package login

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/storage"
)

// raw posts a form and does not follow the redirect that answers a refused one.
func (v *visitor) raw(path string, fields ...string) *http.Response {
	v.t.Helper()
	resp, err := v.client.Do(v.request(path, fields...))
	if err != nil {
		v.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

// TestARefusedFormLeadsToItsPage: the browser's Back and Reload never ask whether to send a form again,
// because a refused form is answered with a redirect. The page says what is wrong once.
func TestARefusedFormLeadsToItsPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	s.user("default", "jo@example.com", "", right)
	q := s.ask("", storage.Interaction{})
	letter := strings.TrimPrefix(q, "i=")
	v := s.visitor()
	v.get("/login?" + q)
	for _, test := range []struct {
		path   string
		fields []string
		page   string
		says   string
		shows  string
	}{
		{"/login", []string{"login", "jo@example.com", "password", "wrong"}, "/login?as=NAME&i=" + letter,
			"signin.wrong", `value="jo@example.com"`},
		{"/login", []string{"login", "", "password", "wrong"}, "/login?i=" + letter + "&other=1", "signin.missing_login", ""},
		{"/signup", []string{"email", "nothing", "password", fresh}, "/signup?i=" + letter, "", `value="nothing"`},
		{"/forgot", []string{"login", ""}, "/forgot?i=" + letter, "", ""},
	} {
		resp := v.raw(test.path, append([]string{"i", letter}, test.fields...)...)
		page := answer{status: resp.StatusCode, header: resp.Header}
		if sealedName.ReplaceAllString(page.leads(), "as=NAME") != test.page {
			t.Fatalf("%s %q leads to %q, want %q", test.path, test.fields, page.leads(), test.page)
		}
		test.page = page.leads()
		if kept := v.cookie("refused"); kept == "" || strings.Contains(kept, "wrong") {
			t.Errorf("%s: the browser keeps %q", test.path, kept)
		}
		if got := v.get("/forgot?" + q + "&ui_locales=de"); got.status != http.StatusOK || alertOf(got) != "" {
			t.Errorf("%s: another page says %q", test.path, alertOf(got))
		}
		got := v.get(test.page)
		if got.status != http.StatusUnprocessableEntity || alertOf(got) == "" || !strings.Contains(got.body, test.shows) ||
			!strings.Contains(got.body, "<title>Error: ") || strings.Contains(got.body, `"wrong"`) {
			t.Errorf("%s: got %d, %q: %s", test.page, got.status, alertOf(got), got.body)
		}
		if test.says != "" && alertOf(got) != english[test.says] {
			t.Errorf("%s: got %q, want %q", test.page, alertOf(got), english[test.says])
		}
		if again := v.get(test.page); again.status != http.StatusOK || alertOf(again) != "" ||
			strings.Contains(again.body, "<title>Error: ") {
			t.Errorf("%s, loaded again: got %d, %q", test.page, again.status, alertOf(again))
		}
	}
}

// TestAFormThatCannotBeShownAgainRedirectsToo: an error page, or one that only says something, is no answer to a form
// either. A program that does not accept pages is answered directly.
func TestAFormThatCannotBeShownAgainRedirectsToo(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	v := s.signedIn("jo@example.com")
	v.at("/account/profile")
	resp := v.raw("/account/profile", "session", "another", "name", "Jo")
	if to := (answer{status: resp.StatusCode, header: resp.Header}).leads(); to != "" {
		t.Errorf("a program is led to %q", to)
	}
	if resp.StatusCode != http.StatusConflict {
		t.Errorf("a program: got %d, want 409", resp.StatusCode)
	}
	p := v.post("/account/profile", "session", "another", "name", "Jo")
	if p.status != http.StatusConflict || !strings.Contains(p.body, english["account.other.title"]) {
		t.Errorf("got %d, %s", p.status, p.body)
	}
	if p := v.at("/account/profile"); p.status != http.StatusOK {
		t.Errorf("loaded again: got %d", p.status)
	}
	p = v.post("/not-me", "t", "forged")
	if p.status != http.StatusUnprocessableEntity || !strings.Contains(p.body, english["notme.bad"]) {
		t.Errorf("a forged link: got %d, %s", p.status, p.body)
	}
}

// TestNoFormIsAnsweredWithAPage posts an empty form to each page, by browsers that are signed in and that are
// not. Only a download is an answer to a form.
func TestNoFormIsAnsweredWithAPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	s.user("default", "jo@example.com", "", right)
	tried := 0
	err := s.router.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, _ := route.GetPathTemplate()
		methods, _ := route.GetMethods()
		if !slices.Contains(methods, http.MethodPost) || strings.Contains(path, "{") || path == "/password/score" ||
			path == "/account/data" {
			return nil
		}
		stranger, jo := s.visitor(), s.signedIn("jo@example.com")
		stranger.get("/login")
		jo.at("/account/profile")
		for _, v := range []*visitor{stranger, jo} {
			req := v.request(path)
			req.Header.Set("Accept", "text/html")
			resp, err := v.client.Do(req)
			if err != nil {
				return err
			}
			_ = resp.Body.Close()
			if to := (answer{status: resp.StatusCode, header: resp.Header}).leads(); to == "" {
				t.Errorf("POST %s: got %d to nowhere", path, resp.StatusCode)
			}
			tried++
		}
		return nil
	})
	if err != nil || tried < 50 {
		t.Errorf("%d forms, %v", tried, err)
	}
}

// TestWhatARefusedFormLeavesBelongsToOneBrowser: the cookie of another browser, or of another page, says nothing.
func TestWhatARefusedFormLeavesBelongsToOneBrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	attacker, victim := s.visitor(), s.visitor()
	attacker.get("/login")
	victim.get("/login")
	resp := attacker.raw("/login", "login", "evil@example.com", "password", "wrong")
	victim.plant(resp.Cookies()...)
	if p := victim.get(resp.Header.Get("Location")); p.status != http.StatusOK || strings.Contains(p.body, "evil@") {
		t.Errorf("the victim sees what another browser typed: %d", p.status)
	}
}

// TestWhatARefusedFormLeavesHoldsNoSecret opens what browsers are given, and looks for what was typed.
func TestWhatARefusedFormLeavesHoldsNoSecret(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	s.user("default", "jo@example.com", "", right)
	v := s.visitor()
	id := flow(t, v.signUp("al@example.com"))
	in := s.signedIn("jo@example.com")
	in.at("/account/password")
	for _, test := range []struct {
		v      *visitor
		path   string
		fields []string
	}{
		{v, "/login", []string{"login", "jo@example.com", "password", "hush hush"}},
		{v, "/signup", []string{"email", "x", "username", "x y z", "password", "hush hush"}},
		{v, "/signup/confirm", []string{"flow", id, "code", "hush hush"}},
		{v, "/reset", []string{"flow", id, "code", "12345678", "password", "hush hush"}},
		{in, "/account/password", []string{"old_password", "hush hush", "password", "hush"}},
	} {
		refused := s.refusal(test.v.raw(test.path, test.fields...))
		if refused.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %+v", test.path, refused)
		}
		for field, value := range refused.Typed {
			if strings.Contains(value, "hush") || !slices.Contains([]string{"login", "email", "username"}, field) {
				t.Errorf("%s keeps %s=%q", test.path, field, value)
			}
		}
	}
}

// TestACodeIsNotTypedAgainWhenOnlyThePasswordWasWrong: a copied code is shown again if another field was
// refused, and never after a wrong code.
func TestACodeIsNotTypedAgainWhenOnlyThePasswordWasWrong(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	v := s.visitor()
	id := flow(t, v.forgot("jo@example.com"))
	code := s.mails.Next(t, "jo@example.com").Code
	p := v.post("/reset", "flow", id, "code", code, "password", "short")
	if p.status != http.StatusUnprocessableEntity || !strings.Contains(p.body, `value="`+code+`"`) {
		t.Errorf("a short password: got %d, %s", p.status, p.body)
	}
	p = v.post("/reset", "flow", id, "code", "00000000", "password", fresh)
	if p.status != http.StatusUnprocessableEntity || strings.Contains(p.body, "00000000") ||
		!strings.Contains(p.body, `autofocus aria-describedby="code-hint code-error" aria-invalid="true"`) {
		t.Errorf("a wrong code: got %d, %s", p.status, p.body)
	}
}

// TestLongFormsFitIntoWhatABrowserKeeps: the longest of what was typed is left out, and the faults stay.
func TestLongFormsFitIntoWhatABrowserKeeps(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	v := s.signedIn("jo@example.com")
	v.at("/account/profile")
	long := strings.Repeat("ü", 800)
	resp := v.raw("/account/profile", "name", "Jo", "birthdate", "nothing", "website", long, "picture", long,
		"given_name", long)
	refused := s.refusal(resp)
	if refused.Faults["birthdate"] == "" || refused.Typed["name"] != "Jo" || refused.Typed["birthdate"] != "nothing" {
		t.Errorf("got %+v", refused)
	}
	for _, c := range resp.Cookies() {
		if len(c.Name)+len(c.Value) > 4096 {
			t.Errorf("the cookie %s has %d bytes", c.Name, len(c.Value))
		}
	}
	to, err := url.Parse(answer{status: resp.StatusCode, header: resp.Header}.leads())
	if err != nil || to.Path != "/account/profile" {
		t.Errorf("got %v, %v", to, err)
	}
}
