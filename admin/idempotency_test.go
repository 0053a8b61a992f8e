package admin_test

import (
	"sync"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

func TestARepeatedRequestIsCarriedOutOnce(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a, key := s.as("acme", storage.RoleAdministrator), "Idempotency-Key: 7f0a"
		body := fields{"email": "jo@example.com"}
		first := a.do("POST", "/users", body, key).is(201)
		again := a.do("POST", "/users", body, key).is(201)
		if again.raw != first.raw || again.header.Get("Location") != first.header.Get("Location") ||
			again.header.Get("Idempotency-Replayed") != "true" {
			s.Errorf("got %s, want the first answer: %s", again.raw, first.raw)
		}
		a.do("POST", "/users", fields{"email": "kim@example.com"}, key).is(422, "idempotency_key_reused")
		a.do("POST", "/users?dry_run=true", body, key).is(422, "idempotency_key_reused")
		a.do("POST", "/users", body, "Idempotency-Key: ").is(400)
		// The key of another caller, and that of another tenant, have nothing to do with it.
		s.as("acme", storage.RoleOwner).do("POST", "/users", fields{"email": "lee@example.com"}, key).is(201)
		s.as("", storage.RoleAdministrator).do("POST", "/users", fields{"email": "lee@example.com"}, key).is(201)

		// What was refused was not carried out.
		a.do("POST", "/users", fields{"emial": "x"}, "Idempotency-Key: refused").is(400)
		a.do("POST", "/users", fields{"email": "max@example.com"}, "Idempotency-Key: refused").is(201)

		// A secret is shown once, to the first answer's reader.
		service := fields{"client_id": "app", "grant_types": []string{"client_credentials"}}
		if a.do("POST", "/clients", service, "Idempotency-Key: c").is(201).get("client_secret") == nil {
			s.Errorf("the first answer has no secret")
		}
		if got := a.do("POST", "/clients", service, "Idempotency-Key: c").is(201); got.get("client_secret") != nil {
			s.Errorf("got %s, which shows the secret again", got.raw)
		}
		a.do("POST", "/clients/app/secrets", nil, "Idempotency-Key: s").is(201)
		if got := a.do("POST", "/clients/app/secrets", nil, "Idempotency-Key: s").is(201); got.get("client_secret") != nil {
			s.Errorf("got %s, which shows the secret again", got.raw)
		}
		a.do("POST", "/invitations", fields{"email": "new@example.com"}, "Idempotency-Key: i").is(201)
		got := a.do("POST", "/invitations", fields{"email": "new@example.com"}, "Idempotency-Key: i").is(201)
		if got.get("link") != nil {
			s.Errorf("got %s, which shows the link again", got.raw)
		}
	})
}

func TestOfRequestsAtOnceWithOneKeyOneIsCarriedOut(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleAdministrator)
		a.do("PUT", "/clients/app", fields{"grant_types": []string{"client_credentials"}}).is(201)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if got := a.do("POST", "/clients/app/secrets", nil, "Idempotency-Key: k"); got.status != 201 && got.status != 409 {
					s.Errorf("got %d %s, want the answer, or that it is under way", got.status, got.raw)
				}
			})
		}
		wg.Wait()
		if all := a.do("GET", "/clients/app/secrets", nil).items(); len(all) != 2 {
			s.Errorf("got %d secrets, want one more than before", len(all))
		}
	})
}
