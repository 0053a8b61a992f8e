package faults

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// web is the client whose people make the load. Its secret is quick to check.
var web = vouchsafetest.Other

// load is people and apps that keep a server busy, and remember what they were told.
type load struct {
	t       *testing.T
	site    *site
	people  []*person
	stopped chan struct{}
	wg      sync.WaitGroup

	answered, refused atomic.Int64 // requests with 200, and with 503

	mu       sync.Mutex
	redeemed []redeemed
	signedUp []signedUp
	asserted []string // client assertions that authenticated
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

// signedUp is a registration whose flow and code are spent.
type signedUp struct {
	email, password, flow, code string
	told                        bool // that there is an account
}

// newLoad signs n people in.
func newLoad(t *testing.T, s *site, n int) *load {
	t.Helper()
	l := &load{t: t, site: s}
	for range n {
		p := &person{browser: s.Browser(t, s.Jo(t)), api: s.API(t)}
		r := vouchsafetest.NewRequest(web, "scope", "openid email offline_access", "prompt", "consent")
		first := p.api.Redeem(t, r, p.browser.Code(t, r)).Want(t, 200, "")
		p.access, p.chain = first.Access(), []string{first.Refresh()}
		l.people = append(l.people, p)
	}
	return l
}

// start has everybody work until stop. One of them signs new people up.
func (l *load) start() {
	l.stopped = make(chan struct{})
	for _, p := range l.people {
		l.repeat(func() { l.exchange(p) })
		l.repeat(func() { l.refresh(p) })
		l.repeat(func() { l.userinfo(p) })
	}
	l.repeat(func() { l.signUp(l.people[0].api) })
	l.repeat(func() { l.assert(l.people[0].api) })
}

func (l *load) repeat(do func()) {
	l.wg.Go(func() {
		for {
			select {
			case <-l.stopped:
				return
			case <-time.After(25 * time.Millisecond): // nobody is to be starved on two cores
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

// during works for a while, and longer until enough requests have had their answer.
func (l *load) during(d time.Duration, enough int64) {
	before := l.answered.Load()
	time.Sleep(d)
	for end := time.Now().Add(time.Minute); l.answered.Load() < before+enough; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Errorf("got %d answers in a minute, want %d", l.answered.Load()-before, enough)
			return
		}
	}
}

// judge is whether the reply is what was asked for. Otherwise it must be the one refusal
// that a fault may cause.
func (l *load) judge(what string, status int, header http.Header, began time.Time, allowed ...int) bool {
	if took := time.Since(began); took > requestTimeout+slack {
		l.t.Errorf("%s: an answer took %v, want at most %v", what, took, requestTimeout)
	}
	if status == http.StatusServiceUnavailable {
		l.refused.Add(1)
		if header.Get("Retry-After") == "" {
			l.t.Errorf("%s: got 503 without Retry-After", what)
		}
		return false
	}
	for _, s := range allowed {
		if status == s {
			l.answered.Add(1)
			return true
		}
	}
	l.t.Errorf("%s: got %d, want %v or 503", what, status, allowed)
	return false
}

// insist asks again while the server is out of order, and gives the first other reply;
// nil when the load ends before.
func (l *load) insist(what string, ask func() *vouchsafetest.Reply, allowed ...int) (r *vouchsafetest.Reply, again bool) {
	for {
		began := time.Now()
		r := ask()
		if l.judge(what, r.Status, r.Header, began, allowed...) {
			return r, again
		}
		if r.Status != http.StatusServiceUnavailable {
			l.t.Logf("%s: %s", what, r.Raw)
			return nil, again
		}
		again = true
		select {
		case <-l.stopped:
			return nil, again
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// exchange gets a code and redeems it. A redemption that was answered with 503 may have
// happened: its code is then spent.
func (l *load) exchange(p *person) {
	r := vouchsafetest.NewRequest(web)
	began := time.Now()
	a := p.browser.Authorize(l.t, r)
	if a.Code() == "" {
		if len(a.Shown) > 0 {
			l.t.Errorf("somebody who is signed in was asked for something: %v", a.Shown)
		}
		l.judge("authorize", a.Page.Status, a.Page.Header, began)
		return
	}
	l.answered.Add(1)
	reply, again := l.insist("redeem", func() *vouchsafetest.Reply { return p.api.Redeem(l.t, r, a.Code()) }, 200, 400)
	switch {
	case reply == nil:
	case reply.Status == 200:
		l.mu.Lock()
		l.redeemed = append(l.redeemed, redeemed{r, a.Code(), reply})
		l.mu.Unlock()
	case !again || reply.Error() != "invalid_grant":
		l.t.Errorf("a code that nobody had used: got %s", reply.Raw)
	}
}

// refresh spends the last refresh token. The answer may come late, but it must come.
func (l *load) refresh(p *person) {
	last := p.chain[len(p.chain)-1]
	reply, _ := l.insist("refresh", func() *vouchsafetest.Reply { return p.api.Renew(l.t, web, last) }, 200)
	if reply != nil {
		p.chain = append(p.chain, reply.Refresh())
	}
}

func (l *load) userinfo(p *person) {
	l.insist("userinfo", func() *vouchsafetest.Reply { return p.api.Userinfo(l.t, p.access) }, 200)
}

// keyed authenticates by assertions, each of which is good for once.
var keyed = vouchsafetest.Keyed()[0]

// assert gets a token by an assertion that is good for longer than the test takes. One
// that was answered with 503 may be spent.
func (l *load) assert(api *vouchsafetest.API) {
	claims := l.site.AssertionClaims(keyed.ID())
	claims["exp"] = time.Now().Add(4 * time.Minute).Unix()
	assertion := keyed.Assertion(l.t, claims)
	reply, again := l.insist("assertion", func() *vouchsafetest.Reply { return byKey(l.t, api, assertion) }, 200, 401)
	switch {
	case reply == nil:
	case reply.Status == 401 && !again:
		l.t.Errorf("an assertion that nobody had used: got %s", reply.Raw)
	default:
		l.mu.Lock()
		l.asserted = append(l.asserted, assertion)
		l.mu.Unlock()
	}
}

func byKey(t *testing.T, api *vouchsafetest.API, assertion string) *vouchsafetest.Reply {
	return api.ByKey(t, assertion, "grant_type", "client_credentials", "scope", "reports:read")
}

// signUp makes an account, from the form to the code that was mailed.
func (l *load) signUp(api *vouchsafetest.API) {
	s := signedUp{email: strings.ToLower(rand.Text()) + "@example.com", password: "pw-" + rand.Text()}
	sent, again := l.insist("sign up", func() *vouchsafetest.Reply {
		return call(l.t, api, "/auth/sign-up", map[string]any{"client_id": "app", "email": s.email, "password": s.password})
	}, 202)
	if sent == nil || again { // more than one code may be under way, and only the last counts
		return
	}
	m, ok := l.mail(s.email)
	if !ok {
		return
	}
	s.flow, s.code = sent.String("flow"), m
	reply, again := l.insist("confirm", func() *vouchsafetest.Reply { return confirm(l.t, api, s.flow, s.code) }, 200, 422)
	if reply == nil {
		return
	}
	if reply.Status == 422 && !again {
		l.t.Errorf("a code that nobody had used: got %s", reply.Raw)
	}
	s.told = reply.Status == 200 // or the code was tried too often: it costs another
	l.mu.Lock()
	l.signedUp = append(l.signedUp, s)
	l.mu.Unlock()
}

// mail waits for the code that was sent to the address.
func (l *load) mail(to string) (code string, ok bool) {
	for {
		for _, m := range l.site.mails.Waiting() {
			if strings.EqualFold(m.To, to) {
				return m.Code, true
			}
		}
		select {
		case <-l.stopped:
			return "", false
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func confirm(t *testing.T, api *vouchsafetest.API, flow, code string) *vouchsafetest.Reply {
	return call(t, api, "/auth/confirm-email", map[string]any{"client_id": "app", "flow": flow, "code": code})
}

// call calls the JSON API.
func call(t testing.TB, api *vouchsafetest.API, path string, body map[string]any) *vouchsafetest.Reply {
	t.Helper()
	text, err := json.Marshal(maps.Clone(body))
	if err != nil {
		t.Fatal(err)
	}
	return api.Do(t, api.Request(t, http.MethodPost, path, "application/json", string(text)))
}
