package login

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// bearer calls with an access token, and what came with it.
func (a *apiSite) bearer(method, path, token string, body fields) said {
	a.t.Helper()
	if kept, ok := a.kept.Load(token); ok {
		body = fields{"auth_session": kept}.with(body)
	}
	return a.send(a.request(method, path, body, "Authorization: Bearer "+token))
}

// tokensWork says whether the tokens of an answer still mean anything.
func (a *apiSite) tokensWork(got said) bool {
	a.t.Helper()
	status, _ := a.userinfo(got.str("access_token"))
	return status == 200
}

func TestAnAppRegistersAUser(t *testing.T) {
	t.Parallel()
	a := newAPI(t, free)
	body := fields{"email": " Jo@Example.com ", "password": fresh}
	first := a.is(a.post("/auth/sign-up", body), 202, "")
	mail := a.mails.Next(t, "Jo@Example.com")
	a.is(a.post("/auth/sign-in", fields{"login": "jo@example.com", "password": fresh}), 422, "wrong_credentials")
	again := a.is(a.post("/auth/send-code", fields{"flow": first.str("flow")}), 202, "")
	second := a.mails.Next(t, "Jo@Example.com")
	for _, c := range []fields{
		{"flow": first.str("flow"), "code": mail.Code}, {"flow": again.str("flow"), "code": "0000 0000"},
		{"flow": "x", "code": second.Code}, {"token": "x.y"},
	} {
		a.is(a.post("/auth/confirm-email", c), 422, "wrong_code")
	}
	if got := a.is(a.post("/auth/confirm-email", fields{"flow": again.str("flow")}), 422,
		"invalid_fields"); got.faults() != "code=code_missing" {
		t.Errorf("got %s", got.raw)
	}
	confirm := fields{"flow": again.str("flow"), "code": second.Code, "scope": "openid email"}
	got := a.post("/auth/confirm-email", confirm)
	if got.status != 200 || got.str("scope") != "openid email" || got.str("auth_session") == "" {
		t.Fatalf("got %d %s", got.status, got.raw)
	}
	if _, who := a.userinfo(got.str("access_token")); who["email_verified"] != true || who["email"] != "Jo@example.com" {
		t.Errorf("got %v", who)
	}
	a.is(a.post("/auth/confirm-email", confirm), 422, "wrong_code")
	if in := a.post("/auth/sign-in", fields{"login": "jo@example.com", "password": fresh}); in.status != 200 {
		t.Errorf("sign in: got %d %s", in.status, in.raw)
	}
}

// G7 to G10: every reader of the mail may follow the link, so that what the app's user entered does
// not count.
func TestWhoComesToAnAppByALinkChoosesThePassword(t *testing.T) {
	t.Parallel()
	a := newAPI(t, free)
	a.is(a.post("/auth/sign-up", fields{"email": "jo@example.com", "password": fresh}), 202, "")
	token := tokenOf(a.mails.Next(t, "jo@example.com"))
	if got := a.is(a.post("/auth/confirm-email", fields{"token": token}), 422,
		"invalid_fields"); !strings.HasPrefix(got.faults(), "password=") {
		t.Errorf("got %s", got.raw)
	}
	if got := a.post("/auth/confirm-email", fields{"token": token, "password": right}); got.status != 200 {
		t.Fatalf("got %d %s", got.status, got.raw)
	}
	a.is(a.post("/auth/sign-in", fields{"login": "jo@example.com", "password": fresh}), 422, "wrong_credentials")
	a.signsIn(nil)
}

// H4: a user with an account learns of it by mail, and no other user or app does.
func TestAppsCannotTellKnownAddressesFromOthers(t *testing.T) {
	t.Parallel()
	a := newAPI(t, free)
	a.verified("jo@example.com", "jo", right)
	off := a.verified("off@example.com", "off", right)
	off.Disabled = true
	must(t, storagetest.UpdateUser(t.Context(), a.store, off))
	for path, bodies := range map[string][]fields{
		"/auth/sign-up": {
			{"email": "jo@example.com", "password": fresh}, {"email": "new@example.com", "password": fresh},
			{"email": "off@example.com", "password": fresh},
		},
		"/auth/reset-password": {{"login": "jo@example.com"}, {"login": "jo"}, {"login": "new@example.com"},
			{"login": "nobody"}, {"login": "off"}, {"login": "no name!"}},
	} {
		var first said
		for i, body := range bodies {
			got := a.is(a.post(path, body), 202, "")
			flow := got.str("flow")
			if len(flow) != 22 || len(got.fields) != 1 {
				t.Errorf("%s: got %s", path, got.raw)
			}
			for _, h := range []string{"X-Request-Id", "Date"} {
				got.header.Del(h)
			}
			if i == 0 {
				first = got
			}
			for h, v := range got.header {
				if !slices.Equal(v, first.header[h]) {
					t.Errorf("%s %v: %s is %q, want %q", path, body, h, v, first.header[h])
				}
			}
			// Nor does the flow behave otherwise.
			confirm := map[string]string{"/auth/sign-up": "/auth/confirm-email",
				"/auth/reset-password": "/auth/confirm-reset"}[path]
			for range 6 {
				a.is(a.post(confirm, fields{"flow": flow, "code": "00000000", "password": "an entirely other walrus"}), 422,
					"wrong_code")
			}
			a.is(a.post("/auth/send-code", fields{"flow": flow}), 202, "")
		}
	}
}

// I5, M9: whatever is asked for, mails are limited by where they go and by who asks.
func TestAnAppCannotFloodAMailbox(t *testing.T) {
	t.Parallel()
	a := newAPI(t, func(c *Config) { c.PerTarget = limit.Rule{Max: 3, Window: time.Hour} })
	a.verified("jo@example.com", "jo", right)
	for _, login := range []string{"jo@example.com", "nobody@example.com"} {
		count := map[int]int{}
		for range 6 {
			got := a.post("/auth/reset-password", fields{"login": login})
			count[got.status]++
			if got.status == 429 && got.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		}
		if count[202] != 3 || count[429] != 3 {
			t.Errorf("%s: got %v", login, count)
		}
	}
}

func TestAnAppSetsAForgottenPassword(t *testing.T) {
	t.Parallel()
	a := newAPI(t, free)
	a.verified("jo@example.com", "jo", right)
	before := a.signsIn(fields{"scope": "openid offline_access"})
	flow := a.is(a.post("/auth/reset-password", fields{"login": "jo"}), 202, "").str("flow")
	code := a.mails.Next(t, "jo@example.com").Code
	if got := a.is(a.post("/auth/confirm-reset", fields{"flow": flow, "code": code, "password": "short"}), 422,
		"invalid_fields"); !strings.HasPrefix(got.faults(), "password=") {
		t.Errorf("got %s", got.raw)
	}
	got := a.post("/auth/confirm-reset", fields{"flow": flow, "code": code, "password": fresh})
	if got.status != 200 || !a.tokensWork(got) {
		t.Fatalf("got %d %s", got.status, got.raw)
	}
	if a.tokensWork(before) {
		t.Error("tokens from before work")
	}
	a.is(a.post("/auth/refresh-tokens", fields{"refresh_token": before.str("refresh_token")}), 400, "invalid_grant")
	a.is(a.post("/auth/confirm-reset", fields{"flow": flow, "code": code, "password": "an entirely other walrus"}), 422,
		"wrong_code")
	a.is(a.post("/auth/sign-in", fields{"login": "jo", "password": right}), 422, "wrong_credentials")
}

// What began in a browser does not end in an app, nor the other way round: who knows a
// flow may have it from an address bar.
func TestFlowsStayWhereTheyBegan(t *testing.T) {
	t.Parallel()
	a := newAPI(t, free)
	a.verified("jo@example.com", "jo", right)
	v := a.visitor()
	byPage := flow(t, v.forgot("jo"))
	a.is(a.post("/auth/confirm-reset",
		fields{"flow": byPage, "code": a.mails.Next(t, "jo@example.com").Code, "password": fresh}), 422, "wrong_code")
	byApp := a.is(a.post("/auth/reset-password", fields{"login": "jo"}), 202, "").str("flow")
	code := a.mails.Next(t, "jo@example.com").Code
	if p := v.post("/reset", "flow", byApp, "code", code, "password", fresh); p.status < 400 {
		t.Errorf("the page: got %d", p.status)
	}
}

func TestAnAppChangesThePassword(t *testing.T) {
	t.Parallel()
	a := newAPI(t, free)
	a.verified("jo@example.com", "jo", right)
	here, there := a.signsIn(fields{"scope": "openid email"}), a.signsIn(nil)
	const path = "/auth/update-password"
	token := here.str("access_token")
	for _, c := range []struct {
		body fields
		want string
	}{
		{fields{"password": fresh}, "old_password=password_missing"},
		{fields{"old_password": fresh, "password": fresh}, "old_password=password_wrong"},
		{fields{"old_password": right, "password": "short"}, "password="},
		{fields{"old_password": right}, "password="},
	} {
		if got := a.is(a.bearer("PATCH", path, token, c.body), 422,
			"invalid_fields"); !strings.HasPrefix(got.faults(), c.want) {
			t.Errorf("got %s, want %s", got.faults(), c.want)
		}
	}
	a.is(a.send(a.request("PATCH", path,
		fields{"auth_session": here.str("auth_session"), "old_password": right, "password": fresh})), 401, "invalid_token")
	got := a.bearer("PATCH", path, token, fields{"old_password": right, "password": fresh})
	if got.status != 200 || got.str("scope") != "openid email" || !a.tokensWork(got) {
		t.Fatalf("got %d %s", got.status, got.raw)
	}
	if a.tokensWork(here) || a.tokensWork(there) {
		t.Error("tokens from before work")
	}
	a.is(a.bearer("PATCH", path, token, fields{"old_password": fresh, "password": right}), 401, "invalid_token")
	a.settle(storage.DefaultTenant,
		storage.TenantSettings{Passwords: storage.PasswordSettings{SignOut: storage.SignOutAll}})
	a.is(a.bearer("PATCH", path, got.str("access_token"),
		fields{"old_password": fresh, "password": "an entirely other walrus"}), 204, "")
	if a.tokensWork(got) {
		t.Error("tokens work where everybody is signed out")
	}
}

func TestAnAppChangesTheAddress(t *testing.T) {
	t.Parallel()
	a := newAPI(t, free)
	a.verified("jo@example.com", "jo", right)
	a.verified("al@example.com", "al", right)
	token := a.signsIn(nil).str("access_token")
	if got := a.is(a.bearer("POST", "/auth/change-email", token, fields{"email": "nothing"}), 422,
		"invalid_fields"); !strings.HasPrefix(got.faults(), "email=") {
		t.Errorf("got %s", got.raw)
	}
	flow := a.is(a.bearer("POST", "/auth/change-email", token, fields{"email": "new@example.com"}), 202, "").str("flow")
	code := fields{"flow": flow, "code": a.mails.Next(t, "new@example.com").Code}
	al := a.post("/auth/sign-in", fields{"login": "al", "password": right}).str("access_token")
	a.is(a.bearer("POST", "/auth/confirm-change-email", al, code), 422, "wrong_code") // H14
	a.is(a.bearer("POST", "/auth/confirm-change-email", token, code), 204, "")
	if _, who := a.userinfo(token); who["email"] != "new@example.com" {
		t.Errorf("got %v", who)
	}
	if m := a.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, "new@example.com") {
		t.Errorf("the old address is told %q", m.Text)
	}
}

func TestAnAppDeletesAnAccount(t *testing.T) {
	t.Parallel()
	a := newAPI(t, free)
	jo := a.verified("jo@example.com", "jo", right)
	got := a.signsIn(nil)
	a.is(a.bearer("POST", "/auth/delete-account", got.str("access_token"), fields{}), 400, "invalid_fields")
	a.is(a.bearer("POST", "/auth/delete-account", got.str("access_token"), fields{"confirm": "delete"}), 204, "")
	if _, err := a.store.User(t.Context(), storage.DefaultTenant, jo.ID); err == nil || a.tokensWork(got) {
		t.Errorf("still there: %v", err)
	}
}

// TestAnAccessTokenAloneChangesNothing: the APIs of an app are shown its tokens, and must
// not be able to take the account over with one.
func TestAnAccessTokenAloneChangesNothing(t *testing.T) {
	t.Parallel()
	a := newAPI(t, free)
	a.verified("jo@example.com", "jo", right)
	a.verified("al@example.com", "al", right)
	token := a.signsIn(nil).str("access_token")
	al := a.post("/auth/sign-in", fields{"login": "al", "password": right}).str("auth_session")
	for path, body := range map[string]fields{
		"POST /auth/delete-account":       {"confirm": "delete"},
		"POST /auth/change-email":         {"email": "new@example.com"},
		"POST /auth/confirm-change-email": {"flow": "x", "code": "12345678"},
		"PATCH /auth/update-password":     {"old_password": right, "password": fresh},
		"POST /auth/change-phone":         {"phone": mobile},
		"POST /auth/confirm-change-phone": {"flow": "x", "code": "12345678"},
		"POST /auth/remove-phone":         {},
		"POST /auth/list-identities":      {},
		"POST /auth/unlink-identity":      {"providerType": "google", "subject": "7"},
		"POST /auth/begin-totp":           {},
		"POST /auth/confirm-totp":         {"setup": "x", "otp": "000000"},
		"POST /auth/remove-totp":          {},
		"POST /auth/list-api-keys":        {},
		"POST /auth/add-api-key":          {"name": "job", "scopes": []string{"openid"}},
		"POST /auth/rotate-api-key":       {"key": "x"},
		"POST /auth/remove-api-key":       {"key": "x"},
	} {
		method, path, _ := strings.Cut(path, " ")
		a.is(a.send(a.request(method, path, body, "Authorization: Bearer "+token)), 400, "invalid_fields")
		a.is(a.bearer(method, path, token, body.with(fields{"auth_session": al})), 400, "invalid_session")
	}
}

// H12: what is done once and for all wants a proof of now, whatever the token says.
func TestWhatNeedsAFreshProof(t *testing.T) {
	t.Parallel()
	a := newAPI(t, free)
	jo := a.verified("jo@example.com", "jo", right)
	now := time.Now()
	sess := storage.Session{TenantID: jo.TenantID, ID: newID(), SecretHash: []byte("x"), UserID: jo.ID,
		CredentialVersion: jo.CredentialVersion,
		AuthTime:          now.Add(-6 * time.Minute), AMR: []string{"pwd"}, ACR: storage.ACRPassword, CreatedAt: now,
		SeenAt: now, ExpiresAt: now.Add(time.Hour)}
	must(t, storagetest.AddSession(t.Context(), a.store, sess))
	token := a.tokensOf(sess)
	a.kept.Store(token, a.signsIn(nil).str("auth_session"))
	for path, body := range map[string]fields{"/auth/delete-account": {"confirm": "delete"},
		"/auth/change-email": {"email": "new@example.com"},
		"/auth/change-phone": {"phone": mobile}, "/auth/remove-phone": {}, "/auth/begin-totp": {},
		"/auth/confirm-totp": {"setup": "x", "otp": "000000"}, "/auth/remove-totp": {},
		"/auth/unlink-identity": {"providerType": "google", "subject": "7"},
		"/auth/add-api-key":     {"name": "job", "scopes": []string{"openid"}},
		"/auth/rotate-api-key":  {"key": "x"}} {
		got := a.is(a.bearer("POST", path, token, body), http.StatusUnauthorized, "insufficient_user_authentication")
		if h := got.header.Get("WWW-Authenticate"); !strings.Contains(h, `error="insufficient_user_authentication"`) ||
			!strings.Contains(h, `max_age="300"`) {
			t.Errorf("got %s", h)
		}
	}
	// A new password proves no more than that the old one is known.
	changed := a.bearer("PATCH", "/auth/update-password", token, fields{"old_password": right, "password": fresh})
	a.is(a.bearer("POST", "/auth/delete-account", changed.str("access_token"), fields{"confirm": "delete"}),
		http.StatusUnauthorized, "insufficient_user_authentication")
}

func TestRegistrationPoliciesForApps(t *testing.T) {
	t.Parallel()
	a := newAPI(t, free)
	a.settle(storage.DefaultTenant, storage.TenantSettings{SignUp: storage.SignUpSettings{Mode: storage.SignUpInvitation}})
	a.is(a.post("/auth/sign-up", fields{"email": "jo@example.com", "password": fresh}), 403, "sign_up_closed")
	token := a.invites("jo@example.com")
	a.is(a.post("/auth/accept-invitation", fields{"invitation": "x.y", "password": fresh}), 400, "invitation_gone")
	if got := a.is(a.post("/auth/accept-invitation", fields{"invitation": token, "password": "short"}), 422,
		"invalid_fields"); !strings.HasPrefix(got.faults(), "password=") {
		t.Errorf("got %s", got.raw)
	}
	if got := a.post("/auth/accept-invitation", fields{"invitation": token, "password": fresh}); got.status != 200 ||
		!a.tokensWork(got) {
		t.Fatalf("got %d %s", got.status, got.raw)
	}
	a.is(a.post("/auth/accept-invitation", fields{"invitation": token, "password": fresh}), 400, "invitation_gone")
	a.settle(storage.DefaultTenant, storage.TenantSettings{SignUp: storage.SignUpSettings{Mode: storage.SignUpClosed}})
	a.is(a.post("/auth/sign-up", fields{"email": "al@example.com", "password": fresh}), 403, "sign_up_closed")
}

// Nor will a device do that is remembered, of who has a second factor: the password and an
// app that was left lying about would be all that it takes.
func TestWhatNeedsAFreshSecondFactor(t *testing.T) {
	t.Parallel()
	a := newAPI(t, free)
	jo := a.enrolled("jo@example.com")
	kept := a.signsIn(fields{"otp": jo.shows(), "remember": true}).str("auth_session")
	weak := a.signsIn(fields{"auth_session": kept})
	sure := fields{"confirm": "delete"}
	got := a.is(a.bearer("POST", "/auth/delete-account", weak.str("access_token"), sure), 401,
		"insufficient_user_authentication")
	if h := got.header.Get("WWW-Authenticate"); !strings.Contains(h, `acr_values="`+storage.ACRMultiFactor+`"`) {
		t.Errorf("got %s", h)
	}
	again := fields{"login": "jo@example.com", "password": right, "auth_session": kept,
		"acr_values": "gold " + storage.ACRMultiFactor}
	a.is(a.post("/auth/sign-in", again), 403, "second_factor_required")
	jo.waits()
	strong := a.is(a.post("/auth/sign-in", again.with(fields{"otp": jo.shows()})), 200, "")
	a.is(a.bearer("POST", "/auth/delete-account", strong.str("access_token"), sure), 204, "")
}
