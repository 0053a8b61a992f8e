package keratin_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
)

// startWithGoogle runs a server whose users may come from a fake Google.
func startWithGoogle(t *testing.T, more ...string) (*world, *vouchsafetest.StandIn) {
	t.Helper()
	google := vouchsafetest.NewStandIn(t, fakeidp.Google, nil)
	file := filepath.Join(t.TempDir(), "tenants.yaml")
	text := "tenants:\n  default:\n    upstreams: [{id: google, preset: google, issuer: \"" + google.Issuer +
		"\", client_id: vouchsafe, client_secret: " + google.ClientSecret + "}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, append(more, "VOUCHSAFE_TENANTS="+file)...), google
}

// comesFrom signs in at the fake Google as who, and returns where the browser ends.
func (b *browser) comesFrom(who fakeidp.Person, page string) string {
	b.w.t.Helper()
	begun := b.do("GET", "/oauth/google", "redirect_uri", page)
	back, _, err := fakeidp.Visit(http.DefaultClient, begun.leads(), who, false)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return b.follow(back)
}

// follow opens the URL at which the fake Google sends the browser back, and returns where that leads.
func (b *browser) follow(back string) string {
	b.w.t.Helper()
	if !strings.HasPrefix(back, b.w.at+"/oauth/google/return?") {
		b.w.t.Fatalf("got %s, want the return of the compatible routes", back)
	}
	return b.w.send(b.client, request(b.w.t, "GET", back)).leads()
}

// leads returns where the answer leads the browser; "" for nowhere.
func (a *answer) leads() string { return vouchsafetest.Leads(a.status, a.header) }

func TestOAuth(t *testing.T) {
	t.Parallel()
	w, _ := startWithGoogle(t)
	page := appOrigin + "/after?x=1"
	jo := fakeidp.Person{Subject: "g-1", Name: "Jo", Email: "jo@gmail.com", Verified: "true"}
	b := w.browser()
	b.do("GET", "/oauth/accounts").want(401, "")
	if got := b.comesFrom(jo, page); got != page {
		t.Fatalf("got %s, want %s", got, page)
	}
	claims := b.do("GET", "/session/refresh").want(201, "TOKEN").token(w)
	if len(claims.AMR) != 1 || claims.AMR[0] != "oauth:google" {
		t.Errorf("got amr %v", claims.AMR)
	}
	own := `[{"provider":"google","provider_account_id":"g-1","provider_id":"g-1","email":"jo@gmail.com"}]`
	b.do("GET", "/oauth/accounts").want(200, `{"result":`+own+`}`)
	if got := w.account(claims.number()); len(got.OAuth) != 1 || got.Username != "jo@gmail.com" {
		t.Errorf("got %+v", got)
	}
	// The only way in stays.
	b.do("DELETE", "/oauth/google").refused("password", "NEW_PASSWORD_REQUIRED")
	again := w.browser()
	if got := again.comesFrom(jo, page); got != page {
		t.Errorf("got %s, want %s", got, page)
	}
	if got := again.do("GET", "/session/refresh").want(201, "TOKEN").token(w); got.Sub != claims.Sub {
		t.Errorf("got sub %s, want %s", got.Sub, claims.Sub)
	}
	// A user who is signed in links an account, one at each provider, and can take it away.
	name := newName()
	other, otherClaims := w.signedUp(name)
	kim := fakeidp.Person{Subject: "g-2", Name: "Kim", Email: "kim@gmail.com", Verified: "true"}
	failed := appOrigin + "/after?status=failed&x=1"
	if got := other.comesFrom(jo, page); got != failed {
		t.Errorf("got %s for an account that another user has, want %s", got, failed)
	}
	// Keratin AuthN signed such a user in to the other account, once.
	if got := other.do("GET", "/session/refresh").want(201, "TOKEN").token(w); got.Sub != otherClaims.Sub {
		t.Errorf("got sub %s after a link that was refused, want %s", got.Sub, otherClaims.Sub)
	}
	if got := other.comesFrom(kim, page); got != page {
		t.Errorf("got %s, want %s", got, page)
	}
	third := fakeidp.Person{Subject: "g-3", Email: "k@gmail.com", Verified: "true"}
	if got := other.comesFrom(third, page); got != failed {
		t.Errorf("got %s for a second account at the provider, want %s", got, failed)
	}
	other.do("DELETE", "/oauth/google").want(200, "")
	other.do("DELETE", "/oauth/google").want(404, notFound)
	if got := other.comesFrom(kim, page); got != page {
		t.Errorf("got %s, want %s", got, page)
	}
	w.app("DELETE", "/accounts/"+otherClaims.number()+"/oauth/google").want(200, "{}")
	// The address there changes, and the account stays the same.
	jo.Email = "jo.new@gmail.com"
	if got := again.comesFrom(jo, page); got != page {
		t.Errorf("got %s, want %s", got, page)
	}
	if got := again.do("GET", "/session/refresh").want(201, "TOKEN").token(w); got.Sub != claims.Sub {
		t.Errorf("got sub %s with another address, want %s", got.Sub, claims.Sub)
	}
	again.do("GET", "/oauth/accounts").want(200, `{"result":`+strings.Replace(own, "jo@gmail.com", jo.Email, 1)+`}`)
	// An archived account leaves nothing: no session, no link.
	w.app("DELETE", "/accounts/"+claims.number()).want(200, "")
	b.do("GET", "/session/refresh").want(401, "")
	if got := w.account(claims.number()); len(got.OAuth) != 0 || !got.Deleted {
		t.Errorf("got %+v of an archived account", got)
	}
	if got := again.comesFrom(jo, page); got != page {
		t.Errorf("got %s, want %s", got, page)
	}
	if got := again.do("GET", "/session/refresh").want(201, "TOKEN").token(w); got.Sub == claims.Sub {
		t.Error("the link of an archived account still leads to it")
	}
}

// TestOAuthGoesNowhereElse tries to have the browser, or an account, end where an attacker wants it.
func TestOAuthGoesNowhereElse(t *testing.T) {
	t.Parallel()
	w, _ := startWithGoogle(t)
	b := w.browser()
	for _, page := range []string{"https://evil.example/", "", "//evil.example", "https://app.example.com@evil.example/",
		"javascript:alert(1)", "https://app.example.com.evil.example"} {
		got := b.do("GET", "/oauth/google", "redirect_uri", page)
		if got.leads() != "http://app.example.com" {
			t.Errorf("%q: got %d to %s, want the first domain", page, got.status, got.leads())
		}
	}
	if got := b.do("GET", "/oauth/nothing", "redirect_uri", appOrigin); got.status != 404 {
		t.Errorf("got %d for an unknown provider, want 404", got.status)
	}
	lost := "http://app.example.com?status=failed"
	for _, back := range []string{"", "state=x&code=y", "code=y"} {
		got := b.w.send(b.client, request(t, "GET", w.at+"/oauth/google/return?"+back))
		if got.leads() != lost {
			t.Errorf("%q: got %d to %s, want %s", back, got.status, got.leads(), lost)
		}
	}
	// An answer works in the browser that asked for it, once.
	page := appOrigin + "/after"
	jo := fakeidp.Person{Subject: "g-1", Name: "Jo", Email: "jo@gmail.com", Verified: "true"}
	begun := b.do("GET", "/oauth/google", "redirect_uri", page)
	back, _, err := fakeidp.Visit(http.DefaultClient, begun.leads(), jo, false)
	if err != nil {
		t.Fatal(err)
	}
	victim := w.browser()
	if got := victim.follow(back); got != lost {
		t.Errorf("got %s in another browser, want %s", got, lost)
	}
	victim.do("GET", "/session/refresh").want(401, "")
	if got := b.follow(back); got != page {
		t.Errorf("got %s, want %s", got, page)
	}
	if got := b.follow(back); got != page+"?status=failed" {
		t.Errorf("got %s for an answer that came before", got)
	}
	// An address that has an account is no proof of it.
	name := "sam@gmail.com"
	w.signedUp(name)
	attacker := w.browser()
	if got := attacker.comesFrom(fakeidp.Person{Subject: "g-9", Email: name, Verified: "true"}, page); got !=
		page+"?status=failed" {
		t.Errorf("got %s for an address that has an account", got)
	}
	attacker.do("GET", "/session/refresh").want(401, "")
	// What Apple's page posts comes again by GET, where the browser sends its cookie.
	posted := w.send(b.client, postForm(t, w.at+"/oauth/google/return", url.Values{"state": {"s&s"}, "code": {"c"}}))
	if got := posted.leads(); got != "/authn/oauth/google/return?code=c&state=s%26s" {
		t.Errorf("got %d to %s", posted.status, got)
	}
}

// TestOAuthMakesNoAccountsWithoutSignUp comes by the fake Google to a server that offers no sign-up: a user who has an
// account links it and signs in, a stranger gets none.
func TestOAuthMakesNoAccountsWithoutSignUp(t *testing.T) {
	t.Parallel()
	w, _ := startWithGoogle(t, "ENABLE_SIGNUP=false")
	page := appOrigin + "/after"
	stranger := fakeidp.Person{Subject: "g-1", Name: "Jo", Email: "jo@gmail.com", Verified: "true"}
	b := w.browser()
	if got := b.comesFrom(stranger, page); got != page+"?status=failed" {
		t.Errorf("got %s for a stranger", got)
	}
	b.do("GET", "/session/refresh").want(401, "")
	name := newName()
	w.app("POST", "/accounts/import", "username", name, "password", goodPassword).want(201, `{"result":{"id":1}}`)
	b.do("POST", "/session", "username", name, "password", goodPassword).want(201, "TOKEN")
	kim := fakeidp.Person{Subject: "g-2", Name: "Kim", Email: "kim@gmail.com", Verified: "true"}
	if got := b.comesFrom(kim, page); got != page {
		t.Errorf("got %s for a user who links an account", got)
	}
	again := w.browser()
	if got := again.comesFrom(kim, page); got != page {
		t.Errorf("got %s for a user who has an account", got)
	}
	if got := again.do("GET", "/session/refresh").want(201, "TOKEN").token(w); got.Sub != "1" {
		t.Errorf("got sub %s, want 1", got.Sub)
	}
}

// TestOAuthIsNoWayAroundASecondFactor comes by the fake Google to an account with an authenticator app. There is no
// place for its code on that way: the user signs in with the password and the code.
func TestOAuthIsNoWayAroundASecondFactor(t *testing.T) {
	t.Parallel()
	w, _ := startWithGoogle(t)
	page := appOrigin + "/after"
	kim := fakeidp.Person{Subject: "g-2", Name: "Kim", Email: "kim@gmail.com", Verified: "true"}
	name := newName()
	b, _ := w.signedUp(name)
	if got := b.comesFrom(kim, page); got != page {
		t.Fatalf("got %s for a user who links an account", got)
	}
	shows := b.setsUpFactor()
	other := w.browser()
	if got := other.comesFrom(kim, page); got != page+"?status=failed" {
		t.Errorf("got %s without the second factor", got)
	}
	other.do("GET", "/session/refresh").want(401, "")
	other.do("POST", "/session", "username", name, "password", goodPassword).refused("otp", "MISSING")
	other.do("POST", "/session", "username", name, "password", goodPassword, "otp", shows(0)).want(201, "TOKEN")
}

// postForm returns a request of a page of another site.
func postForm(t *testing.T, target string, form url.Values) *http.Request {
	t.Helper()
	req, err := http.NewRequest("POST", target, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "https://appleid.apple.com")
	return req
}
