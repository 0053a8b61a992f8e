package federation_test

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/memory"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// provider is an upstream provider that says of each user what the test wants.
type provider struct{ says upstream.Identity }

func (p *provider) AuthURL(_ context.Context, _ *upstream.Provider, r upstream.Request) (string, error) {
	return "https://idp.example.net/authorize?" + url.Values{"state": {r.State}}.Encode(), nil
}

func (p *provider) Identify(
	context.Context, *upstream.Provider, upstream.Request, upstream.Answer,
) (upstream.Identity, error) {
	return p.says, nil
}

func (p *provider) Try(context.Context, *upstream.Provider, string) []upstream.Step { return nil }

func (p *provider) Vouch(context.Context, *upstream.Provider, upstream.Token) (upstream.Identity, error) {
	return p.says, nil
}

// world is a tenant with one upstream provider, and a browser that asks.
type world struct {
	t     *testing.T
	store *sqldb.Store
	calls *provider
	*federation.Service
	asker people.Asker
}

func newWorld(t *testing.T) *world {
	t.Helper()
	store, err := sqldb.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	hasher, err := password.New(argon2id.Params{Memory: 64, Time: 1, Threads: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := secret.Parse(secret.Token())
	if err != nil {
		t.Fatal(err)
	}
	log, counters := slog.New(slog.NewTextHandler(t.Output(), nil)), memory.New()
	useCases, err := people.New(people.Service{
		Store: store, Limits: &limit.Limiter{Shared: counters, Local: counters, Log: log}, Passwords: hasher,
		Mail: &mail.Mailer{Secrets: secrets, Wake: func() {}}, Secrets: secrets, Log: log,
		Words:    func(language string) people.Words { return texts.In(language) },
		StandIns: []storage.Upstream{{ID: "idp", Issuer: "https://idp.example.net", ClientID: "vouchsafe"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	calls := &provider{}
	s, err := federation.New(federation.Service{Service: useCases, Calls: calls})
	if err != nil {
		t.Fatal(err)
	}
	tenant, err := store.Tenant(t.Context(), storage.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, store, calls, s, people.Asker{
		Tenant: &issuer.Tenant{Tenant: tenant, Issuer: "https://id.example.com"}, Language: "en", Browser: "a browser",
	}}
}

// depart begins a round trip and returns its state.
func (w *world) depart() (p *upstream.Provider, state string) {
	w.t.Helper()
	p, err := w.Provider(w.asker, "idp")
	if err != nil {
		w.t.Fatal(err)
	}
	to, err := w.Depart(w.t.Context(), w.asker, federation.Departure{Provider: p})
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		w.t.Fatal(err)
	}
	return p, u.Query().Get("state")
}

// arrive makes a whole round trip, from which the user comes back as the identity.
func (w *world) arrive(id upstream.Identity) (federation.Arrival, error) {
	w.t.Helper()
	p, state := w.depart()
	tr, err := w.OpenTrip(w.asker, p, state)
	if err != nil {
		w.t.Fatal(err)
	}
	w.calls.says = id
	if id, err = w.Return(w.t.Context(), w.asker, p, tr, upstream.Answer{Code: "code"}); err != nil {
		w.t.Fatal(err)
	}
	return w.Arrive(w.t.Context(), w.asker, p, tr, id)
}

var jo = upstream.Identity{
	Subject: "4711", Email: "jo@example.com", EmailVerified: true, Profile: storage.Profile{Name: "Jo Doe"},
}

// TestATripWorksOnceInTheBrowserThatBeganIt opens the state of a trip in another browser, and twice in
// its own.
func TestATripWorksOnceInTheBrowserThatBeganIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, state := w.depart()
	var lost federation.Lost
	other := w.asker
	other.Browser = "another browser"
	if _, err := w.OpenTrip(other, p, state); !errors.As(err, &lost) {
		t.Errorf("in another browser: got %v", err)
	}
	app := w.asker
	app.Browser = ""
	if _, err := w.OpenTrip(app, p, state); !errors.As(err, &lost) {
		t.Errorf("in no browser: got %v", err)
	}
	if _, err := w.Depart(t.Context(), app, federation.Departure{Provider: p}); err == nil {
		t.Error("a trip begins without a browser")
	}
	renewed := other
	renewed.Formerly = []string{w.asker.Browser}
	tr, err := w.OpenTrip(renewed, p, state)
	if err != nil {
		t.Fatalf("after the browser's binding was renewed: got %v", err)
	}
	w.calls.says = jo
	if _, err := w.Return(t.Context(), w.asker, p, tr, upstream.Answer{Code: "code"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Return(t.Context(), w.asker, p, tr, upstream.Answer{Code: "code"}); !errors.As(err, &lost) {
		t.Errorf("for the second time: got %v", err)
	}
}

// TestANewUserGetsAnAccount comes twice by an identity whose address the provider vouches for.
func TestANewUserGetsAnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, err := w.arrive(jo)
	if err != nil {
		t.Fatal(err)
	}
	u := first.User
	if u.Email != jo.Email || !u.EmailVerified || u.Profile.Name != "Jo Doe" || !slices.Equal(first.AMR, []string{"fed"}) {
		t.Errorf("got %+v by %v", u, first.AMR)
	}
	if again, err := w.arrive(jo); err != nil || again.User.ID != first.User.ID {
		t.Errorf("for the second time: got %q, %v; want %q", again.User.ID, err, first.User.ID)
	}
}

// TestAnAddressAloneLinksNothing comes by an identity whose address has an account, and links the
// identity once the owner of the account has proven the account.
func TestAnAddressAloneLinksNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, err := w.arrive(jo)
	if err != nil {
		t.Fatal(err)
	}
	another := jo
	another.Subject = "another"
	ar, err := w.arrive(another)
	if !errors.Is(err, federation.ErrProveAccount) || ar.Stranger.Proven != jo.Email {
		t.Fatalf("got %v, and %q proven", err, ar.Stranger.Proven)
	}
	sealed, err := w.SealStranger(w.asker, ar.Stranger)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := w.asker
	elsewhere.Browser = "another browser"
	if w.OpenStranger(elsewhere, sealed) != nil {
		t.Error("the stranger waits in another browser, too")
	}
	who := w.OpenStranger(w.asker, sealed)
	if who == nil {
		t.Fatal("the stranger does not wait")
	}
	by := federation.Linking{User: owner.User, ProvenAt: who.Born.Add(-time.Second), ACR: storage.ACRPassword}
	if err := w.LinkStranger(t.Context(), w.asker, by, who); !errors.Is(err, federation.ErrProveAccount) {
		t.Errorf("by a proof from before: got %v", err)
	}
	by.ProvenAt = who.Born.Add(time.Second)
	if err := w.LinkStranger(t.Context(), w.asker, by, who); err != nil {
		t.Fatal(err)
	}
	if ar, err := w.arrive(another); err != nil || ar.User.ID != owner.User.ID {
		t.Errorf("got %q, %v; want %q", ar.User.ID, err, owner.User.ID)
	}
}

// TestOneRefusalIsRecorded comes without an account to a provider that opens none.
func TestOneRefusalIsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.StandIns[0].SignUp = storage.SignUpClosed
	if _, err := w.arrive(jo); !errors.Is(err, federation.ErrNotAdmitted) {
		t.Fatalf("got %v", err)
	}
	events, err := w.store.EventsAfter(t.Context(), storage.DefaultTenant, "", time.Now().Add(time.Hour), 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != 1 || events[0].Kind != storage.EventLoginFailed || events[0].Detail["reason"] != "not admitted" {
		t.Errorf("got events %+v", events)
	}
}
