package provider

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// A request that waited for longer than a user may take begins anew, with all that was
// asked for: it is no dead end. What was proven for it does not count any more.
func TestLateRequestsBeginAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := startAsking(t)
		begin := func(more ...string) string {
			t.Helper()
			page, params := a.asks(append([]string{"state", "s-1"}, more...)...)
			if page == "" {
				t.Fatalf("got %v, want a page", params)
			}
			return params.Get("i")
		}
		letter := begin()
		time.Sleep(time.Hour + time.Second)
		page, params := a.goesTo(a.visit("/authorize?i=" + letter))
		if page != "/login" || params.Get("i") == letter || params.Get("i") == "" || params.Get("late") == "" {
			t.Fatalf("got page %q and %v, want to be asked anew", page, params)
		}
		// A user who signed in meanwhile is done, and the client gets its state.
		a.signsIn(a.user)
		for _, i := range []string{params.Get("i"), letter} {
			if _, params := a.goesTo(a.visit("/authorize?i=" + i)); params.Get("code") == "" || params.Get("state") != "s-1" {
				t.Errorf("got %v, want a code with the state", params)
			}
		}
		for _, more := range [][]string{{"prompt", "login"}, {"max_age", "0"}, {"prompt", "select_account"},
			{"prompt", "consent"}} {
			letter := begin(more...)
			time.Sleep(2 * time.Second)
			a.signsIn(a.user) // in another tab, for the request at hand
			if err := storagetest.PutConsent(t.Context(), a.store,
				storage.Consent{TenantID: a.tenant.ID, UserID: a.user.ID, ClientID: a.client.ClientID, Scopes: []string{"openid"},
					GrantedAt: time.Now()}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			if page, params := a.goesTo(a.visit("/authorize?i=" + letter)); page == "" || params.Get("late") == "" {
				t.Errorf("%v: got %v, want to be asked anew", more, params)
			}
			a.signsIn(a.user)
		}
	})
}

func TestLateRequestsCanBeDeclined(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := startAsking(t)
		_, params := a.asks("state", "s-1")
		time.Sleep(3 * time.Hour)
		if _, params := a.goesTo(a.visit("/authorize?i=" + params.Get("i") +
			"&cancel=1")); params.Get("error") != "access_denied" || params.Get("state") != "s-1" {
			t.Errorf("got %v, want access_denied", params)
		}
	})
}

// A request begins anew for a day, and for what the client may still ask for.
func TestLateRequestsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := startAsking(t)
		_, params := a.asks()
		letter := params.Get("i")
		time.Sleep(2 * time.Hour)
		// In another browser it is what the client's own link would be: a request that begins,
		// of which nothing was settled and nothing can be declined.
		stranger := &asker{&visitor{a.tokenServer, map[string]string{}}, a.client}
		for _, more := range []string{"", "&cancel=1"} {
			if page, params := stranger.goesTo(stranger.visit("/authorize?i=" + letter + more)); page != "/login" ||
				params.Get("i") == letter {
				t.Errorf("another browser%s: got page %q and %v", more, page, params)
			}
		}
		posted := request("POST", "/login?i="+letter, "")
		if _, err := a.p.Interaction(posted.WithContext(web.WithTenant(posted.Context(), a.tenant))); err == nil {
			t.Error("a form of another browser is taken for it")
		}
		look := func() (storage.Interaction, error) {
			r := request("GET", "/login?i="+letter, "")
			a.bring(r)
			return a.p.Interaction(r.WithContext(web.WithTenant(r.Context(), a.tenant)))
		}
		if in, err := look(); err != nil || !in.Late || !strings.HasSuffix(in.ContinueURL, "/authorize?i="+letter) {
			t.Errorf("got %+v, %v, want it late", in, err)
		}
		a.client.Disabled = true
		a.put(a.client)
		if to, status := a.visit("/authorize?i=" + letter); to != "" || status != http.StatusBadRequest {
			t.Errorf("client disabled: got %d to %q", status, to)
		}
		a.client.Disabled = false
		a.put(a.client)
		time.Sleep(24 * time.Hour)
		if to, status := a.visit("/authorize?i=" + letter); to != "" || status != http.StatusBadRequest {
			t.Errorf("after a day: got %d to %q, want an error page", status, to)
		}
		if _, err := look(); err == nil {
			t.Error("after a day: pages still open it")
		}
	})
}
