package signin_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/console/consoletest"
	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
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

// TestSavedRulesAreUndone: what the form changed is as it was, also what was not set before, and nothing else. Another
// change of the same rules, another session and a forged value are refused.
func TestSavedRulesAreUndone(t *testing.T) {
	t.Parallel()
	s, b := start(t)
	second := s.Browser(s.User(storage.DefaultTenant, "second", storage.RoleOwner), time.Time{})
	const undoPage = "/admin/sign-in/undo"
	b.Open(rules)
	b.Follow(b.Send(rules, unchanged...))
	b.Says("Saved.")
	b.SaysNot("Undo")
	b.Open(rules)
	b.Follow(b.Send(rules, with("mode", "closed", "history", "7", "admin_factor", "1")...))
	b.Says("Saved.", "Undo")
	undo := b.Leading(undoPage)
	fields := b.Fields(undo)
	b.Open("/admin/sign-in/branding")
	b.Follow(b.Send("/admin/sign-in/branding", "accent", "#1f5f5b"))
	branding := b.Leading(undoPage)
	second.Open("/admin/sign-in/branding")
	theirs := url.Values{"form": {second.Hidden("form")}, "session": {second.Session}}
	for path, status := range map[string]int{undo: http.StatusNotFound, undoPage + "?was=forged": http.StatusNotFound,
		undoPage: http.StatusNotFound} {
		if p := second.Post(path, theirs); p.Status != status {
			t.Errorf("another session undoes: got %s", p)
		}
	}
	b.Follow(b.Post(undo, fields))
	b.Says("The change was undone.")
	if now := stored(t, s).Settings; now.SignUp.Mode != "" || now.Passwords.History != nil ||
		now.Administrators.SecondFactor || now.Branding.Accent != "#1f5f5b" {
		t.Errorf("got %+v", now)
	}
	if p := b.Post(undo, fields); p.Status != http.StatusConflict {
		t.Errorf("undone twice: got %s", p)
	}
	b.Follow(b.Post(branding, fields))
	if got := stored(t, s); got.Settings.Branding.Accent != "" {
		t.Errorf("got %+v", got)
	}
	b.Open(rules)
	b.Follow(b.Send(rules, with("history", "5")...))
	undo = b.Leading(undoPage)
	fields = b.Fields(undo)
	second.Open(rules)
	second.Follow(second.Send(rules, with("history", "6")...))
	p := b.Post(undo, fields)
	b.Says("Another administrator has just changed this")
	if got := stored(t, s).Settings.Passwords.History; p.Status != http.StatusConflict || got == nil || *got != 6 {
		t.Errorf("got %s, and %v", p, got)
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

// TestATextOfAMessageIsChanged: previewed without being stored, saved, sent to oneself, and reset. What is wrong is
// said beside its field, and the second of two administrators is shown what changed.
func TestATextOfAMessageIsChanged(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, "VOUCHSAFE_SMTP_URL", "smtp://127.0.0.1:1", "VOUCHSAFE_MAIL_FROM", "no-reply@example.com")
	owner := s.User(storage.DefaultTenant, "owner", storage.RoleOwner)
	b, second := s.Browser(owner, time.Time{}), s.Browser(owner, time.Time{})
	const edit, shown = "/admin/sign-in/mails/edit", "/admin/sign-in/mails?mail=invitation&lang=en"
	b.Open(shown)
	b.SaysNot("Your own text")
	b.Open(edit + "?mail=invitation&lang=en")
	b.Says("{link}", "{tenant}", "Has to be in the text")
	second.Open(edit + "?mail=invitation&lang=en")
	p := b.Follow(b.Send(edit, "subject", "Come in", "body", "Hello {name}"))
	if p.Status != http.StatusUnprocessableEntity {
		t.Errorf("got %s", p)
	}
	b.Says("with all placeholders that it has to have and no others")
	fields := b.Fields(edit)
	fields.Set("subject", "Come in to {tenant}")
	fields.Set("body", "<script>alert(1)</script>\r\n\r\nThis way:\r\n{link}")
	p = b.Post("/admin/sign-in/mails/preview", fields)
	if p.Status != http.StatusOK || strings.Contains(p.Body, "<script>alert") ||
		!strings.HasPrefix(p.Header.Get("Content-Security-Policy"), "sandbox; default-src 'none'") ||
		!strings.Contains(p.Body, "This way") {
		t.Errorf("the preview: got %s\n%s", p, p.Body)
	}
	if got := stored(t, s).Settings.Mails; got != nil {
		t.Errorf("the preview stores %+v", got)
	}
	b.Follow(b.Post(edit, fields))
	b.Says("Saved.", "Your own text", "Come in to")
	want := storage.MailText{Message: "invitation", Language: "en", Subject: "Come in to {tenant}",
		Body: "<script>alert(1)</script>\n\nThis way:\n{link}"}
	if got := stored(t, s).Settings.Mails; len(got) != 1 || got[0] != want {
		t.Errorf("got %+v", got)
	}
	second.Follow(second.Send(edit, "subject", "Other", "body", "{link}"))
	second.Says("Another administrator has changed this")
	b.Open(shown)
	b.Follow(b.Send("/admin/sign-in/mails/test"))
	b.Says("The message is on its way to owner@default.example.")
	waiting, err := s.Store.WaitingDeliveries(t.Context(), storage.DefaultTenant, "", 9)
	if err != nil || len(waiting) != 1 || waiting[0].Template != "invitation" || waiting[0].To != owner.Email {
		t.Errorf("got %+v, %v", waiting, err)
	}
	b.Open("/admin/sign-in/mails/reset?mail=invitation&lang=en")
	b.Follow(b.Send("/admin/sign-in/mails/reset"))
	b.Says("Users get the built-in text again.")
	if got := stored(t, s).Settings.Mails; len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	for _, page := range []string{"?mail=none&lang=en", "?mail=invitation&lang=xx", ""} {
		if p := b.Get(edit + page); p.Status != http.StatusNotFound {
			t.Errorf("%s: got %s", page, p)
		}
	}
}

// TestUpstreamProvidersAreSwitchedOffAndOrdered: one that is off keeps its secret and its settings, and users don't see
// it.
func TestUpstreamProvidersAreSwitchedOffAndOrdered(t *testing.T) {
	t.Parallel()
	s, b := start(t)
	const add = "/admin/sign-in/upstreams/add"
	for _, id := range []string{"one", "two"} {
		b.Open(add)
		b.Follow(b.Send(add, "id", id, "preset", "oidc", "upstream_sign_up", "open", "upstream_name", "Corp "+id,
			"issuer", "https://127.0.0.1:1", "client_id", "us", "client_secret", "hidden-secret"))
	}
	b.Open("/admin/sign-in/upstreams")
	b.Follow(b.Send("/admin/sign-in/upstream/two/up"))
	before := stored(t, s).Settings.Upstreams
	if len(before) != 2 || before[0].ID != "two" || len(before[0].ClientSecret) == 0 {
		t.Fatalf("got %+v", before)
	}
	at := "/admin/sign-in/upstream/one"
	b.Open(at)
	b.Follow(b.Send(at + "/switch"))
	b.Says("Corp one is off.", "Users neither see it nor sign in with it.")
	now := stored(t, s).Settings.Upstreams
	if !now[1].Disabled || string(now[1].ClientSecret) != string(before[1].ClientSecret) {
		t.Errorf("got %+v", now)
	}
	time.Sleep(1100 * time.Millisecond) // servers keep a tenant for a second
	stranger := s.Stranger()
	if body := stranger.Open("/login").Body; strings.Contains(body, "Corp one") || !strings.Contains(body, "Corp two") {
		t.Error("a provider that is off is on the page of the sign-in, or one that is on is not")
	}
	if p := stranger.Get("/upstream/one"); p.Status != http.StatusNotFound {
		t.Errorf("the way to a provider that is off: got %s", p)
	}
	b.Open(at)
	b.Follow(b.Send(at + "/switch"))
	b.Says("Corp one is on.")
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

// TestAnAdministratorSignsInAtAnUpstreamProviderAsATest: each claim is shown with where it goes, as text. No account is
// made or linked, and the browser's session stays; the answer works once, in this session, and as nothing else.
func TestAnAdministratorSignsInAtAnUpstreamProviderAsATest(t *testing.T) {
	t.Parallel()
	s, b := start(t)
	idp := &fakeidp.Server{Kind: fakeidp.OpenID, Name: "Corp", ClientID: "us", ClientSecret: "hidden-secret"}
	served := httptest.NewServer(idp)
	t.Cleanup(served.Close)
	idp.Issuer = served.URL
	const add, at = "/admin/sign-in/upstreams/add", "/admin/sign-in/upstream/corp"
	b.Open(add)
	b.Follow(b.Send(add, "id", "corp", "preset", "oidc", "upstream_sign_up", "open", "upstream_name", "Corp", "issuer",
		served.URL, "client_id", "us", "client_secret", "hidden-secret"))
	time.Sleep(1100 * time.Millisecond) // servers keep a tenant for a second
	visit := func(b *consoletest.Browser, cancel bool) (back string) {
		t.Helper()
		b.Open(at)
		to, _, err := fakeidp.Visit(served.Client(), b.Send(at+"/try").Leads(),
			fakeidp.Person{Subject: "4711", Name: "<b>Jo</b> Doe", Email: "jo@example.com", Verified: "true"}, cancel)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(to, s.Issuer)
	}
	back := visit(b, false)
	second := s.Browser(s.User(storage.DefaultTenant, "second", storage.RoleOwner), time.Time{})
	if p := second.Get(back); strings.HasPrefix(p.Leads(), "/admin") {
		t.Errorf("another browser comes back: %s", p)
	}
	tried := b.Get(back).Leads()
	if !strings.HasPrefix(tried, at+"/tried?answer=") {
		t.Fatalf("the browser is sent to %q", tried)
	}
	if second.Open(tried); !strings.Contains(second.Last.Text(), "Begin again.") {
		t.Errorf("another session has the answer: %s", second.Last.Text())
	}
	b.Open(tried)
	b.Says("You were not signed in", "4711", `"jo@example.com"`, "<b>Jo</b> Doe")
	b.Open(tried)
	b.Says("The test run is over")
	b.SaysNot("jo@example.com")
	if _, err := s.Store.UserByEmail(t.Context(), storage.DefaultTenant, "jo@example.com"); err == nil {
		t.Error("an account was made")
	}
	b.Open("/admin/people") // still the same session
	tried = b.Get(visit(b, true)).Leads()
	b.Open(tried)
	b.Says("You cancelled, or the provider denied it.")
	// A sign-in that a user began is not shown as a test.
	to, _, err := fakeidp.Visit(served.Client(), b.Get("/upstream/corp").Leads(), fakeidp.Person{Subject: "1", Name: "A",
		Email: "a@example.com", Verified: "true"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if p := b.Get(strings.TrimPrefix(to, s.Issuer)); strings.HasPrefix(p.Leads(), at) {
		t.Errorf("a sign-in leads to %s", p.Leads())
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
