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
	// Web is the client that the users use. Its secret is quick to check.
	Web = vouchsafetest.Other
	// App is the client of the JSON API at which new users sign up. A server for sign-ups must be
	// started with it.
	App = vouchsafetest.Client{
		"client_id": "app", "client_name": "The app", "first_party": true, "token_endpoint_auth_method": "none",
		"grant_types": []string{"urn:vouchsafe:first-party", "refresh_token"}, "scope": "openid email offline_access",
	}
)

// Options say how much load there is.
type Options struct {
	// People is how many users are signed in and have an app with a grant.
	People int
	// Refusal decides which errors are acceptable.
	Refusal Refusal
	// SignUps is how many new users sign up at the same time. Mails must then get the server's
	// mails, and App must be one of its clients.
	SignUps int
	Mails   *smtptest.Server
}

// Load is a number of users and apps, with the answers that they got.
type Load struct {
	Options
	t       *testing.T
	site    *vouchsafetest.Server
	people  []*person
	apps    *vouchsafetest.API // for requests without a user
	grace   time.Duration      // for how long a redeemed refresh token still gives the same successor
	stopped chan struct{}
	wg      sync.WaitGroup

	answered, refused atomic.Int64

	mu         sync.Mutex
	redeemed   []redeemed
	revoked    []string // access tokens whose grant was revoked
	asserted   []string // client assertions that have authenticated
	registered []*registration
}

// person is a user who is signed in with a browser, and an app with two grants. The app uses the
// access token of one, and redeems the refresh tokens of the other.
type person struct {
	browser *vouchsafetest.Browser
	api     *vouchsafetest.API
	access  string
	chain   []string  // refresh tokens, each the successor of the one before it
	rotated time.Time // when the last of them was first requested
	anew    bool      // the chain had to start anew
}

// offline are the parameters of a request for a grant that outlives the session.
var offline = []string{"scope", "openid email offline_access", "prompt", "consent"}

// New signs the users in.
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

// pause waits, and reports whether the load goes on.
func (l *Load) pause(d time.Duration) bool {
	select {
	case <-l.stopped:
		return false
	case <-time.After(d):
		return true
	}
}

// Refused returns how many requests were refused so far.
func (l *Load) Refused() int64 { return l.refused.Load() }

// Answered returns how many requests got the expected answer.
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

// During waits for d, and longer until there were n answers.
func (l *Load) During(d time.Duration, n int64) {
	l.t.Helper()
	before := l.Answered()
	time.Sleep(d)
	l.Enough(n - min(n, l.Answered()-before))
}

// AwaitRefusal waits until more than before requests were refused. The fault has an effect then,
// which may take a while on a slow machine.
func (l *Load) AwaitRefusal(before int64) {
	l.t.Helper()
	for end := time.Now().Add(RequestTimeout + Slack); l.Refused() <= before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatal("the fault lasts, and no request was refused: the test shows nothing")
		}
	}
}

// judge reports whether the answer is one of the expected ones. If not, it is a refusal, and again
// says whether to repeat the request.
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

// ask repeats a request until it gets one of the expected statuses. It returns nil if the load
// ended before, and reports whether it has repeated the request.
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

// Works reports whether a sign-in and its tokens work without a refusal.
func (l *Load) Works() bool {
	l.t.Helper()
	p, r := l.people[0], vouchsafetest.NewRequest(Web)
	code := p.browser.Authorize(l.t, r).Code()
	if code == "" {
		return false
	}
	reply := p.api.Redeem(l.t, r, code)
	return reply.Status == 200 && p.api.Renew(l.t, Web, reply.Refresh()).Status == 200 &&
		p.api.Userinfo(l.t, reply.Access()).Status == 200
}

// Back fails the test unless the whole service works again within that time after the end of a
// fault, and keeps working.
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

// redeemed is a code that was redeemed for tokens.
type redeemed struct {
	request *vouchsafetest.Request
	code    string
	reply   *vouchsafetest.Reply
}

// registration is a user who signs up.
type registration struct {
	email, password string
	requests        int             // requests for a code, each of which may have caused a mail
	flow            string          // from the answer that a code is on its way; "" if none came
	tried           map[string]bool // codes that were entered
	lost            string          // a code that was entered without an answer, which may have been accepted
	code            string          // the code that was entered and answered
	told            bool            // whether the answer said that there is an account
}
