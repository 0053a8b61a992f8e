package proxies

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestOAuth2ProxyKnowsGroups: oauth2-proxy, configured as docs/clients-groups.md says, lets the members of a
// group in, tells the application their groups, and keeps a user out who has left the group.
func TestOAuth2ProxyKnowsGroups(t *testing.T) {
	t.Parallel()
	needs(t, "oauth2proxy/go.sum")
	s := vouchsafetest.Start(t, vouchsafetest.Options{Production: true})
	reports := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(r.Header.Values("X-Forwarded-Groups"))
	}))
	t.Cleanup(reports.Close)
	jo := s.Jo(t)
	for _, group := range []string{"platform-admins", "staff"} {
		s.Command(t, "", "group", "add", group)
		s.Command(t, "", "group", "join", group, jo.Email)
	}
	section := vouchsafetest.ReadSection(t, "docs/clients-groups.md", "## oauth2-proxy")
	app := s.Example(t, section.With(t, site, "http://localhost:3000", "127.0.0.1:4180", "127.0.0.1:3000",
		application, strings.TrimPrefix(reports.URL, "http://"), "COOKIE_SECRET", "q3Zr8tVw2Lk5Xm9Bn4Hy7Jc1Df6Gs0Pa",
		`cookie_refresh = "5m"`, "cookie_refresh = \"1s\"\ncookie_secure = false"))
	startOAuth2Proxy(t, app)
	v := s.Visitor(t, jo)
	if p := v.Open(t, app.URL+"/"); p.Status != http.StatusOK || strings.TrimSpace(p.Body) != `["platform-admins,staff"]` {
		t.Errorf("a member: got %d %s", p.Status, p.Body)
	}
	s.Command(t, "", "group", "leave", "platform-admins", jo.Email)
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if p := v.Open(t, app.URL+"/"); p.Status == http.StatusForbidden {
			break
		}
		if time.Now().After(end) {
			t.Fatal("a user who left the group is still let in")
		}
	}
}
