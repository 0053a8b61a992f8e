package operations

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/server"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// replacing is a database whose values hang on an old secret, and a run of secret reseal.
func replacing(t *testing.T) (s *sqldb.Store, r *resealing, before *secret.Masters) {
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
	return s, &resealing{app: &command.App{Terminal: terminal.Terminal{Out: io.Discard, Err: io.Discard}}, store: s,
		secrets: m,
		watch:   2*server.SealEvery + server.SealEvery/2}, before
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
				time.Sleep(server.SealEvery + server.SealEvery/10)
				_ = s.UseMasterSecret(ctx, old, time.Now())
			}
		}()
		if _, err := r.run(t.Context()); err == nil || !strings.Contains(err.Error(), old) || !hangsOn(t, s, old) {
			t.Errorf("got %v, want a refusal that names %s", err, old)
		}
		stop()
		time.Sleep(2 * server.SealEvery)
		// What it sealed last lies there still, and is found by the second look.
		user := storage.User{TenantID: storage.DefaultTenant, ID: "jo"}
		sealed := before.Box(user.TenantID, secret.TOTP).Seal([]byte("jo"))
		go func() {
			time.Sleep(server.SealEvery)
			if err := storagetest.AddUser(t.Context(), s, user,
				[]storage.Credential{{Kind: storage.TOTPCredential, Data: sealed}}, nil); err != nil {
				t.Error(err)
			}
		}()
		counts, err := r.run(t.Context())
		if err != nil || hangsOn(t, s, old) {
			t.Errorf("got %v, and the old secret stays", err)
		}
		if counts[2].Sealed != 1 {
			t.Errorf("got %+v, want the value sealed that came while it watched", counts[2])
		}
	})
}
