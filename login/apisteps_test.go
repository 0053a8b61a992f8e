package login

import (
	"context"
	"encoding/json"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// sessionOf is the newest session of the user.
func (a *apiSite) sessionOf(u storage.User) storage.Session {
	a.t.Helper()
	all, err := a.store.SessionsOf(a.t.Context(), u.TenantID, u.ID, time.Now())
	must(a.t, err)
	if len(all) == 0 {
		return storage.Session{}
	}
	return all[0]
}

// options asks for a passkey: what the platform is asked, and what goes with its answer.
func (a *apiSite) options(more fields) (options json.RawMessage, answer func(credential []byte) fields) {
	a.t.Helper()
	got := a.is(a.post("/auth/passkey-options", more), 200, "")
	raw, err := json.Marshal(got.fields["options"])
	must(a.t, err)
	return raw, func(credential []byte) fields {
		return fields{"auth_session": got.str("auth_session"),
			"passkey": fields{"state": got.str("state"), "credential": json.RawMessage(credential)}}
	}
}

// A sign-in goes on where it ended, without the password: once, for its person and client,
// and for ten minutes.
func TestAnAppGoesOnWithTheSecondFactor(t *testing.T) {
	t.Parallel()
	a := newAPI(t, func(c *Config) { c.PerFactor = limit.Rule{Max: 100, Window: time.Minute} })
	jo := a.enrolled("jo@example.com")
	first := a.is(a.post("/auth/sign-in", fields{"login": "jo@example.com", "password": right}), 403,
		"second_factor_required")
	kept := first.str("auth_session")
	if sess := a.sessionOf(jo.user); sess.ID != "" {
		t.Fatalf("a session before the second factor: %+v", sess)
	}
	// By itself it is nothing.
	a.is(a.post("/auth/sign-in", fields{"auth_session": kept}), 403, "second_factor_required")
	a.is(a.post("/auth/refresh-tokens", fields{"refresh_token": kept}), 400, "invalid_grant")
	a.is(a.send(a.request("POST", "/auth/sign-in", fields{"auth_session": kept, "otp": jo.shows()},
		basicAuth("shop", a.secret))), 400, "invalid_session")
	if got := a.is(a.post("/auth/sign-in", fields{"auth_session": kept, "otp": jo.wrong()}), 422,
		"invalid_fields"); got.faults() != "otp=code_wrong" {
		t.Errorf("got %s", got.raw)
	}
	// Nor does it stand for another user's second factor, or theirs for this one.
	al := a.enrolled("al@example.com")
	a.is(a.post("/auth/sign-in", fields{"auth_session": kept, "otp": al.shows()}), 422, "invalid_fields")
	other := a.is(a.post("/auth/sign-in", fields{"auth_session": kept, "login": "al@example.com", "password": right}), 403,
		"second_factor_required")
	a.is(a.post("/auth/sign-in", fields{"auth_session": other.str("auth_session"), "otp": jo.shows()}), 422,
		"invalid_fields")

	got := a.post("/auth/sign-in", fields{"auth_session": kept, "otp": jo.shows(), "remember": true, "scope": "openid"})
	if got.status != 200 || got.str("scope") != "openid" {
		t.Fatalf("got %d %s", got.status, got.raw)
	}
	if sess := a.sessionOf(jo.user); sess.ACR != storage.ACRMultiFactor ||
		!slices.Equal(sess.AMR, []string{"pwd", "otp", "mfa"}) {
		t.Errorf("got %+v", sess)
	}
	jo.waits()
	a.is(a.post("/auth/sign-in", fields{"auth_session": kept, "otp": jo.shows()}), 400, "invalid_session")
	// The app was remembered: with what it keeps the password is enough, and alone it is not.
	again := a.post("/auth/sign-in",
		fields{"auth_session": got.str("auth_session"), "login": "jo@example.com", "password": right})
	if again.status != 200 || a.sessionOf(jo.user).ACR != storage.ACRRemembered {
		t.Errorf("got %d %s", again.status, again.raw)
	}
	a.is(a.post("/auth/sign-in", fields{"auth_session": got.str("auth_session")}), 422, "invalid_fields")
	a.is(a.post("/auth/sign-in", fields{"login": "jo@example.com", "password": right}), 403, "second_factor_required")
}

// A password that was changed meanwhile, or a user who was disabled, ends what waits.
func TestWhatWaitsDiesWithTheCredentials(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	jo := a.enrolled("jo@example.com")
	kept := a.post("/auth/sign-in", fields{"login": "jo@example.com", "password": right}).str("auth_session")
	a.change(jo.user, storage.Change{Raise: true})
	a.is(a.post("/auth/sign-in", fields{"auth_session": kept, "otp": jo.shows()}), 400, "invalid_session")
	// Nor does it wait for longer than it may; beginning anew is no harm.
	al := a.enrolled("al@example.com")
	sealed := a.sealed(fields{"w": a.proofOf(al.user, "", time.Now().Add(-people.PendingLife-time.Second))})
	a.is(a.post("/auth/sign-in", fields{"auth_session": sealed, "otp": al.shows()}), 400, "invalid_session")
	anew := a.is(a.post("/auth/sign-in", fields{"auth_session": sealed, "login": "al@example.com", "password": right}),
		403, "second_factor_required")
	a.is(a.post("/auth/sign-in", fields{"auth_session": anew.str("auth_session"), "otp": al.shows()}), 200, "")
}

// brokenSessions is the store of sessions, and refuses to add one while broken is set.
type brokenSessions struct {
	sessions.Store
	broken atomic.Bool
}

func (b *brokenSessions) Apply(ctx context.Context, ch storage.Change) error {
	if b.broken.Load() && ch.AddSession != nil {
		return storage.ErrUnavailable
	}
	return b.Store.Apply(ctx, ch)
}

// A sign-in that waits is used up together with the session that it becomes: while the database does not
// take the session, the app may try again.
func TestWhatWaitsSurvivesASessionThatIsNotStored(t *testing.T) {
	t.Parallel()
	var store *brokenSessions
	a := newAPI(t, func(c *Config) {
		store = &brokenSessions{Store: c.Sessions.Store}
		store.broken.Store(true)
		c.Sessions.Store = store
	})
	jo := a.enrolled("jo@example.com")
	kept := a.is(a.post("/auth/sign-in", fields{"login": "jo@example.com", "password": right}), 403,
		"second_factor_required").str("auth_session")
	a.is(a.post("/auth/sign-in", fields{"auth_session": kept, "otp": jo.shows()}), 503, "temporarily_unavailable")
	store.broken.Store(false)
	jo.waits()
	a.is(a.post("/auth/sign-in", fields{"auth_session": kept, "otp": jo.shows()}), 200, "")
	jo.waits()
	a.is(a.post("/auth/sign-in", fields{"auth_session": kept, "otp": jo.shows()}), 400, "invalid_session")
}

// A13, I6: neither a reset nor a registration is a way around the second factor.
func TestAResetByAnAppKeepsTheSecondFactor(t *testing.T) {
	t.Parallel()
	a := newAPI(t, free)
	jo := a.enrolled("jo@example.com")
	jo.user.EmailVerified = true
	must(t, storagetest.UpdateUser(t.Context(), a.store, jo.user))
	flow := a.is(a.post("/auth/reset-password", fields{"login": "jo@example.com"}), 202, "").str("flow")
	got := a.is(a.post("/auth/confirm-reset",
		fields{"flow": flow, "code": a.mails.Next(t, "jo@example.com").Code, "password": fresh}), 403,
		"second_factor_required")
	if sess := a.sessionOf(jo.user); sess.ID != "" {
		t.Errorf("a session: %+v", sess)
	}
	if got := a.post("/auth/sign-in",
		fields{"auth_session": got.str("auth_session"), "otp": jo.shows()}); got.status != 200 {
		t.Errorf("got %d %s", got.status, got.raw)
	}
}

// What waited for one user's second factor does not go on waiting when another proves
// themselves in the same app: theirs is asked for then.
func TestTheSecondFactorOfWhoCameLast(t *testing.T) {
	t.Parallel()
	a := newAPI(t, free)
	jo, al := a.enrolled("jo@example.com"), a.enrolled("al@example.com")
	al.user.EmailVerified = true
	must(t, storagetest.UpdateUser(t.Context(), a.store, al.user))
	kept := a.is(a.post("/auth/sign-in", fields{"login": "jo@example.com", "password": right}), 403,
		"second_factor_required").str("auth_session")
	flow := a.is(a.post("/auth/reset-password", fields{"login": "al@example.com", "auth_session": kept}), 202,
		"").str("flow")
	got := a.is(a.post("/auth/confirm-reset",
		fields{"flow": flow, "code": a.mails.Next(t, "al@example.com").Code, "password": fresh, "auth_session": kept}), 403,
		"second_factor_required")
	a.is(a.post("/auth/sign-in", fields{"auth_session": got.str("auth_session"), "otp": jo.shows()}), 422,
		"invalid_fields")
	a.is(a.post("/auth/sign-in", fields{"auth_session": got.str("auth_session"), "otp": al.shows()}), 200, "")
	if a.sessionOf(al.user).ID == "" || a.sessionOf(jo.user).ID != "" {
		t.Error("another person is signed in")
	}
}

func TestAnAppSignsInByAMailedCode(t *testing.T) {
	t.Parallel()
	a := newAPI(t, free)
	jo := a.verified("jo@example.com", "jo", right)
	ask := fields{"login": "jo", "channel": "email"}
	a.is(a.post("/auth/send-code", ask), 404, "not_offered")
	a.settle(storage.DefaultTenant,
		storage.TenantSettings{SignIn: storage.SignInSettings{Methods: []string{storage.MethodEmail}}})
	a.is(a.post("/auth/send-code", ask.with(fields{"channel": "phone"})), 404, "not_offered")
	a.is(a.post("/auth/send-code", ask.with(fields{"channel": "pigeon"})), 400, "invalid_fields")
	a.is(a.post("/auth/sign-in", fields{"login": "jo", "password": right}), 404, "not_offered")
	flow := a.is(a.post("/auth/send-code", ask), 202, "").str("flow")
	code := a.mails.Next(t, "jo@example.com").Code
	decoy := a.is(a.post("/auth/send-code", fields{"login": "nobody", "channel": "email"}), 202, "").str("flow")
	for _, f := range []string{decoy, "x"} {
		a.is(a.post("/auth/sign-in", fields{"flow": f, "code": code}), 422, "wrong_code")
	}
	got := a.post("/auth/sign-in", fields{"flow": flow, "code": code})
	if got.status != 200 || !slices.Equal(a.sessionOf(jo).AMR, []string{"otp"}) {
		t.Fatalf("got %d %s", got.status, got.raw)
	}
	a.is(a.post("/auth/sign-in", fields{"flow": flow, "code": code}), 422, "wrong_code")
	a.is(a.post("/auth/sign-in", fields{"flow": flow, "code": code, "login": "jo", "password": right}), 400,
		"invalid_request")
}

func TestAnAppSignsInByAPasskey(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	jo := a.user(storage.DefaultTenant, "jo@example.com", "jo", right)
	device := passkeytest.New(t, a.url)
	a.passkey(jo, device)
	options, answer := a.options(nil)
	credential := device.SignIn(t, options)
	// The answer works only with the session that came with the options.
	stolen := answer(credential)
	delete(stolen, "auth_session")
	a.is(a.post("/auth/sign-in", stolen), 422, "wrong_passkey")
	_, others := a.options(nil)
	a.is(a.post("/auth/sign-in", answer(credential).with(fields{"auth_session": others(nil)["auth_session"]})), 422,
		"wrong_passkey")
	got := a.post("/auth/sign-in", answer(credential))
	if got.status != 200 || !slices.Equal(a.sessionOf(jo).AMR, []string{"hwk", "user", "mfa"}) {
		t.Fatalf("got %d %s", got.status, got.raw)
	}
	a.is(a.post("/auth/sign-in", answer(credential)), 422, "wrong_passkey")
	a.is(a.post("/auth/sign-in", answer([]byte(`{"id":"x"}`))), 422, "wrong_passkey")
}

func TestAPasskeyIsTheSecondFactorOfAnApp(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	jo, al := a.enrolled("jo@example.com"), a.enrolled("al@example.com")
	device, foreign := passkeytest.New(t, a.url), passkeytest.New(t, a.url)
	a.passkey(jo.user, device)
	a.passkey(al.user, foreign)
	first := a.is(a.post("/auth/sign-in", fields{"login": "jo@example.com", "password": right}), 403,
		"second_factor_required")
	kept := fields{"auth_session": first.str("auth_session")}
	options, answer := a.options(kept)
	a.is(a.post("/auth/sign-in", answer(foreign.SignIn(t, options))), 422, "wrong_passkey")
	if got := a.post("/auth/sign-in", answer(device.SignIn(t, options))); got.status != 200 ||
		!slices.Contains(a.sessionOf(jo.user).AMR, "pwd") {
		t.Errorf("got %d %s", got.status, got.raw)
	}
}

// sealed is an auth_session of the client mobile, with the members.
func (a *apiSite) sealed(members fields) string {
	a.t.Helper()
	plain, err := json.Marshal(fields{"c": "mobile", "i": "x", "t": time.Now().Unix()}.with(members))
	must(a.t, err)
	return a.box(storage.DefaultTenant, secret.AuthSession).SealString(plain)
}

// What an app was given by a release that kept cookies in it still spares the second factor, and the
// app that holds it is known.
func TestAuthSessionsOfFormerReleasesAreRead(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	jo := a.enrolled("jo@example.com")
	got := a.signsIn(fields{"otp": jo.shows(), "remember": true})
	plain, err := a.box(storage.DefaultTenant, secret.AuthSession).OpenString(got.str("auth_session"))
	must(t, err)
	var now fields
	must(t, json.Unmarshal(plain, &now))
	former := a.sealed(fields{"t": time.Now().Add(-399 * 24 * time.Hour).Unix(), "k": fields{
		"vouchsafe-device": now.str("d"), "vouchsafe-remembered": now.str("m"),
	}})
	again := a.is(a.signsIn(fields{"auth_session": former}), 200, "")
	if a.sessionOf(jo.user).ACR != storage.ACRRemembered {
		t.Errorf("got %s", again.raw)
	}
	a.is(a.bearer("POST", "/auth/change-email", again.str("access_token"),
		fields{"email": "new@example.com", "auth_session": former}), 401, "insufficient_user_authentication")
	a.is(a.bearer("POST", "/auth/change-email", again.str("access_token"),
		fields{"email": "new@example.com", "auth_session": "x"}), 400, "invalid_session")
}
