package scale

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/crowd"
)

// backup copies the folder of an embedded server that does not run. restore puts the copy back.
func backup(t *testing.T, s *vouchsafetest.Server) (restore func()) {
	t.Helper()
	data, kept := s.Setting("VOUCHSAFE_DATA"), filepath.Join(t.TempDir(), "kept")
	if err := os.CopyFS(kept, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := os.RemoveAll(data); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(data, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(data, os.DirFS(kept)); err != nil {
			t.Fatal(err)
		}
	}
}

func stop(t *testing.T, s *vouchsafetest.Server) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
}

// TestRestoredBackup rolls a database back under an app that has used its refresh token since
// (threat E10). Its token is newer than the database knows: the grant ends, before older tokens
// that were redeemed since can serve an attacker.
func TestRestoredBackup(t *testing.T) {
	t.Parallel()
	s := vouchsafetest.Start(t, vouchsafetest.Options{})
	api, c := s.API(t), vouchsafetest.Strict
	r := vouchsafetest.NewRequest(c, "scope", "openid offline_access", "prompt", "consent")
	spent := api.Redeem(t, r, s.Browser(t, s.Jo(t)).Code(t, r)).Want(t, 200, "")
	stop(t, s)
	restore := backup(t, s)
	s.Restart(t)
	newest := api.Renew(t, c, api.Renew(t, c, spent.Refresh()).Want(t, 200, "").Refresh()).Want(t, 200, "")
	stop(t, s)
	restore()
	s.Restart(t)
	api.Renew(t, c, newest.Refresh()).Want(t, 400, "invalid_grant")
	api.Renew(t, c, spent.Refresh()).Want(t, 400, "invalid_grant")
	if n := count(t, s, "SELECT COUNT(*) FROM audit WHERE kind = 'refresh.ahead'"); n != 1 {
		t.Errorf("%d events tell of the rollback, want one", n)
	}
}

// TestRestoredCommand ends what is valid again after a restore, in every tenant.
func TestRestoredCommand(t *testing.T) {
	t.Parallel()
	s := vouchsafetest.Start(t, vouchsafetest.Options{})
	api, c, browser := s.API(t), vouchsafetest.Strict, s.Browser(t, s.Jo(t))
	r := vouchsafetest.NewRequest(c, "scope", "openid offline_access", "prompt", "consent")
	tokens := api.Redeem(t, r, browser.Code(t, r)).Want(t, 200, "")
	stop(t, s)
	s.Command(t, "", "tenant", "add", "acme")
	s.Command(t, "", "client", "add", "app", "--kind", "spa", "--redirect-uri", "https://x.example/", "--tenant", "acme")
	const rows = 1200
	fill(t, s, crowd.Crowd{Tenant: "acme", Client: "app", People: rows, Sessions: rows, Grants: rows})
	restore := backup(t, s)
	s.Restart(t)
	api.As(t, c, "/revoke", vouchsafetest.Values("token", tokens.Refresh())).Want(t, 200, "")
	stop(t, s)
	restore()

	s.Refuses(t, "", "restored")
	s.Refuses(t, "", "restored", "--yes", "--before", time.Now().Add(time.Hour).Format(time.RFC3339))
	s.Command(t, "", "restored", "--yes")
	for _, query := range []string{"SELECT COUNT(*) FROM sessions WHERE ended_at = 0",
		"SELECT COUNT(*) FROM grants WHERE revoked_at = 0", "SELECT COUNT(*) FROM removals"} {
		if n := count(t, s, query); n != 0 {
			t.Errorf("%s: got %d, want none", query, n)
		}
	}
	s.Restart(t)
	api.Renew(t, c, tokens.Refresh()).Want(t, 400, "invalid_grant")
	api.Userinfo(t, tokens.Access()).Want(t, 401, "invalid_token")
	if page := browser.Get(t, vouchsafetest.NewRequest(c).Path()); page.URL.Path != "/login" {
		t.Errorf("the browser is led to %s, want /login", page.URL.Path)
	}
	again := vouchsafetest.NewRequest(c)
	api.Redeem(t, again, s.Browser(t, s.Jo(t)).Code(t, again)).Want(t, 200, "")
}
