package threats

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

const mfa = "urn:vouchsafe:acr:mfa"

func secondFactorRows() []row {
	return []row{{"A13 H10 second factor left out", a13SecondFactor}}
}

// types fills in the code of the page's form, and returns where it leads.
func types(t *testing.T, b *vouchsafetest.Browser, page *vouchsafetest.Page, code string) *vouchsafetest.Page {
	t.Helper()
	for _, f := range page.Forms(t) {
		if _, ok := f.Fields["code"]; ok {
			f.Fields.Set("code", code)
			return b.Submit(t, f, nil)
		}
	}
	t.Fatalf("%s asks for no code: %d", page.URL, page.Status)
	return nil
}

var (
	secretKey = regexp.MustCompile(`<code class="secret">([A-Z2-7 ]+)</code>`)
	goesOn    = regexp.MustCompile(`class="button primary" href="([^"]+)"`)
)

// a13SecondFactor: a user without a second factor sets one up because a client demands it. From
// then on the password alone leads nowhere, whatever address comes next, and the code of the app
// works once.
func a13SecondFactor(t *testing.T, s *vouchsafetest.Server) {
	p := s.Person(t)
	shows := func(secret string) string {
		code, err := totp.GenerateCode(secret, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	r := vouchsafetest.NewRequest(web, "acr_values", mfa)
	b := s.Browser(t, p)
	page := b.SignIn(t, b.Get(t, r.Path()), p)
	if page.URL.Path != "/second-factor/setup" {
		t.Fatalf("signing in led to %s: %d", page.URL, page.Status)
	}
	page = b.Get(t, page.URL.RequestURI()+"&app=1") // rather than a passkey
	key := secretKey.FindStringSubmatch(page.Body)
	if key == nil {
		t.Fatal("there is no key to set up")
	}
	secret := strings.ReplaceAll(key[1], " ", "")
	used := shows(secret)
	page = types(t, b, page, used)
	link := goesOn.FindStringSubmatch(page.Body)
	if link == nil {
		t.Fatalf("nothing leads on from %s: %d", page.URL, page.Status)
	}
	told(t, s, r, b.Walk(t, r, b.Get(t, link[1])))

	r = vouchsafetest.NewRequest(web) // which asks for nothing
	half := s.Browser(t, p)
	page = half.SignIn(t, half.Get(t, r.Path()), p)
	if page.URL.Path != "/second-factor" {
		t.Fatalf("signing in by the password led to %s", page.URL)
	}
	for _, path := range []string{"/authorize?i=" + page.URL.Query().Get("i"), r.Path(), r.Clone("acr_values", mfa).Path(),
		"/account", "/consent?i=" + page.URL.Query().Get("i")} {
		if got := half.Get(t, path); got.Left != nil || got.URL.Path != "/login" && got.URL.Path != "/consent" ||
			strings.Contains(got.Body, p.Email) {
			t.Errorf("%s: got to %s, %v", path, got.URL, got.Left)
		}
	}
	none := r.Clone("prompt", "none")
	wantError(t, half.Authorize(t, none), "login_required")
	for _, code := range []string{"", used + "0"} {
		if got := types(t, half, page, code); got.URL.Path != "/second-factor" || got.Status != 422 {
			t.Errorf("%q: got %d at %s", code, got.Status, got.URL)
		}
	}
	// The code that set the app up was used, and the next one was not.
	if got := types(t, half, page, used); got.Left != nil || got.Status != 422 {
		t.Errorf("a code works twice: got %d at %s", got.Status, got.URL)
	}
	next, err := totp.GenerateCode(secret, time.Now().Add(30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	told(t, s, r, half.Walk(t, r, types(t, half, page, next)))
}

// told checks that the client gets a code, and is told of both proofs.
func told(t *testing.T, s *vouchsafetest.Server, r *vouchsafetest.Request, a *vouchsafetest.Answer) {
	t.Helper()
	if a.Code() == "" {
		t.Fatalf("got no code, but %v at %s: %d", a.Params, a.Page.URL, a.Page.Status)
	}
	api := s.API(t)
	id := api.IDToken(t, web, r, api.Redeem(t, r, a.Code()).Want(t, 200, ""))
	if got := fmt.Sprint(id.Claims["acr"], " ", id.Claims["amr"]); got != mfa+" [pwd otp mfa]" {
		t.Errorf("got %s", got)
	}
}
