package admin_test

import (
	"errors"
	"testing"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestLimitsOfAUserAreLifted: the user can try again at once, under each name. It is in the audit trail, can be done a
// few times in an hour, and not to an administrator who may do more.
func TestLimitsOfAUserAreLifted(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a, acme := s.as("acme", storage.RoleSupport), s.tenant("acme")
		id := a.do("POST", "/users", fields{"email": "jo@example.com", "email_verified": true, "username": "jo",
			"password": "four sturdy words here"}).is(201).text("id")
		asker := people.Asker{Tenant: acme, IP: "192.0.2.7", Language: "en"}
		tries := func(name, password string) error {
			_, err := s.people.ProvePassword(s.Context(), asker, name, password)
			return err
		}
		isLimited := func(err error) bool { return errors.As(err, new(*people.Limited)) }
		for _, name := range []string{"jo", "jo@example.com"} {
			for range 6 {
				_ = tries(name, "wrong")
			}
			if err := tries(name, "four sturdy words here"); err == nil {
				s.Errorf("%s: the right password counts beyond the limit", name)
			}
		}
		a.do("POST", "/users/"+id+":lift-limits", nil).is(204)
		for _, name := range []string{"jo", "jo@example.com"} {
			if err := tries(name, "four sturdy words here"); err != nil {
				s.Errorf("%s, after the limits were lifted: got %v", name, err)
			}
		}
		events, err := s.store.EventsOf(s.Context(), "acme", id, "", 20)
		check(s, err)
		found := false
		for _, e := range events {
			found = found || e.Kind == storage.EventLimitsLifted
		}
		if !found {
			s.Errorf("got %+v, want the event of it", events)
		}
		for range 4 {
			a.do("POST", "/users/"+id+":lift-limits", nil).is(204)
		}
		a.do("POST", "/users/"+id+":lift-limits", nil).is(429, "too_many_attempts")
		for range 6 {
			_ = tries("jo", "wrong")
		}
		if err := tries("jo", "wrong"); !isLimited(err) {
			s.Errorf("got %v, want the limit to hold for who guesses again", err)
		}
		owner := s.add(acme, storage.User{AdminRole: storage.RoleOwner})
		a.do("POST", "/users/"+owner+":lift-limits", nil).is(403, "outranked")
		s.as("acme", storage.RoleAuditor).do("POST", "/users/"+id+":lift-limits", nil).is(403, "insufficient_scope")
		s.as("", storage.RoleOwner).do("POST", "/users/"+id+":lift-limits", nil).is(404)
	})
}
