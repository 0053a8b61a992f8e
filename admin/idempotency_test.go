package admin_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/admin"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
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

// TestAPasswordInARequestCannotBeGuessedFromWhatIsKept: what is kept of the request depends on the master secret. A
// repetition is known when a new secret stands before the old one, and under the new one alone nothing is repeated.
func TestAPasswordInARequestCannotBeGuessedFromWhatIsKept(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a, body := s.as("acme", storage.RoleAdministrator),
			fields{"email": "jo@example.com", "password": "correct horse battery staple nine"}
		old, fresh := secret.Token(), secret.Token()
		under := func(masters string) *reply {
			var err error
			s.api.Secrets, err = secret.Parse(masters)
			check(s, err)
			return a.do("POST", "/users", body, "Idempotency-Key: k")
		}
		first := under(old).is(201)
		sent, err := json.Marshal(body)
		check(s, err)
		kept := s.answers.last.Load()
		for _, path := range []string{admin.Prefix, a.tenant.Path + admin.Prefix} {
			for _, key := range []string{"", kept.Key + "\x00"} {
				sum := sha256.Sum256([]byte("POST\x00" + path + "/users\x00" + key + string(sent)))
				if bytes.Equal(kept.Request, sum[:]) {
					s.Error("a hash of the request is kept")
				}
			}
		}
		for _, masters := range []string{old, fresh + "," + old} {
			if again := under(masters).is(201); again.raw != first.raw || again.header.Get("Idempotency-Replayed") != "true" {
				s.Errorf("got %s, want the first answer: %s", again.raw, first.raw)
			}
		}
		under(fresh).is(422, "idempotency_key_reused")
	})
}

// answers is the store of a server that may be killed, and of its successor.
type answers struct {
	*sqldb.Store
	killed bool                           // it keeps and drops no answer
	taken  bool                           // its reservations are taken over at once
	last   atomic.Pointer[storage.Answer] // that was reserved
}

// ReserveAnswer implements storage.Answers.
func (s *answers) ReserveAnswer(ctx context.Context, a storage.Answer, now time.Time) error {
	err := s.Store.ReserveAnswer(ctx, a, now)
	if err == nil {
		s.last.Store(&a)
	}
	if s.taken && err == nil {
		next := a
		next.LeaseEnds, next.ExpiresAt = a.LeaseEnds.Add(time.Minute), a.ExpiresAt.Add(time.Minute)
		err = s.Store.ReserveAnswer(ctx, next, a.LeaseEnds)
	}
	return err
}

// KeepAnswer implements storage.Answers.
func (s *answers) KeepAnswer(ctx context.Context, a storage.Answer) error {
	if s.killed {
		return nil
	}
	return s.Store.KeepAnswer(ctx, a)
}

// DropAnswer implements storage.Answers.
func (s *answers) DropAnswer(ctx context.Context, a storage.Answer) error {
	if s.killed {
		return nil
	}
	return s.Store.DropAnswer(ctx, a)
}

// TestARequestOfAKilledServerIsSentAgain: it is carried out if it has changed nothing, and never twice.
func TestARequestOfAKilledServerIsSentAgain(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleAdministrator)
		kim := a.do("POST", "/users", fields{"email": "kim@example.com"}).is(201)
		before := func(key string) *reply {
			return a.do("POST", "/users", fields{"email": "kim@example.com", "username": "k"}, "Idempotency-Key: "+key)
		}
		a.do("PUT", "/clients/app", fields{"grant_types": []string{"client_credentials"}}).is(201)
		after := func(key string) *reply {
			return a.do("POST", "/clients/app/secrets", nil, "Idempotency-Key: "+key)
		}
		s.answers.killed = true
		before("just now").is(422)
		after("changed just now").is(201)
		s.api.AnswerLease = 1 // it ends before the next request
		before("long ago").is(422)
		after("changed long ago").is(201)
		s.answers.killed = false
		after("changed just now").is(409, "idempotency_key_carried_out")
		s.api.AnswerLease = time.Minute
		a.do("DELETE", "/users/"+kim.text("id"), nil).is(204)
		for _, got := range []*reply{before("just now"), after("changed just now"), after("changed long ago")} {
			if got.is(409, "idempotency_key_in_use"); got.header.Get("Retry-After") == "" {
				s.Error("the client is not told when to try again")
			}
		}
		made := before("long ago").is(201)
		if got := before("long ago").is(201); got.raw != made.raw || got.header.Get("Idempotency-Replayed") != "true" {
			s.Errorf("got %s, want the answer of the second server", got.raw)
		}
		if all := a.do("GET", "/clients/app/secrets", nil).items(); len(all) != 3 {
			s.Errorf("got %d secrets, want two more than before", len(all))
		}
	})
}

// TestASlowRequestThatWasTakenOverChangesNothing: another server carries it out.
func TestASlowRequestThatWasTakenOverChangesNothing(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleAdministrator)
		kim := a.do("POST", "/users", fields{"email": "kim@example.com"}).is(201).text("id")
		a.do("PUT", "/clients/app", fields{"grant_types": []string{"client_credentials"}}).is(201)
		s.answers.taken = true
		for path, body := range map[string]any{
			"/users": fields{"email": "jo@example.com"}, "/groups": fields{"id": "staff"}, "/clients": fields{"client_id": "b",
				"grant_types": []string{"client_credentials"}}, "/clients/app/secrets": nil,
			"/users/" + kim + ":disable": nil, "/invitations": fields{"email": "mo@example.com"}, "/keys:rotate": fields{},
		} {
			who := a
			if path == "/keys:rotate" {
				who = s.as("acme", storage.RoleOwner)
			}
			who.do("POST", path, body, "Idempotency-Key: "+path).is(503)
		}
		a.do("GET", "/groups/staff", nil).is(404)
		if got := a.do("GET", "/users/"+kim, nil).is(200); got.get("disabled") != nil {
			s.Error("the user was disabled")
		}
		if all := a.do("GET", "/clients/app/secrets", nil).items(); len(all) != 1 {
			s.Errorf("got %d secrets", len(all))
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
