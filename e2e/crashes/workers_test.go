package crashes

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// chain redeems one refresh token after the other.
type chain struct {
	replies []*vouchsafetest.Reply // all that were answered
	done    int                    // how many in this life
	lost    int
}

func (c *chain) newest() *vouchsafetest.Reply { return c.replies[len(c.replies)-1] }

func (c *chain) run(t *testing.T, api *vouchsafetest.API, done *atomic.Int64) {
	for c.done, c.lost = 0, 0; ; c.done++ {
		r := api.TryRenew(t, web, c.newest().Refresh())
		if r == nil {
			c.lost = 1
			return
		}
		if r.Status != 200 {
			t.Errorf("renew a token: got %d %s", r.Status, r.Raw)
			return
		}
		c.replies = append(c.replies, r)
		done.Add(1)
	}
}

// check repeats the request that was under way, as clients do, and twice at once, which must give
// the same successor.
func (c *chain) check(t *testing.T, api *vouchsafetest.API) (answered, lost int) {
	t.Helper()
	if info := api.Userinfo(t, c.newest().Access()); info.Status != 200 {
		t.Errorf("user info with an access token that was answered 200: got %d %s", info.Status, info.Raw)
	}
	var got [2]*vouchsafetest.Reply
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i] = api.TryRenew(t, web, c.newest().Refresh()) })
	}
	wg.Wait()
	for _, r := range got {
		if r == nil || r.Status != 200 {
			t.Errorf("renew a token again whose answer was lost: got %+v", r)
			return c.done, c.lost
		}
	}
	if got[0].Refresh() != got[1].Refresh() {
		t.Error("a grant has two live branches")
	}
	c.replies = append(c.replies, got[0])
	return c.done, c.lost
}

// end redeems a token that was redeemed long ago, in this life of the server or an earlier one,
// which ends the grant. It reports whether the chain was long enough for that.
func (c *chain) end(t *testing.T, api *vouchsafetest.API) bool {
	t.Helper()
	if len(c.replies) < 3 {
		return false
	}
	old := c.replies[len(c.replies)-3]
	api.Renew(t, web, old.Refresh()).Want(t, 400, "invalid_grant")
	wantDead(t, api, c.newest())
	return true
}

// exchange redeems a code, once or several times at the same moment.
type exchange struct {
	request *vouchsafetest.Request
	code    string
	times   int

	mu      sync.Mutex
	won     []*vouchsafetest.Reply // answered 200
	refused int
	lost    int
}

func (e *exchange) run(t *testing.T, api *vouchsafetest.API, done *atomic.Int64) {
	var wg sync.WaitGroup
	for range e.times {
		wg.Go(func() {
			r := api.TryRedeem(t, e.request, e.code)
			e.mu.Lock()
			defer e.mu.Unlock()
			switch {
			case r == nil:
				e.lost++
			case r.Status == 200:
				e.won = append(e.won, r)
				done.Add(1)
			case r.Error() == "invalid_grant" && e.times > 1:
				e.refused++ // which is a second use, and revokes the grant
			default:
				t.Errorf("redeem a code: got %d %s", r.Status, r.Raw)
			}
		})
	}
	wg.Wait()
}

func (e *exchange) check(t *testing.T, api *vouchsafetest.API) (answered, lost int) {
	t.Helper()
	if e.times == 1 && len(e.won) == 1 {
		if info := api.Userinfo(t, e.won[0].Access()); info.Status != 200 {
			t.Errorf("user info with an access token that was answered 200: got %d %s", info.Status, info.Raw)
		}
		e.won[0] = api.Renew(t, web, e.won[0].Refresh()).Want(t, 200, "")
	}
	// A client whose answer was lost may try again, and may succeed once.
	for range 2 {
		r := api.Redeem(t, e.request, e.code)
		if r.Status == 200 {
			e.won = append(e.won, r)
		} else {
			r.Want(t, 400, "invalid_grant")
		}
	}
	if len(e.won) > 1 {
		t.Errorf("a code was good for tokens %d times", len(e.won))
	}
	for _, r := range e.won {
		wantDead(t, api, r) // the code was used again
	}
	return e.times - e.lost, e.lost
}

// signUp enters the code that makes an account.
type signUp struct {
	email, password, flow, code string
	reply                       *vouchsafetest.Reply
}

// app has screens of its own.
var app = vouchsafetest.Public.With(vouchsafetest.Client{
	"client_id": "app", "grant_types": []string{"authorization_code", "refresh_token", "urn:vouchsafe:first-party"},
})

func (m *mortal) beginSignUp(t *testing.T, api *vouchsafetest.API) *signUp {
	t.Helper()
	u := &signUp{email: address(), password: "a quite unusual passphrase 71"}
	r := api.Do(t, api.JSON(t, "/auth/sign-up",
		map[string]any{"client_id": app.ID(), "email": u.email, "password": u.password}))
	if u.flow = r.String("flow"); r.Status != 202 || u.flow == "" {
		t.Fatalf("sign up: got %d %s, want 202 and a flow", r.Status, r.Raw)
	}
	u.code = m.mails.Next(t, u.email).Code
	return u
}

func (u *signUp) confirm(t *testing.T, api *vouchsafetest.API) *vouchsafetest.Reply {
	return api.Try(t, api.JSON(t, "/auth/confirm-email",
		map[string]any{"client_id": app.ID(), "flow": u.flow, "code": u.code}))
}

func (u *signUp) run(t *testing.T, api *vouchsafetest.API, done *atomic.Int64) {
	u.reply = u.confirm(t, api)
	done.Add(1)
	if u.reply != nil && u.reply.Status != 200 {
		t.Errorf("confirm an address: got %d %s", u.reply.Status, u.reply.Raw)
	}
}

// check fails the test unless the account exists, by the answer that came or after another try.
func (u *signUp) check(t *testing.T, api *vouchsafetest.API) (answered, lost int) {
	t.Helper()
	if u.reply != nil {
		if info := api.Userinfo(t, u.reply.Access()); info.Status != 200 {
			t.Errorf("user info after a sign-up that was answered 200: got %d %s", info.Status, info.Raw)
		}
		answered = 1
	} else {
		lost = 1
	}
	again := u.confirm(t, api)
	switch {
	case again == nil, again.Status == 200 && u.reply != nil, again.Status != 200 && again.Status != 422:
		t.Errorf("enter the code once more (answered before: %v): got %+v", u.reply != nil, again)
	}
	in := api.Do(t, api.JSON(t, "/auth/sign-in",
		map[string]any{"client_id": app.ID(), "login": u.email, "password": u.password}))
	if in.Status != 200 {
		t.Errorf("sign in to an account that was made: got %d %s", in.Status, in.Raw)
	}
	return answered, lost
}
