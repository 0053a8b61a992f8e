package replicas

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// load is people and apps that keep a site busy, and remember what they were told.
type load struct {
	t    *testing.T
	site *vouchsafetest.Server
	// faulty says that 503 may come, and is followed by another try. Otherwise every
	// request must succeed.
	faulty  bool
	people  []*person
	stopped chan struct{}
	wg      sync.WaitGroup

	answered, refused atomic.Int64

	mu       sync.Mutex
	redeemed []redeemed
	revoked  []string // access tokens whose grants were revoked
}

// person is somebody with a browser at which they are signed in, and an app with a grant.
type person struct {
	browser *vouchsafetest.Browser
	api     *vouchsafetest.API
	access  string
	chain   []string // refresh tokens, each the successor of the one before
}

// redeemed is a code that gave tokens.
type redeemed struct {
	request *vouchsafetest.Request
	code    string
	reply   *vouchsafetest.Reply
}

func newLoad(t *testing.T, site *vouchsafetest.Server, people int) *load {
	t.Helper()
	l := &load{t: t, site: site}
	for range people {
		p := &person{browser: site.Browser(t, site.Jo(t)), api: site.API(t)}
		r := vouchsafetest.NewRequest(web, "scope", "openid email offline_access", "prompt", "consent")
		first := p.api.Redeem(t, r, p.browser.Code(t, r)).Want(t, 200, "")
		p.access, p.chain = first.Access(), []string{first.Refresh()}
		l.people = append(l.people, p)
	}
	return l
}

// start has everybody work until stop.
func (l *load) start() {
	l.stopped = make(chan struct{})
	for _, p := range l.people {
		l.repeat(func() { l.exchange(p) })
		l.repeat(func() { l.refresh(p) })
		l.repeat(func() {
			l.ask("user info", func() *vouchsafetest.Reply { return p.api.Userinfo(l.t, p.access) })
		})
		l.repeat(func() {
			l.ask("client credentials", func() *vouchsafetest.Reply {
				return p.api.Token(l.t, vouchsafetest.ServicePost, "grant_type", "client_credentials")
			})
		})
	}
}

func (l *load) repeat(do func()) {
	l.wg.Go(func() {
		for {
			select {
			case <-l.stopped:
				return
			case <-time.After(20 * time.Millisecond): // nobody is to be starved on two cores
				do()
			}
		}
	})
}

// stop ends the load and waits for what was begun.
func (l *load) stop() {
	close(l.stopped)
	l.wg.Wait()
}

// enough waits for n more answers.
func (l *load) enough(n int64) {
	l.t.Helper()
	before := l.answered.Load()
	for end := time.Now().Add(time.Minute); l.answered.Load() < before+n; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatalf("got %d answers in a minute, want %d", l.answered.Load()-before, n)
		}
	}
}

// ask asks until there is an answer with 200 or another status that is allowed. It gives
// nil when there was none, and whether it asked more than once.
func (l *load) ask(what string, do func() *vouchsafetest.Reply, allowed ...int) (r *vouchsafetest.Reply, again bool) {
	for {
		r := do()
		switch {
		case r.Status == http.StatusOK || slices.Contains(allowed, r.Status):
			l.answered.Add(1)
			return r, again
		case !l.faulty || r.Status != http.StatusServiceUnavailable:
			l.t.Errorf("%s: got %d %s from replica %q, want 200", what, r.Status, r.Raw, r.Header.Get(vouchsafetest.ServedBy))
			return nil, again
		}
		l.refused.Add(1)
		again = true
		select {
		case <-l.stopped:
			return nil, again
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// exchange gets a code and redeems it, and revokes every third grant that it got. A
// redemption that was answered with 503 may have happened: its code is then spent.
func (l *load) exchange(p *person) {
	r := vouchsafetest.NewRequest(web)
	a := p.browser.Authorize(l.t, r)
	if a.Code() == "" {
		l.refused.Add(1)
		if !l.faulty || len(a.Shown) > 0 || a.Page.Status != http.StatusServiceUnavailable {
			l.t.Errorf("authorize: got %d, pages %v from replica %q, want a code", a.Page.Status, a.Shown, a.Page.Header.Get(vouchsafetest.ServedBy))
		}
		return
	}
	l.answered.Add(1)
	reply, again := l.ask("redeem", func() *vouchsafetest.Reply { return p.api.Redeem(l.t, r, a.Code()) }, http.StatusBadRequest)
	if reply == nil {
		return
	}
	if reply.Status != http.StatusOK {
		if !again || reply.Error() != "invalid_grant" {
			l.t.Errorf("a code that nobody had used: got %s", reply.Raw)
		}
		return
	}
	l.mu.Lock()
	l.redeemed = append(l.redeemed, redeemed{r, a.Code(), reply})
	turn := len(l.redeemed) + len(l.revoked)
	l.mu.Unlock()
	if turn%3 == 0 {
		l.revoke(p, reply)
	}
}

func (l *load) revoke(p *person, tokens *vouchsafetest.Reply) {
	done, _ := l.ask("revoke", func() *vouchsafetest.Reply {
		return p.api.As(l.t, web, "/revoke", vouchsafetest.Values("token", tokens.Refresh()))
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	if done != nil {
		l.revoked = append(l.revoked, tokens.Access())
	}
	l.redeemed = slices.DeleteFunc(l.redeemed, func(r redeemed) bool { return r.reply == tokens })
}

// refresh spends the last refresh token. The answer may come late, but it must come.
func (l *load) refresh(p *person) {
	last := p.chain[len(p.chain)-1]
	reply, _ := l.ask("refresh", func() *vouchsafetest.Reply { return p.api.Renew(l.t, web, last) })
	if reply != nil {
		p.chain = append(p.chain, reply.Refresh())
	}
}

// verify wants what was answered to be kept: whoever was given something can go on with
// it, what was spent is spent, and no grant has two branches.
func (l *load) verify() {
	l.t.Helper()
	l.t.Logf("%d answers, %d refused; %d codes redeemed, %d grants revoked", l.answered.Load(), l.refused.Load(), len(l.redeemed), len(l.revoked))
	if len(l.redeemed) == 0 || len(l.revoked) == 0 {
		l.t.Fatal("nothing was redeemed or revoked: there is nothing to verify")
	}
	api := l.site.API(l.t)
	for _, access := range last(l.revoked, 150) {
		if info := api.Userinfo(l.t, access); info.Status != http.StatusUnauthorized {
			l.t.Errorf("a grant whose revocation was answered with 200: got %d, want 401", info.Status)
		}
	}
	for _, r := range last(l.redeemed, 150) {
		if info := api.Userinfo(l.t, r.reply.Access()); info.Status != http.StatusOK {
			l.t.Errorf("an access token that was given with 200: got %d, want 200", info.Status)
		}
	}
	for _, r := range last(l.redeemed, 30) {
		next := api.Renew(l.t, web, r.reply.Refresh()).Want(l.t, 200, "")
		api.Redeem(l.t, r.request, r.code).Want(l.t, 400, "invalid_grant")
		api.Renew(l.t, web, next.Refresh()).Want(l.t, 400, "invalid_grant")
	}
	for _, p := range l.people {
		l.verifyChain(p)
	}
}

// verifyChain wants the last token to be the only one that leads on.
func (l *load) verifyChain(p *person) {
	l.t.Helper()
	n := len(p.chain)
	if n < 5 || len(slices.Compact(slices.Sorted(slices.Values(p.chain)))) != n {
		l.t.Fatalf("a chain of %d refresh tokens is short, or has one of them twice", n)
	}
	if again := p.api.Renew(l.t, web, p.chain[n-2]).Want(l.t, 200, ""); again.Refresh() != p.chain[n-1] {
		l.t.Error("a refresh token has two successors")
	}
	next := p.api.Renew(l.t, web, p.chain[n-1]).Want(l.t, 200, "")
	p.api.Renew(l.t, web, p.chain[n-3]).Want(l.t, 400, "invalid_grant")
	p.api.Renew(l.t, web, next.Refresh()).Want(l.t, 400, "invalid_grant") // the grant went with it
}

func last[T any](all []T, n int) []T { return all[max(0, len(all)-n):] }
