package login

import (
	"crypto/elliptic"
	"encoding/base64"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// G4: apps bring people along by the provider's own kit; a token counts once, and only one
// that was made for us.
func TestAnAppBringsPeopleFromProviders(t *testing.T) {
	t.Parallel()
	f := &federatedSite{idps: map[string]*fakeidp.Server{}}
	a := newAPI(t, func(c *Config) {
		f.configure(t, c, func(s *storage.TenantSettings) { s.Upstreams[0].Audiences = []string{"ios"} },
			fakeidp.Google, fakeidp.Facebook)
	})
	f.site = a.site
	token := func(kind, client string, who fakeidp.Person) fields {
		t.Helper()
		idToken, access, err := f.idps[kind].Issue(client, who)
		if err != nil {
			t.Fatal(err)
		}
		if kind == fakeidp.Facebook {
			return fields{"providerType": kind, "access_token": access}
		}
		return fields{"providerType": kind, "id_token": idToken}
	}
	for _, client := range []string{"vouchsafe", "ios"} {
		in := token(fakeidp.Google, client, fedJo)
		got := a.is(a.post("/auth/sign-in", in), http.StatusOK, "")
		if status, who := a.userinfo(got.str("access_token")); status != http.StatusOK || who.str("email") != fedJo.Email {
			t.Errorf("%s: got %d %v", client, status, who)
		}
		a.is(a.post("/auth/sign-in", in), http.StatusUnprocessableEntity, "upstream_refused")
	}
	a.is(a.post("/auth/sign-in", token(fakeidp.Google, "evil", fedJo)), http.StatusUnprocessableEntity, "upstream_refused")
	a.is(a.post("/auth/sign-in", token(fakeidp.Facebook, "evil", fedJo)),
		http.StatusUnprocessableEntity, "upstream_refused")
	wrong := fedJo
	wrong.Fault = "signature"
	a.is(a.post("/auth/sign-in", token(fakeidp.Google, "vouchsafe", wrong)),
		http.StatusUnprocessableEntity, "upstream_refused")
	a.is(a.post("/auth/sign-in", fields{"providerType": "google"}), http.StatusUnprocessableEntity, "invalid_fields")
	a.is(a.post("/auth/sign-in", fields{"providerType": "myspace", "id_token": "x"}), http.StatusNotFound, "not_offered")

	// Registering first is the same, and signs no user in.
	kim := fakeidp.Person{Subject: "8", Name: "Kim", Email: "kim@example.com", Verified: "true"}
	in := token(fakeidp.Google, "vouchsafe", kim)
	if got := a.is(a.post("/auth/sign-up", in), http.StatusAccepted, ""); got.str("flow") != "" ||
		got.str("access_token") != "" {
		t.Errorf("got %s", got.raw)
	}
	a.is(a.post("/auth/sign-in", in), http.StatusOK, "")

	// An address that the provider does not vouch for is confirmed by a code. If it is that
	// of an account, the account's owner has to link it.
	robin := fakeidp.Person{Subject: "9", Name: "Robin", Email: "robin@example.com"}
	in = token(fakeidp.Facebook, "vouchsafe", robin)
	a.is(a.post("/auth/sign-in", in), http.StatusConflict, "email_unconfirmed")
	flow := a.is(a.post("/auth/sign-up", in), http.StatusAccepted, "").str("flow")
	m := a.mails.Next(t, robin.Email)
	if m.Link != "" || strings.Contains(m.Text, "browser") {
		t.Errorf("got mail %q", m.Text)
	}
	a.is(a.post("/auth/confirm-email", fields{"flow": flow, "code": "00000000"}),
		http.StatusUnprocessableEntity, "wrong_code")
	a.is(a.post("/auth/confirm-email", fields{"flow": flow, "code": m.Code}), http.StatusOK, "")
	a.is(a.post("/auth/confirm-email", fields{"flow": flow, "code": m.Code}), http.StatusUnprocessableEntity, "wrong_code")
	a.is(a.post("/auth/sign-in", in), http.StatusOK, "")
	robin.Subject = "10"
	in = token(fakeidp.Facebook, "vouchsafe", robin)
	flow = a.is(a.post("/auth/sign-up", in), http.StatusAccepted, "").str("flow")
	a.is(a.post("/auth/confirm-email", fields{"flow": flow, "code": a.mails.Next(t, robin.Email).Code}),
		http.StatusConflict, "account_exists")
	robin.Verified = "true"
	a.is(a.post("/auth/sign-in", token(fakeidp.Google, "vouchsafe", robin)), http.StatusConflict, "account_exists")

	// What began at a page does not end in an app.
	v := a.visitor()
	v.come(fakeidp.Facebook, "", fakeidp.Person{Subject: "11", Name: "Lee", Email: "lee@example.com"})
	v.get("/federated/email")
	at := v.post("/federated/email", "email", "lee@example.com")
	flow = mustURL(t, at.location()).Query().Get("flow")
	a.is(a.post("/auth/confirm-email", fields{"flow": flow, "code": a.mails.Next(t, "lee@example.com").Code}),
		http.StatusUnprocessableEntity, "wrong_code")
}

// Coming from a provider does not go round a second factor, unless the tenant says that the
// provider's own counts.
func TestProvidersAndSecondFactors(t *testing.T) {
	t.Parallel()
	for _, trust := range []bool{false, true} {
		f := federate(t, func(s *storage.TenantSettings) { s.SecondFactor.TrustUpstream = trust }, fakeidp.OpenID)
		a := f.enrolled("jo@example.com")
		id := storage.Identity{TenantID: a.user.TenantID, Provider: fakeidp.OpenID, Subject: "1", UserID: a.user.ID,
			CreatedAt: a.user.CreatedAt}
		if err := storagetest.AddIdentity(t.Context(), f.store, id); err != nil {
			t.Fatal(err)
		}
		for _, factors := range []string{"pwd", "pwd otp mfa"} {
			v := f.visitor()
			at := v.come(fakeidp.OpenID, "", fakeidp.Person{Subject: "1", Factors: factors})
			if trust && strings.Contains(factors, "mfa") {
				v.goes(at, "/")
				v.signedInAs("jo@example.com")
				continue
			}
			v.goes(at, "/second-factor")
			v.signedInAs("")
			v.goes(v.visit("/account"), "/login")
		}
	}
}

// The second factor is part of proving an account that an identity waits for.
func TestLinkingNeedsTheSecondFactor(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google)
	a := f.enrolled(fedJo.Email)
	v := f.visitor()
	v.goes(v.come(fakeidp.Google, "", fedJo), "/federated/link")
	v.goes(v.signIn(fedJo.Email, right), "/second-factor")
	if page := v.get("/federated/link"); strings.Contains(page.body, `value="link"`) {
		t.Error("the password alone will do")
	}
	v.get("/second-factor")
	v.goes(v.post("/second-factor", "code", a.shows()), "/federated/link")
	page := v.get("/federated/link")
	v.goes(v.post("/federated/link", "answer", "link", "session", field(t, page.body, "session")), "/")
	if ids := f.identities(storage.DefaultTenant, fedJo.Email); len(ids) != 1 {
		t.Errorf("got %v", ids)
	}
}

// H12: nor is a remembered device enough, with which a password would do for a way in that
// stays.
func TestLinkingNeedsTheSecondFactorOnARememberedDevice(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google)
	a := f.enrolled(fedJo.Email)
	v := a.remembering()
	v.goes(v.come(fakeidp.Google, "", fedJo), "/federated/link")
	v.goes(v.signIn(fedJo.Email, right), "/federated/link")
	page := v.get("/federated/link")
	v.goes(v.post("/federated/link", "answer", "link", "session", field(t, page.body, "session")), "/second-factor")
	if ids := f.identities(storage.DefaultTenant, fedJo.Email); len(ids) != 0 {
		t.Fatalf("linked: %v", ids)
	}
	v.get("/second-factor")
	a.waits()
	v.goes(v.post("/second-factor", "code", a.shows()), "/federated/link")
	page = v.get("/federated/link")
	v.goes(v.post("/federated/link", "answer", "link", "session", field(t, page.body, "session")), "/")
	if ids := f.identities(storage.DefaultTenant, fedJo.Email); len(ids) != 1 {
		t.Errorf("got %v", ids)
	}
}

// One ID token signs in once, however it is spelt and by whichever of its signatures.
func TestAnIDTokenOfAnAppServesOnceInAllSpellings(t *testing.T) {
	t.Parallel()
	f := &federatedSite{idps: map[string]*fakeidp.Server{}}
	a := newAPI(t, func(c *Config) { f.configure(t, c, nil, fakeidp.OpenID) })
	f.site = a.site
	raw, _, err := f.idps[fakeidp.OpenID].Issue("vouchsafe", fedJo)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(raw, ".")
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	s := new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(sig[32:]))
	second := base64.RawURLEncoding.EncodeToString(append(sig[:32:32], s.FillBytes(make([]byte, 32))...))
	last := parts[2][len(parts[2])-1:]
	spare := strings.NewReplacer("A", "B", "Q", "R", "g", "h", "w", "x").Replace(last)
	signsIn := func(token string) said {
		return a.post("/auth/sign-in", fields{"providerType": fakeidp.OpenID, "id_token": token})
	}
	a.is(signsIn(raw), http.StatusOK, "")
	for name, other := range map[string]string{
		"the same": raw, "another signature": parts[0] + "." + parts[1] + "." + second,
		"spare bits":   raw[:len(raw)-1] + spare,
		"a line break": raw[:len(raw)-9] + "\n" + raw[len(raw)-9:], "a line break behind": raw + "\r\n",
		"padding": raw + "==", "a space": raw + " ",
	} {
		if got := signsIn(other); got.status != http.StatusUnprocessableEntity || got.str("code") != "upstream_refused" {
			t.Errorf("%s: got %d %s", name, got.status, got.raw)
		}
	}
}

// An ID token that an app brings is as fresh a proof as it says, and silent about it is none.
func TestAnAppsTokenIsAsFreshAsItSays(t *testing.T) {
	t.Parallel()
	f := &federatedSite{idps: map[string]*fakeidp.Server{}}
	a := newAPI(t, func(c *Config) { f.configure(t, c, nil, fakeidp.Google) })
	f.site = a.site
	signsIn := func(fault string) said {
		t.Helper()
		who := fedJo
		who.Fault = fault
		raw, _, err := f.idps[fakeidp.Google].Issue("vouchsafe", who)
		if err != nil {
			t.Fatal(err)
		}
		return a.is(a.post("/auth/sign-in", fields{"providerType": fakeidp.Google, "id_token": raw}), http.StatusOK, "")
	}
	wants := func(got said, status int, code string) {
		t.Helper()
		body := fields{"auth_session": got.str("auth_session"), "email": "new@example.com"}
		a.is(a.bearer("POST", "/auth/change-email", got.str("access_token"), body), status, code)
	}
	wants(signsIn("no-auth-time"), http.StatusAccepted, "") // a new account
	u, err := f.store.UserByEmail(t.Context(), storage.DefaultTenant, fedJo.Email)
	if err != nil {
		t.Fatal(err)
	}
	a.mails.Next(t, "new@example.com")
	wants(signsIn(""), http.StatusAccepted, "")
	wants(signsIn("auth-time"), http.StatusUnauthorized, "insufficient_user_authentication")
	got := signsIn("no-auth-time")
	wants(got, http.StatusUnauthorized, "insufficient_user_authentication")

	// A code to the user's address is proof enough, but only if the app has signed that user in.
	a.is(a.post("/auth/send-code", fields{"login": u.Email, "channel": "email"}), http.StatusNotFound, "not_offered")
	flow := a.is(a.post("/auth/send-code",
		fields{"login": u.Email, "channel": "email", "auth_session": got.str("auth_session")}),
		http.StatusAccepted, "").str("flow")
	code := a.mails.Next(t, u.Email).Code
	a.is(a.post("/auth/sign-in", fields{"flow": flow, "code": code}), http.StatusUnprocessableEntity, "wrong_code")
	wants(a.is(a.post("/auth/sign-in", fields{"flow": flow, "code": code, "auth_session": got.str("auth_session")}),
		http.StatusOK, ""), http.StatusAccepted, "")
}
