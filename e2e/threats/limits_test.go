package threats

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// limitRows are attacks on the limits themselves: what an attacker uses up must not be what other
// users need. Each ends with a user who signs in with a known browser and, where possible, with a
// new one.
func limitRows() []row {
	return []row{
		{"H19 H20 H23 attempts from addresses that attackers choose", h19},
		{"H21 two names of an account", h21},
		{"H22 browsers from before a new password", h22},
		{"I9 codes for another user's address", i9},
		{"I10 one mailbox under many names", i10},
		{"D16 client ids and secrets in a spray", d16},
		{"G18 an upstream that nobody reaches", g18},
		{"M10 a flood of sign-ins", m10},
		{"M11 an account with many known browsers", m11},
	}
}

// wantSignIn fails the test unless the browser's user can sign in.
func wantSignIn(t *testing.T, what string, b *vouchsafetest.Browser) {
	t.Helper()
	if a := b.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "login")); a.Code() == "" {
		t.Errorf("%s cannot sign in: %d at %s", what, a.Page.Status, a.Page.URL.Path)
	}
}

// town is a server with few attempts, which trusts the addresses in the requests' headers.
type town struct {
	*vouchsafetest.Server
	person vouchsafetest.Person
	home   *vouchsafetest.Browser // known
}

func newTown(t *testing.T, s *vouchsafetest.Server) town {
	t.Helper()
	own := vouchsafetest.Start(t, vouchsafetest.Options{Production: s.Database != "", Env: map[string]string{
		"VOUCHSAFE_TRUSTED_PROXIES": "127.0.0.0/8", "VOUCHSAFE_LIMIT_GUESSES_ADDRESS": "10/1h",
		"VOUCHSAFE_LIMIT_GUESSES_TENANT": "60/1h",
		"VOUCHSAFE_ARGON2_MEMORY":        "1024", "VOUCHSAFE_ARGON2_PASSES": "1",
	}})
	w := town{Server: own, person: own.Person(t)}
	w.home = w.at(t, "203.0.113.5")
	w.home.Code(t, vouchsafetest.NewRequest(web))
	return w
}

// at returns a new browser of the town's user at an address.
func (w town) at(t *testing.T, ip string) *vouchsafetest.Browser {
	t.Helper()
	b := w.Browser(t, w.person)
	b.Header.Set("X-Forwarded-For", ip)
	return b
}

// guesses tries a name without an account from each of the addresses, and returns how many guesses
// were checked.
func (w town) guesses(t *testing.T, n int, format string) (looked int) {
	t.Helper()
	for i := range n {
		if guess(t, w.at(t, fmt.Sprintf(format, i)), newAddress("example.com")) {
			looked++
		}
	}
	return looked
}

func h19(t *testing.T, s *vouchsafetest.Server) {
	w := newTown(t, s)
	t.Run("pictures with links", func(t *testing.T) { w.pictures(t) })
	t.Run("many right sign-ins", func(t *testing.T) {
		for range 25 {
			wantSignIn(t, "one of many behind an address", w.at(t, "203.0.113.5"))
		}
	})
	t.Run("networks of one customer", func(t *testing.T) {
		if looked := w.guesses(t, 100, "2001:db8:7:%x00::1"); looked != 40 {
			t.Errorf("%d guesses from a /48 were looked at, want four times those of an address", looked)
		}
		wantSignIn(t, "a user elsewhere", w.at(t, "198.51.100.9"))
		w.home.Header.Set("X-Forwarded-For", "2001:db8:7:100::9")
		wantSignIn(t, "a known browser in that network", w.home)
	})
	t.Run("many networks", func(t *testing.T) {
		if looked := w.guesses(t, 40, "198.18.0.%d"); looked != 40 {
			t.Errorf("%d of 40 guesses from quiet networks were looked at", looked)
		}
		// The tenant's attempts are used up: the loud address has none.
		loud := 0
		for range 8 {
			if guess(t, w.at(t, "198.18.1.1"), newAddress("example.com")) {
				loud++
			}
		}
		if loud != 3 {
			t.Errorf("%d guesses from one network were looked at beyond the tenant's, want 3", loud)
		}
		wantSignIn(t, "a user elsewhere", w.at(t, "198.51.100.10"))
		if looked := w.guesses(t, 60, "198.18.2.%d"); looked != 37 {
			t.Errorf("%d more guesses were looked at, want as many as make twice the tenant's", looked)
		}
		wantSignIn(t, "a known browser", w.home)
	})
}

// pictures makes a page of another site request links again and again, as its visitors' browsers
// would, and with an old browser that sends no Fetch Metadata.
func (w town) pictures(t *testing.T) {
	api := w.API(t)
	for _, path := range []string{"/signup/confirm?token=x", "/reset?token=x", "/login/code/confirm?token=x"} {
		for i := range 40 {
			req := api.Request(t, http.MethodGet, path, "", "")
			req.Header.Set("X-Forwarded-For", "203.0.113.5")
			req.Header.Set("Referer", "https://evil.example/")
			want := 400
			if i%2 == 0 {
				req.Header.Set("Sec-Fetch-Site", "cross-site")
				req.Header.Set("Sec-Fetch-Mode", "no-cors")
				req.Header.Set("Sec-Fetch-Dest", "image")
				want = 403
			}
			reply := api.Do(t, req)
			if path != "/login/code/confirm?token=x" && reply.Status != want || want == 403 &&
				reply.Header.Get("Set-Cookie") != "" {
				t.Fatalf("%s: got %d with cookie %q, want %d", path, reply.Status, reply.Header.Get("Set-Cookie"), want)
			}
		}
	}
	wantSignIn(t, "the visitor at a known browser", w.home)
	wantSignIn(t, "the visitor at a new browser", w.at(t, "203.0.113.5"))
}

// h21: what is used up for one name of an account does not show at another name, and yet counts.
func h21(t *testing.T, s *vouchsafetest.Server) {
	name := "u" + newAddress("x")[:10]
	p := s.Person(t, "--username", name)
	home := s.Browser(t, p)
	home.Code(t, vouchsafetest.NewRequest(web))
	for range 7 {
		guess(t, s.Browser(t, vouchsafetest.Person{}), p.Email)
	}
	if !guess(t, s.Browser(t, vouchsafetest.Person{}), name) {
		t.Error("guesses at the address show at the user name: they are one person")
	}
	b := s.Browser(t, vouchsafetest.Person{Email: name, Password: p.Password})
	if page := b.SignIn(t, b.Get(t, "/login"), b.Person); page.Status != 422 {
		t.Errorf("the sixth guess, a right one: got %d, want 422", page.Status)
	}
	wantSignedOut(t, "the sixth guess, a right one", b)
	wantSignIn(t, "the owner at a known browser", home)
	wantSignIn(t, "another user", s.Browser(t, s.Person(t)))
}

// h22: a new password ends what other browsers were remembered for, and each proof and sign-out
// gives the browser another binding.
func h22(t *testing.T, s *vouchsafetest.Server) {
	p := s.Person(t)
	home, thief := s.Browser(t, p), s.Browser(t, p)
	thief.Code(t, vouchsafetest.NewRequest(web))
	home.Get(t, vouchsafetest.NewRequest(web).Path())
	before := binding(home)
	home.Code(t, vouchsafetest.NewRequest(web))
	if binding(home) == before {
		t.Error("the browser's binding is the same after a proof")
	}
	p.Password = "another-password-9xQ2"
	fill(t, home, home.Get(t, "/account/password"),
		map[string][]string{"old_password": {home.Person.Password}, "password": {p.Password}})
	home.Person, thief.Person = p, p
	for range 7 {
		guess(t, s.Browser(t, vouchsafetest.Person{}), p.Email)
	}
	if a := thief.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "login")); a.Code() != "" {
		t.Error("a browser that was known before has attempts of its own after a new password")
	}
	wantSignIn(t, "the owner, where the password was changed", home)
	before = binding(home)
	home.ConfirmSignOut(t, home.Get(t, "/signout"))
	if binding(home) == before {
		t.Error("the browser's binding is the same after a sign-out")
	}
	wantSignIn(t, "the owner, signed out", home)
	wantSignIn(t, "another user", s.Browser(t, s.Person(t)))
}

// binding returns the cookie that ties requests to the browser.
func binding(b *vouchsafetest.Browser) string {
	for _, c := range b.Cookies() {
		if strings.HasSuffix(c.Name, "vouchsafe-browser") {
			return c.Value
		}
	}
	return ""
}

// asksFor signs up with the address, and returns the page that asks for the code.
func asksFor(t *testing.T, b *vouchsafetest.Browser, email string) *vouchsafetest.Page {
	t.Helper()
	b.Person = vouchsafetest.Person{Email: email, Password: "a new password 6Wp"}
	return register(t, b)
}

// i9: an attacker who requests codes for a user's address neither voids the user's code nor uses up
// the user's own requests.
func i9(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	for _, first := range []bool{true, false} {
		email := newAddress("example.com")
		b := w.Browser(t, vouchsafetest.Person{Email: email, Password: "a new password 6Wp"})
		stranger := w.Browser(t, vouchsafetest.Person{})
		ask := func() (*vouchsafetest.Page, string) {
			page := asksFor(t, b, email)
			return page, mails.Next(t, email).Code
		}
		var page *vouchsafetest.Page
		var code string
		if first {
			page, code = ask()
		}
		refused := false
		for range 8 {
			refused = asksFor(t, stranger, email).Status == 429 || refused
		}
		if !refused {
			t.Error("a stranger asked for eight codes, want at most five")
		}
		for range 5 {
			mails.Next(t, email)
		}
		if !first {
			page, code = ask()
		}
		types(t, b, page, code)
		if _, got := signedInAs(t, w.Server, b); got != email {
			t.Errorf("asked first: %v. Got %q signed in, want %s", first, got, email)
		}
		wantSignIn(t, "the owner", b)
	}
}

// i10: a +tag does not make another mailbox, and neither do many addresses that request.
func i10(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	p := w.member(t)
	home := w.Browser(t, p)
	home.Code(t, vouchsafetest.NewRequest(web))
	local, _, _ := strings.Cut(p.Email, "@")
	for i := range 30 {
		asksFor(t, w.Browser(t, vouchsafetest.Person{}), fmt.Sprintf("%s+%d@example.com", local, i))
	}
	last := newAddress("example.com") // whose mail comes after those
	asksFor(t, w.Browser(t, vouchsafetest.Person{}), last)
	mails.Next(t, last)
	n := 0
	for _, m := range mails.Waiting() {
		if strings.HasPrefix(m.To, local+"+") {
			n++
		}
	}
	if n == 0 || n > 15 {
		t.Errorf("%d mails to one mailbox for 30 requests, want 1 to 15", n)
	}
	wantSignIn(t, "the owner at a known browser", home)
	forgot(t, home, p.Email)
	if m := withCode(t, p.Email); m.Code == "" {
		t.Error("the owner's known browser gets no code")
	}
}

// d16: an address that tries secrets for made-up clients, at every endpoint, has few tries. Clients
// behind it go on.
func d16(t *testing.T, s *vouchsafetest.Server) {
	api := s.API(t)
	service := vouchsafetest.Service
	credentials(t, api, vouchsafetest.Basic(service.ID(), service.Secret())).Want(t, 200, "")
	for _, path := range []string{"/token", "/introspect", "/revoke", "/auth/sign-in"} {
		sprayer, looked := s.API(t), 0
		for i := range 130 {
			form := vouchsafetest.Values("grant_type", "client_credentials", "token", "x")
			var reply *vouchsafetest.Reply
			id := fmt.Sprint("sprayed-", i)
			if path == "/auth/sign-in" {
				body := fmt.Sprintf(`{"client_id":%q,"client_secret":"Summer2026!Summer2026!","login":"jo","password":"x"}`, id)
				reply = sprayer.Do(t, sprayer.Request(t, http.MethodPost, path, "application/json", body))
			} else {
				reply = sprayer.Form(t, path, form, vouchsafetest.Basic(id, "Summer2026!Summer2026!"))
			}
			if reply.Status != 429 {
				looked++
			}
		}
		if looked != 100 {
			t.Errorf("%s: %d sprayed secrets were looked at, want 100", path, looked)
		}
		credentials(t, sprayer, vouchsafetest.Basic(service.ID(), service.Secret())).Want(t, 200, "")
	}
	wantSignIn(t, "a user", s.Browser(t, s.Person(t)))
}

// g18: an upstream provider that cannot be reached does not fill the audit trail, and keeps no user
// out.
func g18(t *testing.T, s *vouchsafetest.Server) {
	w := newSocial(t, s, "unreachable-"+s.Name, nil)
	w.corp.Issuer = "http://localhost:9" // discard: no server listens
	w.apply(t, nil)
	home := w.signedIn(t)
	b := w.Browser(t, vouchsafetest.Person{})
	for range 40 {
		if page := b.Get(t, "/upstream/corp"); page.Status >= 500 {
			t.Fatalf("got %d", page.Status)
		}
	}
	n := 0
	for line := range strings.Lines(w.Dump(t)) { // other tests have tenants here, too
		if strings.Contains(line, w.TenantID) && strings.Contains(line, "upstream.failed") {
			n++
		}
	}
	if s.Database != "" && (n == 0 || n > 10) {
		t.Errorf("%d lines of the audit trail for 40 visits, want 1 to 10", n)
	}
	wantSignIn(t, "a known browser", home)
	wantSignIn(t, "another user", w.Browser(t, w.member(t)))
}

// m10: while unknown callers fill the queue for hashes, known browsers go ahead.
func m10(t *testing.T, s *vouchsafetest.Server) {
	own := vouchsafetest.Start(t, vouchsafetest.Options{Production: s.Database != "", Hashes: true})
	home := own.Browser(t, own.Person(t))
	home.Code(t, vouchsafetest.NewRequest(web))
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 60 {
		b := own.Browser(t, vouchsafetest.Person{Email: newAddress("example.com"), Password: "not the password 8Kc"})
		page := b.Get(t, "/login")
		wg.Go(func() {
			for !stop.Load() {
				b.SignIn(t, page, b.Person)
			}
		})
	}
	for range 5 {
		wantSignIn(t, "a known browser in a flood", home)
	}
	stop.Store(true)
	wg.Wait()
	wantSignIn(t, "another user afterwards", own.Browser(t, own.Person(t)))
}

// m11: a browser becomes known by a successful sign-in, so that the owner of one account can have
// any number of known browsers. They queue for hashes with the unknown ones all the same.
func m11(t *testing.T, s *vouchsafetest.Server) {
	own := vouchsafetest.Start(t, vouchsafetest.Options{Production: s.Database != "", Hashes: true, Env: map[string]string{
		"VOUCHSAFE_LIMIT_GUESSES_KNOWN": "60/1m", "VOUCHSAFE_ARGON2_PASSES": "6",
	}})
	home := own.Browser(t, own.Person(t))
	home.Code(t, vouchsafetest.NewRequest(web))
	attacker := own.Person(t)
	var known []*vouchsafetest.Browser
	for range 6 {
		known = append(known, own.Browser(t, attacker))
		known[len(known)-1].Code(t, vouchsafetest.NewRequest(web))
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for _, b := range known {
		page := b.Get(t, "/login?other=1")
		for range 50 {
			wg.Go(func() {
				for !stop.Load() { // a program sends the name and the password together
					for _, f := range page.Forms(t) {
						if f.Types["login"] != "" {
							f.Fields.Set("login", attacker.Email)
							f.Fields.Set("password", "not the password 8Kc")
							b.Submit(t, f, nil)
						}
					}
				}
			})
		}
	}
	for range 2 {
		wantSignIn(t, "another's known browser", home)
	}
	stop.Store(true)
	wg.Wait()
}
