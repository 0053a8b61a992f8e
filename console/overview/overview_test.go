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
