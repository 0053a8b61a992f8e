package reseal

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// replacing is a database whose values hang on an old secret, and a replacement.
func replacing(t *testing.T) (s *sqldb.Store, r *Replacement, before *secret.Masters) {
	t.Helper()
	s, err := sqldb.Open(t.Context(), "sqlite::memory:")
	if err == nil {
		err = s.Migrate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	old := secret.Token()
	before, err = secret.Parse(old)
	if err != nil {
		t.Fatal(err)
	}
	m, err := secret.Parse(secret.Token() + "," + old)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.UseMasterSecret(t.Context(), before.Fingerprints()[0], time.Now()); err != nil {
		t.Fatal(err)
	}
	return s, &Replacement{
		Run: Run{Store: s, Secrets: m, RenewRecovery: factor.RenewRecovery}, Watch: Watch,
		Record: func(context.Context, storage.Event) error { return nil }, Watching: func(time.Time) {}, Released: func(string) {},
	}, before
}

func hangsOn(t *testing.T, s *sqldb.Store, print string) bool {
	t.Helper()
	known, err := s.MasterSecrets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(known, func(m storage.MasterSecret) bool { return m.Fingerprint == print })
}

// A server that seals with the old secret says so every minute: while one does, the secret
// stays.
func TestASecretWithWhichAServerSealsIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r, before := replacing(t)
		old := before.Fingerprints()[0]
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() {
			for ctx.Err() == nil {
				time.Sleep(SealEvery + SealEvery/10)
				_ = s.UseMasterSecret(ctx, old, time.Now())
			}
		}()
		if _, err := r.Do(t.Context()); err == nil || !strings.Contains(err.Error(), old) || !hangsOn(t, s, old) {
			t.Errorf("got %v, want a refusal that names %s", err, old)
		}
		stop()
		time.Sleep(2 * SealEvery)
		// What it sealed last lies there still, and is found by the second look.
		user := storage.User{TenantID: storage.DefaultTenant, ID: "jo"}
		sealed := before.Box(user.TenantID, secret.TOTP).Seal([]byte("jo"))
		go func() {
			time.Sleep(SealEvery)
			if err := s.AddUser(t.Context(), user, []storage.Credential{{Kind: storage.TOTPCredential, Data: sealed}}, nil); err != nil {
				t.Error(err)
			}
		}()
		counts, err := r.Do(t.Context())
		if err != nil || hangsOn(t, s, old) {
			t.Errorf("got %v, and the old secret stays", err)
		}
		if counts[2].Sealed != 1 {
			t.Errorf("got %+v, want the value sealed that came while it watched", counts[2])
		}
	})
}
