package login

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/invitations"
	"github.com/vouchsafe/vouchsafe/storage"
)

// onDatabase is a test whose site has another database than SQLite in memory.
type onDatabase struct {
	testing.TB
	database string
}

// invitedSite is a site that invites users to the group staff, with the role editor of the client app.
type invitedSite struct {
	*federatedSite
	asker people.Asker
}

func newInvitedSite(t testing.TB) *invitedSite {
	f := federate(t, nil, fakeidp.OpenID)
	must(t, f.store.AddGroup(t.Context(), storage.Group{TenantID: storage.DefaultTenant, ID: "staff"}))
	role := storage.RoleName{Client: "app", Name: "editor"}
	must(t, f.store.AddRole(t.Context(), storage.Role{TenantID: storage.DefaultTenant, RoleName: role}))
	a := f.login.askerOf(f.asked(storage.TenantSettings{}))
	a.Actor = people.ActorCommand
	return &invitedSite{f, a}
}

// invites sends an invitation, which nothing follows.
func (s *invitedSite) invites(email string) invitations.Invitation {
	s.t.Helper()
	i, err := s.login.invitations.Invite(s.t.Context(), s.asker, invitations.Wanted{
		Email: email, Groups: []string{"staff"}, Roles: []storage.RoleName{{Client: "app", Name: "editor"}},
	})
	must(s.t, err)
	s.mails.Next(s.t, email)
	return i
}

// gave fails the test unless the user was given what the invitation says, once, or nothing of it.
func (s *invitedSite) gave(i invitations.Invitation, given bool) {
	s.t.Helper()
	u, err := s.store.UserByEmail(s.t.Context(), storage.DefaultTenant, i.Email)
	must(s.t, err)
	b, err := s.store.Belonging(s.t.Context(), storage.DefaultTenant, u.ID)
	must(s.t, err)
	if slices.Contains(b.Groups, "staff") != given || slices.Contains(b.RolesAt("app"), "editor") != given {
		s.t.Errorf("%s: got %+v, want what the invitation gives: %v", i.Email, b, given)
	}
	events, err := s.store.EventsOf(s.t.Context(), storage.DefaultTenant, u.ID, "", 100)
	must(s.t, err)
	told, joined := 0, 0
	for _, e := range events {
		if e.Detail["invitation"] == i.ID {
			told++
		}
		if e.Kind == storage.EventGroupJoined || e.Kind == storage.EventRoleGiven {
			joined++
		}
	}
	if given && (told != 1 || joined != 2) || !given && told+joined > 0 {
		s.t.Errorf("%s: got the events %+v", i.Email, events)
	}
	if _, err := s.login.invitations.Find(s.t.Context(), s.asker, i.ID); !errors.Is(err, storage.ErrNotFound) {
		s.t.Errorf("%s: the invitation still waits: %v", i.Email, err)
	}
}

// signsUp signs up without the link, up to the request that confirms the address.
func (s *invitedSite) signsUp(email string) (*visitor, *http.Request) {
	s.t.Helper()
	v := s.visitor()
	id := flow(s.t, v.signUp(email))
	return v, v.request("/signup/confirm", "flow", id, "code", s.mails.Next(s.t, email).Code)
}

// TestAnInvitationIsGivenByAnyProofOfItsAddress: invited users sign up without the link, come from a provider, prove
// the address of an account that was there, or change to the address.
func TestAnInvitationIsGivenByAnyProofOfItsAddress(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func(testing.TB) string{
		"SQLite":     func(testing.TB) string { return "sqlite::memory:" },
		"PostgreSQL": func(t testing.TB) string { return pgtest.Start(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newInvitedSite(onDatabase{t, database(t)})

			self := s.invites("self@example.com")
			v, confirm := s.signsUp("self@example.com")
			v.goes(v.do(confirm), "/")
			s.gave(self, true)

			upstream := s.invites(fedJo.Email)
			s.visitor().come(fakeidp.OpenID, "", fedJo)
			s.gave(upstream, true)

			reset := s.invites("reset@example.com")
			s.user(storage.DefaultTenant, "reset@example.com", "", right) // an unproven address
			v = s.visitor()
			id := flow(t, v.forgot("reset@example.com"))
			m := s.mails.Next(t, "reset@example.com")
			v.goes(v.post("/reset", "flow", id, "code", m.Code, "password", fresh), "/reset/done")
			s.gave(reset, true)

			moved := s.invites("moved@example.com")
			s.user(storage.DefaultTenant, "was@example.com", "was", right)
			v = s.signedIn("was")
			id = v.asksFor("moved@example.com")
			m = s.mails.Next(t, "moved@example.com")
			v.goes(v.post("/account/email/confirm", "flow", id, "code", m.Code), "/account")
			s.gave(moved, true)

			withdrawn := s.invites("withdrawn@example.com")
			must(t, s.login.invitations.Withdraw(t.Context(), s.asker, withdrawn))
			v, confirm = s.signsUp("withdrawn@example.com")
			v.goes(v.do(confirm), "/")
			s.gave(withdrawn, false)
			s.withdrawsMeanwhile()
		})
	}
}

// withdrawsMeanwhile withdraws an invitation while its user signs up: the one or the other counts.
func (s *invitedSite) withdrawsMeanwhile() {
	s.t.Helper()
	i := s.invites("late@example.com")
	v, confirm := s.signsUp("late@example.com")
	var both sync.WaitGroup
	var withdrawn error
	both.Go(func() { withdrawn = s.login.invitations.Withdraw(s.t.Context(), s.asker, i) })
	time.Sleep(time.Millisecond)
	v.goes(v.do(confirm), "/")
	both.Wait()
	if withdrawn != nil && !errors.Is(withdrawn, storage.ErrNotFound) {
		s.t.Error(withdrawn)
	}
	s.gave(i, withdrawn != nil)
}
