// Package receiver is an app that a server tells of events by a webhook.
package receiver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// Told is an event as the app got it.
type Told struct {
	ID, Type string
	Data     struct{ Subject string }
	At       time.Time   `json:"-"`
	Header   http.Header `json:"-"`
	Raw      string      `json:"-"`
}

// SignedBy reports whether one of the signatures is by the secret (Standard Webhooks, v1).
func (e Told) SignedBy(secret string) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(e.Header.Get("Webhook-Id") + "." + e.Header.Get("Webhook-Timestamp") + "." + e.Raw))
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return err == nil && slices.Contains(strings.Fields(e.Header.Get("Webhook-Signature")), want)
}

// App is an app with a webhook.
type App struct {
	URL string
	mu  sync.Mutex
	got []Told
	// status answers an event.
	status func(Told) int
}

// New starts an app, which answers with the status that status returns; nil stands for 204.
func New(t testing.TB, status func(Told) int) *App {
	t.Helper()
	a := &App{status: status}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.URL = server.URL
	return a
}

// ServeHTTP implements http.Handler.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	told := Told{At: time.Now(), Header: r.Header, Raw: string(raw)}
	if err == nil {
		err = json.Unmarshal(raw, &told)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	status := http.StatusNoContent
	if a.status != nil {
		status = a.status(told)
	}
	a.mu.Lock()
	a.got = append(a.got, told)
	a.mu.Unlock()
	w.WriteHeader(status)
}

// Got returns the events that it got so far, in their order, repetitions included.
func (a *App) Got() []Told {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.got)
}

// Console calls the management API of a server.
type Console struct {
	*vouchsafetest.API
	Client vouchsafetest.Client
	Token  string
}

// Open returns one with all rights.
func Open(t testing.TB, s *vouchsafetest.Server) *Console {
	t.Helper()
	c := s.Console(t)
	return &Console{s.API(t), c, s.OwnerTokenOf(t, c)}
}

// Request returns a request with the token, and a body unless it is nil.
func (c *Console) Request(t testing.TB, method, path string, body any) *http.Request {
	t.Helper()
	kind, text := "", []byte(nil)
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
		kind = "application/json"
	}
	r := c.API.Request(t, method, "/api/v1"+path, kind, string(text))
	r.Header.Set("Authorization", "Bearer "+c.Token)
	return r
}

// Do calls an operation, which has to succeed.
func (c *Console) Do(t testing.TB, method, path string, body any) *vouchsafetest.Reply {
	t.Helper()
	r := c.API.Do(t, c.Request(t, method, path, body))
	if r.Status >= 300 {
		t.Fatalf("%s %s: got %d %s", method, path, r.Status, r.Raw)
	}
	return r
}

// AddWebhook has the server tell the app of events of the kinds, or of all if there are none, and returns the id and
// the secret of the webhook.
func (c *Console) AddWebhook(t testing.TB, a *App, kinds ...string) (id, secret string) {
	t.Helper()
	said := map[string]any{"url": a.URL}
	if len(kinds) > 0 {
		said["kinds"] = kinds
	}
	r := c.Do(t, http.MethodPost, "/webhooks", said)
	return r.String("id"), r.String("secret")
}

// AddUser adds a user without a password, and returns the id.
func (c *Console) AddUser(t testing.TB, email string) string {
	t.Helper()
	return c.Do(t, http.MethodPost, "/users", map[string]any{"email": email}).String("id")
}

// Until waits for a condition, for minutes.
func Until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for began := time.Now(); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > 4*time.Minute {
			t.Fatalf("waited four minutes: %s", what)
		}
	}
}
