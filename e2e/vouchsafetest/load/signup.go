package load

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// signedUp is a registration whose flow and code are spent.
type signedUp struct {
	email, password, flow, code string
	told                        bool // that there is an account
}

// signUp makes an account, from the form to the code that was mailed.
func (l *Load) signUp() {
	s := signedUp{email: strings.ToLower(rand.Text()) + "@example.com", password: "pw-" + rand.Text()}
	sent, repeated := l.ask("sign up", func() *vouchsafetest.Reply { return SignUp(l.t, l.apps, s.email, s.password) }, 202)
	if sent == nil || repeated { // more than one code may be under way, and only the last counts
		return
	}
	m, ok := l.mail(s.email)
	if !ok {
		return
	}
	s.flow, s.code = sent.String("flow"), m
	reply, repeated := l.ask("confirm", func() *vouchsafetest.Reply { return Confirm(l.t, l.apps, s.flow, s.code) }, 200, 422)
	if reply == nil {
		return
	}
	if reply.Status == 422 && !repeated {
		l.t.Errorf("a code that nobody had used: got %s", reply.Raw)
	}
	s.told = reply.Status == 200 // or the code was tried too often: it costs another
	l.mu.Lock()
	l.signedUp = append(l.signedUp, s)
	l.mu.Unlock()
}

// mail waits for the code that was sent to the address.
func (l *Load) mail(to string) (code string, ok bool) {
	for {
		for _, m := range l.Mails.Waiting() {
			if strings.EqualFold(m.To, to) {
				return m.Code, true
			}
		}
		if !l.pause(20 * time.Millisecond) {
			return "", false
		}
	}
}

// SignUp asks the JSON API for an account.
func SignUp(t testing.TB, api *vouchsafetest.API, email, password string) *vouchsafetest.Reply {
	t.Helper()
	return api.Do(t, api.JSON(t, "/auth/sign-up", map[string]any{"client_id": App.ID(), "email": email, "password": password}))
}

// Confirm enters the code that was mailed.
func Confirm(t testing.TB, api *vouchsafetest.API, flow, code string) *vouchsafetest.Reply {
	t.Helper()
	return api.Do(t, api.JSON(t, "/auth/confirm-email", map[string]any{"client_id": App.ID(), "flow": flow, "code": code}))
}
