package backchannel

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// apps are the apps that are told, by path.
type apps struct {
	*httptest.Server
	mu     sync.Mutex
	told   []string // "PATH TOKEN"
	answer func(w http.ResponseWriter, r *http.Request, token string)
}

func (a *apps) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	token := form.Get("logout_token")
	a.mu.Lock()
	a.told = append(a.told, r.URL.Path+" "+token)
	a.mu.Unlock()
	a.answer(w, r, token)
}

func (a *apps) all() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.told)
}

// world is a tenant with a worker. The token of a session is its id.
type world struct {
	store *sqldb.Store
	apps  *apps
	*Worker
}

func newWorld(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, token string)) *world {
	t.Helper()
	store, err := sqldb.Open(t.Context(), "sqlite::memory:")
	if err == nil {
		err = store.Migrate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	a := &apps{answer: answer}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return &world{store, a, &Worker{
		Store: store, Reach: outbound.Config{AllowPrivate: true}, Log: slog.New(slog.DiscardHandler),
		Sign: func(_ context.Context, _ storage.Tenant, _ *storage.Client, l storage.Logout) (string, error) {
			return l.SessionID, nil
		},
	}}
}

// run runs the worker until the test ends.
func (w *world) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

// ends ends sessions in which a client took part, in this order.
func (w *world) ends(t *testing.T, client string, sessions ...string) {
	t.Helper()
	now := time.Now()
	c := storage.Client{TenantID: storage.DefaultTenant, ClientID: client, BackchannelLogoutURI: w.apps.URL + "/" + client}
	if err := w.store.PutClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	user := storage.User{TenantID: storage.DefaultTenant, ID: "user of " + client, CredentialVersion: 1}
	if err := w.store.Apply(t.Context(), storage.Change{TenantID: c.TenantID, UserID: user.ID, Now: now,
		Add: &user}); err != nil {
		t.Fatal(err)
	}
	for i, id := range sessions {
		sess := storage.Session{TenantID: c.TenantID, ID: id, SecretHash: []byte(id), UserID: user.ID, CredentialVersion: 1,
			ExpiresAt: now.Add(time.Hour)}
		ended := now.Add(time.Duration(i) * time.Millisecond)
		for _, ch := range []storage.Change{{AddSession: &sess}, {EndSessions: &storage.SessionFilter{IDs: []string{id}}}} {
			ch.TenantID, ch.UserID, ch.Now = c.TenantID, user.ID, ended
			if err := w.store.Apply(t.Context(), ch); err != nil {
				t.Fatal(err)
			}
			if ch.AddSession == nil {
				continue
			}
			if _, err := w.store.RedeemCode(t.Context(), storage.Grant{TenantID: c.TenantID, ID: "grant of " + id,
				CodeID: id, UserID: user.ID, ClientID: client, SessionID: id, CredentialVersion: 1, CreatedAt: now,
				ExpiresAt: now.Add(time.Hour)}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// log returns the states of what the client is told, oldest first, with the status and the attempts.
func (w *world) log(t *testing.T, client string) (states []string) {
	t.Helper()
	all, _, err := Log(t.Context(), w.store, storage.ClientOf{TenantID: storage.DefaultTenant, ClientID: client},
		storage.LogoutPlace{}, 100, Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range slices.Backward(all) {
		states = append(states, fmt.Sprintf("%s %s %d %d", l.SessionID, l.State(), l.Status, l.Attempts))
	}
	return states
}

// wants waits until the log of the client is so.
func (w *world) wants(t *testing.T, client string, want ...string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		got := w.log(t, client)
		if slices.Equal(got, want) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

// TestEachClientInItsOrder: while one client hangs and another refuses for a while, a third is told at once; each is
// told in the order in which its sessions ended, again until it takes that, and never again of what it refused for
// good.
func TestEachClientInItsOrder(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	tries, free := 0, make(chan struct{})
	w := newWorld(t, func(w http.ResponseWriter, r *http.Request, token string) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case r.URL.Path == "/hangs":
			mu.Unlock()
			<-free
			mu.Lock()
		case token == "first":
			if tries++; tries == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		case token == "refused":
			http.Error(w, `{"error":"invalid_request"}`, http.StatusBadRequest)
		case token == "last":
			w.WriteHeader(http.StatusNoContent)
		}
	})
	t.Cleanup(func() { close(free) })
	w.ends(t, "hangs", "one", "two")
	w.ends(t, "fails", "first", "refused", "last")
	w.run(t)
	w.wants(t, "fails", "first delivered 200 2", "refused dead 400 1", "last delivered 204 1")
	w.ends(t, "quick", "at once")
	w.wants(t, "quick", "at once delivered 200 1")
	var fails []string
	for _, told := range w.apps.all() {
		if told[:7] == "/fails " {
			fails = append(fails, told[7:])
		}
	}
	if want := []string{"first", "first", "refused", "last"}; !slices.Equal(fails, want) {
		t.Errorf("the client was told %q, want %q", fails, want)
	}
	of := storage.ClientOf{TenantID: storage.DefaultTenant, ClientID: "fails"}
	n, err := Replay(t.Context(), w.store, of, "last", time.Time{}, time.Time{}, audit.Actor("cli"))
	if n != 1 || err != nil {
		t.Fatalf("replayed %d: %v", n, err)
	}
	w.wants(t, "fails", "first delivered 200 2", "refused dead 400 1", "last delivered 204 1")
	for end := time.Now().Add(time.Minute); len(w.apps.all()) < len(fails)+3 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	if all := w.apps.all(); all[len(all)-1] != "/fails last" {
		t.Errorf("got %q, want the client told of the last once more", all)
	}
	if hangs := w.log(t, "hangs"); hangs[1] != "two waiting 0 0" {
		t.Errorf("got %q, want the second to wait for the first", hangs)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		http.Redirect(w, r, "/inner", http.StatusTemporaryRedirect)
	})
	w.ends(t, "moves", "one")
	w.run(t)
	w.wants(t, "moves", "one waiting 307 1")
	if all := w.apps.all(); !slices.Equal(all, []string{"/moves one"}) {
		t.Errorf("got %q, want no call to where the answer leads", all)
	}
}

// An inner address is not called, and the log says why.
func TestInnerAddressesAreNotCalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(http.ResponseWriter, *http.Request, string) {})
	w.Reach = outbound.Config{}
	w.ends(t, "inner", "one")
	w.run(t)
	w.wants(t, "inner", "one waiting 0 1")
	if all := w.apps.all(); len(all) > 0 {
		t.Errorf("called: %q", all)
	}
}

// TestAnotherWorkerGoesOn: what a server was sending when it ended, another one sends at once, and in order.
func TestAnotherWorkerGoesOn(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 10)
	var mu sync.Mutex
	hangs := true
	w := newWorld(t, func(_ http.ResponseWriter, r *http.Request, _ string) {
		asked <- struct{}{}
		mu.Lock()
		hang := hangs
		mu.Unlock()
		if hang {
			<-r.Context().Done()
		}
	})
	w.ends(t, "app", "one", "two")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	<-asked
	cancel()
	<-done
	mu.Lock()
	hangs = false
	mu.Unlock()
	next := &world{w.store, w.apps, &Worker{Store: w.store, Reach: w.Reach, Log: w.Log, Sign: w.Sign}}
	next.run(t)
	next.wants(t, "app", "one delivered 200 2", "two delivered 200 1")
	if all := w.apps.all(); !slices.Equal(all, []string{"/app one", "/app one", "/app two"}) {
		t.Errorf("the app was told %q", all)
	}
}
