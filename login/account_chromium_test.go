package login

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// TestTheAccountInChromium walks through the account's pages, without scripts.
func TestTheAccountInChromium(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.user("default", "jo@example.com", "jo", right)
	jo.Profile.Name = "Jo Doe"
	if err := storagetest.UpdateUser(t.Context(), s.store, jo); err != nil {
		t.Fatal(err)
	}
	for _, c := range []storage.Client{{ClientID: "boats", ClientName: "Paper Boats"},
		{ClientID: "own", ClientName: "Timesheets", FirstParty: true}} {
		c.TenantID = "default"
		if err := s.store.PutClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	other := s.visitor()
	other.client.Transport = agent{other.client.Transport,
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 " +
			"Mobile/15E148 Safari/604.1"}
	other.signIn("jo", right)
	phone := s.sessionsOf(jo)[0]
	s.grant(jo, "own", phone.ID, true)
	s.allow(jo, "boats", "openid", "email", "offline_access")

	c := &chrome{s, chromiumtest.New(t)}
	chromiumtest.Script(t, c.ctx, false)
	c.open("/account/delete")
	c.sees("Sign in")
	c.fill("login", "jo")
	c.click("#signin .primary")
	c.fill("password", right)
	c.click("button.primary")
	c.sees("Delete account")
	c.picture("account-delete")
	c.click(".back a")
	c.sees("Your account")
	c.picture("account")

	c.click(`a[href="/account/profile"]`)
	c.picture("account-profile")
	chromiumtest.Do(t, c.ctx, chromedp.Click(chromedp.CSS("details:first-of-type summary")))
	c.fill("website", "javascript:alert(1)")
	c.click("button.primary")
	c.picture("account-profile-refused")
	c.fill("website", "https://jo.example/")
	c.click("button.primary")
	if got := c.notice(); got != english["account.done.profile"] {
		t.Errorf("got notice %q", got)
	}
	c.picture("account-done")

	c.click(`a[href="/account/email"]`)
	c.picture("account-email")
	c.fill("email", "jo@new.example")
	c.click("form:last-of-type button.primary")
	c.sees(english["newemail.title"])
	c.picture("account-email-code")
	c.fill("code", "0000 0000")
	c.click("button.primary")
	c.picture("account-email-wrong")
	mail := s.mails.Next(t, "jo@new.example")
	chromiumtest.Do(t, c.ctx, chromedp.Navigate(mail.Link))
	c.picture("account-email-link")
	c.click("button.primary")
	if got := c.notice(); got != english["account.done.email"] {
		t.Errorf("got notice %q", got)
	}

	c.click(`a[href="/account/sessions"]`)
	c.picture("account-sessions")
	c.click("button[name=end]")
	if got := c.notice(); got != english["account.done.session"] {
		t.Errorf("got notice %q", got)
	}
	c.open("/account/apps")
	c.picture("account-apps")
	c.click("button[value=boats]")
	if got := c.notice(); got != english["account.done.app"] {
		t.Errorf("got notice %q", got)
	}
	c.open("/account/password")
	c.fill("old_password", "wrong")
	c.fill("password", right+" two")
	c.picture("account-password")
	c.click("button.primary")
	c.picture("account-password-wrong")
	c.fill("old_password", right)
	c.fill("password", right+" two")
	c.click("button.primary")
	if got := c.notice(); got != english["account.done.password"] {
		t.Errorf("got notice %q", got)
	}
	c.open("/account/activity")
	c.picture("account-activity")
	c.open("/account/data")
	c.picture("account-data")
	for _, lang := range []string{"de", "ru"} { // the longest words
		c.open("/account?ui_locales=" + lang)
		c.picture("account-" + lang)
		c.open("/account/sessions?ui_locales=" + lang)
		c.picture("account-sessions-" + lang)
	}

	stranger := &chrome{s, chromiumtest.New(t)}
	chromiumtest.Do(t, stranger.ctx, chromedp.Navigate(mail.Link))
	stranger.picture("account-email-elsewhere")

	c.open("/account/delete")
	chromiumtest.Do(t, c.ctx, chromedp.Click(chromedp.ID("sure")))
	c.click("button.danger")
	c.sees(english["deleted.title"])
	c.picture("account-deleted")
}

func (c *chrome) notice() string {
	c.t.Helper()
	return chromiumtest.Run(c.t, c.ctx, chromedp.Text(chromedp.CSS("[role=status]")))
}
