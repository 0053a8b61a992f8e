package load

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
)

var (
	// Web is the client whose people make the load. Its secret is quick to check.
	Web = vouchsafetest.Other
	// App is the client of the JSON API at which people sign up. A server that they are to
	// sign up at has to be started with it.
	App = vouchsafetest.Client{
		"client_id": "app", "client_name": "The app", "first_party": true, "token_endpoint_auth_method": "none",
		"grant_types": []string{"urn:vouchsafe:first-party", "refresh_token"}, "scope": "openid email offline_access",
	}
)

// Options say who works.
type Options struct {
	// People is how many are signed in and have an app with a grant.
	People int
	// Refusal judges what they may be told in the place of an answer.
	Refusal Refusal
	// SignUps is how many new people sign up at a time. Mails is then where the server's
	// mails come, and App one of its clients.
	SignUps int
	Mails   *smtptest.Server
}

// Load is people and apps at work, and what they were told.
type Load struct {
	Options
	t       *testing.T
	site    *vouchsafetest.Server
	people  []*person
	apps    *vouchsafetest.API // of those who work for nobody who is signed in
	grace   time.Duration      // for which a spent refresh token yields the same successor
	stopped chan struct{}
	wg      sync.WaitGroup

	answered, refused atomic.Int64

	mu         sync.Mutex
	redeemed   []redeemed
	revoked    []string // access tokens whose grants were revoked
	asserted   []string // client assertions that authenticated
	registered []*registration
}

// person is a user with a browser at which they are signed in, and an app with two grants:
// one whose access token it uses, one whose refresh tokens it spends.
type person struct {
	browser *vouchsafetest.Browser
	api     *vouchsafetest.API
	access  string
	chain   []string  // refresh tokens, each the successor of the one before
	rotated time.Time // when the last of them was first asked for
	anew    bool      // the chain had to start anew
}

// offline asks for a grant that outlives the session.
var offline = []string{"scope", "openid email offline_access", "prompt", "consent"}

// New signs the people in.
func New(t *testing.T, site *vouchsafetest.Server, o Options) *Load {
	t.Helper()
	l := &Load{Options: o, t: t, site: site, apps: site.API(t), grace: 10 * time.Second}
	if set := site.Setting("VOUCHSAFE_REFRESH_TOKEN_GRACE"); set != "" {
		var err error
		if l.grace, err = time.ParseDuration(set); err != nil {
			t.Fatal(err)
		}
	}
	for range o.People {
		p := &person{browser: site.Browser(t, site.Jo(t)), api: site.API(t)}
		used, spent := vouchsafetest.NewRequest(Web, offline...), vouchsafetest.NewRequest(Web, offline...)
		p.access = p.api.Redeem(t, used, p.browser.Code(t, used)).Want(t, 200, "").Access()
		p.chain = []string{p.api.Redeem(t, spent, p.browser.Code(t, spent)).Want(t, 200, "").Refresh()}
		l.people = append(l.people, p)
	}
	return l
}

// Start has everybody work until Stop.
func (l *Load) Start() {
	l.stopped = make(chan struct{})
	for _, p := range l.people {
		l.repeat(func() { l.exchange(p) })
		l.repeat(func() { l.refresh(p) })
		l.repeat(func() { l.userinfo(p) })
	}
	l.repeat(l.credentials)
	l.repeat(l.assert)
	for range l.SignUps {
		l.repeat(l.signUp)
	}
}

func (l *Load) repeat(do func()) {
	l.wg.Go(func() {
		for l.pause(25 * time.Millisecond) { // nobody is to be starved on two cores
			do()
		}
	})
}

// pause waits, and says whether there is to be more work.
func (l *Load) pause(d time.Duration) bool {
	select {
	case <-l.stopped:
		return false
	case <-time.After(d):
		return true
	}
}

// Stop ends the load and waits for what was begun.
func (l *Load) Stop() {
	close(l.stopped)
	l.wg.Wait()
}

// Refused is how many requests were refused so far.
func (l *Load) Refused() int64 { return l.refused.Load() }

// Answered is how many requests had the answer that they asked for.
func (l *Load) Answered() int64 { return l.answered.Load() }

// Enough waits for n more answers.
func (l *Load) Enough(n int64) {
	l.t.Helper()
	before := l.Answered()
	for end := time.Now().Add(time.Minute); l.Answered() < before+n; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatalf("got %d answers in a minute, want %d", l.Answered()-before, n)
		}
	}
}

// During works for a while, and longer until there were n answers.
func (l *Load) During(d time.Duration, n int64) {
	l.t.Helper()
	before := l.Answered()
	time.Sleep(d)
	l.Enough(n - min(n, l.Answered()-before))
}

// AwaitRefusal waits until more than so many were refused: a fault is felt then, for which
// a slow machine may need its time.
func (l *Load) AwaitRefusal(before int64) {
	l.t.Helper()
	for end := time.Now().Add(RequestTimeout + Slack); l.Refused() <= before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatal("the fault lasts, and nobody was refused: the test shows nothing")
		}
	}
}

// judge says whether an answer is one that was asked for. Otherwise it is a refusal, and
// again says whether to ask again.
func (l *Load) judge(what string, status int, header http.Header, began time.Time, wanted ...int) (ok, again bool) {
	if took := time.Since(began); took > RequestTimeout+Slack {
		l.t.Errorf("%s: an answer took %v, want at most %v", what, took, RequestTimeout)
	}
	if slices.Contains(wanted, status) {
		l.answered.Add(1)
		return true, false
	}
	l.refused.Add(1)
	if err := l.Refusal(status, header); err != nil {
		l.t.Errorf("%s at replica %q: %v", what, header.Get(vouchsafetest.ServedBy), err)
		return false, false
	}
	return false, true
}

// ask asks until there is an answer with one of the wanted statuses. It gives nil when
// there was none before the load ended, and says whether it asked more than once.
func (l *Load) ask(what string, do func() *vouchsafetest.Reply, wanted ...int) (r *vouchsafetest.Reply, repeated bool) {
	for {
		began := time.Now()
		r := do()
		ok, again := l.judge(what, r.Status, r.Header, began, wanted...)
		if ok {
			return r, repeated
		}
		if !again {
			l.t.Logf("%s: %s", what, r.Raw)
			return nil, repeated
		}
		repeated = true
		if !l.pause(50 * time.Millisecond) {
			return nil, repeated
		}
	}
}

// Works says whether a sign-in and its tokens come without a refusal.
func (l *Load) Works() bool {
	l.t.Helper()
	p, r := l.people[0], vouchsafetest.NewRequest(Web)
	code := p.browser.Authorize(l.t, r).Code()
	if code == "" {
		return false
	}
	reply := p.api.Redeem(l.t, r, code)
	return reply.Status == 200 && p.api.Renew(l.t, Web, reply.Refresh()).Status == 200 && p.api.Userinfo(l.t, reply.Access()).Status == 200
}

// Back wants the whole of the service to be there so soon after the end of a fault, and to
// stay.
func (l *Load) Back(ended time.Time, within time.Duration) {
	l.t.Helper()
	for !l.Works() {
		if took := time.Since(ended); took > within+Slack {
			l.t.Errorf("not back after %v, want %v", took, within)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	l.t.Logf("back after %v", time.Since(ended).Round(time.Millisecond))
	for range 10 {
		if !l.Works() {
			l.t.Error("service was back, and went away again")
			return
		}
	}
}
