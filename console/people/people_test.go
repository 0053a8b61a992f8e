package people_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/console/consoletest"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// start returns a server with an owner's browser, and a user.
func start(t *testing.T, env ...string) (*consoletest.Server, *consoletest.Browser, storage.User) {
	t.Helper()
	s := consoletest.Start(t, env...)
	owner := s.User(storage.DefaultTenant, "owner", storage.RoleOwner)
	return s, s.Browser(owner, time.Time{}), s.User(storage.DefaultTenant, "grace", "")
}

// stored returns the user as it is stored.
func stored(t *testing.T, s *consoletest.Server, u storage.User) storage.User {
	t.Helper()
	now, err := s.Store.User(t.Context(), u.TenantID, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// TestAUserIsDisabledAndEnabled: the page says first what will happen, then what was done; Undo takes it back.
func TestAUserIsDisabledAndEnabled(t *testing.T) {
	t.Parallel()
	s, b, u := start(t)
	at := "/admin/people/" + u.ID
	b.Open("/admin/people?q=grac")
	b.Says("Name of grace")
	b.SaysNot("owner@default.example")
	b.Open(at)
	b.Says("grace@default.example", "Why can’t they sign in?", "Ways to sign in")
	b.Open(at + "/disable")
	b.Says("Disable Name of grace?", "The user can’t sign in until you enable the account.")
	if stored(t, s, u).Disabled {
		t.Fatal("the question disabled the user")
	}
	b.Follow(b.Send(at + "/disable"))
	b.Says("Name of grace was disabled.", "Undo", "The account is disabled.")
	if !stored(t, s, u).Disabled {
		t.Error("the user is not disabled")
	}
	b.Follow(b.Send(at + "/enable"))
	b.Says("Name of grace was enabled.")
	if stored(t, s, u).Disabled {
		t.Error("the user is still disabled")
	}
	b.Open(at)
	b.SaysNot("was enabled.") // a notice is shown once
	b.Open("/admin/people?disabled=1")
	b.Says("No one matches.")
}

// TestFactorsSayWhenTheyWereUsed: the authenticator app and the recovery codes, each after its first use.
func TestFactorsSayWhenTheyWereUsed(t *testing.T) {
	t.Parallel()
	s, b, u := start(t)
	masters, err := installation.OpenSecrets(t.Context(), s.Config, s.Store)
	if err != nil {
		t.Fatal(err)
	}
	at, app := time.Date(2026, time.March, 1, 9, 5, 7, 0, time.UTC), factor.NewTOTP()
	_, codes := factor.NewRecovery(u.ID)
	keep := func(app factor.TOTP, used time.Time) {
		t.Helper()
		err := s.Store.Apply(t.Context(), storage.Change{TenantID: u.TenantID, UserID: u.ID, Now: used,
			RemoveCredentials: []storage.CredentialKey{{Kind: storage.TOTPCredential}, {Kind: storage.RecoveryCredential}},
			Credentials: []storage.Credential{
				{Kind: storage.TOTPCredential, Data: people.SealTOTP(masters, u, app), CreatedAt: at, UpdatedAt: used},
				{Kind: storage.RecoveryCredential, Data: people.SealRecovery(masters, u, codes), CreatedAt: at, UpdatedAt: used},
			}})
		if err != nil {
			t.Fatal(err)
		}
	}
	keep(app, at) // as an import brings it: no code was used yet
	b.Open("/admin/people/" + u.ID)
	b.Says("10 codes left.")
	b.SaysNot("Last used")
	code, err := totp.GenerateCode(app.Text(), at)
	if err != nil {
		t.Fatal(err)
	}
	used, ok := app.Use(code, at)
	if !ok {
		t.Fatal("the code is refused")
	}
	keep(used, at.Add(time.Hour))
	b.Open("/admin/people/" + u.ID)
	b.Says("Last used: 1 March 2026, 09:05 UTC", "Last used: 1 March 2026, 10:05 UTC")
}

// TestLimitsAreLiftedWhereTheyAreExplained: after failed attempts, the page of the user leads to it, and says what it
// means.
func TestLimitsAreLiftedWhereTheyAreExplained(t *testing.T) {
	t.Parallel()
	s, b, u := start(t)
	at := "/admin/people/" + u.ID
	for i := range 5 {
		e := storage.Event{TenantID: u.TenantID, ID: fmt.Sprintf("e%d", i), At: time.Now(), Kind: storage.EventLoginFailed,
			UserID: u.ID, Detail: map[string]string{"why": "wrong"}}
		if err := s.Store.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	b.Open(at)
	b.Says("After several wrong tries", "Lift limits")
	if !strings.Contains(b.Last.Body, `The last sign-in failed on <time datetime="`) {
		t.Error("a script can't show the time in the browser's zone")
	}
	b.Open(at + "/lift")
	b.Says("Lift the limits of Name of grace?", "Someone who guesses passwords gets new attempts, too.")
	b.Follow(b.Send(at + "/lift"))
	b.Says("Name of grace can try again.")
	events, err := s.Store.EventsOf(t.Context(), u.TenantID, u.ID, "", 20)
	lifted := slices.ContainsFunc(events, func(e storage.Event) bool { return e.Kind == storage.EventLimitsLifted })
	if err != nil || !lifted {
		t.Errorf("got %+v, %v", events, err)
	}
}

// TestWhatHurtsNeedsAFreshProof: after five minutes the browser is sent to the sign-in, and led back to the question.
func TestWhatHurtsNeedsAFreshProof(t *testing.T) {
	t.Parallel()
	s, _, u := start(t)
	old := s.Browser(s.User(storage.DefaultTenant, "late", storage.RoleOwner), time.Now().Add(-time.Hour))
	for _, page := range []string{"/password", "/factors", "/erase"} {
		p := old.Get("/admin/people/" + u.ID + page)
		to, err := url.Parse(p.Header.Get("Location"))
		if err != nil || to.Path != "/login" || to.Query().Get("next") != "/admin/people/"+u.ID+page {
			t.Errorf("%s leads to %q", page, p.Header.Get("Location"))
		}
	}
	old.Open("/admin/people/" + u.ID)
	form := url.Values{"form": {old.Hidden("form")}, "session": {old.Session}, "confirm": {u.Email}}
	if p := old.Post("/admin/people/"+u.ID+"/erase", form); !strings.HasPrefix(p.Header.Get("Location"), "/login?") {
		t.Errorf("an old proof erases: got %d to %q", p.Status, p.Header.Get("Location"))
	}
	stored(t, s, u)
}

// TestATemporaryPasswordIsShownOnce: it signs in, has to be changed, and is on no later page.
func TestATemporaryPasswordIsShownOnce(t *testing.T) {
	t.Parallel()
	s, b, u := start(t)
	at := "/admin/people/" + u.ID
	b.Open(at + "/password")
	b.Follow(b.Send(at + "/password"))
	b.Says("Name of grace has a temporary password.", "It’s shown only now.")
	shown := regexp.MustCompile(`<code id="shown">([^<]+)</code>`).FindStringSubmatch(b.Last.Body)
	if shown == nil {
		t.Fatal("no password is shown")
	}
	cred, err := s.Store.Credential(t.Context(), u.TenantID, u.ID, storage.PasswordCredential, "")
	if err != nil || cred.ExpiresAt.IsZero() {
		t.Errorf("the password need not be changed: %v", err)
	}
	if ok, _, err := s.Accounts.Passwords.Verify(t.Context(), cred.Data, shown[1]); err != nil || !ok {
		t.Errorf("the password that was shown is not the user's: %v, %v", ok, err)
	}
	b.Open(at)
	b.SaysNot(shown[1])
}

// TestEraseAsksForTheName: the button alone deletes no user.
func TestEraseAsksForTheName(t *testing.T) {
	t.Parallel()
	s, b, u := start(t)
	at := "/admin/people/" + u.ID + "/erase"
	b.Open(at)
	if p := b.Follow(b.Send(at, "confirm", "other@default.example")); p.Status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong name: got %d", p.Status)
	}
	b.Says("This isn’t the address or the name of this account.")
	stored(t, s, u)
	b.Follow(b.Send(at, "confirm", u.Email))
	b.Says("Name of grace was deleted.")
	if p := b.Get("/admin/people/" + u.ID); p.Status != http.StatusNotFound {
		t.Errorf("got %s, want 404", p)
	}
}

// TestTheSecondOfTwoAdministratorsIsShownWhatChanged: nothing is overwritten unseen.
func TestTheSecondOfTwoAdministratorsIsShownWhatChanged(t *testing.T) {
	t.Parallel()
	s, first, u := start(t)
	second := s.Browser(s.User(storage.DefaultTenant, "second", storage.RoleAdministrator), time.Time{})
	at := "/admin/people/" + u.ID + "/edit"
	first.Open(at)
	second.Open(at)
	first.Follow(first.Send(at, "name", "Grace Hopper"))
	first.Says("Saved.", "Grace Hopper")
	if p := second.Follow(second.Send(at, "name", "Amazing Grace", "username", "grace")); p.Status != 422 {
		t.Errorf("got %d, want the form with the change of the other", p.Status)
	}
	second.Says("Another administrator has changed this to “Grace Hopper”")
	if got := stored(t, s, u).Profile.Name; got != "Grace Hopper" {
		t.Errorf("got the name %q", got)
	}
	second.Follow(second.Send(at)) // with what was typed, now that the second has seen it
	if now := stored(t, s, u); now.Profile.Name != "Amazing Grace" || now.Username != "grace" {
		t.Errorf("got the names %q and %q", now.Profile.Name, now.Username)
	}
}

// TestFormsOfOthersChangeNothing: of other sites, of stale tabs, and of another account of the browser.
func TestFormsOfOthersChangeNothing(t *testing.T) {
	t.Parallel()
	s, b, u := start(t)
	at := "/admin/people/" + u.ID + "/disable"
	b.Open(at)
	fields := b.Fields(at)
	for name, change := range map[string]func(url.Values) []string{
		"another site": func(url.Values) []string { return []string{"Origin", "https://evil.example"} },
		"a frame of another site": func(url.Values) []string {
			return []string{"Sec-Fetch-Site", "cross-site"}
		},
		"no token": func(v url.Values) []string { v.Del("form"); return nil },
		"another account": func(v url.Values) []string {
			v.Set("session", "00000000-0000-7000-8000-000000000000")
			return nil
		},
	} {
		v := url.Values{}
		for k := range fields {
			v.Set(k, fields.Get(k))
		}
		headers := change(v)
		p := b.Post(at, v, headers...)
		if p.Leads() != "" {
			p = b.Follow(p)
		}
		if p.Status < 400 || stored(t, s, u).Disabled {
			t.Errorf("%s: got %d", name, p.Status)
		}
	}
	for range 2 { // a double click
		if p := b.Post(at, fields); p.Leads() != "/admin/people/"+u.ID {
			t.Errorf("a double click: got %d to %q", p.Status, p.Leads())
		}
	}
}

// TestAnOwnerIsOutOfReachOfSupport: support sees an owner's page, without buttons, and every form is refused.
func TestAnOwnerIsOutOfReachOfSupport(t *testing.T) {
	t.Parallel()
	s, _, _ := start(t)
	owner := s.User(storage.DefaultTenant, "boss", storage.RoleOwner)
	b := s.Browser(s.User(storage.DefaultTenant, "help", storage.RoleSupport), time.Time{})
	at := "/admin/people/" + owner.ID
	b.Open(at)
	b.Says("only an administrator with the same role or a higher one can change it")
	b.SaysNot("Disable", "Delete for good")
	form := url.Values{"form": {b.Hidden("form")}, "session": {b.Session}}
	for _, page := range []string{"/disable", "/password", "/sessions", "/edit", "/factors"} {
		if p := b.Post(at+page, form); p.Status != http.StatusForbidden {
			t.Errorf("%s: got %s, want 403", page, p)
		}
	}
}

// TestManyAtOnce: the preview says who, and the result says what became of each.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	s, b, u := start(t)
	other := s.User(storage.DefaultTenant, "alan", "")
	b.Open("/admin/people/bulk?do=disable&u=" + u.ID + "&u=" + other.ID)
	b.Says("Disable: 2 people", "Name of grace", "Name of alan")
	b.Follow(b.Send("/admin/people/bulk"))
	b.Says("Disable: done", "Name of grace", "Name of alan", "Done")
	if !stored(t, s, u).Disabled || !stored(t, s, other).Disabled {
		t.Error("not both are disabled")
	}
	b.Says("Undo")
	b.Follow(b.Send("/admin/people/bulk"))
	b.Says("Enable: done", "Name of grace", "Name of alan")
	if stored(t, s, u).Disabled || stored(t, s, other).Disabled {
		t.Error("it was not undone")
	}
	b.Open("/admin/people/bulk?do=disable&u=" + u.ID + "&u=" + other.ID)
	b.Follow(b.Send("/admin/people/bulk"))
	b.Open("/admin/people/bulk?do=enable&all=1&disabled=1")
	b.Says("Enable: 2 people")
	b.Follow(b.Send("/admin/people/bulk"))
	if stored(t, s, u).Disabled || stored(t, s, other).Disabled {
		t.Error("not both are enabled")
	}
	stranger := s.Browser(s.User(storage.DefaultTenant, "help", storage.RoleSupport), time.Time{})
	if p := stranger.Get(b.Last.URL.RequestURI()); p.Status != http.StatusNotFound {
		t.Errorf("the results of another administrator: got %s", p)
	}
}

// TestGroupsAndRolesAreGiven: on the page of the user; those that aren't there are refused in words.
func TestGroupsAndRolesAreGiven(t *testing.T) {
	t.Parallel()
	s, b, u := start(t)
	a := s.Asker(storage.DefaultTenant)
	if _, err := s.Accounts.AddGroup(t.Context(), a, "crew", "The crew"); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	err := s.Store.PutClient(t.Context(),
		storage.Client{TenantID: a.Tenant.ID, ClientID: "wiki", CreatedAt: now, UpdatedAt: now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Accounts.AddRole(t.Context(), a, storage.RoleName{Client: "wiki", Name: "editor"}, ""); err != nil {
		t.Fatal(err)
	}
	at := "/admin/people/" + u.ID
	post := func(path string, fields ...string) {
		t.Helper()
		b.Open(at)
		v := url.Values{"form": {b.Hidden("form")}, "session": {b.Session}, "from": {at}, fields[0]: {fields[1]}}
		if p := b.Post(at+path, v); p.Leads() != "" {
			b.Follow(p)
		}
	}
	post("/groups", "group", "crew")
	b.Says("Added to the group.", "The crew")
	post("/groups", "group", "nowhere")
	b.Says("There’s no group nowhere.")
	post("/roles", "role", "wiki#editor")
	b.Says("The role was given.", "wiki#editor")
	post("/roles", "role", "wiki")
	b.Says("There’s no role wiki.")
	post("/roles", "take", "wiki#editor")
	b.Says("The role was taken away.", "Undo")
	b.Follow(b.Send(at + "/roles?role=wiki%23editor"))
	b.Says("The role was given.", "wiki#editor")
	post("/groups", "leave", "crew")
	b.Says("Removed from the group.", "In no group.")
	b.Follow(b.Send(at + "/groups?group=crew"))
	b.Says("Added to the group.", "The crew")
}

// TestAttributesAreEdited: the fields that the tenant declares are in the forms, and what is wrong stands beside them.
func TestAttributesAreEdited(t *testing.T) {
	t.Parallel()
	s, b, u := start(t)
	tenant, err := s.Store.Tenant(t.Context(), storage.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	tenant.Settings.Attributes = []storage.Attribute{
		{Name: "desk", Title: "Desk", Type: storage.AttributeNumber},
		{Name: "tags", Title: "Tags", Type: storage.AttributeList},
		{Name: "vip", Title: "Important", Type: storage.AttributeBoolean},
	}
	if err := s.Store.UpdateTenant(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	at := "/admin/people/" + u.ID + "/edit"
	for until := time.Now().Add(time.Minute); !strings.Contains(b.Open(at).Body, "attributes.desk"); {
		if time.Now().After(until) {
			t.Fatal("the form has no field for the attribute")
		}
		time.Sleep(50 * time.Millisecond) // settings are cached for a second
	}
	b.Follow(b.Send(at, "attributes.desk", "many"))
	b.Says("Please check these fields", "Desk:")
	b.Follow(b.Send(at, "attributes.desk", "7", "attributes.tags", "a\r\nb", "attributes.vip", "1"))
	b.Says("Saved.", "Desk", "Tags")
	got := stored(t, s, u).Attributes
	if fmt.Sprint(got["desk"], got["tags"], got["vip"]) != "7 [a b] true" {
		t.Errorf("got %v", got)
	}
}

// TestPeopleAreInvited: with what they are given; the invitation waits in a list, and can be withdrawn.
func TestPeopleAreInvited(t *testing.T) {
	t.Parallel()
	s, b, _ := start(t, "VOUCHSAFE_DEVELOPMENT", "true")
	if _, err := s.Accounts.AddGroup(t.Context(), s.Asker(storage.DefaultTenant), "crew", "Crew"); err != nil {
		t.Fatal(err)
	}
	b.Open("/admin/people/invite")
	if p := b.Follow(b.Send("/admin/people/invite", "email", "nowhere", "groups", "crew nobody")); p.Status != 422 {
		t.Errorf("got %s", p)
	}
	b.Says("Please check these fields")
	b.Follow(b.Send("/admin/people/invite", "email", "new@default.example", "groups", "crew"))
	b.Says("new@default.example was invited.", "/signup?invitation=", "crew")
	b.Open(b.Leading("/admin/people/invitations/withdraw"))
	b.Says("Withdraw the invitation for new@default.example?", "This can’t be undone.", "invite the same address again")
	b.Follow(b.Send("/admin/people/invitations/withdraw"))
	b.Says("The invitation of new@default.example was withdrawn.", "No invitation is waiting.")
}

// TestTextsOfStrangersAreText: names and user agents that are markup are shown as they are.
func TestTextsOfStrangersAreText(t *testing.T) {
	t.Parallel()
	s, b, u := start(t)
	const evil = `"><script>alert(1)</script><a href="javascript:alert(1)">`
	profile := storage.Profile{Name: evil}
	_, _, err := s.Accounts.Edit(t.Context(), s.Asker(storage.DefaultTenant), u.ID,
		administration.Edit{Edit: importing.Edit{Profile: &profile}}, true)
	if err != nil {
		t.Fatal(err)
	}
	at := "/admin/people/" + u.ID
	for _, page := range []string{"/admin/people", at, at + "/edit", at + "/disable", at + "/history",
		"/admin/people/bulk?do=disable&u=" + u.ID, "/admin/people?q=" + url.QueryEscape(evil)} {
		p := b.Open(page)
		if strings.Contains(p.Body, "<script>alert") || strings.Contains(p.Body, `href="javascript`) {
			t.Errorf("%s has the markup of a stranger", page)
		}
		if page != at+"/history" && !strings.Contains(p.Text(), "alert(1)") {
			t.Errorf("%s doesn't show the name", page)
		}
	}
}
