package settings_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/console/consoletest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// start returns a server with an owner's browser.
func start(t *testing.T) (*consoletest.Server, *consoletest.Browser, storage.User) {
	t.Helper()
	s := consoletest.Start(t)
	owner := s.User(storage.DefaultTenant, "owner", storage.RoleOwner)
	return s, s.Browser(owner, time.Time{}), owner
}

// shown matches what a notice shows once.
var shown = regexp.MustCompile(`<code id="shown">([^<]+)</code>`)

// TestKeysAreRotatedAndRemoved: new keys are published first, and removing one says what it does.
func TestKeysAreRotatedAndRemoved(t *testing.T) {
	t.Parallel()
	s, b, _ := start(t)
	b.Open("/admin/settings/keys/rotate")
	b.Says("What the old keys signed stays valid.")
	p := b.Follow(b.Send("/admin/settings/keys/rotate", "alg", "none"))
	if p.Status != http.StatusUnprocessableEntity {
		t.Errorf("an algorithm that does not exist: got %s", p)
	}
	b.Follow(b.Send("/admin/settings/keys/rotate", "alg", "ES256"))
	b.Open("/admin/settings/keys/rotate")
	b.Follow(b.Send("/admin/settings/keys/rotate", "alg", "ES256"))
	b.Says("New keys were created.", "ES256", "Signing")
	before, err := s.Store.Keys(t.Context(), storage.DefaultTenant, time.Time{})
	if err != nil || len(before) < 2 {
		t.Fatalf("got %d keys, %v", len(before), err)
	}
	kid := before[len(before)-1].ID
	b.Open("/admin/settings/keys/remove?kid=" + url.QueryEscape(kid))
	b.Says("Every token that this key signed is refused at once.")
	b.Follow(b.Send("/admin/settings/keys/remove"))
	b.Says("was removed.")
	b.SaysNot(kid)
	if p := b.Get("/admin/settings/keys/remove?kid=" + url.QueryEscape(kid)); p.Status != http.StatusNotFound {
		t.Errorf("a key that is gone: got %s", p)
	}
}

// TestMessagesThatWereGivenUpAreTriedAgain: the list says why, and never what the message says.
func TestMessagesThatWereGivenUpAreTriedAgain(t *testing.T) {
	t.Parallel()
	s, b, _ := start(t)
	b.Open("/admin/settings/mail")
	b.Says("No mail server is set", "No message is waiting.")
	now := time.Now()
	one := storage.Delivery{TenantID: storage.DefaultTenant, ID: uuid.Must(uuid.NewV7()).String(),
		To: `"<b>x</b>"@example.com`, Template: "invitation", Language: "en", Data: []byte("sealed"), CreatedAt: now,
		NextAt: now}
	err := s.Store.Apply(t.Context(), storage.Change{TenantID: storage.DefaultTenant, Now: now,
		Deliveries: []storage.Delivery{one}})
	if err != nil {
		t.Fatal(err)
	}
	b.Open("/admin/settings/mail")
	b.Says(`"<b>x</b>"@example.com`, "invitation")
	claimed, err := s.Store.ClaimDeliveries(t.Context(), now.Add(time.Second), now.Add(time.Hour), 1)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("got %d, %v", len(claimed), err)
	}
	if err := s.Store.DeliveryFailed(t.Context(), claimed[0], now, now, "550 no such mailbox"); err != nil {
		t.Fatal(err)
	}
	b.Open("/admin/settings/mail?dead=1")
	b.Says("550 no such mailbox", "Attempts: 1")
	b.SaysNot("sealed")
	id := b.Hidden("id")
	b.Open("/admin/settings/mail/drop?id=" + id)
	b.Says("Delete this message?", "The message is never sent.")
	drop := b.Fields("/admin/settings/mail/drop")
	b.Open("/admin/settings/mail?dead=1")
	fields := b.Fields("/admin/settings/mail/retry")
	b.Follow(b.Post("/admin/settings/mail/retry", fields))
	b.Says("The message waits to be sent again.")
	if p := b.Post("/admin/settings/mail/retry", fields); p.Status != http.StatusNotFound {
		t.Errorf("a double click: got %s", p)
	}
	if p := b.Post("/admin/settings/mail/drop", drop); p.Status != http.StatusNotFound {
		t.Errorf("a message that is no longer given up is deleted: got %s", p)
	}
	claimed, err = s.Store.ClaimDeliveries(t.Context(), now.Add(time.Hour), now.Add(2*time.Hour), 1)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("got %d, %v", len(claimed), err)
	}
	if err := s.Store.DeliveryFailed(t.Context(), claimed[0], now, now, "550 no such mailbox"); err != nil {
		t.Fatal(err)
	}
	b.Follow(b.Post("/admin/settings/mail/drop", drop))
	b.Says("The message was deleted.", "No message was given up.")
}

// TestAWebhookFromItsFirstEventToItsRemoval: the secret is shown once, and the log says what was answered.
func TestAWebhookFromItsFirstEventToItsRemoval(t *testing.T) {
	t.Parallel()
	s, b, _ := start(t)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<script>alert(1)</script>"))
	}))
	t.Cleanup(app.Close)
	const add = "/admin/settings/webhooks/add"
	b.Open("/admin/settings/webhooks")
	b.Says("Add a webhook to tell one")
	b.Open(add)
	p := b.Follow(b.Send(add, "url", "gopher://x", "description", "kept"))
	if p.Status != http.StatusUnprocessableEntity {
		t.Errorf("an address that is none: got %s", p)
	}
	b.Says("Enter an https address")
	if !strings.Contains(b.Last.Body, `value="kept"`) {
		t.Error("what was typed is lost")
	}
	b.Follow(b.Send(add, "url", app.URL, "description", "</dd><script>alert(1)</script>", "kind", "user.*"))
	secret := shown.FindStringSubmatch(b.Last.Body)
	if secret == nil || !strings.HasPrefix(secret[1], "whsec_") {
		t.Fatalf("no secret is shown: %s", b.Last.Text())
	}
	at := b.Last.URL.Path
	b.Open(at)
	b.SaysNot(secret[1])
	b.Says("user.*", "Nothing was sent yet.", "</dd><script>alert(1)</script>")

	b.Follow(b.Send(at + "/test"))
	b.Says("The webhook took a test event: it answered 200")
	app.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<script>alert(1)</script>", http.StatusTeapot)
	})
	if p := b.Follow(b.Send(at + "/test")); p.Status != http.StatusUnprocessableEntity {
		t.Errorf("a test that failed: got %s", p)
	}
	b.Says("418 <script>alert(1)</script>")

	second := s.Browser(s.User(storage.DefaultTenant, "second", storage.RoleAdministrator), time.Time{})
	b.Open(at + "/edit")
	second.Open(at + "/edit")
	b.Follow(b.Send(at+"/edit", "description", "Accounts"))
	b.Says("Saved.", "Accounts")
	p = second.Follow(second.Send(at+"/edit", "description", "People"))
	if p.Status != http.StatusUnprocessableEntity {
		t.Errorf("the second of two administrators: got %s", p)
	}
	second.Says("Another administrator has changed this to “Accounts”")

	b.Open(at + "/rotate")
	b.Follow(b.Send(at + "/rotate"))
	if other := shown.FindStringSubmatch(b.Last.Body); other == nil || other[1] == secret[1] {
		t.Error("the secret is the same after a rotation")
	}
	p = b.Post(at+"/replay", url.Values{"form": {b.Hidden("form")}, "session": {b.Session}, "hours": {"99999"}})
	if p.Status != http.StatusUnprocessableEntity {
		t.Errorf("a period that is not offered: got %s", p)
	}
	b.Open(at)
	b.Follow(b.Post(at+"/replay", url.Values{"form": {b.Hidden("form")}, "session": {b.Session}, "hours": {"24"}}))
	b.Says("Sent again: 0")
	b.Open(at + "/remove")
	b.Says("The program no longer gets any events.")
	b.Follow(b.Send(at + "/remove"))
	b.Says("The webhook was removed.")
	if p := b.Get(at); p.Status != http.StatusNotFound {
		t.Errorf("a webhook that is gone: got %s", p)
	}
}

// TestAdministratorsAreMadeAndUnmade: the last owner stays one, and no others name administrators.
func TestAdministratorsAreMadeAndUnmade(t *testing.T) {
	t.Parallel()
	s, b, owner := start(t)
	grace := s.User(storage.DefaultTenant, "grace", "")
	const add = "/admin/settings/administrators/add"
	b.Open(add)
	p := b.Follow(b.Send(add, "user", "absent@default.example", "role", "admin"))
	if p.Status != http.StatusUnprocessableEntity {
		t.Errorf("a user who is not there: got %s", p)
	}
	b.Says("There’s no such user.")
	if p := b.Follow(b.Send(add, "user", grace.Email, "role", "god")); p.Status != http.StatusUnprocessableEntity {
		t.Errorf("a role that does not exist: got %s", p)
	}
	b.Follow(b.Send(add, "user", grace.Email, "role", "support"))
	b.Says("New role of Name of grace: Support")
	at := "/admin/settings/administrator/" + grace.ID
	b.Open(at)
	b.Follow(b.Send(at, "role", "auditor"))
	b.Says("New role of Name of grace: Auditor")
	b.Open(add)
	p = b.Follow(b.Send(add, "user", grace.Email, "role", "owner"))
	if p.Status != http.StatusUnprocessableEntity {
		t.Errorf("an administrator is made one twice: got %s", p)
	}
	own := "/admin/settings/administrator/" + owner.ID
	b.Open(own)
	if p := b.Send(own, "role", "admin"); p.Status != http.StatusConflict {
		t.Errorf("the last owner: got %s", p)
	}
	b.Says("There has to be at least one owner")

	auditor := s.Browser(grace, time.Time{})
	auditor.Open("/admin/settings/administrators")
	auditor.Says("Name of owner", "Name of grace")
	auditor.SaysNot("Add an administrator", "Change")
	p = auditor.Post(at, url.Values{"form": {auditor.Hidden("form")}, "session": {auditor.Session}, "role": {"owner"}})
	if p.Status != http.StatusForbidden {
		t.Errorf("an auditor names an owner: got %s", p)
	}
}

// TestRolesSeeTheirSections: the first page leads to what the role may open, and all of that opens.
func TestRolesSeeTheirSections(t *testing.T) {
	t.Parallel()
	s, b, _ := start(t)
	for role, want := range map[string]int{"owner": 6, "admin": 6, "support": 1, "auditor": 6} {
		if role != "owner" {
			b = s.Browser(s.User(storage.DefaultTenant, role, role), time.Time{})
		}
		b.Open("/admin/settings")
		sections := 0
		for _, link := range b.Links() {
			if strings.HasPrefix(link, "/admin/settings/") {
				sections++
				p := b.Open(link)
				if len(p.Body) > 60<<10 {
					t.Errorf("%s weighs %d bytes", link, len(p.Body))
				}
			}
		}
		if sections != want {
			t.Errorf("%s: got %d sections, want %d", role, sections, want)
		}
	}
}

// TestAPIKeysOfAClient: a key is shown once, replaced and revoked.
func TestAPIKeysOfAClient(t *testing.T) {
	t.Parallel()
	s, b, _ := start(t)
	now := time.Now()
	err := s.Store.PutClient(t.Context(), storage.Client{TenantID: storage.DefaultTenant, ClientID: "a&b/../c",
		ClientName: "Billing", GrantTypes: []string{"client_credentials"}, Scope: "users:read", CreatedAt: now,
		UpdatedAt: now})
	if err != nil {
		t.Fatal(err)
	}
	b.Open("/admin/settings/api-keys")
	b.Says("Billing", "a&b/../c")
	of := "?client=" + url.QueryEscape("a&b/../c")
	b.Open("/admin/settings/api-keys" + of)
	b.Says("This app has no API keys.")
	add := "/admin/settings/api-keys/add" + of
	b.Open(add)
	p := b.Follow(b.Send(add, "name", "import", "scopes", "users:write", "expires", "30"))
	if p.Status != http.StatusUnprocessableEntity {
		t.Errorf("a scope that the client has not: got %s", p)
	}
	b.Follow(b.Send(add, "name", "import", "scopes", "users:read", "expires", "30"))
	b.Says("The API key import was created.")
	key := shown.FindStringSubmatch(b.Last.Body)
	if key == nil {
		t.Fatal("no key is shown")
	}
	b.Open("/admin/settings/api-keys" + of)
	b.SaysNot(key[1])
	for _, link := range b.Links() {
		if strings.HasPrefix(link, "/admin/settings/api-keys/revoke") {
			b.Open(link)
			b.Says("Programs with this key are refused at once.")
			b.Follow(b.Send("/admin/settings/api-keys/revoke"))
			b.Says("The API key was revoked.")
			return
		}
	}
	t.Error("nothing revokes the key")
}

// TestAnAdministratorIsInvitedWithTheRole: the account has the role as soon as it is there, unless the inviter may not
// give it any more.
func TestAnAdministratorIsInvitedWithTheRole(t *testing.T) {
	t.Parallel()
	s, _, _ := start(t)
	const at = "/admin/settings/administrators/invite"
	invite := func(b *consoletest.Browser, email, role string) string {
		t.Helper()
		b.Open(at)
		b.Follow(b.Send(at, "email", email, "role", role, "language", "en"))
		b.Says(email + " was invited as an administrator")
		link := shown.FindStringSubmatch(b.Last.Body)
		if link == nil {
			t.Fatal("no link is shown")
		}
		return strings.TrimPrefix(html.UnescapeString(link[1]), s.Issuer)
	}
	accept := func(path, email, want string) {
		t.Helper()
		b := s.Stranger()
		b.Open(path)
		fields := b.Fields("/signup")
		fields.Set("password", "four sturdy words here")
		p := b.Post("/signup", fields)
		u, err := s.Store.UserByEmail(t.Context(), storage.DefaultTenant, email)
		if err != nil || u.AdminRole != want {
			t.Errorf("%s: got %+v, %v, want the role %q: %s", email, u, err, want, p)
		}
	}
	first := s.User(storage.DefaultTenant, "first", storage.RoleOwner)
	b := s.Browser(first, time.Time{})
	b.Open(at)
	b.Follow(b.Send(at, "email", first.Email, "role", "support", "language", "en"))
	b.Says("This address has an account")
	b.Open(at)
	b.Follow(b.Send(at, "email", "ada@example.org", "role", "god", "language", "en"))
	b.Says("Choose one of the roles.")
	accept(invite(b, "ada@example.org", "support"), "ada@example.org", storage.RoleSupport)
	late := invite(b, "eve@example.org", "owner")
	cli := s.Asker(storage.DefaultTenant)
	if err := s.Accounts.SetRole(t.Context(), cli, first.ID, storage.RoleAdministrator); err != nil {
		t.Fatal(err)
	}
	accept(late, "eve@example.org", "")
	admin := s.Browser(first, time.Time{})
	if p := admin.Get(at); p.Status != http.StatusForbidden {
		t.Errorf("who may not make administrators: got %s", p)
	}
}
