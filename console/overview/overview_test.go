package overview_test

import (
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/console/consoletest"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestTheOverviewSaysHowTheTenantStands: who was active, how users signed in and why not, what works, and what needs
// attention; to each role what it may know.
func TestTheOverviewSaysHowTheTenantStands(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t)
	owner, jo := s.User(storage.DefaultTenant, "owner", storage.RoleOwner), s.User(storage.DefaultTenant, "jo", "")
	for _, e := range []storage.Event{
		{Kind: storage.EventLoginSucceeded, UserID: jo.ID, Detail: map[string]string{"amr": "pwd otp mfa"}},
		{Kind: storage.EventLoginFailed, UserID: jo.ID, Detail: map[string]string{"reason": "password"}},
		{Kind: storage.EventLoginFailed, UserID: jo.ID, Detail: map[string]string{"reason": `<b id="x">`}},
	} {
		e.TenantID = storage.DefaultTenant
		if err := s.Store.Record(t.Context(), (audit.Origin{}).Event(e)); err != nil {
			t.Fatal(err)
		}
	}
	s.Stranger().Get("/jwks") // a key is made when it is first asked for
	b := s.Browser(owner, time.Time{})
	b.Open("/admin")
	b.Says("Active today 1", "Active in 30 days 1", "New accounts in 7 days 2", "Password + Code",
		"Wrong password", `<b id="x">`, "Database Works", "Signs until", "As a table",
		"Administrators without two-step verification: 1.")
	for _, want := range []string{
		`<svg class="chart"`, `role="img" aria-label="Sign-ins per day"`, "Succeeded 1, Refused 2",
		`href="/admin/log?kind=login.failed&amp;reason=password"`,
	} {
		if !strings.Contains(b.Last.Body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if strings.Contains(b.Last.Body, `<b id="x">`) {
		t.Error("a reason is markup")
	}
	for _, at := range []string{"kind=login.failed&reason=password", "kind=login.succeeded&way=pwd+otp+mfa"} {
		b.Open("/admin/log?" + at)
		b.Says("Name of jo")
	}
	support := s.Browser(s.User(storage.DefaultTenant, "support", storage.RoleSupport), time.Time{})
	support.Open("/admin")
	support.Says("New accounts in 7 days", "Email")
	support.SaysNot("Active today", "Signs until", "Administrators without")
}

// TestNextStepsDisappearWhenDone: mail is set up, a colleague is invited, an app is added.
func TestNextStepsDisappearWhenDone(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, "VOUCHSAFE_SMTP_URL", "smtp://localhost:1", "VOUCHSAFE_MAIL_FROM", "id@default.example")
	b := s.Browser(s.User(storage.DefaultTenant, "owner", storage.RoleOwner), time.Time{})
	b.Open("/admin")
	b.Says("2 steps remain", "Add an app", "Invite people")
	b.SaysNot("Set up email")
	b.Open("/admin/people/invite")
	b.Follow(b.Send("/admin/people/invite", "email", "jo@default.example", "language", "en"))
	b.Says("jo@default.example was invited.")
	b.Open("/admin")
	b.Says("1 step remains", "Add an app")
	b.SaysNot("Invite people")
	b.Open("/admin/apps/new?kind=web")
	b.Follow(b.Send("/admin/apps/new", "client_name", "Shop", "client_id", "shop",
		"redirect_uris", "https://shop.example/cb"))
	b.Open("/admin")
	b.SaysNot("Next steps", "Add an app")
}
