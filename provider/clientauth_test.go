package provider

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/storage"
)

func ask(s *tokenServer, header string, more ...string) reply {
	s.Helper()
	form := values(append([]string{"grant_type", "client_credentials"}, more...)...)
	if header == "" {
		return s.post(form)
	}
	return s.post(form, header)
}

// D5: one method, the registered one, or the secret in either place.
func TestMethodsOfClientAuthentication(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	_, basicSecret := s.service("basic")
	_, postSecret := s.service("post", func(c *storage.Client) { c.TokenEndpointAuthMethod = "client_secret_post" })
	_, defaulted := s.service("default", func(c *storage.Client) { c.TokenEndpointAuthMethod = "" })
	jwt := startAssertions(s, "jwt")
	public := s.client()
	for name, c := range map[string]struct {
		header string
		form   []string
		status int
		error  string
	}{
		"basic":                       {basic("basic", basicSecret), nil, 200, ""},
		"basic, client_id repeats it": {basic("basic", basicSecret), []string{"client_id", "basic"}, 200, ""},
		"basic, scheme in any case": {"Authorization: bAsIc " +
			base64.StdEncoding.EncodeToString([]byte("basic:"+basicSecret)), nil, 200, ""},
		"basic by default": {basic("default", defaulted), nil, 200, ""},
		"post by default":  {"", []string{"client_id", "default", "client_secret", defaulted}, 200, ""},
		"both by default": {basic("default", defaulted),
			[]string{"client_id", "default", "client_secret", defaulted}, 400, "invalid_request"},
		"neither by default":    {"", []string{"client_id", "default"}, 401, "invalid_client"},
		"default, empty secret": {basic("default", ""), nil, 401, "invalid_client"},
		"default, wrong secret in post": {"",
			[]string{"client_id", "default", "client_secret", "x"}, 401, "invalid_client"},
		"jwt, registered for nothing": {"",
			append(jwt.form(jwt.claims()), "client_id", "default"), 401, "invalid_client"},
		"post": {"", []string{"client_id", "post", "client_secret", postSecret}, 200, ""},
		"jwt":  {"", jwt.form(jwt.claims()), 200, ""},
		"basic, other client_id": {basic("basic", basicSecret), []string{"client_id", "post"},
			400, "invalid_request"},
		"basic and post": {basic("basic", basicSecret),
			[]string{"client_id", "basic", "client_secret", basicSecret}, 400, "invalid_request"},
		"basic and jwt": {basic("basic", basicSecret), jwt.form(jwt.claims()), 400, "invalid_request"},
		"post and jwt": {"", append(jwt.form(jwt.claims()), "client_id", "jwt", "client_secret", "x"),
			400, "invalid_request"},
		"basic, registered for post": {basic("post", postSecret), nil, 401, "invalid_client"},
		"post, registered for basic": {"",
			[]string{"client_id", "basic", "client_secret", basicSecret}, 401, "invalid_client"},
		"none, registered for basic": {"", []string{"client_id", "basic"}, 401, "invalid_client"},
		"none, registered for post":  {"", []string{"client_id", "post"}, 401, "invalid_client"},
		"none, registered for jwt":   {"", []string{"client_id", "jwt"}, 401, "invalid_client"},
		"empty secret is none":       {"", []string{"client_id", "post", "client_secret", ""}, 401, "invalid_client"},
		"basic, registered for jwt":  {basic("jwt", "x"), nil, 401, "invalid_client"},
		"basic, public client":       {basic(public.ClientID, "x"), nil, 401, "invalid_client"},
		"basic, public, empty and post": {basic(public.ClientID, ""), []string{"client_secret", "x"},
			400, "invalid_request"},
		"basic, empty secret": {basic("basic", ""), nil, 401, "invalid_client"},
		"post, public client": {"",
			[]string{"client_id", public.ClientID, "client_secret", "x"}, 401, "invalid_client"},
		"nothing at all":           {"", nil, 401, "invalid_client"},
		"secret without client_id": {"", []string{"client_secret", postSecret}, 401, "invalid_client"},
		"bearer": {"Authorization: Bearer x",
			[]string{"client_id", public.ClientID}, 401, "invalid_client"},
		"the secret of another client":   {basic("basic", postSecret), nil, 401, "invalid_client"},
		"a secret and something":         {basic("basic", basicSecret+" "), nil, 401, "invalid_client"},
		"part of a secret":               {basic("basic", basicSecret[:len(basicSecret)-1]), nil, 401, "invalid_client"},
		"a secret of a megabyte, almost": {basic("basic", strings.Repeat("x", 50_000)), nil, 401, "invalid_client"},
		"the hash instead of the secret": {basic("basic", mustHash(s, "basic")), nil, 401, "invalid_client"},
		"client_id of a kilobyte":        {basic(strings.Repeat("x", 1000), "x"), nil, 401, "invalid_client"},
		"assertion type without one": {"",
			[]string{"client_id", "jwt", "client_assertion_type", jwtBearer}, 401, "invalid_client"},
		"assertion without type": {"", []string{"client_assertion", jwt.sign(jwt.claims())}, 401, "invalid_client"},
		"unknown assertion type": {"",
			[]string{"client_assertion_type", "x", "client_assertion", jwt.sign(jwt.claims())}, 401, "invalid_client"},
		"assertion, other client_id":      {"", append(jwt.form(jwt.claims()), "client_id", "basic"), 401, "invalid_client"},
		"assertion, client_id repeats it": {"", append(jwt.form(jwt.claims()), "client_id", "jwt"), 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.elsewhere(t)
			a := ask(s, c.header, c.form...)
			if c.status == http.StatusOK {
				if a.status != http.StatusOK {
					t.Errorf("got %d %s, want tokens", a.status, a.raw)
				}
				return
			}
			s.fails(a, c.status, c.error)
		})
	}
}

func mustHash(s *tokenServer, id string) string {
	c, err := s.store.Client(s.Context(), s.tenant.ID, id)
	if err != nil {
		s.Fatal(err)
	}
	return c.SecretHashes[0]
}

// Two Authorization headers are two methods.
func TestTwoAuthorizationHeaders(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	_, secret := s.service("a")
	s.fails(s.post(values("grant_type", "client_credentials"), basic("a", secret), basic("a", secret)),
		http.StatusBadRequest, "invalid_request")
}

// D6: odd Basic credentials are refused, and never an error of ours.
func TestOddBasicCredentials(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	raw := func(v string) string { return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(v)) }
	for name, header := range map[string]string{
		"no base64":       "Authorization: Basic ???",
		"nothing":         "Authorization: Basic ",
		"scheme only":     "Authorization: Basic",
		"empty":           "Authorization: ",
		"no colon":        raw("basic"),
		"empty id":        raw(":secret"),
		"both empty":      raw(":"),
		"half an escape":  raw("basic%:x"),
		"bad escape":      raw("basic:%zz"),
		"NUL escaped":     raw("basic:%00"),
		"NUL in the id":   raw("a\x00b:x"),
		"not UTF-8":       raw("\xff\xfe:x"),
		"not UTF-8, esc.": raw("%ff:x"),
		"SQL":             raw("' OR 1=1 --:x"),
		"URL-safe base64": "Authorization: Basic " + base64.URLEncoding.EncodeToString([]byte("basic:\xff\xff\xff")),
	} {
		t.Run(name, func(t *testing.T) {
			s := s.elsewhere(t)
			s.fails(ask(s, header), http.StatusUnauthorized, "invalid_client")
		})
	}
}

// Libraries name a public client by Basic with an empty secret, too: x/oauth2 does so
// first. It proves as little as client_id in the form, and is believed as much.
func TestEmptyBasicSecretIsNoMethod(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	form := values("grant_type", "authorization_code", "code", s.code(c), "redirect_uri", testRedirect,
		"code_verifier", testVerifier)
	if a := s.post(form, basic(c.ClientID, "")); a.status != http.StatusOK {
		t.Errorf("got %d %s, want tokens", a.status, a.raw)
	}
	form.Set("code", s.code(c))
	form.Del("code_verifier")
	s.fails(s.post(form, basic(c.ClientID, "")), http.StatusBadRequest, "invalid_grant")
}

// A client that is registered for no method chooses its own with each request: some
// libraries send Basic for the code and the form for the refresh token.
func TestSecretInEitherPlaceEachTimeAnew(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	plain, hash := clients.NewSecret()
	c := s.client(func(c *storage.Client) {
		c.ClientID, c.TokenEndpointAuthMethod, c.SecretHashes = "either", "", []string{hash}
	})
	form := values("grant_type", "authorization_code", "code", s.code(c), "redirect_uri", testRedirect,
		"code_verifier", testVerifier)
	a := s.post(form, basic(c.ClientID, plain))
	for i, inForm := range []bool{true, false, true} {
		if a.status != http.StatusOK || a.str("refresh_token") == "" {
			t.Fatalf("request %d: got %d %s, want tokens", i, a.status, a.raw)
		}
		form := values("grant_type", "refresh_token", "refresh_token", a.str("refresh_token"))
		if inForm {
			form.Set("client_id", c.ClientID)
			form.Set("client_secret", plain)
			a = s.post(form)
		} else {
			a = s.post(form, basic(c.ClientID, plain))
		}
	}
	s.fails(s.post(values("grant_type", "refresh_token", "refresh_token", a.str("refresh_token"), "client_id",
		c.ClientID)), http.StatusUnauthorized, "invalid_client")
}

// In development the answer says which method came and which was expected, and no more.
func TestDevelopmentTellsTheExpectedMethod(t *testing.T) {
	t.Parallel()
	s := startTokens(t, func(c *Config) { c.Development = true })
	_, secret := s.service("post", func(c *storage.Client) { c.TokenEndpointAuthMethod = "client_secret_post" })
	s.service("either", func(c *storage.Client) { c.TokenEndpointAuthMethod = "" })
	for name, c := range map[string]struct {
		answer reply
		want   string
	}{
		"another method": {ask(s, basic("post", secret)),
			"the request uses client_secret_basic, and the client is registered for client_secret_post."},
		"none": {ask(s, "", "client_id", "either"),
			"the request uses none, and the client is registered for client_secret_basic or client_secret_post."},
		"wrong secret": {ask(s, basic("either", "wrong")), "unknown client, wrong credentials"},
		"unknown":      {ask(s, basic("nobody", "wrong")), "unknown client, wrong credentials"},
	} {
		if s.fails(c.answer, http.StatusUnauthorized,
			"invalid_client"); !strings.Contains(c.answer.str("error_description"), c.want) {
			t.Errorf("%s: got %s, want %q", name, c.answer.raw, c.want)
		}
	}
}

// Half of all libraries do not encode what they send by Basic.
func TestBasicCredentialsThatWereNotEncoded(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	raw := func(v string) string { return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(v)) }
	secret := "100% p+q:a b/c%2Fd" + strings.Repeat("x", 30)
	s.service("jo+app", func(c *storage.Client) { c.SecretHashes = []string{slowHash(t, secret)} })
	for name, header := range map[string]string{"encoded": basic("jo+app", secret), "as it is": raw("jo+app:" + secret)} {
		if a := ask(s, header); a.status != http.StatusOK {
			t.Errorf("%s: got %d %s, want tokens", name, a.status, a.raw)
		}
	}
	s.fails(ask(s, raw("jo+app:"+strings.ReplaceAll(secret, "+", " "))), http.StatusUnauthorized, "invalid_client")
}

// D6: both halves are form-urlencoded, so that every character can be in them.
func TestBasicCredentialsAreDecoded(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	id := "svc: a+b/ü%"
	secret := "p:a+s s%wörd" + strings.Repeat("x", 30)
	s.service(id, func(c *storage.Client) { c.SecretHashes = []string{slowHash(t, secret)} })
	if a := ask(s, basic(id, secret)); a.status != http.StatusOK {
		t.Errorf("got %d %s, want tokens", a.status, a.raw)
	}
	s.fails(ask(s, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(id+":"+secret))),
		http.StatusUnauthorized, "invalid_client")
}

func slowHash(t testing.TB, secret string) string {
	t.Helper()
	h := argon2id.Hasher{Params: argon2id.Params{Memory: 64, Time: 1, Threads: 1}}
	phc, err := h.Hash(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return phc
}

// D4: an unknown client and a wrong secret get the same answer.
func TestUnknownClientAndWrongSecretAnswerAlike(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	s.service("here")
	disabled, secret := s.service("disabled", func(c *storage.Client) { c.Disabled = true })
	wrong := ask(s, basic("here", "wrong"))
	s.fails(wrong, http.StatusUnauthorized, "invalid_client")
	for name, a := range map[string]reply{
		"unknown":      ask(s, basic("nobody", "wrong")),
		"disabled":     ask(s, basic(disabled.ClientID, secret)),
		"other method": ask(s, "", "client_id", "here"),
	} {
		if a.status != wrong.status || a.raw != wrong.raw ||
			a.header.Get("WWW-Authenticate") != wrong.header.Get("WWW-Authenticate") {
			t.Errorf("%s: got %d %s, want %d %s", name, a.status, a.raw, wrong.status, wrong.raw)
		}
	}
}

// D4: guessing is limited for a client and an address, and locks out no other.
func TestGuessingSecretsIsLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		_, made := s.service("made")
		s.service("chosen", func(c *storage.Client) { c.SecretHashes = []string{slowHash(t, "correct horse battery")} })
		for _, id := range []string{"made", "chosen"} {
			for range failures {
				s.fails(ask(s, basic(id, "guess")), http.StatusUnauthorized, "invalid_client")
			}
			a := ask(s, basic(id, "guess"))
			s.fails(a, http.StatusTooManyRequests, "temporarily_unavailable")
			if a.header.Get("Retry-After") != "60" {
				t.Errorf("Retry-After: got %q, want 60", a.header.Get("Retry-After"))
			}
		}
		// What is seen to be right at once is answered even here.
		if a := ask(s, basic("made", made)); a.status != http.StatusOK {
			t.Errorf("the right secret: got %d %s, want tokens", a.status, a.raw)
		}
		// The slow comparison is not made, even for the right secret: it could be a guess.
		s.fails(ask(s, basic("chosen", "correct horse battery")), http.StatusTooManyRequests, "temporarily_unavailable")
		// From elsewhere it is as ever, and then the secret is known here.
		s.ip = "198.51.100.7"
		if a := ask(s, basic("chosen", "correct horse battery")); a.status != http.StatusOK {
			t.Errorf("from another address: got %d %s, want tokens", a.status, a.raw)
		}
		s.ip = "192.0.2.1"
		if a := ask(s, basic("chosen", "correct horse battery")); a.status != http.StatusOK {
			t.Errorf("known to be right: got %d %s, want tokens", a.status, a.raw)
		}
	})
}

// An attacker with an IPv6 network has 2^64 addresses: each must not be a new start for guesses at
// a secret that is hashed slowly, nor for hashes that sign-ins wait behind.
func TestGuessingFromOneIPv6NetworkIsLimited(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	s.service("chosen", func(c *storage.Client) { c.SecretHashes = []string{slowHash(t, "correct horse battery")} })
	for i := range failures {
		s.ip = fmt.Sprintf("2001:db8:0:1:%x::1", i)
		s.fails(ask(s, basic("chosen", "guess")), http.StatusUnauthorized, "invalid_client")
	}
	s.ip = "2001:db8:0:1:ffff::1"
	s.fails(ask(s, basic("chosen", "guess")), http.StatusTooManyRequests, "temporarily_unavailable")
	s.ip = "2001:db8:0:2::1"
	if a := ask(s, basic("chosen", "correct horse battery")); a.status != http.StatusOK {
		t.Errorf("from another network: got %d %s, want tokens", a.status, a.raw)
	}
}

// TestSprayedClientIDsAreLimited: an address that tries one secret for many clients has
// few attempts, and the clients behind it go on.
func TestSprayedClientIDsAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		_, made := s.service("made")
		s.service("chosen", func(c *storage.Client) { c.SecretHashes = []string{slowHash(t, "correct horse battery")} })
		chosen := basic("chosen", "correct horse battery")
		if a := ask(s, chosen); a.status != http.StatusOK {
			t.Fatalf("got %d %s", a.status, a.raw)
		}
		looked := 0
		for i := range 300 {
			if a := ask(s, basic(fmt.Sprint("sprayed-", i), "Summer2026!Summer2026!")); a.status == http.StatusUnauthorized {
				looked++
			}
		}
		if want := 5 * failures; looked != want {
			t.Errorf("%d sprayed secrets were looked at, want %d", looked, want)
		}
		s = s.replica() // which forgets that the chosen secret was right
		for name, credentials := range map[string]string{"made": basic("made", made), "chosen": chosen} {
			if a := ask(s, credentials); a.status != http.StatusOK {
				t.Errorf("%s, behind that address: got %d %s, want tokens", name, a.status, a.raw)
			}
		}
		s.ip = "2001:db8:9:9::9"
		if a := ask(s, basic("elsewhere", "guess")); a.status != http.StatusUnauthorized {
			t.Errorf("from another address: got %d", a.status)
		}
	})
}

// TestManyAddressesGuessNoSecret, nor do they keep the client from proving itself where it
// has before.
func TestManyAddressesGuessNoSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		s.service("chosen", func(c *storage.Client) { c.SecretHashes = []string{slowHash(t, "correct horse battery")} })
		right := basic("chosen", "correct horse battery")
		if a := ask(s, right); a.status != http.StatusOK {
			t.Fatalf("got %d %s", a.status, a.raw)
		}
		home, looked := s.ip, 0
		for i := range 50 * failures * 11 / 10 {
			s.ip = fmt.Sprintf("198.51.%d.%d", i/250, i%250)
			if a := ask(s, basic("chosen", "guess")); a.status == http.StatusUnauthorized {
				looked++
			}
		}
		if want := 50 * failures; looked != want {
			t.Errorf("%d guesses were looked at, want %d", looked, want)
		}
		s = s.replica()
		s.fails(ask(s, right), http.StatusTooManyRequests, "temporarily_unavailable")
		s.ip = home
		for range 3 {
			if a := ask(s, right); a.status != http.StatusOK {
				t.Errorf("where it proved itself before: got %d %s, want tokens", a.status, a.raw)
			}
		}
	})
}

// A secret works at once where the client was read a moment before it was made, and
// one that was removed stops within the second that caches may keep it.
func TestNewSecretWorksAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		c, old := s.service("svc")
		ask(s, basic("svc", old)) // now it is kept
		plain, hash := clients.NewSecret()
		c.SecretHashes = []string{hash}
		if err := s.store.PutClient(t.Context(), *c); err != nil {
			t.Fatal(err)
		}
		if a := ask(s, basic("svc", plain)); a.status != http.StatusOK {
			t.Errorf("the new secret: got %d %s, want tokens", a.status, a.raw)
		}
		time.Sleep(time.Second)
		s.fails(ask(s, basic("svc", old)), http.StatusUnauthorized, "invalid_client")
	})
}

func TestSeveralSecretsOfAClient(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c, first := s.service("svc")
	second, hash := clients.NewSecret()
	c.SecretHashes = append(c.SecretHashes, hash, slowHash(t, "third one"))
	s.put(c)
	for _, secret := range []string{first, second, "third one"} {
		if a := ask(s, basic("svc", secret)); a.status != http.StatusOK {
			t.Errorf("got %d %s, want tokens", a.status, a.raw)
		}
	}
	c.SecretHashes = nil
	s.put(c)
	for _, secret := range []string{first, "third one", ""} {
		s.fails(ask(s, basic("svc", secret)), http.StatusUnauthorized, "invalid_client")
	}
}

const (
	jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// failures is how often a client may fail from one address in a minute.
	failures = 20
)
