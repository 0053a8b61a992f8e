package provider

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// wanted returns the authorization request of the client, with what is given in place of its own parameters; "" leaves
// one out.
func (a *asker) wanted(more ...string) url.Values {
	q := values("client_id", a.client.ClientID, "redirect_uri", testRedirect, "response_type", "code", "scope", "openid",
		"state", "pushed", "code_challenge", s256(testVerifier), "code_challenge_method", "S256")
	for name, v := range values(more...) {
		q[name] = v
	}
	return q
}

// pushes pushes a request and returns its request URI.
func (a *asker) pushes(more ...string) string {
	a.Helper()
	got := a.form("/par", a.wanted(more...))
	if life, _ := got.body["expires_in"].(float64); got.status != http.StatusCreated || life < 5 || life > 600 {
		a.Fatalf("push: got %d %s, want 201 and a short time", got.status, got.raw)
	}
	return got.str("request_uri")
}

// brings visits the authorization endpoint with the request URI, and what is given.
func (a *asker) brings(uri string, more ...string) (page string, params url.Values) {
	a.Helper()
	q := values("client_id", a.client.ClientID, "request_uri", uri)
	for name, v := range values(more...) {
		q[name] = v
	}
	return a.goesTo(a.visit("/authorize?" + q.Encode()))
}

// isRefused visits the authorization endpoint, which shows an error page and sends the browser nowhere.
func (a *asker) isRefused(why string, query url.Values) {
	a.Helper()
	if to, status := a.visit("/authorize?" + query.Encode()); to != "" || status != http.StatusBadRequest {
		a.Errorf("%s: got %d to %q, want a page with 400", why, status, to)
	}
}

// TestAPushedRequestGivesOneCode: RFC 9126. Nothing at the browser changes a pushed request, and it gives one code.
func TestAPushedRequestGivesOneCode(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	a.signsIn(a.user)
	uri := a.pushes("nonce", "of the client")
	if !strings.HasPrefix(uri, "urn:ietf:params:oauth:request_uri:") {
		t.Errorf("got %s, want a URN (RFC 9126 section 2.2)", uri)
	}
	_, answer := a.brings(uri, "nonce", "of an attacker", "state", "of an attacker", "prompt", "login",
		"code_challenge", s256("of an attacker who also has the code, and so on"), "scope", "openid email",
		"redirect_uri", "https://attacker.example", "response_mode", "fragment")
	if answer.Get("code") == "" || answer.Get("state") != "pushed" {
		t.Fatalf("got %v, want a code with the pushed state", answer)
	}
	tokens := a.redeem(a.client, answer.Get("code"))
	if tokens.status != http.StatusOK || tokens.str("scope") != "openid" ||
		payload(t, tokens.str("id_token"))["nonce"] != "of the client" {
		t.Errorf("got %d %s, want tokens for what was pushed", tokens.status, tokens.raw)
	}
	a.isRefused("used before", values("client_id", a.client.ClientID, "request_uri", uri))
}

// TestAPushedRequestWaitsForTheUser: the pages work with it as with any other request, and reloading the first page
// costs nothing.
func TestAPushedRequestWaitsForTheUser(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	uri := a.pushes()
	page, query := a.brings(uri)
	if page != "/login" {
		t.Fatalf("got %s, want the sign-in page", page)
	}
	if again, _ := a.brings(uri); again != "/login" {
		t.Errorf("opened again before its end: got %s, want the sign-in page", again)
	}
	a.signsIn(a.user)
	if _, answer := a.goesTo(a.visit("/authorize?i=" + url.QueryEscape(query.Get("i")))); answer.Get("code") == "" {
		t.Errorf("got %v, want a code", answer)
	}
	a.isRefused("used before", values("client_id", a.client.ClientID, "request_uri", uri))
}

// TestOnlyPushedRequests: a client that has to push its requests may leave it out nowhere.
func TestOnlyPushedRequests(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	a.client = a.tokenServer.client(func(c *storage.Client) {
		c.FirstParty, c.ClientID, c.RequirePushedAuthorizationRequests = true, "careful", true
	})
	a.signsIn(a.user)
	if _, answer := a.goesTo(a.visit("/authorize?" + a.wanted().Encode())); answer.Get("error") != "invalid_request" {
		t.Errorf("not pushed: got %v, want invalid_request", answer)
	}
	if _, answer := a.brings(a.pushes()); answer.Get("code") == "" {
		t.Errorf("pushed: got %v, want a code", answer)
	}
	// An id such as the server itself adds says nothing when a browser brings it.
	for _, forged := range []string{"now", "AAAAAAAAAAAAAAAAAAAAAA"} {
		_, answer := a.goesTo(a.visit("/authorize?" + a.wanted("request_uri", forged).Encode()))
		if answer.Get("error") != "invalid_request" {
			t.Errorf("request_uri=%s: got %v, want invalid_request", forged, answer)
		}
	}
}

// TestRequestURIsThatDoNotCount: another client's, another tenant's, changed, late, and those of documents elsewhere.
func TestRequestURIsThatDoNotCount(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	a.signsIn(a.user)
	other := a.tokenServer.client(func(c *storage.Client) { c.ClientID = "other" })
	uri := a.pushes()
	for why, query := range map[string]url.Values{
		"another client's": values("client_id", other.ClientID, "request_uri", uri),
		"no client":        values("request_uri", uri),
		"cut off":          values("client_id", a.client.ClientID, "request_uri", uri[:len(uri)-8]),
		"empty":            values("client_id", a.client.ClientID, "request_uri", "urn:ietf:params:oauth:request_uri:"),
		"twice":            {"client_id": {a.client.ClientID}, "request_uri": {uri, uri}},
	} {
		a.isRefused(why, query)
	}
	_, answer := a.goesTo(a.visit("/authorize?" + a.wanted("request_uri", "https://client.example/request.jwt").Encode()))
	if answer.Get("error") != "request_uri_not_supported" {
		t.Errorf("a document elsewhere: got %v, want request_uri_not_supported", answer)
	}
	if _, answer := a.brings(uri); answer.Get("code") == "" { // what was refused has spent nothing
		t.Errorf("got %v, want a code", answer)
	}
}

// TestPushedRequestsAreCheckedAtOnce: the client learns what is wrong with its request from the endpoint.
func TestPushedRequestsAreCheckedAtOnce(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	a := &asker{&visitor{s, map[string]string{}}, s.client()}
	for name, test := range map[string]struct {
		change []string
		status int
		code   string
	}{
		"unknown redirect URI": {[]string{"redirect_uri", "https://attacker.example"}, 400, "invalid_request"},
		"scope":                {[]string{"scope", "openid root"}, 400, "invalid_scope"},
		"no challenge":         {[]string{"code_challenge", ""}, 400, "invalid_request"},
		"response type":        {[]string{"response_type", "token"}, 400, "unsupported_response_type"},
		"request_uri":          {[]string{"request_uri", "urn:ietf:params:oauth:request_uri:x"}, 400, "invalid_request"},
		"unknown client":       {[]string{"client_id", "unknown"}, 401, "invalid_client"},
		"too long":             {[]string{"state", strings.Repeat("s", 9<<10)}, 413, "invalid_request"},
	} {
		s.fails(s.form("/par", a.wanted(test.change...)), test.status, test.code)
		if t.Failed() {
			t.Fatalf("in %s", name)
		}
	}
	web, secret := s.confidential("web", func(c *storage.Client) { c.RedirectURIs = []string{testRedirect} })
	asked := a.wanted("client_id", web.ClientID)
	s.fails(s.form("/par", asked), 401, "invalid_client")
	s.fails(s.form("/par", asked, basic(web.ClientID, secret+"x")), 401, "invalid_client")
	if got := s.form("/par", asked, basic(web.ClientID, secret)); got.status != 201 ||
		strings.Contains(got.str("request_uri"), secret) {
		t.Errorf("with its secret: got %d %s, want 201", got.status, got.raw)
	}
	s.fails(s.form("/par", a.wanted("client_id", "spa"), basic(web.ClientID, secret)), 400, "invalid_request")
	s.fails(s.do(request("GET", "/par?"+asked.Encode(), "")), 405, "invalid_request")
}

// TestARequestURIIsForMinutes: a late one is refused, and so is one whose client was disabled.
func TestARequestURIIsForMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := startAsking(t)
		a.signsIn(a.user)
		late, disabled := a.pushes(), a.pushes()
		a.client.Disabled = true
		a.put(a.client)
		a.isRefused("disabled", values("client_id", a.client.ClientID, "request_uri", disabled))
		a.client.Disabled = false
		a.put(a.client)
		time.Sleep(2 * time.Minute)
		a.isRefused("late", values("client_id", a.client.ClientID, "request_uri", late))
	})
}

// TestASlowUserOutlivesTheRequestURI: the short life of the URI is for the browser to come, and not for its user to
// sign in. In Keycloak (#51761) and Spring's server (#2043) it was both, and a second factor was too slow.
func TestASlowUserOutlivesTheRequestURI(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := startAsking(t)
		a.signsIn(a.user)
		for _, more := range [][]string{{"prompt", "login"}, {"max_age", "0"}} {
			time.Sleep(time.Second)
			uri := a.pushes(more...)
			page, query := a.brings(uri)
			if page != "/login" {
				t.Fatalf("%v: got %s, want the sign-in page", more, page)
			}
			time.Sleep(40 * time.Minute)
			a.signsIn(a.user)
			_, answer := a.goesTo(a.visit("/authorize?i=" + url.QueryEscape(query.Get("i"))))
			if answer.Get("code") == "" {
				t.Errorf("%v: got %v, want a code", more, answer)
			}
		}
	})
}

// TestNoPasswordForADeadRequestURI: a browser that is not signed in is told at once. Duende's server (#1160) asked for
// the password first, and then said that the URI was used.
func TestNoPasswordForADeadRequestURI(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := startAsking(t)
		stranger := &asker{&visitor{a.tokenServer, map[string]string{}}, a.client}
		a.signsIn(a.user)
		used, late := a.pushes(), a.pushes()
		if _, answer := a.brings(used); answer.Get("code") == "" {
			t.Fatalf("got %v, want a code", answer)
		}
		stranger.isRefused("used", values("client_id", a.client.ClientID, "request_uri", used))
		time.Sleep(2 * time.Minute)
		stranger.isRefused("late", values("client_id", a.client.ClientID, "request_uri", late))
	})
}

// TestPushingStoresNothing: requests that no browser brings pile up nowhere.
func TestPushingStoresNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := startAsking(t)
		a.pushes() // the client is read
		push := func() reply { return a.form("/par", a.wanted()) }
		if did := a.statements(http.StatusCreated, push); did != "" {
			t.Errorf("got %s, want no statement", did)
		}
	})
}
