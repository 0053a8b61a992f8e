package login

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/storage"
)

// A13 for apps: the password alone gives no token to who has a second factor.
func TestAnAppIsAskedForTheSecondFactor(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	jo := a.enrolled("jo@example.com")
	who := fields{"login": "jo@example.com", "password": right}
	got := a.is(a.post("/auth/sign-in", who), http.StatusForbidden, "second_factor_required")
	if diff := cmp.Diff([]any{"otp", "recovery_code"}, got.fields["factors"]); diff != "" ||
		got.str("access_token") != "" {
		t.Errorf("got %s", got.raw)
	}
	wrong := a.is(a.post("/auth/sign-in", who.with(fields{"otp": jo.wrong()})),
		http.StatusUnprocessableEntity, "invalid_fields")
	if wrong.faults() != "otp=code_wrong" {
		t.Errorf("got %s", wrong.raw)
	}
	a.is(a.post("/auth/sign-in", who.with(fields{"otp": jo.shows(), "password": "wrong battery horse"})),
		http.StatusUnprocessableEntity, "wrong_credentials")
	code := jo.shows()
	in := a.signsIn(fields{"otp": code})
	sess := a.sessionsOf(jo.user)[0]
	if sess.ACR != storage.ACRMultiFactor || !cmp.Equal(sess.AMR, []string{"pwd", "otp", "mfa"}) {
		t.Errorf("got session %+v, %s", sess, in.raw)
	}
	a.is(a.post("/auth/sign-in", who.with(fields{"otp": code})), http.StatusUnprocessableEntity, "invalid_fields")
	a.signsIn(fields{"recovery_code": jo.codes[0]})
	a.is(a.post("/auth/sign-in", who.with(fields{"recovery_code": jo.codes[0]})),
		http.StatusUnprocessableEntity, "invalid_fields")
}

func TestAnAppOfAClientThatAlwaysAsks(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.app("mobile", func(c *storage.Client) { c.SecondFactor = storage.SecondFactorAlways })
	a.user(storage.DefaultTenant, "jo@example.com", "", right)
	got := a.is(a.post("/auth/sign-in", fields{"login": "jo@example.com", "password": right}), http.StatusForbidden,
		"second_factor_required")
	if diff := cmp.Diff([]any{}, got.fields["factors"]); diff != "" {
		t.Errorf("got %s", got.raw)
	}
}

// I6: a new password does not do away with the second factor.
func TestANewPasswordLeavesTheSecondFactor(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	jo := a.enrolled("jo@example.com")
	flow := a.post("/auth/reset-password", fields{"login": "jo@example.com"})
	code := a.mails.Next(t, "jo@example.com").Code
	const next = "purple walrus umbrella"
	a.is(a.post("/auth/confirm-reset", fields{"flow": flow.str("flow"), "code": code, "password": next}),
		http.StatusForbidden, "second_factor_required")
	if sessions := a.sessionsOf(jo.user); len(sessions) != 0 {
		t.Errorf("got sessions %+v", sessions)
	}
	v := a.visitor()
	v.leads(v.signIn("jo@example.com", next), "/second-factor")
	v.leads(v.post("/second-factor", "code", jo.shows()), "/")
}

// H12: a token of a sign-in without the second factor changes nothing that matters.
func TestATokenOfThePasswordAloneIsNotFresh(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	jo := a.user(storage.DefaultTenant, "jo@example.com", "", right)
	token := a.signsIn(nil).str("access_token")
	a.is(a.bearer("POST", "/auth/change-email", token, fields{"email": "new@example.com"}), http.StatusAccepted, "")
	now := time.Now()
	a.change(jo, storage.Change{Credentials: []storage.Credential{{Kind: storage.TOTPCredential,
		Data: a.sealTOTP(jo, factor.NewTOTP()), CreatedAt: now, UpdatedAt: now}}})
	a.is(a.bearer("POST", "/auth/change-email", token, fields{"email": "new@example.com"}), http.StatusUnauthorized,
		"insufficient_user_authentication")
}
