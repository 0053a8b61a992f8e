package threats

import (
	"crypto/rand"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func signInRows() []row {
	return []row{
		{"H1 session fixation", h1},
		{"H3 cookie flags", h3},
		{"H4 who has an account", h4},
		{"H5 one name, one counter", h5},
		{"H6 guesses in parallel", h6},
		{"H7 locked out by strangers", h7},
		{"H8 many accounts from one address", h8},
		{"H9 passwords", h9},
	}
}

// h1: cookies from before a proof are worthless after it.
func h1(t *testing.T, s *vouchsafetest.Server) {
	p := s.Person(t)
	mallory, b := s.Browser(t, vouchsafetest.Person{}), s.Browser(t, p)
	mallory.Get(t, vouchsafetest.NewRequest(web).Path())
	b.SetCookies(mallory.Cookies()) // put into the victim's browser
	b.Code(t, vouchsafetest.NewRequest(web))
	wantSignedOut(t, "the browser that planted the cookies", mallory)

	thief := func() *vouchsafetest.Browser {
		copied := s.Browser(t, vouchsafetest.Person{})
		copied.SetCookies(b.Cookies())
		return copied
	}
	before := thief()
	if sub, _ := signedInAs(t, s, before); sub == "" {
		t.Fatal("the copied cookies are no session: the test shows nothing")
	}
	if a := b.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "login")); a.Code() == "" {
		t.Fatalf("got %v", a.Params)
	}
	wantSignedOut(t, "cookies from before another sign-in", before)
	before = thief()
	fill(t, b, b.Get(t, "/account/password"),
		url.Values{"old_password": {p.Password}, "password": {"another-password-9xQ2"}})
	wantSignedOut(t, "cookies from before a new password", before)
	if sub, _ := signedInAs(t, s, b); sub == "" {
		t.Error("the browser in which the password was changed is signed out")
	}
}

// h3: the test browser checks the flags of every cookie. This test checks that cookies are set.
func h3(t *testing.T, s *vouchsafetest.Server) {
	b := s.Browser(t, s.Person(t))
	page := b.SignIn(t, b.Get(t, "/login"), b.Person)
	set := 0
	for _, hop := range page.Trail {
		for _, cookie := range hop.Header.Values("Set-Cookie") {
			set++
			for _, want := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
				if !strings.Contains(cookie, "; "+want) {
					t.Errorf("a cookie without %s: %.40s", want, cookie)
				}
			}
			if strings.Contains(cookie, "Domain=") {
				t.Errorf("a cookie for other hosts: %.40s", cookie)
			}
			if s.Database != "" && (!strings.HasPrefix(cookie, "__Host-") || !strings.Contains(cookie, "; Secure")) {
				t.Errorf("a cookie that http could set: %.40s", cookie)
			}
		}
	}
	if set == 0 {
		t.Error("signing in sets no cookie")
	}
}

var random = regexp.MustCompile(`(name="(?:form|flow)" value=")[^"]*|((?:flow|as)=)[\w-]+`)

// h4 compares everything that is shown for an account with what is shown without one.
func h4(t *testing.T, s *vouchsafetest.Server) {
	p := s.Person(t)
	disabled := s.Person(t)
	s.Command(t, "", "user", "disable", disabled.Email)
	told := func(path, email string) string {
		b := s.Browser(t, vouchsafetest.Person{})
		f := b.Get(t, path).Forms(t)[0]
		for name, value := range map[string]string{"login": email, "email": email, "password": "not the password 8Kc"} {
			if _, ok := f.Fields[name]; ok {
				f.Fields.Set(name, value)
			}
		}
		page := b.Submit(t, f, firstOf(f))
		var all []string
		if path == "/login" { // the name was asked for alone
			all = append(all, page.URL.Path, page.Body)
			page = b.SignIn(t, page, vouchsafetest.Person{Email: email, Password: "not the password 8Kc"})
		}
		page.Header.Del("Date")
		page.Header.Del("X-Request-Id")
		for name, values := range page.Header {
			all = append(all, name+": "+strings.Join(values, ", "))
		}
		slices.Sort(all)
		all = append(all, page.URL.Path, page.Body)
		return random.ReplaceAllString(strings.ReplaceAll(strings.Join(all, "\n"), email, "TYPED"), "$1$2")
	}
	for _, path := range []string{"/login", "/forgot", "/signup"} {
		unknown := told(path, strings.Repeat("x", len(p.Email)-len("@example.com"))+"@example.com")
		for kind, email := range map[string]string{"an account": p.Email, "a disabled one": disabled.Email} {
			if got := told(path, email); got != unknown {
				t.Errorf("%s tells %s from none:\n%s\n\nwant\n%s", path, kind, got, unknown)
			}
		}
	}
	// Both take the time of one hash. Without the measure, one would take a tenth.
	s = vouchsafetest.Start(t, vouchsafetest.Options{Production: s.Database != "", Hashes: true})
	median := func(email func() string) time.Duration {
		var took []time.Duration
		for range 9 {
			b := s.Browser(t, vouchsafetest.Person{Email: email(), Password: "not the password 8Kc"})
			page := b.Get(t, "/login")
			start := time.Now()
			b.SignIn(t, page, b.Person)
			took = append(took, time.Since(start))
		}
		slices.Sort(took)
		return took[len(took)/2]
	}
	for try := 0; ; try++ {
		known := median(func() string { return s.Person(t).Email })
		unknown := median(func() string { return newAddress("example.com") })
		if unknown > known/3 && known > unknown/3 {
			return
		}
		if try == 3 { // a busy machine is not busy in the same way four times
			t.Errorf("a wrong password takes %v where there is an account, and %v where there is none", known, unknown)
			return
		}
	}
}

// guess enters a wrong password, and reports whether it was checked.
func guess(t *testing.T, b *vouchsafetest.Browser, email string) bool {
	t.Helper()
	page := b.SignIn(t, b.Get(t, "/login"), vouchsafetest.Person{Email: email, Password: "not the password 8Kc"})
	if page.Status != 422 && page.Status != 429 {
		t.Errorf("a wrong password: got %d at %s", page.Status, page.URL)
	}
	return page.Status == 422
}

// h5: guesses at every spelling of a name count together, five a minute.
func h5(t *testing.T, s *vouchsafetest.Server) {
	p := s.Person(t, "--username", "u"+newAddress("x")[:10])
	local, _, _ := strings.Cut(p.Email, "@")
	spellings := []string{p.Email, strings.ToUpper(p.Email), " " + p.Email + " ",
		local + "@EXAMPLE.com", local + "@Example.Com"}
	for _, name := range spellings {
		b := s.Browser(t, vouchsafetest.Person{})
		b.SignIn(t, b.Get(t, "/login"), vouchsafetest.Person{Email: name, Password: p.Password})
		if sub, _ := signedInAs(t, s, b); sub == "" {
			t.Errorf("%q does not lead to the account", name)
		}
	}
	looked := 0
	for i := range 15 {
		if guess(t, s.Browser(t, vouchsafetest.Person{}), spellings[i%len(spellings)]) {
			looked++
		}
	}
	if looked > 6 {
		t.Errorf("%d of 15 guesses were looked at, want 5", looked)
	}
}

func h6(t *testing.T, s *vouchsafetest.Server) {
	p := s.Person(t)
	var looked atomic.Int64
	var wg sync.WaitGroup
	for range 30 {
		b := s.Browser(t, vouchsafetest.Person{})
		wg.Go(func() {
			if guess(t, b, p.Email) {
				looked.Add(1)
			}
		})
	}
	wg.Wait()
	if n := looked.Load(); n < 1 || n > 6 {
		t.Errorf("%d of 30 guesses at once were looked at, want 5", n)
	}
}

// h7: a browser that its owner has used is not locked out.
func h7(t *testing.T, s *vouchsafetest.Server) {
	p := s.Person(t)
	b := s.Browser(t, p)
	b.Code(t, vouchsafetest.NewRequest(web))
	locked := false
	for range 10 {
		locked = !guess(t, s.Browser(t, vouchsafetest.Person{}), p.Email) || locked
	}
	if !locked {
		t.Fatal("ten guesses were looked at: the test shows nothing")
	}
	if a := b.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "login")); a.Code() == "" {
		t.Errorf("the owner is locked out: %d at %s", a.Page.Status, a.Page.URL.Path)
	}
}

// h8: an address has a hundred attempts, whatever its headers claim.
func h8(t *testing.T, s *vouchsafetest.Server) {
	b := s.Browser(t, vouchsafetest.Person{})
	page := b.Get(t, "/login")
	headers := []string{"203.0.113.1", "unknown", "203.0.113.7, 10.0.0.1", "[::1", "' OR 1=1", "::ffff:203.0.113.9"}
	looked := 0
	for i := range 130 {
		for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip"} {
			b.Header.Set(name, headers[i%len(headers)])
		}
		if got := b.SignIn(t, page, vouchsafetest.Person{Email: newAddress("example.com"),
			Password: "not the password 8Kc"}); got.Status != 422 {
			break
		}
		looked++
	}
	if looked > 101 {
		t.Errorf("%d guesses from one address were looked at, want 100", looked)
	}
	if !guess(t, s.Browser(t, vouchsafetest.Person{}), newAddress("example.com")) {
		t.Error("another address is kept out")
	}
}

// h9: every way to make a new password, and that all of the password counts.
func h9(t *testing.T, s *vouchsafetest.Server) {
	p := s.Person(t)
	b := s.Browser(t, p)
	page := b.SignIn(t, b.Get(t, "/account/password"), p)
	change := func(password string) bool {
		f := page.Forms(t)[len(page.Forms(t))-1]
		f.Fields.Set("old_password", p.Password)
		f.Fields.Set("password", password)
		return b.Submit(t, f, nil).Status == 200
	}
	for _, bad := range []string{"", "sh0rt!x", "password", "12345678", "qwertyuiop", "iloveyou1", p.Email,
		strings.Repeat("a", 20), strings.Repeat("long ", 2000)} {
		if change(bad) {
			t.Fatalf("%.20q was taken", bad)
		}
	}
	long := rand.Text() + rand.Text() + rand.Text() // 78 bytes, of which bcrypt would read 72
	for _, good := range []string{long + "x", "grün 🐎 staple\tkorrekt", "  spaces at both ends 7  ", long + "y"} {
		if !change(good) {
			t.Fatalf("%.20q was refused: %s", good, b.Get(t, "/account/password").Text(t))
		}
		p.Password = good
		page = b.Get(t, "/account/password")
		again := s.Browser(t, p)
		again.SignIn(t, again.Get(t, "/login"), p)
		if sub, _ := signedInAs(t, s, again); sub == "" {
			t.Errorf("%.20q was taken and does not work", good)
		}
	}
	for _, wrong := range []string{long + "x", long, long + "y\x00", long + "Y"} {
		other := s.Browser(t, vouchsafetest.Person{})
		other.SignIn(t, other.Get(t, "/login"), vouchsafetest.Person{Email: p.Email, Password: wrong})
		wantSignedOut(t, "another end of a long password", other)
	}
}
