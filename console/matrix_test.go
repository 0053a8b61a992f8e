package console_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/console/apis"
	"github.com/vouchsafe/vouchsafe/console/apps"
	"github.com/vouchsafe/vouchsafe/console/consoletest"
	"github.com/vouchsafe/vouchsafe/console/groups"
	"github.com/vouchsafe/vouchsafe/console/log"
	"github.com/vouchsafe/vouchsafe/console/overview"
	"github.com/vouchsafe/vouchsafe/console/people"
	"github.com/vouchsafe/vouchsafe/console/settings"
	"github.com/vouchsafe/vouchsafe/console/signin"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// parts are all places.
var parts = []console.Part{
	overview.Config{}.Part(), people.Config{}.Part(), groups.Config{}.Part(), apps.Config{}.Part(),
	apis.Config{}.Part(), log.Config{}.Part(), settings.Config{}.Part(), signin.Config{}.Part(),
}

// TestEveryPageAsksForItsScopes requests every page as administrators of each role, at their own tenant and at another:
// a page answers only those whose role has its scopes. Forms that did not come from a page are refused for all.
func TestEveryPageAsksForItsScopes(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t)
	s.Tenant("north")
	s.Tenant("south")
	ids := map[string]string{}
	for _, tenant := range []string{storage.DefaultTenant, "north"} {
		ids[tenant] = s.User(tenant, "reader", "").ID
	}
	seen := 0
	for tenant, id := range ids {
		path := ""
		if tenant != storage.DefaultTenant {
			path = "/t/" + tenant
		}
		for _, role := range administration.AdminRoles {
			b, scopes := s.Browser(s.User(tenant, role, role), time.Time{}), administration.ScopesOf(tenant, role)
			b.Open(path + "/admin")
			fields := url.Values{"form": {b.Hidden("form")}, "session": {b.Session}}
			for _, part := range parts {
				for _, page := range part.Pages {
					at := path + console.Prefix + strings.ReplaceAll(page.Path, "{user}", id)
					may := !slices.ContainsFunc(page.Scopes, func(scope string) bool { return !slices.Contains(scopes, scope) })
					seen++
					switch {
					case page.Method == http.MethodGet:
						if p := b.Get(at); (p.Status == http.StatusForbidden) == may {
							t.Errorf("%s of %s: GET %s: got %d, and the role has its scopes: %v", role, tenant, at, p.Status, may)
						}
					case may:
						if p := b.Post(at, url.Values{}); p.Leads() == "" && p.Status != http.StatusForbidden {
							t.Errorf("%s of %s: POST %s without a form: got %d", role, tenant, at, p.Status)
						}
					default:
						if p := b.Post(at, fields); p.Status != http.StatusForbidden {
							t.Errorf("%s of %s: POST %s: got %d, want 403", role, tenant, at, p.Status)
						}
					}
				}
			}
			if role != storage.RoleOwner || tenant != storage.DefaultTenant {
				if p := b.Get(path + "/admin/t/south/people"); p.Status != http.StatusNotFound {
					t.Errorf("%s of %s: the people of another tenant: got %d", role, tenant, p.Status)
				}
			}
		}
	}
	if seen < 300 {
		t.Errorf("only %d requests: does the table have all pages?", seen)
	}
	for tenant, id := range ids { // nothing of it had an effect
		u, err := s.Store.User(t.Context(), tenant, id)
		if err != nil || u.Disabled {
			t.Errorf("%s: %v, disabled %v", tenant, err, u.Disabled)
		}
	}
}
