package load

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// exchange gets a code, redeems it, and revokes every third grant. A refused redemption may have
// been carried out: the code is then spent.
func (l *Load) exchange(p *person) {
	r := vouchsafetest.NewRequest(Web)
	began := time.Now()
	a := p.browser.Authorize(l.t, r)
	if a.Code() == "" {
		if len(a.Shown) > 0 {
			l.t.Errorf("a user who is signed in was asked for something: %v", a.Shown)
		}
		l.judge("authorize", a.Page.Status, a.Page.Header, began)
		return
	}
	l.answered.Add(1)
	reply, repeated := l.ask("redeem", func() *vouchsafetest.Reply { return p.api.Redeem(l.t, r, a.Code()) }, 200, 400)
	switch {
	case reply == nil:
	case reply.Status == 200:
		l.mu.Lock()
		l.redeemed = append(l.redeemed, redeemed{r, a.Code(), reply})
		turn := len(l.redeemed) + len(l.revoked)
		l.mu.Unlock()
		if turn%3 == 0 {
			l.revoke(p, reply)
		}
	case !repeated || reply.Error() != "invalid_grant":
		l.t.Errorf("a code that was not used before: got %s", reply.Raw)
	}
}

// revoke revokes a grant. Without an answer, it is unknown whether the grant ended.
func (l *Load) revoke(p *person, tokens *vouchsafetest.Reply) {
	done, _ := l.ask("revoke", func() *vouchsafetest.Reply {
		return p.api.As(l.t, Web, "/revoke", vouchsafetest.Values("token", tokens.Refresh()))
	}, 200)
	l.mu.Lock()
	defer l.mu.Unlock()
	if done != nil {
		l.revoked = append(l.revoked, tokens.Access())
	}
	l.redeemed = slices.DeleteFunc(l.redeemed, func(r redeemed) bool { return r.reply == tokens })
}

// refresh redeems the last refresh token. The answer may come late but must come: only an app whose
// requests were refused for longer than the grace period has to start anew.
func (l *Load) refresh(p *person) {
	if len(p.chain) == 0 {
		l.startChain(p)
		return
	}
	last, began := p.chain[len(p.chain)-1], time.Now()
	reply, repeated := l.ask("refresh", func() *vouchsafetest.Reply { return p.api.Renew(l.t, Web, last) }, 200, 400)
	switch {
	case reply == nil:
	case reply.Status == 200:
		p.chain, p.rotated = append(p.chain, reply.Refresh()), began
	case repeated && reply.Error() == "invalid_grant" && time.Since(began) > l.grace:
		p.chain, p.anew = nil, true
	default:
		l.t.Errorf("a refresh token that its app had just been given: got %s", reply.Raw)
	}
}

// startChain gets a new grant for the app, unless that is refused.
func (l *Load) startChain(p *person) {
	r := vouchsafetest.NewRequest(Web, offline...)
	code := p.browser.Authorize(l.t, r).Code()
	if code == "" {
		return
	}
	if reply := p.api.Redeem(l.t, r, code); reply.Status == 200 {
		p.chain = []string{reply.Refresh()}
	}
}

// RefreshAtOnce redeems one refresh token n times at the same moment, while no other request runs.
// All answers that are not refusals must contain the same successor.
func (l *Load) RefreshAtOnce(n int) {
	l.t.Helper()
	p := l.people[0]
	last := p.chain[len(p.chain)-1]
	got := make([]*vouchsafetest.Reply, n)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i] = p.api.Renew(l.t, Web, last) })
	}
	wg.Wait()
	next, given := "", 0
	for _, r := range got {
		switch {
		case r.Status != http.StatusOK:
			if err := l.Refusal(r.Status, r.Header); err != nil {
				l.t.Errorf("refreshed by many at once: %v: %s", err, r.Raw)
			}
			continue
		case next != "" && r.Refresh() != next:
			l.t.Error("one refresh token has two successors")
		}
		next = r.Refresh()
		given++
	}
	if next != "" {
		p.chain = append(p.chain, next)
	}
	l.t.Logf("%d of %d had their answer at once", given, n)
}

func (l *Load) userinfo(p *person) {
	_, _ = l.ask("userinfo", func() *vouchsafetest.Reply { return p.api.Userinfo(l.t, p.access) }, 200)
}

func (l *Load) credentials() {
	_, _ = l.ask("client credentials", func() *vouchsafetest.Reply {
		return l.apps.Token(l.t, vouchsafetest.ServicePost, "grant_type", "client_credentials")
	}, 200)
}

// keyed authenticates by assertions, each of which works once.
var keyed = vouchsafetest.Keyed()[0]

// assert gets a token by an assertion that is valid for longer than the test takes. An assertion
// that was refused may be spent.
func (l *Load) assert() {
	claims := l.site.AssertionClaims(keyed.ID())
	claims["exp"] = time.Now().Add(4 * time.Minute).Unix()
	assertion := keyed.Assertion(l.t, claims)
	reply, repeated := l.ask("assertion", func() *vouchsafetest.Reply { return byKey(l.t, l.apps, assertion) }, 200, 401)
	switch {
	case reply == nil:
	case reply.Status == 401 && !repeated:
		l.t.Errorf("an assertion that was not used before: got %s", reply.Raw)
	default:
		l.mu.Lock()
		l.asserted = append(l.asserted, assertion)
		l.mu.Unlock()
	}
}

func byKey(t *testing.T, api *vouchsafetest.API, assertion string) *vouchsafetest.Reply {
	return api.ByKey(t, assertion, "grant_type", "client_credentials", "scope", "reports:read")
}
