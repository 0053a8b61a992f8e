package receiver

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// Logout is a request to the backchannel_logout_uri of an app.
type Logout struct {
	Header http.Header
	Body   string
}

// Logouts is the backchannel_logout_uri of apps.
type Logouts struct {
	URL string
	mu  sync.Mutex
	got map[string][]Logout // by path
}

// NewLogouts starts a host that takes all that it is told.
func NewLogouts(t testing.TB) *Logouts {
	t.Helper()
	l := &Logouts{got: map[string][]Logout{}}
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	l.URL = server.URL
	return l
}

// ServeHTTP implements http.Handler.
func (l *Logouts) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got[r.Method+" "+r.URL.Path] = append(l.got[r.Method+" "+r.URL.Path], Logout{r.Header, string(body)})
}

// Has adds a client that is told at this host, with the members, and returns it.
func (l *Logouts) Has(t testing.TB, s *vouchsafetest.Server, members ...string) vouchsafetest.Client {
	t.Helper()
	c := s.AddClient(t)
	args := []string{"client", "edit", c.ID(), "--set", "backchannel_logout_uri=" + l.URL + "/" + c.ID()}
	for _, m := range members {
		args = append(args, "--set", m)
	}
	s.Command(t, "", args...)
	return c
}

// Got returns what the client was told so far.
func (l *Logouts) Got(c vouchsafetest.Client) []Logout {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Logout{}, l.got["POST /"+c.ID()]...)
}

// Wait waits until the client was told n times, and returns that.
func (l *Logouts) Wait(t testing.TB, c vouchsafetest.Client, n int) []Logout {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if got := l.Got(c); len(got) >= n || time.Now().After(end) {
			if len(got) != n {
				t.Fatalf("%s was told %d times, want %d", c.ID(), len(got), n)
			}
			return got
		}
	}
}
