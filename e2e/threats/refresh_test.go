package threats

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func refreshRows() []row {
	return []row{
		{"E1 a rotated token used again", e1},
		{"E3 an answer that was lost", e3},
		{"E4 another client's token", e4},
		{"E5 replay after a crash", e5},
		{"E6 scope", e6},
		{"E8 lifetimes", e8},
		{"E guesses", eGuesses},
	}
}

func e1(t *testing.T, s *vouchsafetest.Server) {
	for _, c := range []vouchsafetest.Client{web, vouchsafetest.Public, vouchsafetest.Opaque} {
		b, api := jo(t, s), s.API(t)
		first := tokens(t, s, b, vouchsafetest.NewRequest(c))
		second := api.Renew(t, c, first.Refresh()).Want(t, 200, "")
		third := api.Renew(t, c, second.Refresh()).Want(t, 200, "")
		api.Renew(t, c, first.Refresh()).Want(t, 400, "invalid_grant")
		for _, reply := range []*vouchsafetest.Reply{first, second, third} {
			wantDead(t, s, c, reply)
		}
		// Other grants of the same user and client are not affected.
		wantAlive(t, s, tokens(t, s, b, vouchsafetest.NewRequest(c)))
	}
}

func e3(t *testing.T, s *vouchsafetest.Server) {
	own := vouchsafetest.Start(t,
		vouchsafetest.Options{Production: s.Database != "", Env: map[string]string{"VOUCHSAFE_REFRESH_TOKEN_GRACE": "2s"}})
	b, api := jo(t, own), own.API(t)
	first := tokens(t, own, b, vouchsafetest.NewRequest(web))
	lost := api.Renew(t, web, first.Refresh()).Want(t, 200, "")
	again := api.Renew(t, web, first.Refresh()).Want(t, 200, "")
	if lost.Refresh() != again.Refresh() {
		t.Error("a retry within the grace window gave a second branch, not the same successor")
	}
	// Only to the same client.
	api.Renew(t, vouchsafetest.Other, first.Refresh()).Want(t, 400, "invalid_grant")
	wantAlive(t, own, again)
	time.Sleep(2200 * time.Millisecond)
	api.Renew(t, web, first.Refresh()).Want(t, 400, "invalid_grant")
	wantDead(t, own, web, again)
	// The predecessor's predecessor cannot get the successor that was used within the grace period.
	first = tokens(t, own, b, vouchsafetest.NewRequest(web))
	second := api.Renew(t, web, first.Refresh()).Want(t, 200, "")
	third := api.Renew(t, web, second.Refresh()).Want(t, 200, "")
	api.Renew(t, web, first.Refresh()).Want(t, 400, "invalid_grant")
	wantDead(t, own, web, third)
}

func e4(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	first := tokens(t, s, b, vouchsafetest.NewRequest(web))
	thieves := []vouchsafetest.Client{vouchsafetest.Other, vouchsafetest.Public, vouchsafetest.Post}
	for _, thief := range thieves {
		api.Renew(t, thief, first.Refresh()).Want(t, 400, "invalid_grant")
	}
	second := api.Renew(t, web, first.Refresh()).Want(t, 200, "")
	third := api.Renew(t, web, second.Refresh()).Want(t, 200, "")
	for _, thief := range thieves { // rotated long ago: only its own client can set off the alarm
		api.Renew(t, thief, first.Refresh()).Want(t, 400, "invalid_grant")
		api.Renew(t, thief, third.Refresh()).Want(t, 400, "invalid_grant")
	}
	wantAlive(t, s, third)
	api.Renew(t, web, third.Refresh()).Want(t, 200, "")
}

func e5(t *testing.T, s *vouchsafetest.Server) {
	own := vouchsafetest.Start(t, vouchsafetest.Options{Production: s.Database != ""})
	b, api := jo(t, own), own.API(t)
	r := vouchsafetest.NewRequest(web)
	code := b.Code(t, r)
	first := api.Redeem(t, r, code).Want(t, 200, "")
	second := api.Renew(t, web, first.Refresh()).Want(t, 200, "")
	third := api.Renew(t, web, second.Refresh()).Want(t, 200, "")
	k := vouchsafetest.Keyed()[0]
	assertion := k.Assertion(t, own.AssertionClaims(k.ID()))
	api.ByKey(t, assertion, "grant_type", "client_credentials", "scope", "reports:read").Want(t, 200, "")
	revoked := api.Token(t, vouchsafetest.Service, "grant_type", "client_credentials").Want(t, 200, "").Access()
	api.As(t, vouchsafetest.Service, "/revoke", url.Values{"token": {revoked}})

	own.Kill()
	own.Restart(t)
	api = own.API(t)
	wantAlive(t, own, third)
	if api.Active(t, vouchsafetest.Service, revoked) {
		t.Error("a crash revived a revoked token")
	}
	api.ByKey(t, assertion, "grant_type", "client_credentials", "scope", "reports:read").Want(t, 401, "invalid_client")
	fourth := api.Renew(t, web, third.Refresh()).Want(t, 200, "") // what was answered is kept
	api.Renew(t, web, first.Refresh()).Want(t, 400, "invalid_grant")
	wantDead(t, own, web, fourth)
	api.Redeem(t, r, code).Want(t, 400, "invalid_grant")
}

func e6(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	reply := tokens(t, s, b, vouchsafetest.NewRequest(web, "scope", "openid email offline_access"))
	api.Renew(t, web, reply.Refresh(), "scope", "openid email profile").Want(t, 400, "invalid_scope")
	api.Renew(t, web, reply.Refresh(), "scope", "admin").Want(t, 400, "invalid_scope")
	narrow := api.Renew(t, web, reply.Refresh(), "scope", "openid").Want(t, 200, "") // the mistake cost nothing
	if got := api.AccessToken(t, web, narrow.Access()).String("scope"); got != "openid" ||
		narrow.String("scope") != "openid" {
		t.Errorf("got scope %q in the token and %q in the answer, want openid", got, narrow.String("scope"))
	}
	if info := api.Userinfo(t, narrow.Access()); info.String("email") != "" {
		t.Errorf("the narrower token reads %s", info.Raw)
	}
	wide := api.Renew(t, web, narrow.Refresh()).Want(t, 200, "")
	got := strings.Fields(api.AccessToken(t, web, wide.Access()).String("scope"))
	slices.Sort(got)
	if !slices.Equal(got, []string{"email", "offline_access", "openid"}) {
		t.Errorf("got scope %v after a narrower token, want the original grant's", got)
	}
}

func e8(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	brief := vouchsafetest.Brief // idle 6 s, 14 s in all
	idle := tokens(t, s, b, vouchsafetest.NewRequest(brief))
	reply := tokens(t, s, b, vouchsafetest.NewRequest(brief))
	start := time.Now()
	for time.Since(start) < 7*time.Second {
		time.Sleep(1300 * time.Millisecond)
		reply = api.Renew(t, brief, reply.Refresh()).Want(t, 200, "")
	}
	api.Renew(t, brief, idle.Refresh()).Want(t, 400, "invalid_grant")
	time.Sleep(time.Until(start.Add(14500 * time.Millisecond)))
	api.Renew(t, brief, reply.Refresh()).Want(t, 400, "invalid_grant")
	if info := api.Userinfo(t, reply.Access()); info.Status != http.StatusUnauthorized {
		t.Errorf("user info after the end of the grant: got %d, want 401", info.Status)
	}
}

func eGuesses(t *testing.T, s *vouchsafetest.Server) {
	api := s.API(t)
	token := tokens(t, s, jo(t, s), vouchsafetest.NewRequest(web)).Refresh()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.="
	var guesses []string
	for _, c := range alphabet {
		guesses = append(guesses, token[:len(token)-1]+string(c), token+string(c))
	}
	for i := range token {
		guesses = append(guesses, token[:i]+"\n"+token[i:], token[:i])
	}
	parts := strings.Split(token, ".")
	if len(parts) == 3 {
		for _, gen := range []string{"0", "2", "-1", "01", "+1", "9223372036854775807", "99999999999999999999", "1e0", " 1"} {
			guesses = append(guesses, parts[0]+"."+gen+"."+parts[2])
		}
		guesses = append(guesses, strings.ToUpper(parts[0])+"."+parts[1]+"."+parts[2])
	}
	for _, guess := range guesses {
		if guess == token {
			continue
		}
		if reply := api.Renew(t, web, guess); reply.Status != 400 {
			t.Errorf("%q: got %d %s, want invalid_grant", guess, reply.Status, reply.Raw)
		}
	}
	api.Renew(t, web, token).Want(t, 200, "")
}
