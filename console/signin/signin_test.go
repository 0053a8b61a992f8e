package signin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/console/consoletest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// start returns a server with an owner's browser.
func start(t *testing.T) (*consoletest.Server, *consoletest.Browser) {
	t.Helper()
	s := consoletest.Start(t)
	return s, s.Browser(s.User(storage.DefaultTenant, "owner", storage.RoleOwner), time.Time{})
}

// stored returns the settings as they are stored.
func stored(t *testing.T, s *consoletest.Server) storage.Tenant {
	t.Helper()
	record, err := s.Store.Tenant(t.Context(), storage.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

const rules = "/admin/sign-in/rules"

// unchanged are the values of the selects of the rules, which Send does not read.
var unchanged = []string{"mode", "open", "sign_out", "others", "require", "enrolled"}

// with returns the values of the selects, followed by others, which count.
func with(fields ...string) []string { return append(append([]string{}, unchanged...), fields...) }

// TestRulesAreChanged: what is saved without a change stays unset, and what is wrong is said beside its field.
func TestRulesAreChanged(t *testing.T) {
	t.Parallel()
	s, b := start(t)
	before := stored(t, s)
	b.Open("/admin/sign-in")
	b.Says("Who can create an account", "Everyone", "Ask for a second step")
	b.Open(rules)
	b.Follow(b.Send(rules, unchanged...))
	b.Says("Saved.")
	if now := stored(t, s); now.Settings.SignIn.Methods != nil || now.Settings.Passwords.History != nil ||
		now.Settings.SecondFactor.RememberDevice != nil || !now.CreatedAt.Equal(before.CreatedAt) {
		t.Errorf("saving what was there sets %+v", now.Settings)
	}
	b.Open(rules)
	p := b.Follow(b.Send(rules, with("password", "", "passkey", "", "history", "99", "email_domains", "not a domain!")...))
	if p.Status != http.StatusUnprocessableEntity {
		t.Errorf("got %s", p)
	}
	b.Says("Choose at least one way to sign in.")
	b.Open(rules)
	b.Follow(b.Send(rules, with("history", "99", "email_domains", "not/a")...))
	b.Says("Enter a number from 0 to 24.", "Enter domains such as example.com.")
	b.Open(rules)
	b.Follow(b.Send(rules, with("mode", "invitation", "email", "1", "remember", "0", "require", "always",
		"email_domains", "Example.com example.org", "sign_in_as", "1")...))
	b.Says("Saved.", "Only those with an invitation", "example.com example.org")
	now := stored(t, s).Settings
	if now.SignUp.Mode != storage.SignUpInvitation || len(now.SignIn.Methods) != 3 || !now.SignInAs.Enabled ||
		now.SecondFactor.RememberDevice == nil || *now.SecondFactor.RememberDevice != 0 ||
		now.SecondFactor.Require != storage.SecondFactorAlways {
		t.Errorf("got %+v", now)
	}
}

// TestTheSecondOfTwoAdministratorsIsShownWhatChanged: of the same rule; another one is saved.
func TestTheSecondOfTwoAdministratorsIsShownWhatChanged(t *testing.T) {
	t.Parallel()
	s, b := start(t)
	second := s.Browser(s.User(storage.DefaultTenant, "second", storage.RoleAdministrator), time.Time{})
	b.Open(rules)
	second.Open(rules)
	b.Follow(b.Send(rules, with("history", "5")...))
	p := second.Follow(second.Send(rules, with("history", "7")...))
	if p.Status != http.StatusUnprocessableEntity {
		t.Errorf("got %s", p)
	}
	second.Says("Another administrator has changed this to “5”")
	if got := stored(t, s).Settings.Passwords.History; got == nil || *got != 5 {
		t.Errorf("got %v", got)
	}
	b.Open("/admin/sign-in/branding")
	second.Open("/admin/sign-in/branding")
	b.Follow(b.Send("/admin/sign-in/branding", "accent", "#1f5f5b"))
	b.Says("Saved.")
	second.Follow(second.Send("/admin/sign-in/branding", "accent", "#aa0000"))
	second.Says("Another administrator has changed this to “#1f5f5b”")
}

// TestBrandingIsPreviewedBeforeItIsSaved: the preview stores nothing, and takes only what could be saved into a style.
func TestBrandingIsPreviewedBeforeItIsSaved(t *testing.T) {
	t.Parallel()
	s, b := start(t)
	b.Open("/admin/sign-in/branding")
	fields := b.Fields("/admin/sign-in/branding")
	fields.Set("name", `</title><script>alert(1)</script>`)
	fields.Set("accent", "#aa0055")
	fields.Set("css", "main { border-radius: 0 }")
	p := b.Post("/admin/sign-in/branding/preview", fields)
	if p.Status != http.StatusOK || !strings.Contains(p.Body, "border-radius: 0") ||
		strings.Contains(p.Body, "<script>alert") || !strings.Contains(p.Header.Get("Content-Security-Policy"), "'sha256-") {
		t.Errorf("got %s with the policy %s\n%s", p, p.Header.Get("Content-Security-Policy"), p.Body)
	}
	b.Says("This is a preview. Nothing was saved.")
	if stored(t, s).Settings.Branding != (storage.Branding{}) {
		t.Error("the preview is stored")
	}
	fields.Set("css", "</style><script>alert(1)</script>")
	if p := b.Post("/admin/sign-in/branding/preview", fields); strings.Contains(p.Body, "<script>alert") ||
		strings.Contains(p.Header.Get("Content-Security-Policy"), "'sha256-") {
		t.Errorf("a stylesheet with markup is shown: %s", p.Body)
	}
	b.Open("/admin/sign-in/branding")
	b.Follow(b.Send("/admin/sign-in/branding", "accent", "red", "logo_uri", "javascript:alert(1)"))
	b.Says("Enter a colour such as #1f5f5b.", "Enter an https address.")
	b.Follow(b.Send("/admin/sign-in/branding", "accent", "#1f5f5b", "logo_uri", "", "name", "Acme"))
	if now := stored(t, s); now.Name != "Acme" || now.Settings.Branding.Accent != "#1f5f5b" {
		t.Errorf("got %q and %+v", now.Name, now.Settings.Branding)
	}
}

// TestTextsOfMessagesAreShown: each in each language, with examples, and as a document that runs nothing.
func TestTextsOfMessagesAreShown(t *testing.T) {
	t.Parallel()
	_, b := start(t)
	b.Open("/admin/sign-in/mails?mail=reset-password&lang=de")
	b.Says("1234 5678")
	p := b.Open("/admin/sign-in/mails/html?mail=reset-password&lang=de")
	if policy := p.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "sandbox; default-src 'none'") {
		t.Errorf("got the policy %s", policy)
	}
	b.Open("/admin/sign-in/mails?mail=phone-code&lang=xx")
	b.Says("1234 5678")
	b.Open("/admin/sign-in/mails?mail=" + url.QueryEscape("../layout"))
}

// TestAnUpstreamProviderFromItsAdditionToItsRemoval: its secret is never shown, and a test run says what fails.
func TestAnUpstreamProviderFromItsAdditionToItsRemoval(t *testing.T) {
	t.Parallel()
	s, b := start(t)
	const add, at = "/admin/sign-in/upstreams/add", "/admin/sign-in/upstream/corp"
	b.Open("/admin/sign-in/upstreams")
	b.Says("Users sign in only here.")
	b.Open(add)
	p := b.Follow(b.Send(add, "id", "Not an id", "preset", "oidc", "upstream_sign_up", "open"))
	if p.Status != http.StatusUnprocessableEntity {
		t.Errorf("got %s", p)
	}
	b.Says("Another provider has this ID", "Is missing")
	b.Follow(b.Send(add, "id", "corp", "preset", "oidc", "upstream_sign_up", "closed", "upstream_name", "<b>Corp</b>",
		"issuer", "https://127.0.0.1:1", "client_id", "us", "client_secret", "hidden-secret", "claims", "name = display"))
	b.Says("<b>Corp</b> was added.", "/upstream/corp/callback", "display")
	b.SaysNot("hidden-secret")
	sealed := stored(t, s).Settings.Upstreams[0].ClientSecret
	if len(sealed) == 0 {
		t.Fatal("no secret is stored")
	}
	p = b.Send(at + "/test")
	if p.Status != http.StatusOK {
		t.Errorf("the test run: got %s", p)
	}
	b.Says("The test run found failures", "discovery")
	b.Open(at + "/edit")
	b.SaysNot("hidden-secret")
	b.Follow(b.Send(at+"/edit", "preset", "oidc", "upstream_sign_up", "closed", "upstream_name", "Corporation",
		"claims", "name = display"))
	b.Says("Saved.", "Corporation")
	now := stored(t, s).Settings.Upstreams[0]
	if string(now.ClientSecret) != string(sealed) || now.Claims["name"] != "display" {
		t.Errorf("got %+v", now)
	}
	b.Open(at + "/edit")
	b.Follow(b.Send(at+"/edit", "preset", "oidc", "upstream_sign_up", "closed", "claims", "name = display",
		"issuer", "https://attacker.example"))
	b.Says("Has to be sent again, because the stored secret is that of another provider.")
	b.Open(at + "/remove")
	b.Says("Users who have no other way to sign in are locked out.")
	b.Follow(b.Send(at + "/remove"))
	b.Says("Corporation was removed.")
	if p := b.Get(at); p.Status != http.StatusNotFound {
		t.Errorf("got %s", p)
	}
}

// TestOnlyOwnersChangeUpstreamProviders: who declares one decides which accounts its users open.
func TestOnlyOwnersChangeUpstreamProviders(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	for _, role := range []string{storage.RoleAdministrator, storage.RoleAuditor} {
		b := s.Browser(s.User(storage.DefaultTenant, role, role), time.Time{})
		b.Open("/admin/sign-in/upstreams")
		b.SaysNot("Test run")
		form := url.Values{"form": {b.Hidden("form")}, "session": {b.Session}, "id": {"evil"}}
		if p := b.Post("/admin/sign-in/upstreams/add", form); p.Status != http.StatusForbidden {
			t.Errorf("%s: got %s", role, p)
		}
	}
}
