package login

import (
	"net/http"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/storage"
)

// turnLate makes a request older than a user may take.
func (s *site) turnLate(q string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	letter := strings.TrimPrefix(q, "i=")
	in := s.letters[letter]
	in.Late = true
	s.letters[letter] = in
}

// A page that was left open for too long is no dead end: to load it again leads to where the
// request begins anew, and what is sent from it is taken first.
func TestPagesThatWereOpenForTooLong(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	v := s.visitor()
	q := s.ask("", storage.Interaction{Scopes: []string{"openid"}})
	letter := strings.TrimPrefix(q, "i=")
	v.get("/login?" + q)
	s.turnLate(q)
	for _, path := range []string{"/login", "/select", "/consent", "/signup", "/forgot", "/second-factor", "/login/code"} {
		p := v.get(path + "?" + q)
		if p.leads() != "/authorize?"+q {
			t.Errorf("%s: got %d to %q, want the request begun anew", path, p.status, p.location())
		}
		if got := p.header.Get("Cross-Origin-Opener-Policy"); got != "unsafe-none" {
			t.Errorf("%s: got Cross-Origin-Opener-Policy %q, which would cut off the client's page", path, got)
		}
	}
	if p := v.post("/login", "i", letter, "login", "jo@example.com", "password",
		"wrong battery horse"); p.status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong password: got %d", p.status)
	}
	if p := v.post("/login", "i", letter, "login", "jo@example.com", "password", right); p.location() != "/authorize?"+q ||
		v.cookie("session") == "" {
		t.Errorf("the right password: got %d to %q", p.status, p.location())
	}
	if p := v.post("/consent", "i", letter, "answer", "deny"); p.location() != "/authorize?"+q+"&cancel=1" {
		t.Errorf("declined: got %d to %q", p.status, p.location())
	}
	// The page that comes next says why.
	again := s.ask("", storage.Interaction{Prompt: []string{"login"}})
	for lang, want := range map[string]string{"en": english["page.late"], "de": texts.In("de")["page.late"]} {
		if p := v.get("/login?late=1&ui_locales=" + lang + "&" + again); want == "" || lang == "en" && alertOf(p) != want {
			t.Errorf("%s: got %q, want %q", lang, alertOf(p), want)
		}
	}
	if p := v.get("/login?" + again); alertOf(p) != "" {
		t.Errorf("got %q for a request that is not late", alertOf(p))
	}
}

// Signing up takes as long as a mail takes: the client's request goes on where it can.
func TestSigningUpForARequestThatIsLate(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	q := s.ask("", storage.Interaction{})
	v := s.visitor()
	v.get("/signup?" + q)
	flow(t, v.post("/signup", "i", "letter-1", "email", "jo@example.com", "password", fresh))
	m := s.mails.Next(t, "jo@example.com")
	s.turnLate(q)
	if p := v.get(v.path(m)); p.status != http.StatusOK {
		t.Errorf("the link: got %d", p.status)
	}
	if p := v.post("/signup/confirm", "token", tokenOf(m)); p.leads() != "/authorize?"+q {
		t.Errorf("got %d to %q", p.status, p.location())
	}
}

// Who is meant, and is not the one who is signed in, is asked by a plain page. Their name is
// on it where the browser or the client knows it already, and nowhere else.
func TestThePageForWhoIsMeant(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo, mo := s.user("default", "jo@example.com", "jo", right), s.user("default", "mo@example.com", "", right)
	about := s.ask("", storage.Interaction{Subjects: []string{jo.ID}})
	named := s.ask("", storage.Interaction{Subjects: []string{jo.ID}, LoginHint: "jo@example.com"})
	several := s.ask("", storage.Interaction{Subjects: []string{jo.ID, mo.ID}})
	gone := s.ask("", storage.Interaction{Subjects: []string{"01990000-0000-7000-8000-000000000000"}})
	field := func(p answer) string {
		_, rest, ok := strings.Cut(p.body, `name="login" type="text" value="`)
		if !ok {
			t.Fatalf("no field for the name in %s", p.body)
		}
		name, _, _ := strings.Cut(rest, `"`)
		return name
	}
	v := s.visitor()
	for _, q := range []string{about, several, gone} {
		if p := v.get("/login?" + q); field(p) != "" || strings.Contains(p.body, "jo@example.com") {
			t.Errorf("a strange browser is told %q for an id", field(p))
		}
	}
	if p := v.get("/login?" + named); field(p) != "jo@example.com" {
		t.Errorf("the client's own hint: got %q", field(p))
	}
	v.signIn("mo@example.com", right)
	if p := v.get("/login?" + about); field(p) != "" || strings.Contains(p.body, "mo@example.com") ||
		strings.Contains(p.body, `name="confirm"`) {
		t.Errorf("another user is signed in: got %q, %v", field(p), strings.Contains(p.body, `name="confirm"`))
	}
	v.signIn("jo", right)
	s.begin(about, several, named)
	for name, q := range map[string]string{"meant": about, "one of those meant": several, "and named": named} {
		if p := v.get("/login?" + q); !strings.Contains(p.body, `name="confirm"`) ||
			!strings.Contains(p.body, "jo@example.com") {
			t.Errorf("%s: the page does not ask to confirm the account", name)
		}
	}
	// Signed out, the browser is one in which they signed in before.
	v.get("/signout")
	v.post("/signout", "all", "1")
	if p := v.get("/login?" + about); field(p) != "jo@example.com" {
		t.Errorf("a browser that knows them: got %q", field(p))
	}
	if p := v.get("/login?" + several); field(p) != "" {
		t.Errorf("one of several: got %q", field(p))
	}
}
