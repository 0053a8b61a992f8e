package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// known are the methods of the interface that the tests do not call.
type known interface{ storage.Tenants }

// tenantsAway has one tenant below the issuer and one at a host of its own, until err is set.
type tenantsAway struct {
	known
	err atomic.Pointer[error]
}

func (a *tenantsAway) find(id, host string) (storage.Tenant, error) {
	if err := a.err.Load(); err != nil {
		return storage.Tenant{}, *err
	}
	return storage.Tenant{ID: id, Host: host}, nil
}

func (a *tenantsAway) Tenant(_ context.Context, id string) (storage.Tenant, error) {
	return a.find(id, "")
}

func (a *tenantsAway) TenantByHost(_ context.Context, host string) (storage.Tenant, error) {
	return a.find("own", host)
}

// TestPublishedDocumentsOutliveAnOutage: while the database cannot be read, a tenant's public
// documents are still served, and nothing else. A tenant that was removed is gone.
func TestPublishedDocumentsOutliveAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenants := &tenantsAway{}
		tenancy, err := web.NewTenancy("https://id.example", tenants, showStatus)
		if err != nil {
			t.Fatal(err)
		}
		h := tenancy.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
		ask := func(host, path string) int {
			r := httptest.NewRequest(http.MethodGet, "https://"+host+path, nil)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Code
		}
		const metadata = "/.well-known/oauth-authorization-server"
		published := [][2]string{
			{"id.example", "/jwks"}, {"id.example", metadata}, {"id.example", "/t/acme/jwks"},
			{"id.example", metadata + "/t/acme"},
			{"own.example", "/jwks"}, {"own.example", "/.well-known/openid-configuration"},
		}
		for _, at := range published {
			if got := ask(at[0], at[1]); got != http.StatusOK {
				t.Fatalf("%v: got %d", at, got)
			}
		}
		all := func(when string, want int) {
			t.Helper()
			time.Sleep(cache.TTL)
			for _, at := range published {
				if got := ask(at[0], at[1]); got != want {
					t.Errorf("%s, %v: got %d, want %d", when, at, got, want)
				}
			}
		}
		away, gone := storage.ErrUnavailable, storage.ErrNotFound
		tenants.err.Store(&away)
		all("away", http.StatusOK)
		for _, at := range [][2]string{{"id.example", "/token"}, {"id.example", "/t/acme/login"},
			{"own.example", "/userinfo"}, {"id.example", "/t/never/jwks"}, {"never.example", "/jwks"}} {
			if got := ask(at[0], at[1]); got < 500 {
				t.Errorf("away, %v: got %d", at, got)
			}
		}
		tenants.err.Store(&gone)
		time.Sleep(cache.TTL)
		for _, at := range published {
			if got := ask(at[0], at[1]); got != http.StatusNotFound && got != http.StatusMisdirectedRequest {
				t.Errorf("gone, %v: got %d", at, got)
			}
		}
		tenants.err.Store(&away)
		time.Sleep(cache.TTL)
		for _, at := range published {
			if got := ask(at[0], at[1]); got < 500 {
				t.Errorf("gone, then away, %v: got %d", at, got)
			}
		}
	})
}
