package console_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/console/consoletest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// demand stores what the sign-in of administrators has to be like.
func demand(t *testing.T, s *consoletest.Server, rules storage.AdministratorSettings) {
	t.Helper()
	was, err := s.Store.Tenant(t.Context(), storage.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	was.Settings.Administrators = rules
	if err := s.Store.UpdateTenant(t.Context(), was); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond) // servers keep a tenant for a second
}

// sentTo fails the test unless the page is refused for the sake of a proof on another page, which leads back.
func sentTo(t *testing.T, b *consoletest.Browser, page, proof string) {
	t.Helper()
	want := proof + "?next=" + url.QueryEscape(page)
	if got := b.Get(page).Leads(); got != want {
		t.Errorf("%s: the browser is sent to %q, want %q", page, got, want)
	}
}

// TestAdministratorsSignInAgain: when their sign-in is older than the tenant allows, and when a browser did not use the
// console for so long. Use of the console counts, and not what a page asks for by itself.
func TestAdministratorsSignInAgain(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t)
	owner := s.User(storage.DefaultTenant, "owner", storage.RoleOwner)
	old := s.Browser(owner, time.Now().Add(-20*time.Minute))
	old.Open("/admin/people")
	demand(t, s, storage.AdministratorSettings{
		SessionLifetime: storage.Duration(time.Hour), SessionIdle: storage.Duration(10 * time.Minute),
	})
	sentTo(t, old, "/admin/people?q=a", "/login")
	sentTo(t, s.Browser(owner, time.Now().Add(-61*time.Minute)), "/admin/people", "/login")
	b := s.Browser(owner, time.Now().Add(-9*time.Minute))
	b.Open("/admin/people")
	if b.Cookie("vouchsafe-console-use") == "" {
		t.Error("the use of the console is not noted")
	}
	// What the browser holds is about its session alone: it does not help another one.
	old.SetCookie("vouchsafe-console-use", b.Cookie("vouchsafe-console-use"))
	sentTo(t, old, "/admin/people", "/login")
	old.SetCookie("vouchsafe-console-use", "forged")
	sentTo(t, old, "/admin/people", "/login")
	// Without the setting, the session decides.
	demand(t, s, storage.AdministratorSettings{})
	old.Open("/admin/people")
}

// TestAdministratorsGiveASecondFactor: where the tenant demands it. One who has none is led to set it up; a user
// without a role is not asked.
func TestAdministratorsGiveASecondFactor(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t)
	owner := s.User(storage.DefaultTenant, "owner", storage.RoleOwner)
	b := s.Browser(owner, time.Time{})
	demand(t, s, storage.AdministratorSettings{SecondFactor: true})
	sentTo(t, b, "/admin/people", "/second-factor")
	p := b.Follow(b.Get("/admin/people"))
	if to := p.Leads(); !strings.HasPrefix(to, "/second-factor/setup?") ||
		!strings.Contains(to, "next=%2Fadmin%2Fpeople") {
		t.Errorf("got %s to %q, want the page on which a second factor is set up", p, to)
	}
	b.Follow(p)
	b.Says("Set up two-step verification")
	plain := s.Browser(s.User(storage.DefaultTenant, "plain", ""), time.Time{})
	if p := plain.Get("/admin"); p.Leads() != "" {
		t.Errorf("a user without a role is sent to %q", p.Leads())
	}
	if p := plain.Get("/second-factor?next=/admin"); p.Leads() != "/admin" {
		t.Errorf("a user without a role is asked for a second factor: %s to %q", p, p.Leads())
	}
	for _, acr := range []string{storage.ACRRemembered, storage.ACRMultiFactor, storage.ACRPhishingResistant} {
		strong := s.BrowserBy(owner, storage.Session{AuthTime: time.Now(), ACR: acr, AMR: []string{"pwd", "otp"}})
		if got := strong.Get("/admin/people").Leads(); (got == "") != (acr != storage.ACRRemembered) {
			t.Errorf("a sign-in of the strength %s is sent to %q", acr, got)
		}
	}
}
