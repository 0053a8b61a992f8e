package login

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestSigningUpInChromium walks from nothing to an account, and over a forgotten password to
// another one, without scripts.
func TestSigningUpInChromium(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	s.settle("default", storage.TenantSettings{SignUp: storage.SignUpSettings{AskUsername: true,
		EmailDomains: []string{"example.com", "department.university.example"}}})
	s.verified("mo@example.com", "mo", right)
	q := s.ask("", storage.Interaction{Client: storage.Client{ClientID: "app", ClientName: "Paper Boats"}})
	c := &chrome{s, chromiumtest.New(t)}
	chromiumtest.Script(t, c.ctx, false)

	c.open("/login?" + q)
	c.picture("sign-in-with-sign-up")
	c.click(`a[href*="/signup"]`)
	c.sees(english["signup.title"])
	c.picture("sign-up")
	c.fill("email", "jo@elsewhere.example")
	c.fill("username", "mo")
	c.fill("password", "password1")
	c.click("button.primary")
	c.picture("sign-up-refused")
	c.fill("email", "jo@example.com")
	c.fill("password", fresh)
	c.click("button.primary")
	c.sees(english["confirm.title"])
	c.picture("sign-up-code")
	c.fill("code", "1234 5678")
	c.click("button.primary")
	c.picture("sign-up-code-wrong")
	s.mails.Next(t, "jo@example.com")
	c.click("button[name=resend]")
	c.sees(english["confirm.title"])
	m := s.mails.Next(t, "jo@example.com")
	c.fill("code", m.Code[:4]+" "+m.Code[4:])
	c.click("button.primary")
	c.picture("sign-up-name-taken")
	c.fill("username", "jo")
	c.click("button.primary")
	if got := c.where(); got != "/authorize?"+q {
		t.Errorf("got to %s", got)
	}

	c.open("/forgot?" + q)
	c.picture("forgot")
	c.fill("login", "jo")
	c.click("button.primary")
	c.sees(english["reset.title"])
	c.picture("reset")
	c.fill("code", s.mails.Next(t, "jo@example.com").Code)
	c.fill("password", fresh)
	c.click("button.primary")
	c.picture("reset-reused")
	c.fill("password", "another "+fresh)
	c.click("button.primary")
	c.sees(english["reset.done_title"])
	c.picture("reset-done")
	c.click("a.primary")
	c.sees(english["signin.title"])

	// Links, as a browser sees them that none of it began in.
	elsewhere := s.visitor()
	flow(t, elsewhere.signUp("ina@example.com"))
	c.open(elsewhere.path(s.mails.Next(t, "ina@example.com")))
	c.sees(english["confirm.link_title"])
	c.picture("sign-up-link")
	s.mails.Next(t, "jo@example.com") // the notice
	flow(t, elsewhere.forgot("jo"))
	c.open(elsewhere.path(s.mails.Next(t, "jo@example.com")))
	c.picture("reset-link")
	c.open("/signup/confirm?token=nonsense")
	c.sees(english["confirm.gone_title"])
	c.picture("link-gone")
}

// TestTheMeterInChromium types a password with scripts on.
func TestTheMeterInChromium(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	c := &chrome{s, chromiumtest.New(t)}
	c.open("/signup")
	shown := func() string {
		return chromiumtest.Run(t, c.ctx, chromedp.Evaluate[string](`(() => {
			const box = document.getElementById("strength");
			return box.hidden ? "" : box.querySelector("meter").value + " " + box.querySelector("[role=status]").textContent;
		})()`))
	}
	if got := shown(); got != "" {
		t.Errorf("before anything is typed: %q", got)
	}
	for _, test := range []struct{ secret, want string }{{"password", "0 " + english["strength.0"]},
		{fresh, "4 " + english["strength.4"]}, {"jo.hohenstein", "0 " + english["strength.0"]}} {
		c.fill("email", "jo.hohenstein@example.com")
		c.fill("password", test.secret)
		got := ""
		for range 200 {
			if got = shown(); got == test.want {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if got != test.want {
			t.Errorf("%s: the meter shows %q, want %q", test.secret, got, test.want)
		}
	}
	c.picture("sign-up-strength")
}
