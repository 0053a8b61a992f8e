package crashes

import (
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/buildtest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestClockSteps sets the server's clock a minute and an hour back and a day ahead, as on a machine
// whose clock was wrong (threats P1). The service continues, what was issued keeps its lifetime to
// within the step, and what was used or had ended does not come back.
func TestClockSteps(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, production bool) {
		clock := buildtest.NewClock(t)
		s := vouchsafetest.Start(t, vouchsafetest.Options{Production: production, Clock: clock})
		api, keyed := s.API(t), vouchsafetest.Keyed()[1]
		browser := s.Browser(t, s.Person(t))

		// Used up while the clock was right.
		claims := s.AssertionClaims(keyed.ID())
		claims["exp"] = time.Now().Add(4 * time.Minute).Unix() // it is valid for longer than the test runs
		assertion := keyed.Assertion(t, claims)
		api.ByKey(t, assertion, "grant_type", "client_credentials", "scope", "reports:read").Want(t, 200, "")
		spent := vouchsafetest.NewRequest(web)
		spentCode := browser.Code(t, spent)
		api.Redeem(t, spent, spentCode).Want(t, 200, "")
		waiting := vouchsafetest.NewRequest(web)
		waitingCode := browser.Code(t, waiting)
		chain, kept := grantOf(t, api, browser), grantOf(t, api, browser)
		revoked := grantOf(t, api, browser)
		api.As(t, web, "/revoke", vouchsafetest.Values("token", revoked.Refresh())).Want(t, 200, "")

		// Clocks usually differ by up to a minute: a step of that size has no effect.
		for _, step := range []time.Duration{-time.Minute, time.Minute / 2} {
			clock.Set(t, step)
			again := grantOf(t, api, browser)
			wantAlive(t, api, again)
			clock.Set(t, 0)
			wantAlive(t, api, again)
		}

		// A day ahead, access tokens and codes have expired, and refresh tokens have not.
		clock.Set(t, 24*time.Hour)
		api.Userinfo(t, chain.Access()).Want(t, 401, "invalid_token")
		api.Redeem(t, waiting, waitingCode).Want(t, 400, "invalid_grant")
		next := api.Renew(t, web, chain.Refresh()).Want(t, 200, "")
		wantAlive(t, api, next)
		wantAlive(t, api, grantOf(t, api, s.Browser(t, s.Person(t))))
		awaitSweep(t)

		// Back again, and an hour behind.
		for _, step := range []time.Duration{0, -time.Hour} {
			clock.Set(t, step)
			api.ByKey(t, assertion, "grant_type", "client_credentials", "scope", "reports:read").Want(t, 401, "invalid_client")
			api.Redeem(t, spent, spentCode).Want(t, 400, "invalid_grant")
			api.Renew(t, web, revoked.Refresh()).Want(t, 400, "invalid_grant")
			api.Userinfo(t, revoked.Access()).Want(t, 401, "invalid_token")
			wantAlive(t, api, grantOf(t, api, s.Browser(t, s.Person(t))))
		}
		clock.Set(t, 0)
		api.Renew(t, web, kept.Refresh()).Want(t, 200, "")
		// Its successor was issued a day ahead and long ago: this is reuse, and not a repetition of
		// the same request.
		api.Renew(t, web, chain.Refresh()).Want(t, 400, "invalid_grant")
		api.Renew(t, web, next.Refresh()).Want(t, 400, "invalid_grant")
		if log := s.Log(); strings.Contains(log, `"msg":"panic"`) || strings.Contains(log, `"status":500`) {
			t.Error("the server failed: see its log")
		}
	})
}

func grantOf(t *testing.T, api *vouchsafetest.API, b *vouchsafetest.Browser) *vouchsafetest.Reply {
	t.Helper()
	r := vouchsafetest.NewRequest(web)
	return api.Redeem(t, r, b.Code(t, r)).Want(t, 200, "")
}

func wantAlive(t *testing.T, api *vouchsafetest.API, tokens *vouchsafetest.Reply) {
	t.Helper()
	api.Userinfo(t, tokens.Access()).Want(t, 200, "")
	if !api.Active(t, web, tokens.Access()) {
		t.Error("the access token is not active")
	}
}

// awaitSweep waits until the server has deleted expired rows, which it does every minute, give or
// take a tenth.
func awaitSweep(t *testing.T) {
	t.Helper()
	select {
	case <-time.After(67 * time.Second):
	case <-t.Context().Done():
	}
}

// TestIssuedAheadOfTime lets a server whose clock is a day ahead issue tokens and codes. Once the
// clock is right again, none of them is valid, so that none lives a day too long (threats P13).
func TestIssuedAheadOfTime(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, production bool) {
		clock := buildtest.NewClock(t)
		s := vouchsafetest.Start(t, vouchsafetest.Options{Production: production, Clock: clock,
			Clients: []vouchsafetest.Client{app}})
		api, p := s.API(t), s.Person(t)
		before := s.Browser(t, p)
		kept := grantOf(t, api, before)
		clock.Set(t, 24*time.Hour)
		browser := s.Browser(t, p)
		waiting := vouchsafetest.NewRequest(web)
		code := browser.Code(t, waiting)
		issued := grantOf(t, api, browser)
		inSession := grantOf(t, api, before) // of a session that began in time
		unfinished := s.Browser(t, p)
		letter := unfinished.Get(t, vouchsafetest.NewRequest(web).Path())
		signedIn := api.Do(t, api.JSON(t, "/auth/sign-in",
			map[string]any{"client_id": app.ID(), "login": p.Email, "password": p.Password}))
		if signedIn.Status != 200 {
			t.Fatalf("got %d %s, want 200", signedIn.Status, signedIn.Raw)
		}
		wantAlive(t, api, issued)

		clock.Set(t, 0)
		api.Redeem(t, waiting, code).Want(t, 400, "invalid_grant")
		for _, reply := range []*vouchsafetest.Reply{issued, inSession} {
			api.Userinfo(t, reply.Access()).Want(t, 401, "invalid_token")
			if api.Active(t, web, reply.Access()) {
				t.Error("an access token of a day ahead is active")
			}
			api.Renew(t, web, reply.Refresh()).Want(t, 400, "invalid_grant")
		}
		api.Userinfo(t, signedIn.Access()).Want(t, 401, "invalid_token")
		if page := browser.Get(t, vouchsafetest.NewRequest(web).Path()); page.URL.Path != "/login" {
			t.Errorf("the session of a day ahead leads to %s, want /login", page.URL.Path)
		}
		if page := unfinished.Get(t, letter.URL.RequestURI()); page.URL.Path != "/login" ||
			page.URL.Query().Get("late") == "" {
			t.Errorf("the request of a day ahead leads to %s, want it to begin anew", page.URL)
		}
		// What was issued at the right time still works.
		wantAlive(t, api, grantOf(t, api, before))
		api.Renew(t, web, kept.Refresh()).Want(t, 200, "")
		wantAlive(t, api, grantOf(t, api, s.Browser(t, p)))
	})
}
