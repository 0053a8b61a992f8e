package login

import (
	"net/http"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

// seesCodes follows an answer to the page that shows new recovery codes, if it leads there.
func (v *visitor) seesCodes(p answer) answer {
	v.t.Helper()
	if page, _, _ := strings.Cut(p.leads(), "?"); !strings.HasSuffix(page, "/second-factor/codes") {
		return p
	}
	if p.body != "" || codeText.MatchString(p.location()) {
		v.t.Errorf("an answer to a form has codes: %s, %s", p.location(), p.body)
	}
	return v.get(strings.TrimPrefix(p.leads(), v.base))
}

// TestReloadMakesNoOtherRecoveryCodes: new codes are shown once, on a page of their own.
func TestReloadMakesNoOtherRecoveryCodes(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.enrolled("jo@example.com")
	v := s.visitor()
	v.signIn("jo@example.com", right)
	v.leads(v.post("/second-factor", "code", jo.shows()), "/")
	v.at("/account/second-factor")
	const page = "/account/second-factor/codes"
	v.leads(v.post("/account/second-factor", "do", "codes"), page)
	held := v.cookie("codes")

	thief := s.visitor() // has the cookie, and a session of the same user, but is another browser
	jo.waits()
	thief.signIn("jo@example.com", right)
	thief.leads(thief.post("/second-factor", "code", jo.shows()), "/")
	thief.plant(&http.Cookie{Name: "vouchsafe-codes", Value: held})
	if p := thief.get(page); codeText.MatchString(p.body) {
		t.Error("another browser sees the codes")
	}
	p := v.get(page)
	codes := codeText.FindAllStringSubmatch(p.body, -1)
	if p.status != http.StatusOK || len(codes) != 10 || held == "" || strings.Contains(held, codes[0][1]) ||
		v.cookie("codes") != "" {
		t.Fatalf("got %d and %d codes; the browser kept %q and keeps %q", p.status, len(codes), held, v.cookie("codes"))
	}
	for range 2 {
		p := v.get(page)
		if p.status != http.StatusOK || codeText.MatchString(p.body) || !strings.Contains(p.body, english["codes.gone"]) {
			t.Errorf("loaded again: got %d, %s", p.status, p.body)
		}
	}
	w := s.visitor()
	w.signIn("jo@example.com", right)
	w.leads(w.post("/second-factor", "kind", "recovery", "code", codes[0][1]), "/")
}

// TestCodesOnTheWayToAnApp: a reload does not lose the client's request, and the codes of one user are not shown to
// another user of the browser.
func TestCodesOnTheWayToAnApp(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.rules(func(r *storage.TenantSettings) { r.SecondFactor.Require = storage.SecondFactorAlways })
	user := s.user("default", "jo@example.com", "", right)
	q := s.ask("", storage.Interaction{})
	v := s.visitor()
	if p := v.get("/second-factor/codes?" + q); p.leads() != "/login?"+q {
		t.Errorf("a stranger: got %d to %q", p.status, p.location())
	}
	v.get("/login?" + q)
	v.leads(v.post("/login", "i", "letter-1", "login", "jo@example.com", "password", right), "/second-factor?"+q)
	_, done := v.setsUp(user, "/second-factor/setup", v.get("/second-factor/setup?"+q), "i", "letter-1")
	if !strings.Contains(done.body, `href="/authorize?`+q+`"`) {
		t.Errorf("the page does not lead to the app: %s", done.body)
	}
	p := v.get("/second-factor/codes?" + q)
	if !strings.Contains(p.body, english["codes.gone"]) || !strings.Contains(p.body, `href="/second-factor?`+q+`"`) {
		t.Errorf("loaded again: %s", p.body)
	}
	v.leads(v.get("/second-factor?"+q), "/authorize?"+q)

	mo := s.enrolled("mo@example.com")
	v.at("/account/second-factor")
	v.leads(v.post("/account/second-factor", "do", "codes"), "/account/second-factor/codes")
	v.get("/login?other=1")
	v.post("/login", "login", "mo@example.com", "password", right)
	v.leads(v.post("/second-factor", "code", mo.shows()), "/")
	if p := v.get("/account/second-factor/codes"); codeText.MatchString(p.body) {
		t.Error("another user sees the codes")
	}
}
