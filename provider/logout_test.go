package provider

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

func TestItsClientSignsOutAtOnce(t *testing.T) {
	t.Parallel()
	state := strings.Repeat("aZ0-._~", 18) + "%&" // 128 characters
	for name, tt := range map[string]struct {
		params []string
		want   string
	}{
		"everything": {[]string{"post_logout_redirect_uri", afterLogout, "state", state, "client_id", "spa"},
			afterLogout + "&state=" + url.QueryEscape(state)},
		"no client_id": {[]string{"post_logout_redirect_uri", afterLogout, "state", "x"}, afterLogout + "&state=x"},
		"no state":     {[]string{"post_logout_redirect_uri", afterLogout}, afterLogout},
		"no address":   {[]string{"state", "x"}, signedOut},
		"other parameters": {[]string{"post_logout_redirect_uri", afterLogout, "ui_locales", "de", "logout_hint", "jo",
			"made_up", "1"}, afterLogout},
		"state that bites": {[]string{"post_logout_redirect_uri", afterLogout, "state",
			"a\r\nSet-Cookie: x=1<script>&code=1#"},
			afterLogout + "&state=a%0D%0ASet-Cookie%3A+x%3D1%3Cscript%3E%26code%3D1%23"},
	} {
		t.Run(name, func(t *testing.T) {
			v, c := startLogout(t)
			tokens := v.tokens(c)
			to, status := v.logout(append(tt.params, "id_token_hint", tokens.str("id_token"))...)
			v.sent(tt.want, to, status)
			// J4: nothing of it works any more, offline or not.
			if v.works(tokens.str("access_token")) {
				t.Error("the access token still works")
			}
			v.fails(v.refresh(c, tokens.str("refresh_token")), 400, "invalid_grant")
			if n := v.events("session.ended"); n != 1 {
				t.Errorf("%d events, want 1", n)
			}
			// Once more: no user is signed in, so no page asks.
			to, status = v.logout(append(tt.params, "id_token_hint", tokens.str("id_token"))...)
			v.sent(tt.want, to, status)
		})
	}
}

// An old cookie is of no use after signing out (J4).
func TestTheOldCookieIsDead(t *testing.T) {
	t.Parallel()
	v, c := startLogout(t)
	old := map[string]string{}
	for name, value := range v.cookies {
		old[name] = value
	}
	to, status := v.logout("id_token_hint", v.tokens(c).str("id_token"))
	v.sent(signedOut, to, status)
	v.cookies = old
	if v.isIn() {
		t.Error("the old cookie signs in")
	}
}

func TestSigningOutLeavesOtherClientsOfflineGrants(t *testing.T) {
	t.Parallel()
	v, c := startLogout(t)
	other := v.client(func(c *storage.Client) { c.ClientID = "other" })
	offline, bound := v.tokens(other), v.tokens(other, func(k *tokens.Code) { k.Scopes = []string{"openid"} })
	v.logout("id_token_hint", v.tokens(c).str("id_token"))
	if a := v.refresh(other, offline.str("refresh_token")); a.status != http.StatusOK {
		t.Errorf("another client's offline grant: got %d %s", a.status, a.raw)
	}
	v.fails(v.refresh(other, bound.str("refresh_token")), 400, "invalid_grant")
}

func TestPostedLogout(t *testing.T) {
	t.Parallel()
	v, c := startLogout(t)
	hint := v.tokens(c).str("id_token")
	// Posted from another site, the form comes without cookies.
	resp := v.raw(request("POST", "/logout",
		values("id_token_hint", hint, "post_logout_redirect_uri", afterLogout, "state", "x").Encode(), formType))
	to := leads(resp)
	if !strings.HasPrefix(to, "/logout?r=") || strings.Contains(to, hint) || len(resp.Cookies()) > 0 {
		t.Fatalf("got %d to %q, cookies %v; want the page without the hint in clear", resp.StatusCode, to, resp.Cookies())
	}
	next, status := v.visit(to)
	v.sent(afterLogout+"&state=x", next, status)

	for name, r := range map[string]*http.Request{
		"JSON":      request("POST", "/logout", "{}", "Content-Type: application/json"),
		"too long":  request("POST", "/logout", "state="+strings.Repeat("x", oauth.MaxRequest), formType),
		"no form":   request("POST", "/logout", "a=%zz", formType),
		"too long ": request("GET", "/logout?state="+strings.Repeat("x", 3*oauth.MaxRequest), ""),
		"HEAD":      request("HEAD", "/logout", ""),
	} {
		if resp := v.raw(r); resp.StatusCode < 400 || resp.StatusCode > 499 || resp.Header.Get("Location") != "" {
			t.Errorf("%s: got %d to %q, want an error", name, resp.StatusCode, resp.Header.Get("Location"))
		}
	}
	// What was changed on its way says nothing.
	v.signsIn(v.user)
	next, status = v.visit(to + "x")
	v.asked(next, status)
}

// J1: a link or an image signs no user out.
func TestNoUserIsSignedOutUnasked(t *testing.T) {
	t.Parallel()
	for name, params := range map[string][]string{
		"no parameters": nil,
		"only state":    {"state", "x"},
		"client_id":     {"client_id", "spa"},
		"unknown one":   {"client_id", "nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			v, _ := startLogout(t)
			to, status := v.logout(params...)
			letter := v.asked(to, status)
			to, status = v.confirms(letter)
			v.sent(signedOut, to, status)
		})
	}
}

func TestAfterConfirmationTheBrowserGoesBack(t *testing.T) {
	t.Parallel()
	v, c := startLogout(t)
	tokens := v.tokens(c)
	to, status := v.logout("client_id", "spa", "post_logout_redirect_uri", afterLogout, "state", "x")
	letter := v.asked(to, status)
	// A letter is no confirmation.
	to, status = v.visit("/logout?l=" + letter)
	v.asked(to, status)
	if !v.lives(tokens) {
		t.Error("the grant was revoked before the user said yes")
	}
	to, status = v.confirms(letter)
	v.sent(afterLogout+"&state=x", to, status)
	v.fails(v.refresh(c, tokens.str("refresh_token")), 400, "invalid_grant")

	// What was registered then may be taken back meanwhile.
	v.signsIn(v.user)
	to, status = v.logout("client_id", "spa", "post_logout_redirect_uri", afterLogout)
	letter = v.asked(to, status)
	c.PostLogoutRedirectURIs = nil
	v.put(c)
	to, status = v.confirms(letter)
	v.sent(signedOut, to, status)
}

// A letter that is no good says nothing: the browser may sign out all the same.
func TestLettersAreOfOneBrowserAndADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v, _ := startLogout(t)
		to, status := v.logout("client_id", "spa", "post_logout_redirect_uri", afterLogout)
		letter := v.asked(to, status)
		stranger := &visitor{v.tokenServer, map[string]string{}}
		to, status = stranger.visit("/logout?l=" + letter)
		stranger.sent(signedOut, to, status)
		for _, bad := range []string{letter[1:], letter + "A", letter[:len(letter)-1] + otherLast(letter), "x"} {
			to, status := v.visit("/logout?l=" + bad)
			if another := v.asked(to, status); another == letter || another == bad {
				t.Errorf("%q is carried along", bad)
			}
		}
		// The page was left open for hours, and then the user signed out on it.
		time.Sleep(5 * time.Hour)
		to, status = v.visit("/logout?l=" + letter)
		v.asked(to, status)
		to, status = v.confirms(letter)
		v.sent(afterLogout, to, status)
		v.signsIn(v.user)
		time.Sleep(21 * time.Hour)
		to, status = v.confirms(letter)
		v.sent(signedOut, to, status)
	})
}

// J2: no browser is sent to an address that is not the client's. Signing out goes on: at once if the
// client proves that it means this user, by a page otherwise.
func TestAddressesThatAreNotTheClients(t *testing.T) {
	t.Parallel()
	v, c := startLogout(t)
	hint := v.tokens(c).str("id_token")
	for _, uri := range []string{
		"https://evil.example/", "https://app.example.com/bye", "https://app.example.com/bye?from=id&x=1", afterLogout + "#",
		afterLogout + "/", "https://app.example.com/bye/?from=id",
		"https://app.example.com/Bye?from=id", "HTTPS://app.example.com/bye?from=id", "http://app.example.com/bye?from=id",
		"https://app.example.com:443/bye?from=id",
		"https://app.example.com./bye?from=id", "https://app.example.com.evil.example/bye?from=id",
		"https://evil.example@app.example.com/bye?from=id",
		"https://app.example.com@evil.example/bye?from=id", `https://app.example.com\bye?from=id`,
		"https://app.example.com/./bye?from=id", "https://app.example.com/x/../bye?from=id",
		"https://app.example.com/%62ye?from=id", "https://app.example.com/bye?from=%69d",
		"https://app.example.com//bye?from=id", "//app.example.com/bye?from=id", "/bye", "javascript:alert(1)",
		afterLogout + "\r\n", afterLogout + "\t", " " + afterLogout, testRedirect,
	} {
		to, status := v.logout("id_token_hint", hint, "post_logout_redirect_uri", uri)
		v.sent(signedOut, to, status)
		to, status = v.logout("client_id", "spa", "post_logout_redirect_uri", uri) // no user is signed in any more
		v.sent(signedOut, to, status)
		v.session = v.signsIn(v.user)
		v.tokens(c)
		to, status = v.logout("client_id", "spa", "post_logout_redirect_uri", uri, "state", "x")
		to, status = v.confirms(v.asked(to, status))
		v.sent(signedOut, to, status)
		v.session = v.signsIn(v.user)
		hint = v.tokens(c).str("id_token")
	}
	v.client(func(c *storage.Client) {
		c.ClientID, c.Disabled, c.PostLogoutRedirectURIs = "off", true, []string{afterLogout}
	})
	uri := url.QueryEscape(afterLogout)
	for name, query := range map[string]string{
		"neither hint nor client_id": "post_logout_redirect_uri=" + uri,
		"unknown client":             "client_id=nobody&post_logout_redirect_uri=" + uri,
		"disabled client":            "client_id=off&post_logout_redirect_uri=" + uri,
		"twice":                      "client_id=spa&post_logout_redirect_uri=" + uri + "&post_logout_redirect_uri=" + uri,
		"client_id twice":            "client_id=spa&client_id=spa&post_logout_redirect_uri=" + uri,
		"NUL":                        "client_id=spa&state=%00&post_logout_redirect_uri=" + uri,
		"not UTF-8":                  "client_id=spa&state=%ff&post_logout_redirect_uri=" + uri,
		"a broken escape":            "client_id=spa&state=%zz&post_logout_redirect_uri=" + uri,
	} {
		to, status := v.visit("/logout?" + query)
		to, status = v.confirms(v.asked(to, status))
		if v.sent(signedOut, to, status); t.Failed() {
			t.Fatal(name)
		}
		to, status = v.visit("/logout?" + query) // no user is signed in
		v.sent(signedOut, to, status)
		v.signsIn(v.user)
	}
}

// J3: a hint that is not what it should be ends nothing and leads nowhere. It counts as none:
// the user is asked, and then goes where a request without a hint would have led.
func TestHintsThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	v, c := startLogout(t)
	tokens := v.tokens(c)
	hint := tokens.str("id_token")
	claims := payload(t, hint)
	for name, bad := range map[string]string{
		"alg none":       unsigned(`{"alg":"none","typ":"JWT"}`, claims, ""),
		"alg HS256":      unsigned(`{"alg":"HS256","typ":"JWT"}`, claims, "AAAA"),
		"changed":        hint[:len(hint)-1] + otherLast(hint),
		"an access one":  tokens.str("access_token"),
		"a refresh one":  tokens.str("refresh_token"),
		"no token":       "x",
		"dots":           strings.Repeat(".", 4000),
		"another tenant": v.hintOfAnotherTenant(c),
	} {
		to, status := v.logout("id_token_hint", bad, "client_id", "spa", "post_logout_redirect_uri", afterLogout)
		letter := v.asked(to, status)
		to, status = v.confirms(letter)
		v.sent(afterLogout, to, status)
		v.signsIn(v.user)
		to, status = v.logout("id_token_hint", bad, "post_logout_redirect_uri", afterLogout)
		to, status = v.confirms(v.asked(to, status))
		if v.sent(signedOut, to, status); t.Failed() {
			t.Fatal(name)
		}
		v.signsIn(v.user)
	}
	v.client(func(c *storage.Client) {
		c.ClientID, c.PostLogoutRedirectURIs = "other", []string{"https://other.example.com/"}
	})
	to, status := v.logout("id_token_hint", hint, "client_id", "other", "post_logout_redirect_uri",
		"https://other.example.com/")
	to, status = v.confirms(v.asked(to, status))
	v.sent(signedOut, to, status)
	v.session = v.signsIn(v.user)
	to, status = v.logout("id_token_hint", v.tokens(c).str("id_token"), "post_logout_redirect_uri",
		"https://other.example.com/")
	v.sent(signedOut, to, status)
}

// A hint whose key has gone, such as after a rotation in a hurry, lets its person sign out.
func TestHintsWhoseKeyHasGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v, c := startLogout(t)
		hint := v.tokens(c).str("id_token")
		keys, err := v.store.Keys(t.Context(), v.tenant.ID, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			if err := v.store.RemoveKey(t.Context(), v.tenant.ID, key.ID); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Second)
		to, status := v.logout("id_token_hint", hint, "client_id", "spa", "post_logout_redirect_uri", afterLogout)
		to, status = v.confirms(v.asked(to, status))
		v.sent(afterLogout, to, status)
	})
}

// hintOfAnotherTenant is an ID token for the same client id and person, made elsewhere.
func (v *visitor) hintOfAnotherTenant(c *storage.Client) string {
	v.Helper()
	if err := v.store.AddTenant(v.Context(), storage.Tenant{ID: "other", Name: "Other"}); err != nil {
		v.Fatal(err)
	}
	key, err := v.p.Keys.Signing(v.Context(), "other", "RS256")
	if err != nil {
		v.Fatal(err)
	}
	g := &storage.Grant{UserID: v.user.ID, SessionID: v.session.ID, AuthTime: time.Now()}
	subject := &claims.Subject{Client: c, User: &storage.User{}}
	token, err := v.p.tokens.IDToken(v.tenant, subject, key, g, []string{"openid"}, "", "x", time.Now())
	if err != nil {
		v.Fatal(err)
	}
	return token
}

func TestHintOfAnotherUser(t *testing.T) {
	t.Parallel()
	v, c := startLogout(t)
	hint := v.tokens(c).str("id_token")
	kim := v.user
	kim.ID, kim.Username, kim.UsernameKey, kim.Email, kim.EmailKey = newID(), "kim", "kim", "", ""
	if err := storagetest.AddUser(t.Context(), v.store, kim, nil, nil); err != nil {
		t.Fatal(err)
	}
	kims := &visitor{v.tokenServer, map[string]string{}}
	kims.signsIn(kim)
	to, status := kims.logout("id_token_hint", hint, "post_logout_redirect_uri", afterLogout)
	letter := kims.asked(to, status)
	if !v.isIn() {
		t.Error("the person of the hint was signed out from another browser")
	}
	to, status = kims.confirms(letter)
	kims.sent(afterLogout, to, status)

	// With both in one browser, the one who is meant is signed out.
	kims.signsIn(kim)
	both := kims
	jo := both.signsIn(v.user)
	both.signsIn(kim)
	v.session = jo
	to, status = both.logout("id_token_hint", v.tokens(c).str("id_token"), "post_logout_redirect_uri", afterLogout)
	if to != afterLogout || !both.isIn() {
		t.Errorf("got %d to %q, signed in %v; want Kim still signed in", status, to, both.isIn())
	}
	if _, _, err := v.store.(storage.Sessions).Session(t.Context(), v.tenant.ID, jo.ID, time.Now()); err == nil {
		t.Error("Jo is still signed in")
	}
}

func TestHintsThatHaveExpired(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v, c := startLogout(t)
		hint := v.tokens(c).str("id_token")
		time.Sleep(2 * time.Hour)
		// Of another session of the same user: they are asked.
		other := &visitor{v.tokenServer, map[string]string{}}
		other.signsIn(v.user)
		to, status := other.logout("id_token_hint", hint, "post_logout_redirect_uri", afterLogout)
		letter := other.asked(to, status)
		to, status = other.confirms(letter)
		other.sent(afterLogout, to, status)
		// Of this very session: it is its client that asks.
		to, status = v.logout("id_token_hint", hint, "post_logout_redirect_uri", afterLogout)
		v.sent(afterLogout, to, status)
	})
}

func TestNativeClientsLogout(t *testing.T) {
	t.Parallel()
	v, _ := startLogout(t)
	c := v.client(func(c *storage.Client) {
		c.ClientID, c.ApplicationType, c.PostLogoutRedirectURIs = "app", "native",
			[]string{"http://127.0.0.1/bye", "com.example.app:/bye"}
	})
	for _, uri := range []string{"http://127.0.0.1:4711/bye", "com.example.app:/bye"} {
		to, status := v.logout("id_token_hint", v.tokens(c).str("id_token"), "post_logout_redirect_uri", uri, "state", "x")
		v.sent(uri+"?state=x", to, status)
		v.session = v.signsIn(v.user)
	}
	to, status := v.logout("client_id", "app", "post_logout_redirect_uri", "http://localhost:4711/bye")
	to, status = v.confirms(v.asked(to, status))
	v.sent(signedOut, to, status)
}

func TestLogoutWhileStorageIsDown(t *testing.T) {
	t.Parallel()
	v, c := startLogout(t)
	hint := v.tokens(c).str("id_token")
	down := &failing{testStore: v.store}
	v.p.Store, v.p.Sessions.Store = down, down
	down.set("Apply")
	to, status := v.logout("id_token_hint", hint, "post_logout_redirect_uri", afterLogout)
	if to != "" || status != http.StatusServiceUnavailable || !v.isIn() {
		t.Errorf("got %d to %q, signed in %v; want 503, and nothing done", status, to, v.isIn())
	}
	down.set("")
	to, status = v.logout("id_token_hint", hint, "post_logout_redirect_uri", afterLogout)
	v.sent(afterLogout, to, status)
}

// A tenant below a path has its pages there.
func TestLogoutOfATenant(t *testing.T) {
	t.Parallel()
	v, _ := startLogout(t)
	if err := v.store.AddTenant(t.Context(), storage.Tenant{ID: "acme", Name: "Acme"}); err != nil {
		t.Fatal(err)
	}
	if to, status := v.visit("/t/acme/logout"); to != "/t/acme"+signedOut {
		t.Errorf("got %d to %q", status, to)
	}
	if !v.isIn() {
		t.Error("signed out of another tenant")
	}
}

// TestLogoutTokensOfPairwiseClients: what a logout token says of the user and the session is what the client's ID
// tokens say, and no value is one that a client of another sector sees.
func TestLogoutTokensOfPairwiseClients(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	seen := map[any]string{}
	for id, host := range map[string]string{"one": "app.example.com", "two": "other.example"} {
		c := s.client(paired(id, host))
		id := payload(t, s.tokens(c).str("id_token"))
		token, err := s.p.LogoutToken(t.Context(), s.tenant, c, storage.Logout{SessionID: s.session.ID, UserID: s.user.ID})
		if err != nil {
			t.Fatal(err)
		}
		said := payload(t, token)
		if said["sub"] != id["sub"] || said["sid"] != id["sid"] || said["aud"] != c.ClientID || said["iss"] != testIssuer {
			t.Errorf("%s: got %v, want the user and the session of %v", c.ClientID, said, id)
		}
		for _, name := range []string{"sub", "sid", "jti"} {
			if other, ok := seen[said[name]]; ok {
				t.Errorf("%s: %s is one that %s sees", c.ClientID, name, other)
			}
			seen[said[name]] = c.ClientID
		}
		again, err := s.p.LogoutToken(t.Context(), s.tenant, c, storage.Logout{SessionID: s.session.ID, UserID: s.user.ID})
		if err != nil || payload(t, again)["jti"] != said["jti"] {
			t.Errorf("%s: the next attempt has another jti: %v", c.ClientID, err)
		}
	}
}
