package provider

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// outlives rotates the tenant's keys and lets so much time pass, with what a server does in it.
func (s *tokenServer) outlives(d time.Duration) {
	s.Helper()
	for _, alg := range []string{"RS256", "ES256"} {
		if _, err := s.rotate(alg, true); err != nil {
			s.Fatal(err)
		}
	}
	time.Sleep(d)
	if _, err := s.store.(interface {
		Sweep(context.Context, time.Time) (int64, error)
	}).Sweep(s.Context(), time.Now()); err != nil {
		s.Fatal(err)
	}
}

// Sessions and refresh tokens outlive the keys that signed an ID token of theirs: as a hint it
// signs out at once, and says who is meant, all the same.
func TestHintsOutliveTheirKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := startAsking(t)
		a.client.PostLogoutRedirectURIs = []string{afterLogout}
		a.put(a.client)
		jos := a.signsIn(a.user)
		about := a.about(a.user, jos)["id_token_hint"]
		kid := a.kidOf(a.p.Keys, "RS256")
		a.outlives(20 * 24 * time.Hour)
		if got := a.jwks("/jwks"); len(got.Key(kid)) != 0 || len(got.Keys) != 2 {
			t.Fatalf("got keys %+v, want the old ones published no more", got.Keys)
		}
		a.signsIn(a.user)
		if page, params := a.asks(append(about, "prompt", "none")...); params.Get("code") == "" {
			t.Errorf("authorize: got page %q and %v, want a code", page, params)
		}
		kim := a.kim()
		a.signsIn(kim)
		_, params := a.asks(append(about, "prompt", "none")...)
		if got := a.sub(params.Get("code")); got != a.user.ID {
			t.Errorf("authorize: got a code of %v, want Jo's", got)
		}
		if _, err := a.p.Keys.Verify(t.Context(), a.tenant.ID, about[1], clients.SigningAlgorithms,
			tokens.IDTokenType); !errors.Is(err, jws.ErrInvalid) {
			t.Errorf("what opens something is believed of an old key: %v", err)
		}

		// Removed is removed.
		if err := a.store.RemoveKey(t.Context(), a.tenant.ID, kid); err != nil {
			t.Fatal(err)
		}
		if _, err := a.p.tokens.OpenIDTokenHint(t.Context(), a.tenant, about[1]); !errors.Is(err, jws.ErrInvalid) {
			t.Errorf("a removed key's: got %v", err)
		}
	})
}

func TestOldHintsSignOutAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v, c := startLogout(t)
		hint := v.tokens(c).str("id_token")
		v.outlives(20 * 24 * time.Hour)
		to, status := v.logout("id_token_hint", hint, "post_logout_redirect_uri", afterLogout)
		v.sent(afterLogout, to, status)
		if n := v.events("session.ended"); n != 1 {
			t.Errorf("%d sessions have ended, want one", n)
		}
	})
}

func TestKeysSayNoMoreAtSomeTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		hint := s.tokens(s.client()).str("id_token")
		s.outlives(storage.KeepKeys)
		if _, err := s.p.tokens.OpenIDTokenHint(t.Context(), s.tenant, hint); err != nil {
			t.Errorf("after %s: %v", storage.KeepKeys, err)
		}
		time.Sleep(48 * time.Hour)
		if _, err := s.p.tokens.OpenIDTokenHint(t.Context(), s.tenant, hint); !errors.Is(err, jws.ErrInvalid) {
			t.Errorf("after two days more: got %v", err)
		}
		s.outlives(0)
		// The next key of an algorithm whose keys have all ended has the next number.
		for _, alg := range []string{"RS256", "ES256"} {
			s.kidOf(s.p.Keys, alg)
		}
	})
}
