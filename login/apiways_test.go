package login

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestAnAppSetsUpAnAuthenticatorApp: begun, confirmed with what it shows, asked for from then on, and removed by a
// user who gave it.
func TestAnAppSetsUpAnAuthenticatorApp(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	jo := a.user(storage.DefaultTenant, "jo@example.com", "", right)
	token := a.signsIn(nil).str("access_token")
	setup := a.is(a.bearer("POST", "/auth/begin-totp", token, fields{}), http.StatusOK, "")
	if u := setup.str("url"); !strings.HasPrefix(u, "otpauth://totp/") || !strings.Contains(u, setup.str("secret")) {
		t.Fatalf("got the URL %s", u)
	}
	shows := func(at time.Time) string {
		code, err := totp.GenerateCode(setup.str("secret"), at)
		must(t, err)
		return code
	}
	confirm := fields{"setup": setup.str("setup"), "otp": "000000"}
	if got := a.is(a.bearer("POST", "/auth/confirm-totp", token, confirm), 422, "invalid_fields"); !strings.HasPrefix(
		got.faults(), "otp=") {
		t.Errorf("got %s", got.raw)
	}
	if wrong := (people.Faults{}); !errors.As(people.ErrWrongFactor, &wrong) || wrong[0].Field != "code" {
		t.Errorf("the fault that pages show is now %v", wrong)
	}
	a.is(a.bearer("POST", "/auth/confirm-totp", token, fields{"setup": "x", "otp": "000000"}), 400, "setup_expired")
	confirm["otp"] = shows(time.Now())
	on := a.is(a.bearer("POST", "/auth/confirm-totp", token, confirm), http.StatusOK, "")
	codes, _ := on.fields["recovery_codes"].([]any)
	if len(codes) < 8 {
		t.Fatalf("got the recovery codes %v", codes)
	}
	if m := a.mails.Next(t, "jo@example.com"); m.Text == "" {
		t.Error("the user is not told")
	}
	a.is(a.bearer("POST", "/auth/remove-totp", token, fields{}), 401, "insufficient_user_authentication")
	a.is(a.post("/auth/sign-in", fields{"login": "jo@example.com", "password": right}), 403, "second_factor_required")
	strong := a.is(a.post("/auth/sign-in", fields{"login": "jo@example.com", "password": right,
		"recovery_code": codes[0]}), http.StatusOK, "")
	a.kept.Store(strong.str("access_token"), strong.str("auth_session"))
	a.is(a.bearer("POST", "/auth/remove-totp", strong.str("access_token"), fields{}), http.StatusNoContent, "")
	creds, err := a.store.CredentialsOf(t.Context(), storage.DefaultTenant, jo.ID)
	if err != nil || storage.HasSecondFactor(creds) {
		t.Errorf("got %v, %v", creds, err)
	}
}

// TestAnAppShowsAndUnlinksIdentities, but not the only way in.
func TestAnAppShowsAndUnlinksIdentities(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	jo := a.user(storage.DefaultTenant, "jo@example.com", "", right)
	token := a.signsIn(nil).str("access_token")
	a.change(jo, storage.Change{Link: []storage.Identity{{TenantID: jo.TenantID, Provider: "google", Subject: "7",
		UserID: jo.ID, Email: "jo@gmail.com", CreatedAt: time.Now()}}})
	got := a.is(a.bearer("POST", "/auth/list-identities", token, fields{}), http.StatusOK, "")
	if !strings.Contains(got.raw, `"providerType":"google"`) || !strings.Contains(got.raw, `"subject":"7"`) {
		t.Errorf("got %s", got.raw)
	}
	a.is(a.bearer("POST", "/auth/unlink-identity", token, fields{"providerType": "google", "subject": "8"}), 404,
		"no_such_identity")
	a.is(a.bearer("POST", "/auth/unlink-identity", token, fields{"providerType": "google", "subject": "7"}), 204, "")
	if got := a.is(a.bearer("POST", "/auth/list-identities", token, fields{}), http.StatusOK, ""); strings.Contains(
		got.raw, "google") {
		t.Errorf("it is still there: %s", got.raw)
	}
}

// TestAnAppChangesThePhone with a code from a text message.
func TestAnAppChangesThePhone(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.user(storage.DefaultTenant, "jo@example.com", "", right)
	token := a.signsIn(nil).str("access_token")
	flow := a.is(a.bearer("POST", "/auth/change-phone", token, fields{"phone": mobile}), 202, "").str("flow")
	code := fields{"flow": flow, "code": a.texts.next(t, mobile)}
	a.is(a.bearer("POST", "/auth/confirm-change-phone", token, code), 204, "")
	if got := a.is(a.bearer("POST", "/auth/change-phone", token, fields{"phone": mobile}), 422,
		"invalid_fields"); !strings.Contains(got.raw, "phone_unchanged") {
		t.Errorf("got %s", got.raw)
	}
	a.is(a.bearer("POST", "/auth/remove-phone", token, fields{}), 204, "")
}

// TestCallsTakeForms: what JSON can say, a form can say, too, and from no other origins.
func TestCallsTakeForms(t *testing.T) {
	t.Parallel()
	a := newAPI(t, free)
	post := func(path string, form url.Values, headers ...string) said {
		return a.send(a.request(http.MethodPost, path, form.Encode(),
			append([]string{"Content-Type: application/x-www-form-urlencoded"}, headers...)...))
	}
	a.is(post("/auth/sign-up", url.Values{"client_id": {"mobile"}, "email": {"jo@example.com"}, "password": {right}}),
		http.StatusAccepted, "")
	code := a.mails.Next(t, "jo@example.com").Code
	flow := post("/auth/sign-up", url.Values{"client_id": {"mobile"}, "email": {"al@example.com"}, "password": {right}})
	confirm := url.Values{"client_id": {"mobile"}, "flow": {flow.str("flow")}, "code": {code}}
	a.is(post("/auth/confir-email", confirm), 422, "wrong_code")
	confirm.Set("code", a.mails.Next(t, "al@example.com").Code)
	a.is(post("/auth/confir-email", confirm), 200, "")
	in := url.Values{"client_id": {"mobile"}, "login": {"al@example.com"}, "password": {right}, "remember": {"false"}}
	if got := a.is(post("/auth/sign-in", in), 200, ""); got.str("access_token") == "" {
		t.Errorf("got %s", got.raw)
	}
	a.is(post("/auth/sign-in", in, "Origin: https://evil.example"), 403, "origin_not_allowed")
	in.Add("login", "jo@example.com")
	a.is(post("/auth/sign-in", in), 400, "malformed")
}
