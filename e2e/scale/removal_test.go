package scale

import (
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/crowd"
)

const (
	grantsOf   = "SELECT COUNT(*) FROM grants WHERE client_id = $1"
	consentsOf = "SELECT COUNT(*) FROM consents WHERE client_id = $1"
)

// TestClientWithManyGrantsLeavesTheFile removes a client from the clients file. The server starts,
// the client no longer works, and its rows are deleted while users sign in. Declared again
// meanwhile, it works, without anything that it had.
func TestClientWithManyGrantsLeavesTheFile(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, production bool) {
		large := vouchsafetest.Strict.With(vouchsafetest.Client{"client_id": "large",
			"client_secret": "large-secret-4pVb6XcM8jHn3QwS"})
		s := vouchsafetest.Start(t, vouchsafetest.Options{Production: production, Clients: []vouchsafetest.Client{large}})
		api, browser := s.API(t), s.Browser(t, s.Jo(t))
		r := vouchsafetest.NewRequest(large, "scope", "openid offline_access", "prompt", "consent")
		kept := api.Redeem(t, r, browser.Code(t, r)).Want(t, 200, "")
		const rows = 4000
		fill(t, s, crowd.Crowd{Client: "large", People: rows, Grants: rows, Consents: rows})

		s.Declare(t)
		stopAndStart(t, s)
		api.Redeem(t, r, "x").Want(t, 401, "invalid_client")
		api.Userinfo(t, kept.Access()).Want(t, 401, "invalid_token")
		for range 10 {
			r := vouchsafetest.NewRequest(vouchsafetest.Strict)
			api.Redeem(t, r, s.Browser(t, s.Jo(t)).Code(t, r)).Want(t, 200, "")
		}

		s.Declare(t, large)
		stopAndStart(t, s)
		api.Renew(t, large, kept.Refresh()).Want(t, 400, "invalid_grant")
		again := vouchsafetest.NewRequest(large, "scope", "openid offline_access", "prompt", "consent")
		tokens := api.Redeem(t, again, s.Browser(t, s.Jo(t)).Code(t, again)).Want(t, 200, "")
		eventually(t, s, 1, grantsOf, "large")
		eventually(t, s, 0, "SELECT COUNT(*) FROM removals")
		eventually(t, s, 1, consentsOf, "large")
		api.Renew(t, large, tokens.Refresh()).Want(t, 200, "")
		api.Renew(t, large, kept.Refresh()).Want(t, 400, "invalid_grant")
	})
}

// TestCommandsRemoveWhatIsLarge: without a server, the commands carry a removal out to its end.
func TestCommandsRemoveWhatIsLarge(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, production bool) {
		s := vouchsafetest.Start(t, vouchsafetest.Options{Production: production})
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		s.Command(t, "", "client", "add", "large", "--kind", "spa", "--redirect-uri", "https://x.example/")
		s.Command(t, "", "tenant", "add", "acme")
		s.Command(t, "", "client", "add", "app", "--kind", "spa", "--redirect-uri", "https://x.example/", "--tenant", "acme")
		owner := strings.TrimSpace(s.Command(t, "", "user", "add", "owner@example.com"))
		const rows = 1500
		fill(t, s, crowd.Crowd{Client: "large", People: rows, Sessions: rows, Grants: rows, Consents: rows,
			Events: rows})
		fill(t, s, crowd.Crowd{Client: "large", Owner: owner, Sessions: rows, Grants: rows, First: rows})
		fill(t, s, crowd.Crowd{Tenant: "acme", Client: "app", People: rows, Sessions: rows, Grants: rows,
			Consents: rows, Events: rows})

		s.Command(t, "", "user", "remove", owner, "--yes")
		s.Refuses(t, "", "user", "show", owner)
		for _, table := range []string{"sessions", "grants"} {
			if n := count(t, s, "SELECT COUNT(*) FROM "+table+" WHERE user_id = $1", owner); n != 0 {
				t.Errorf("%d %s of a removed person are left", n, table)
			}
		}
		s.Command(t, "", "client", "remove", "large", "--yes")
		s.Refuses(t, "", "client", "show", "large")
		for _, query := range []string{grantsOf, consentsOf} {
			if n := count(t, s, query, "large"); n != 0 {
				t.Errorf("%s: %d are left of a removed client", query, n)
			}
		}
		s.Command(t, "", "tenant", "remove", "acme", "--yes")
		for _, table := range []string{"users", "credentials", "sessions", "grants", "consents", "audit", "clients"} {
			if n := count(t, s, "SELECT COUNT(*) FROM "+table+" WHERE tenant_id = 'acme'"); n != 0 {
				t.Errorf("%d %s of a removed tenant are left", n, table)
			}
		}
		s.Refuses(t, "", "tenant", "add", "acme")
		if n := count(t, s, "SELECT COUNT(*) FROM users WHERE tenant_id = 'default'"); n < rows {
			t.Errorf("%d people are left of the other tenant, want %d", n, rows)
		}
	})
}
