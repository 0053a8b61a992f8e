package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// operation is something that clients or users do, with its floor: the least work that it needs.
type operation struct {
	name  string
	aim   float64
	run   task
	floor task
}

// Paths of the floor with the work that operations need.
const (
	oneSignature = "/sign?signatures=1"
	twoReads     = "/sign?reads=2"
	firstTokens  = "/sign?signatures=2&inserts=1"
	nextTokens   = "/sign?signatures=2&updates=1"
	oneToken     = "/sign?verifications=1&reads=1"
	boundToken   = "/sign?signatures=1&verifications=1&inserts=1"
)

// The published documents. The floor serves the same bytes under the same paths.
const (
	discovery = "/.well-known/openid-configuration"
	jwks      = "/jwks"
)

var operations = []operation{
	{"discovery", 1.2, task{do: static(discovery, `"issuer"`)}, task{do: static(discovery, `"issuer"`)}},
	{"jwks", 1.2, task{do: static(jwks, `"keys"`)}, task{do: static(jwks, `"keys"`)}},
	{"client-credentials", 1.5, task{do: clientCredentials}, task{do: posted(oneSignature)}},
	{"client-credentials-dpop", 1.5, task{prepare: boundCredentials, do: boundCredentials}, task{do: posted(boundToken)}},
	{"authorize", 1.7, task{prepare: signIn, do: authorize}, task{do: inTurn(twoReads, firstTokens)}},
	{"par", 1.5, task{do: push}, task{do: push}},
	{"authorize-par", 1.7, task{prepare: signIn, do: authorizePushed}, task{do: pushedInTurn}},
	{"refresh", 1.6, task{prepare: obtain, do: refresh}, task{do: posted(nextTokens)}},
	// Ten claims of rules in both tokens may cost a tenth more.
	{"refresh-ten-claims", 1.76, task{prepare: obtainMapped, do: refresh}, task{do: posted(nextTokens)}},
	// A device whose user has not decided asks again. All of it, from the codes over three pages to the tokens, has no
	// aim: a user takes part in it.
	{"device-poll", 2.3, task{prepare: waitForUser, do: pollDevice}, task{do: posted("/sign?reads=1")}},
	{"device", 0, task{prepare: signIn, do: connectDevice},
		task{do: inTurn("/sign?inserts=1", "/sign?reads=1", twoReads, "/sign?inserts=1", "/sign?inserts=1", firstTokens)}},
	{"userinfo", 1.5, task{prepare: obtain, do: userinfo}, task{do: posted(oneToken)}},
	// What a proxy asks about each request of an app; a cache answers all but one read a second.
	{"forward-auth", 2.3, task{prepare: enterGateway, do: forwardAuth}, task{do: posted("/sign")}},
	{"register", 1.5, task{do: register}, task{do: posted("/sign?inserts=1")}},
	{"introspection", 1.5, task{prepare: obtain, do: introspect}, task{do: posted(oneToken)}},
	{"client-credentials-workload", 1.7, task{do: workloadCredentials},
		task{do: posted("/sign?signatures=1&verifications=1")}},
	{"exchange", 1.7, task{prepare: obtain, do: exchange}, task{do: posted("/sign?signatures=1&reads=1")}},
	{"sign-in", 1.15, task{do: wholeSignIn}, task{do: posted("/hash")}},
	{"mix", 0, task{prepare: obtain, do: mix},
		task{do: inTurn("/sign", oneSignature, twoReads, firstTokens, nextTokens, oneToken, oneToken)}},
}

// register registers a client (RFC 7591).
func register(w *worker) error {
	req, err := http.NewRequest(http.MethodPost, w.issuer+"/register", strings.NewReader(`{"client_name": "Editor",
		"redirect_uris": ["http://127.0.0.1/callback"], "grant_types": ["authorization_code", "refresh_token"],
		"token_endpoint_auth_method": "none"}`))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, body, err := w.do(req)
	return expect(res, body, err, http.StatusCreated, "registration_access_token")
}

// static returns a task that gets a document which is the same for every client.
func static(path, holds string) func(w *worker) error {
	return func(w *worker) error {
		req, err := http.NewRequest(http.MethodGet, w.issuer+path, nil)
		if err != nil {
			return err
		}
		res, body, err := w.do(req)
		return expect(res, body, err, http.StatusOK, holds)
	}
}

// expect returns an error unless the answer has the status and contains the text.
func expect(res *http.Response, body []byte, err error, status int, holds string) error {
	if err != nil {
		return err
	}
	if res.StatusCode != status || !strings.Contains(string(body), holds) {
		return fmt.Errorf("%s: got %d %.300s, want %d with %s", res.Request.URL.Path, res.StatusCode, body, status, holds)
	}
	return nil
}

// form returns a request that posts the values, with Basic credentials if id is not "".
func form(issuer, path, id, secret string, values url.Values) (*http.Request, error) {
	req, err := http.NewRequest(http.MethodPost, issuer+path, strings.NewReader(values.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if id != "" {
		req.SetBasicAuth(id, secret)
	}
	return req, nil
}

// answer is a token response.
type answer struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	IDToken      string `json:"id_token"`
}

// tokens posts to the token endpoint, and checks that the access token is a JWT.
func (w *worker) tokens(id, secret string, values url.Values) (answer, error) {
	var a answer
	req, err := form(w.issuer, "/token", id, secret, values)
	if err != nil {
		return a, err
	}
	res, body, err := w.do(req)
	if err := expect(res, body, err, http.StatusOK, "access_token"); err != nil {
		return a, err
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, err
	}
	if strings.Count(a.AccessToken, ".") != 2 {
		return a, fmt.Errorf("the access token %.40s is no JWT", a.AccessToken)
	}
	return a, nil
}

func clientCredentials(w *worker) error {
	_, err := w.tokens("service", serviceSecret, url.Values{"grant_type": {"client_credentials"}, "scope": {"reports"}})
	return err
}

// workloadCredentials gets a token with that of a workload in place of a secret. A platform gives the same one to many
// requests.
func workloadCredentials(w *worker) error {
	token, err := workloadToken(w.issuer)
	if err != nil {
		return err
	}
	_, err = w.tokens("", "", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"job"}, "client_assertion": {token},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	})
	return err
}

// exchange gives the service a token with which it acts for the user (RFC 8693).
func exchange(w *worker) error {
	_, err := w.tokens("service", serviceSecret, url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {w.state["access"]},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
	})
	return err
}

var hidden = regexp.MustCompile(`name="(form|i)" value="([^"]*)"`)

// request returns the path of an authorization request, with its verifier and state.
func (w *worker) request(scope string) (path, verifier, state string) {
	verifier, state = rand.Text()+rand.Text(), rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"client_id": {"web"}, "response_type": {"code"}, "redirect_uri": {callback}, "scope": {scope}, "state": {state},
		"nonce": {rand.Text()}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])},
		"code_challenge_method": {"S256"},
	}
	return "/authorize?" + q.Encode(), verifier, state
}

// get requests a path, and returns where the answer leads and its body.
func (w *worker) get(path string) (location string, page []byte, err error) {
	if strings.HasPrefix(path, "/") {
		path = w.issuer + path
	}
	req, err := http.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return "", nil, err
	}
	res, body, err := w.do(req)
	if err != nil {
		return "", nil, err
	}
	if res.StatusCode >= 400 {
		return "", nil, fmt.Errorf("%s: got %d %.300s", req.URL.Path, res.StatusCode, body)
	}
	return res.Header.Get("Location"), body, nil
}

// enter signs in at the page, and returns where the browser is sent.
func (w *worker) enter(page string) (string, error) {
	_, body, err := w.get(page)
	if err != nil {
		return "", err
	}
	values := url.Values{"login": {person}, "password": {password}}
	for _, m := range hidden.FindAllSubmatch(body, -1) {
		values.Set(string(m[1]), html.UnescapeString(string(m[2])))
	}
	req, err := form(w.issuer, "/login", "", "", values)
	if err != nil {
		return "", err
	}
	req.Header.Set("Origin", w.issuer)
	res, body, err := w.do(req)
	if err := expect(res, body, err, http.StatusSeeOther, ""); err != nil {
		return "", err
	}
	return res.Header.Get("Location"), nil
}

func signIn(w *worker) error {
	_, err := w.enter("/login")
	return err
}

// redeem redeems the code in the address that the browser is sent to.
func (w *worker) redeem(location, verifier, state string) (answer, error) {
	u, err := url.Parse(location)
	if err != nil {
		return answer{}, err
	}
	q := u.Query()
	if !strings.HasPrefix(location, callback+"?") || q.Get("state") != state || q.Get("code") == "" {
		return answer{}, fmt.Errorf("got %.200s, want the client's callback with a code", location)
	}
	a, err := w.tokens("web", webSecret,
		url.Values{"grant_type": {"authorization_code"}, "code": {q.Get("code")}, "redirect_uri": {callback},
			"code_verifier": {verifier}})
	if err == nil && strings.Count(a.IDToken, ".") != 2 {
		err = fmt.Errorf("there is no ID token")
	}
	return a, err
}

func authorize(w *worker) error {
	path, verifier, state := w.request("openid")
	location, _, err := w.get(path)
	if err != nil {
		return err
	}
	_, err = w.redeem(location, verifier, state)
	return err
}

// wholeSignIn signs in with a browser that has no cookies.
func wholeSignIn(w *worker) error {
	fresh, err := newWorker(w.ctx, w.issuer)
	if err != nil {
		return err
	}
	w.client.Jar = fresh.client.Jar // the connection stays
	path, verifier, state := w.request("openid")
	page, _, err := w.get(path)
	if err != nil {
		return err
	}
	next, err := w.enter(page)
	if err != nil {
		return err
	}
	location, _, err := w.get(next)
	if err != nil {
		return err
	}
	_, err = w.redeem(location, verifier, state)
	return err
}

// obtain signs in and keeps an access token and a refresh token.
func obtain(w *worker) error { return w.obtain("openid profile email offline_access") }

// obtainMapped does the same for tokens with ten claims of rules.
func obtainMapped(w *worker) error { return w.obtain("openid profile email offline_access mapped") }

// obtain signs in and keeps tokens with the scope.
func (w *worker) obtain(scope string) error {
	if err := signIn(w); err != nil {
		return err
	}
	path, verifier, state := w.request(scope)
	location, _, err := w.get(path)
	if err != nil {
		return err
	}
	a, err := w.redeem(location, verifier, state)
	w.state["access"], w.state["refresh"] = a.AccessToken, a.RefreshToken
	return err
}

func refresh(w *worker) error {
	a, err := w.tokens("web", webSecret,
		url.Values{"grant_type": {"refresh_token"}, "refresh_token": {w.state["refresh"]}})
	if err != nil {
		return err
	}
	if a.RefreshToken == "" || a.RefreshToken == w.state["refresh"] {
		return fmt.Errorf("the refresh token did not rotate")
	}
	w.state["refresh"] = a.RefreshToken
	return nil
}

func userinfo(w *worker) error {
	req, err := http.NewRequest(http.MethodGet, w.issuer+"/userinfo", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+w.state["access"])
	res, body, err := w.do(req)
	return expect(res, body, err, http.StatusOK, person)
}

func introspect(w *worker) error {
	req, err := form(w.issuer, "/introspect", "web", webSecret, url.Values{"token": {w.state["access"]}})
	if err != nil {
		return err
	}
	res, body, err := w.do(req)
	return expect(res, body, err, http.StatusOK, `"active":true`)
}

// mix does once what an app and its users cause all day.
func mix(w *worker) error {
	for _, do := range []func(*worker) error{
		static(jwks, `"keys"`), clientCredentials, authorize, refresh, userinfo, introspect,
	} {
		if err := do(w); err != nil {
			return err
		}
	}
	return nil
}

// check returns a request by which the proxy asks about a page of the app.
func (w *worker) check(target string) (*http.Request, error) {
	u, err := url.Parse(w.issuer)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:"+u.Port()+"/forward-auth/edge", nil)
	if err != nil {
		return nil, err
	}
	req.Header = http.Header{
		"X-Forwarded-Method": {"GET"}, "X-Forwarded-Host": {appHost}, "X-Forwarded-Uri": {target},
		"X-Forwarded-For": {"127.0.0.1"}, "Sec-Fetch-Mode": {"navigate"}, "Accept": {"text/html"},
	}
	return req, nil
}

// enterApp follows the answer to a check that does not pass: it returns where it leads and the cookie that it sets.
func (w *worker) enterApp(target, cookie string) (location, set string, err error) {
	req, err := w.check(target)
	if err != nil {
		return "", "", err
	}
	req.Header.Set("Cookie", cookie)
	res, body, err := w.do(req)
	if err != nil {
		return "", "", err
	}
	set, _, _ = strings.Cut(res.Header.Get("Set-Cookie"), ";")
	if location = res.Header.Get("Location"); location == "" || set == "" {
		return "", "", fmt.Errorf("the gateway answers %d %.300s, and leads nowhere", res.StatusCode, body)
	}
	return location, set, nil
}

// enterGateway signs in at the host of an app.
func enterGateway(w *worker) error {
	if err := signIn(w); err != nil {
		return err
	}
	jar := w.client.Jar
	w.client.Transport = &http.Transport{MaxIdleConnsPerHost: 1, DisableCompression: true,
		DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(proxyAddress)}}).DialContext}
	w.client.Jar = nil // the proxy passes on the cookies of the app's host alone
	to, binding, err := w.enterApp("/reports", "")
	if err != nil {
		return err
	}
	w.client.Jar = jar
	back, _, err := w.get(to)
	if err != nil {
		return err
	}
	w.client.Jar = nil
	_, w.state["cookie"], err = w.enterApp(strings.TrimPrefix(back, "http://"+appHost), binding)
	return err
}

// forwardAuth asks about a request that may pass.
func forwardAuth(w *worker) error {
	req, err := w.check("/reports?of=today")
	if err != nil {
		return err
	}
	req.Header.Set("Cookie", w.state["cookie"])
	res, body, err := w.do(req)
	if err == nil && (res.Header.Get("X-Auth-Email") != person || res.Header.Get("X-Auth-Identity") == "") {
		err = fmt.Errorf("the gateway answers %d and doesn't say who asks", res.StatusCode)
	}
	return expect(res, body, err, http.StatusOK, "")
}
