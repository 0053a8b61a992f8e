package login

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/storage"
)

// waiting is a page that waits for a code, and the browser that has it open.
type waiting struct {
	*visitor
	page string
	sent answer        // leads to the page
	code func() string // returns the next code that is sent
	more []string      // what the form has besides the code
}

// waitingPages returns all pages that wait for a code.
func waitingPages(t *testing.T) []waiting {
	s := byPhone(t, storage.MethodPassword, storage.MethodEmail, storage.MethodPhone)
	f := federate(t, nil, fakeidp.Facebook)
	mailed := func(s *site, to string) func() string { return func() string { return s.mails.Next(t, to).Code } }
	texted := func() string { return s.texts.next(t, mobile) }
	s.verified("jo@example.com", "jo", right)
	s.verified("al@example.com", "al", right)
	s.verified("mo@example.com", "mo", right)
	s.verified("po@example.com", "po", right)
	up, forgot, in, owner, caller := s.visitor(), s.visitor(), s.visitor(), s.signedIn("mo"), s.signedIn("po")
	there := f.visitor()
	there.goes(there.come(fakeidp.Facebook, "", fedJo), "/federated/email")
	there.get("/federated/email")
	owner.at("/account/email")
	caller.at("/account/phone")
	return []waiting{
		{up, "/signup/confirm", up.signUp("new@example.com"), mailed(s, "new@example.com"), nil},
		{forgot, "/reset", forgot.forgot("jo"), mailed(s, "jo@example.com"), []string{"password", fresh}},
		{in, "/login/code/confirm", in.askCode("al"), mailed(s, "al@example.com"), nil},
		{owner, "/account/email/confirm", owner.post("/account/email", "email", "mo@new.example"),
			mailed(s, "mo@new.example"), nil},
		{caller, "/account/phone/confirm", caller.post("/account/phone", "phone", mobile), texted, nil},
		{there, "/federated/confirm", there.post("/federated/email", "email", fedJo.Email),
			mailed(f.site, fedJo.Email), nil},
	}
}

// TestEveryPageThatWaitsForACodeSendsAnother, once the time is over that the page names. The code before is void.
func TestEveryPageThatWaitsForACodeSendsAnother(t *testing.T) {
	t.Parallel()
	for _, w := range waitingPages(t) {
		first, id := w.code(), flow(t, w.sent)
		w.login.ResendAfter = 30 * time.Second
		p := w.at(w.page + "?flow=" + id)
		if !strings.Contains(p.body, `name="resend"`) || !strings.Contains(p.body, `data-wait="`) {
			t.Errorf("%s does not say when another code can be sent: %s", w.page, p.body)
		}
		p = w.post(w.page, "flow", id, "resend", "1")
		if p.status != http.StatusTooManyRequests || p.header.Get("Retry-After") == "" ||
			!strings.HasPrefix(alertOf(p), "You can get another code in ") {
			t.Errorf("%s, at once: got %d, %q", w.page, p.status, alertOf(p))
		}
		w.login.ResendAfter = 1
		next := flow(t, w.post(w.page, "flow", id, "resend", "1"))
		p = w.at(w.page + "?flow=" + next + "&sent=1")
		if !strings.Contains(p.body, english["confirm.sent"]) || strings.Contains(p.body, "data-wait") {
			t.Errorf("%s does not say that a code is on its way, or lets the user wait: %s", w.page, p.body)
		}
		second := w.code()
		p = w.post(w.page, append([]string{"flow", id, "code", first}, w.more...)...)
		if p.leads() != "" || first == second {
			t.Errorf("%s takes the code before: got to %q", w.page, p.leads())
		}
		if p := w.post(w.page, append([]string{"flow", next, "code", second}, w.more...)...); p.leads() == "" {
			t.Errorf("%s: got %d, %q", w.page, p.status, alertOf(p))
		}
	}
}

// TestCodesOfOthersAreNotSentAgain: a flow belongs to its browser, its user or its identity.
func TestCodesOfOthersAreNotSentAgain(t *testing.T) {
	t.Parallel()
	all := waitingPages(t)
	for _, w := range all {
		w.code()
	}
	for _, w := range all {
		other := w.site.visitor()
		switch {
		case strings.HasPrefix(w.page, "/account"):
			other = w.site.signedIn("al")
			other.at("/account/profile")
		case strings.HasPrefix(w.page, "/federated"):
			who := fedJo
			who.Subject = "another"
			other.come(fakeidp.Facebook, "", who)
			other.get("/federated/email")
		default:
			other.get("/login")
		}
		if p := other.post(w.page, "flow", flow(t, w.sent), "resend", "1"); p.leads() != "" || p.status < 400 {
			t.Errorf("%s, in another browser: got %d to %q", w.page, p.status, p.leads())
		}
		if n := len(w.mails.Waiting()) + w.texts.count(); n != 0 {
			t.Errorf("%s: %d messages were sent", w.page, n)
		}
	}
}
