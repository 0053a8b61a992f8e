package threats

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func federationRows() []row {
	return []row{
		{"G1 G14 states that are not one's own", g1},
		{"G2 mix-up of providers", g2},
		{"G3 ID tokens of a provider", g3},
		{"G4 a token made for another app", g4},
		{"G5 addresses that nobody verified", g5},
		{"G15 many at once", g15},
		{"G16 odd addresses", g16},
		{"G17 tokens in addresses", g17},
		{"G19 a fresh proof by an old session elsewhere", g19},
	}
}

// newAddress returns an e-mail address without an account.
func newAddress(domain string) string { return strings.ToLower(rand.Text()) + "@" + domain }

func g1(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	b, other := w.Browser(t, vouchsafetest.Person{}), w.Browser(t, vouchsafetest.Person{})
	who := atProvider(newAddress("example.com"))
	back, elsewhere := w.depart(t, b, "google", who), w.depart(t, other, "google", atProvider(newAddress("example.com")))
	with := func(name, value string) string {
		u, err := url.Parse(back)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		if q.Del(name); value != "" {
			q.Set(name, value)
		}
		u.RawQuery = q.Encode()
		return u.String()
	}
	theirs, err := url.Parse(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	state := mine.Query().Get("state")
	for what, to := range map[string]string{
		"no state": with("state", ""), "a made-up state": with("state", rand.Text()),
		"another's state":   with("state", theirs.Query().Get("state")),
		"a state cut short": with("state", state[:len(state)-2]), "all of another's": elsewhere,
		"two states":                  back + "&state=x",
		"another provider's callback": strings.Replace(back, "/google/", "/corp/", 1),
		"another tenant's callback":   strings.Replace(back, "/t/"+w.TenantID, "", 1),
	} {
		if page := b.Get(t, to); page.Status != 400 && page.Status != 404 || page.Left != nil {
			t.Errorf("%s: got %d at %s, want 400", what, page.Status, page.URL.Path)
		}
		wantSignedOut(t, what, b)
	}
	if page := other.Get(t, back); page.Status != 400 {
		t.Errorf("in another browser: got %d, want 400", page.Status)
	}
	wantSignedOut(t, "another browser", other)

	b.Get(t, back)
	if _, email := signedInAs(t, w.Server, b); email != who.Email {
		t.Errorf("got %q signed in, want %s", email, who.Email)
	}
	if page := b.Get(t, back); page.Status != 400 {
		t.Errorf("G14, the answer once more: got %d, want 400", page.Status)
	}
}

func g2(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	b := w.Browser(t, vouchsafetest.Person{})
	who := atProvider(newAddress("corp.example"))
	corp, err := url.Parse(w.depart(t, b, "corp", who))
	if err != nil {
		t.Fatal(err)
	}
	google, err := url.Parse(w.depart(t, b, "google", who))
	if err != nil {
		t.Fatal(err)
	}
	q := google.Query()
	q.Set("code", corp.Query().Get("code"))
	google.RawQuery = q.Encode()
	b.Get(t, google.String())
	wantSignedOut(t, "a code of another provider", b)
	who.Fault = "iss-parameter"
	w.come(t, b, "google", who)
	wantSignedOut(t, "an answer in another's name", b)
}

// g3: whatever is wrong with the ID token, no user is signed in and no account is made.
func g3(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	for _, fault := range []string{
		"no-id-token", "issuer", "audience", "azp", "nonce", "no-nonce", "signature", "unsigned", "symmetric", "expired",
		"no-exp", "future", "old", "no-iat", "no-sub", "at-hash", "redirect",
	} {
		b := w.Browser(t, vouchsafetest.Person{})
		who := atProvider(newAddress("corp.example"))
		who.Fault = fault
		if page := w.come(t, b, "corp", who); page.URL.Query().Get("why") == "" {
			t.Errorf("%s: got to %s, want to be turned away", fault, page.URL)
		}
		wantSignedOut(t, fault, b)
		w.Refuses(t, "", "user", "show", who.Email, "--tenant", w.TenantID)
	}
	b := w.Browser(t, vouchsafetest.Person{})
	good := atProvider(newAddress("corp.example"))
	w.come(t, b, "corp", good)
	if _, email := signedInAs(t, w.Server, b); email != good.Email {
		t.Errorf("with no fault: got %q, want to be signed in", email)
	}
}

// signInAPI posts JSON to the API, as a native app does.
func signInAPI(t *testing.T, s *vouchsafetest.Server, path, body string) *vouchsafetest.Reply {
	t.Helper()
	api := s.API(t)
	return api.Do(t, api.Request(t, http.MethodPost, path, "application/json", body))
}

func g4(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	for client, want := range map[string]bool{"another-app": false, "vouchsafe": true} {
		who := atProvider(newAddress("example.com"))
		token, _, err := w.google.Issue(client, who)
		if err != nil {
			t.Fatal(err)
		}
		body := fmt.Sprintf(`{"client_id":"app","providerType":"google","id_token":%q}`, token)
		reply := signInAPI(t, w.Server, "/auth/sign-in", body)
		if got := reply.Access() != ""; got != want {
			t.Errorf("an ID token for %s: got %d %s, want tokens: %v", client, reply.Status, reply.Raw, want)
		}
		if want {
			if again := signInAPI(t, w.Server, "/auth/sign-in", body); again.Access() != "" {
				t.Error("an ID token of a provider works twice")
			}
		}
	}
}

func g5(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	for _, verified := range []string{"false", "", "text"} {
		owner := w.member(t)
		b := w.Browser(t, owner)
		who := atProvider(owner.Email)
		who.Verified = verified
		page := w.come(t, b, "google", who)
		if !strings.HasSuffix(page.URL.Path, "/federated/email") && !strings.HasSuffix(page.URL.Path, "/federated/confirm") {
			t.Errorf("email_verified %q: got to %s, want to be asked for a proof", verified, page.URL.Path)
		}
		if strings.Contains(page.Body, "already have an account") {
			t.Errorf("email_verified %q: told that there is an account", verified)
		}
		wantSignedOut(t, "email_verified "+verified, b)
	}
}

func g15(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			b := w.Browser(t, vouchsafetest.Person{})
			who := atProvider(newAddress("example.com"))
			w.come(t, b, "google", who)
			if _, email := signedInAs(t, w.Server, b); email != who.Email {
				t.Errorf("got %q, want %s", email, who.Email)
			}
		})
	}
	wg.Wait()
}

// g16: only users of corp.example may come from corp.
func g16(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	for _, email := range []string{
		"a@evil.example@corp.example", `"a@evil.example"@corp.example`, "a@corp.example.evil.example",
		"a@evilcorp.example", "a@sub.corp.example",
		"a@corp.example,b@evil.example", "a@corp.example b@evil.example", "a@evil.example(@corp.example)",
		"<a@evil.example>@corp.example", "a@corp.example\u0000.evil.example",
		"a@corp.example\r\nBcc: b@evil.example", "a@с\u043erp.example", "@corp.example", "corp.example", "a@corp.example;",
		"a@[corp.example]", "a@.corp.example",
	} {
		b := w.Browser(t, vouchsafetest.Person{})
		who := atProvider(email)
		who.Subject = rand.Text()
		w.come(t, b, "corp", who)
		wantSignedOut(t, fmt.Sprintf("%q", email), b)
	}
	b := w.Browser(t, vouchsafetest.Person{})
	who := atProvider(strings.ToLower(rand.Text()) + "@CORP.Example")
	w.come(t, b, "corp", who)
	if _, email := signedInAs(t, w.Server, b); !strings.EqualFold(email, who.Email) {
		t.Errorf("%s: got %q, want to be signed in", who.Email, email)
	}
}

// looksLikeJWT matches what random sealed letters do not contain by chance.
var looksLikeJWT = regexp.MustCompile(`eyJ[\w-]*\.`)

func g17(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	b := w.Browser(t, vouchsafetest.Person{})
	r := vouchsafetest.NewRequest(web, "scope", "openid email")
	page := b.Get(t, r.Path())
	trip := b.Get(t, "/upstream/google?i="+url.QueryEscape(page.URL.Query().Get("i")))
	who := atProvider(newAddress("example.com"))
	page = b.Get(t, visit(t, trip.Left, who))
	a := b.Walk(t, r, page)
	if a.Code() == "" {
		t.Fatalf("got %v at %s", a.Params, a.Page.URL)
	}
	for _, hop := range append(trip.Trail, page.Trail...) {
		to, err := url.Parse(hop.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		if to.Fragment != "" || strings.Contains(to.RawQuery, "token") || looksLikeJWT.MatchString(to.RawQuery) {
			t.Errorf("%s sends the browser to %s", hop.URL.Path, to)
		}
	}
	reply := w.API(t).Redeem(t, r, a.Code()).Want(t, 200, "")
	if info := w.API(t).Userinfo(t, reply.Access()); info.String("email") != who.Email {
		t.Errorf("got %s", info.Raw)
	}
}

// g19: a browser may remove prompt and max_age on the way to the provider, which then answers from
// an old session.
func g19(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	who := atProvider(newAddress("example.com"))
	b := w.Browser(t, vouchsafetest.Person{Email: who.Email})
	w.come(t, b, "google", who)
	sub, _ := signedInAs(t, w.Server, b)
	if sub == "" {
		t.Fatal("the first sign-in failed")
	}
	for _, wants := range [][]string{{"prompt", "login"}, {"max_age", "0"}} {
		for _, fault := range []string{"auth-time", "no-auth-time", ""} {
			r := vouchsafetest.NewRequest(web, wants...)
			page := b.Get(t, r.Path())
			if page.URL.Query().Get("i") == "" {
				t.Fatalf("%v: got %d at %s, want the sign-in page", wants, page.Status, page.URL.Path)
			}
			left := b.Get(t, "/upstream/google?i="+url.QueryEscape(page.URL.Query().Get("i"))).Left
			if left == nil {
				t.Fatalf("%v: the browser did not leave for the provider", wants)
			}
			q := left.Query()
			if q.Get("max_age") != "0" {
				t.Errorf("%v: the provider is asked %v, want max_age=0", wants, q)
			}
			q.Del("prompt")
			q.Del("max_age")
			left.RawQuery = q.Encode()
			who.Fault = fault
			begun := time.Now().Unix()
			page = b.Get(t, visit(t, left, who))
			if fault != "" {
				if page.Left != nil || !strings.HasSuffix(page.URL.Path, "/login") ||
					!strings.Contains(page.Body, "didn’t confirm that you just signed in there") {
					t.Errorf("%v, %s: got to %s, want to be asked for another proof", wants, fault, page.URL.Path)
				}
				continue
			}
			a, api := b.Walk(t, r, page), w.API(t)
			id := api.IDToken(t, web, r, api.Redeem(t, r, a.Code()).Want(t, http.StatusOK, ""))
			if id.String("sub") != sub || int64(id.Int("auth_time")) < begun-5 {
				t.Errorf("%v: got %s at %d, want %s at %d", wants, id.String("sub"), id.Int("auth_time"), sub, begun)
			}
		}
	}
}
