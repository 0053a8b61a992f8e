package browser_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

var (
	plain  = &issuer.Tenant{Tenant: storage.Tenant{ID: storage.DefaultTenant}, Issuer: "http://localhost"}
	secure = &issuer.Tenant{Tenant: storage.Tenant{ID: storage.DefaultTenant}, Issuer: "https://id.example", Secure: true}
	acme   = &issuer.Tenant{Tenant: storage.Tenant{ID: "acme"}, Issuer: "https://id.example/t/acme",
		Path: "/t/acme", Secure: true}
)

func open(t testing.TB) (*browser.Sessions, *sqldb.Store) {
	t.Helper()
	store, err := sqldb.Open(t.Context(), "sqlite::memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := store.AddTenant(t.Context(), storage.Tenant{ID: "acme"}); err != nil {
		t.Fatal(err)
	}
	return &browser.Sessions{Store: store, Idle: time.Hour, Lifetime: 24 * time.Hour}, store
}

func user(t *testing.T, store *sqldb.Store, tenant string) storage.User {
	t.Helper()
	u := storage.User{TenantID: tenant, ID: uuid.Must(uuid.NewV7()).String(), CreatedAt: time.Now(), UpdatedAt: time.Now()}
	u.Email = u.ID + "@example.com"
	u.EmailKey = u.Email
	if err := storagetest.AddUser(t.Context(), store, u, nil, nil); err != nil {
		t.Fatal(err)
	}
	return u
}

// jar holds the cookies of a browser at one tenant.
type jar struct {
	tenant  *issuer.Tenant
	cookies map[string]string
	set     []*http.Cookie // what the last answer set
}

func at(tenant *issuer.Tenant) *jar { return &jar{tenant: tenant, cookies: map[string]string{}} }

// visit sends a request of the browser, and stores the cookies of the answer.
func (j *jar) visit(do func(w http.ResponseWriter, r *http.Request)) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("User-Agent", strings.Repeat("é", 200))
	for name, value := range j.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	do(w, r.WithContext(web.WithTenant(context.Background(), j.tenant)))
	j.set = w.Result().Cookies()
	for _, c := range j.set {
		if c.MaxAge < 0 {
			delete(j.cookies, c.Name)
			continue
		}
		j.cookies[c.Name] = c.Value
	}
}

func (j *jar) session() string {
	for name, value := range j.cookies {
		if strings.Contains(name, "session") {
			return value
		}
	}
	return ""
}

func (j *jar) start(t *testing.T, s *browser.Sessions, u storage.User) (sess storage.Session) {
	t.Helper()
	j.visit(func(w http.ResponseWriter, r *http.Request) {
		var err error
		if sess, err = start(s, w, r, u, "acr", "pwd"); err != nil {
			t.Fatal(err)
		}
	})
	return sess
}

// who returns the id of the user that the browser is signed in as, or "".
func (j *jar) who(t *testing.T, s *browser.Sessions) (id string) {
	t.Helper()
	j.visit(func(w http.ResponseWriter, r *http.Request) {
		a, err := s.Current(r)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			t.Fatal(err)
		}
		id = a.UserID
	})
	return id
}

func (j *jar) all(t *testing.T, s *browser.Sessions) (accounts []sessions.Account) {
	t.Helper()
	j.visit(func(w http.ResponseWriter, r *http.Request) {
		var err error
		if accounts, err = s.All(r); err != nil {
			t.Fatal(err)
		}
	})
	return accounts
}

func TestSessionCookie(t *testing.T) {
	t.Parallel()
	s, store := open(t)
	for _, test := range []struct {
		tenant *issuer.Tenant
		name   string
	}{{plain, "vouchsafe-session"}, {secure, "__Host-vouchsafe-session"}, {acme, "__Host-vouchsafe-session-acme"}} {
		j := at(test.tenant)
		j.start(t, s, user(t, store, test.tenant.ID))
		if len(j.set) != 1 {
			t.Fatalf("got %d cookies", len(j.set))
		}
		c := j.set[0]
		if c.Name != test.name || c.Secure != test.tenant.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode ||
			c.Path != "/" || c.Domain != "" || c.MaxAge != 24*60*60 {
			t.Errorf("got %v", c)
		}
	}
}

func TestSessionsEndByThemselves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, store := open(t)
		u := user(t, store, "default")
		idle, busy := at(secure), at(secure)
		idle.start(t, s, u)
		busy.start(t, s, u)
		for i := range 25 {
			time.Sleep(59 * time.Minute)
			if got, want := busy.who(t, s) != "", i < 24; got != want {
				t.Errorf("used every hour, after %d: signed in: %v, want %v", i+1, got, want)
			}
		}
		if idle.who(t, s) != "" {
			t.Error("signed in after a day without use")
		}
		_ = store.Close()
	})
}

func TestIdleSessionsEndAfterAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, store := open(t)
		u := user(t, store, "default")
		for wait, want := range map[time.Duration]bool{59 * time.Minute: true, time.Hour: true,
			time.Hour + time.Microsecond: false} {
			j := at(secure)
			j.start(t, s, u)
			time.Sleep(wait)
			if got := j.who(t, s) != ""; got != want {
				t.Errorf("after %v: signed in: %v, want %v", wait, got, want)
			}
		}
		_ = store.Close()
	})
}

func TestCookiesThatWereNotGivenAreWorthNothing(t *testing.T) {
	t.Parallel()
	s, store := open(t)
	j := at(secure)
	sess := j.start(t, s, user(t, store, "default"))
	good := j.session()
	parts := strings.Split(good, ".")
	for _, bad := range []string{
		"", "~", ".", "..", good[1:], sess.ID, sess.ID + ".", sess.ID + "..0",
		sess.ID + "." + strings.Repeat("A", 43) + "." + parts[2],
		sess.ID + "." + parts[1] + ".!", sess.ID + "." + parts[1], strings.ToUpper(sess.ID) + "." + parts[1] + "." + parts[2],
		good + ".x", strings.Repeat("~", 10000),
		strings.Repeat(strings.Repeat("A", 36)+"."+strings.Repeat("B", 43)+".1~", 6) + good,
	} {
		j.cookies["__Host-vouchsafe-session"] = bad
		if j.who(t, s) != "" {
			t.Errorf("%.80q is signed in", bad)
		}
	}
	other := at(acme)
	other.cookies["__Host-vouchsafe-session-acme"] = good
	if other.who(t, s) != "" {
		t.Error("one tenant's cookie is signed in at another")
	}
}

func TestSigningInAgainRenewsTheSession(t *testing.T) {
	t.Parallel()
	s, store := open(t)
	u, v := user(t, store, "default"), user(t, store, "default")
	j := at(secure)
	first := j.start(t, s, u)
	old := j.session()
	second := j.start(t, s, u)
	if second.ID != first.ID || j.session() == old || !second.AuthTime.After(first.AuthTime) || len(j.all(t, s)) != 1 {
		t.Errorf("got %+v after %+v", second, first)
	}
	thief := at(secure)
	thief.cookies["__Host-vouchsafe-session"] = old
	if thief.who(t, s) != "" {
		t.Error("the cookie from before still works")
	}
	if third := j.start(t, s, v); third.ID == first.ID || j.who(t, s) != v.ID || len(j.all(t, s)) != 2 {
		t.Error("another account did not get a session of its own beside the first")
	}
	// After a change of credentials there is no session left to renew.
	if err := storagetest.ChangeCredential(t.Context(), store,
		storage.Credential{TenantID: "default", UserID: v.ID, Kind: storage.PasswordCredential,
			Data: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if j.who(t, s) != "" {
		t.Error("signed in with a session from before the password changed")
	}
	v.CredentialVersion++
	if fourth := j.start(t, s, v); fourth.CredentialVersion != v.CredentialVersion || j.who(t, s) != v.ID {
		t.Errorf("got %+v", fourth)
	}
}

func TestManyTabsSignInAtOnce(t *testing.T) {
	t.Parallel()
	s, store := open(t)
	u := user(t, store, "default")
	j := at(secure)
	j.start(t, s, u)
	tabs := make([]*jar, 8)
	var wg sync.WaitGroup
	for i := range tabs {
		tabs[i] = at(secure)
		tabs[i].cookies["__Host-vouchsafe-session"] = j.session()
		wg.Go(func() { tabs[i].start(t, s, u) })
	}
	wg.Wait()
	for i, tab := range tabs { // whichever answer the browser keeps, it is signed in
		if tab.who(t, s) != u.ID {
			t.Errorf("tab %d is not signed in", i)
		}
	}
}

func TestOneBrowserHoldsFiveAccounts(t *testing.T) {
	t.Parallel()
	s, store := open(t)
	j := at(secure)
	var users []storage.User
	var oldest storage.Session
	for i := range 6 {
		u := user(t, store, "default")
		users = append(users, u)
		if sess := j.start(t, s, u); i == 0 {
			oldest = sess
		}
	}
	all := j.all(t, s)
	if len(all) != 5 || all[0].UserID != users[5].ID || all[4].UserID != users[1].ID {
		t.Errorf("got %d accounts", len(all))
	}
	if _, _, err := store.Session(t.Context(), "default", oldest.ID, time.Now()); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the session that no browser can reach: got %v, want ErrNotFound", err)
	}
}

func TestChoosing(t *testing.T) {
	t.Parallel()
	s, store := open(t)
	u, v := user(t, store, "default"), user(t, store, "default")
	j := at(secure)
	first := j.start(t, s, u)
	j.start(t, s, v)
	before := time.Now()
	choose := func(j *jar, id string) (err error) {
		j.visit(func(w http.ResponseWriter, r *http.Request) { err = s.Choose(w, r, id) })
		return err
	}
	if err := choose(j, first.ID); err != nil {
		t.Fatal(err)
	}
	all := j.all(t, s)
	if all[0].UserID != u.ID || all[0].Chosen.Before(before.Truncate(time.Microsecond)) || all[1].UserID != v.ID ||
		!all[1].Chosen.Before(before) {
		t.Errorf("got %v and %v", all[0].Chosen, all[1].Chosen)
	}
	if err := choose(at(secure), first.ID); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("another browser: got %v, want ErrNotFound", err)
	}
	if err := store.Apply(t.Context(),
		storage.Change{TenantID: "default", Now: time.Now(),
			EndSessions: &storage.SessionFilter{IDs: []string{all[1].ID}}}); err != nil {
		t.Fatal(err)
	}
	if err := choose(j, all[1].ID); !errors.Is(err, storage.ErrNotFound) || j.who(t, s) != u.ID {
		t.Errorf("a session that has ended: got %v, want ErrNotFound", err)
	}
}

func TestEndingNeedsTheSecret(t *testing.T) {
	t.Parallel()
	s, store := open(t)
	u, v := user(t, store, "default"), user(t, store, "default")
	j, stranger := at(secure), at(secure)
	sess := j.start(t, s, u)
	second := j.start(t, s, v)
	stranger.cookies["__Host-vouchsafe-session"] = sess.ID + "." + strings.Repeat("A", 43) + ".1"
	end := func(j *jar, ids ...string) {
		j.visit(func(w http.ResponseWriter, r *http.Request) {
			if err := s.End(w, r, nil, ids...); err != nil {
				t.Fatal(err)
			}
		})
	}
	end(stranger, sess.ID)
	if len(j.all(t, s)) != 2 {
		t.Error("another browser ended the session")
	}
	kept := j.session()
	end(j, second.ID, "unknown")
	if j.who(t, s) != u.ID || len(j.all(t, s)) != 1 {
		t.Error("the other account was signed out too")
	}
	j.cookies["__Host-vouchsafe-session"] = kept
	if len(j.all(t, s)) != 1 {
		t.Error("the old cookie still has the session that was ended")
	}
	end(j, sess.ID)
	if j.session() != "" {
		t.Error("a cookie is left after the last session")
	}
}

func TestBinding(t *testing.T) {
	t.Parallel()
	j := at(secure)
	var first, second string
	j.visit(func(w http.ResponseWriter, r *http.Request) { first = browser.Binding(w, r) })
	if len(j.set) != 1 || j.set[0].MaxAge != 0 || !j.set[0].HttpOnly || !j.set[0].Secure ||
		j.set[0].SameSite != http.SameSiteLaxMode {
		t.Errorf("got %v", j.set)
	}
	j.visit(func(w http.ResponseWriter, r *http.Request) { second = browser.Binding(w, r) })
	if first != second || len(first) != 43 || len(j.set) != 0 {
		t.Errorf("got %q, then %q", first, second)
	}
	other := at(acme)
	other.cookies = j.cookies
	other.visit(func(w http.ResponseWriter, r *http.Request) {
		if got := browser.Bound(r); got != "" {
			t.Errorf("another tenant: got %q", got)
		}
	})
}

// H1: a further proof replaces the secret, and nothing else of the session.
func TestRaisingKeepsTheSessionAndReplacesItsSecret(t *testing.T) {
	t.Parallel()
	s, store := open(t)
	j, old := at(secure), at(secure)
	u := user(t, store, storage.DefaultTenant)
	sess := j.start(t, s, u)
	for name, value := range j.cookies {
		old.cookies[name] = value
	}
	more := func(j *jar) (err error) {
		j.visit(func(w http.ResponseWriter, r *http.Request) {
			a, e := s.Current(r)
			if err = e; err == nil {
				err = raise(s, w, r, a, storage.ACRMultiFactor, "pwd", "otp", "mfa")
			}
		})
		return err
	}
	if err := more(j); err != nil {
		t.Fatal(err)
	}
	got := j.all(t, s)
	if len(got) != 1 || got[0].ID != sess.ID || got[0].ACR != storage.ACRMultiFactor || len(got[0].AMR) != 3 ||
		!got[0].AuthTime.Equal(sess.AuthTime.Truncate(time.Microsecond)) {
		t.Errorf("got %+v, want %+v raised", got, sess)
	}
	if old.who(t, s) != "" {
		t.Error("the secret from before still works")
	}
	if err := more(old); err == nil {
		t.Error("raised by the secret from before")
	}
	// Of two tabs at the same time, one wins.
	var first error
	j.visit(func(w http.ResponseWriter, r *http.Request) {
		a, err := s.Current(r)
		if err != nil {
			t.Fatal(err)
		}
		if first = raise(s, w, r, a, storage.ACRMultiFactor, "mfa"); first == nil {
			first = raise(s, w, r, a, storage.ACRMultiFactor, "mfa")
		}
	})
	if !errors.Is(first, storage.ErrStale) {
		t.Errorf("got %v, want ErrStale", first)
	}
}
