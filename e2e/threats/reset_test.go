package threats

import (
	"crypto/rand"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
)

func resetRows() []row {
	return []row{
		{"I1 links and codes for a new password", i1},
		{"I2 one link in parallel", i2},
		{"I3 guessing codes", i3},
		{"I4 links that another user's Host chose", i4},
		{"I5 M9 floods of mail", i5},
		{"I6 what a new password must not do", i6},
		{"I7 a new address", i7},
		{"I7 G16 a new address of another domain", i7Domain},
		{"I8 links that are only looked at", i8},
		{"I11 a thief moves the account", i11},
	}
}

// forgot requests a code, and returns the page that asks for it.
func forgot(t *testing.T, b *vouchsafetest.Browser, email string) *vouchsafetest.Page {
	t.Helper()
	f := b.Get(t, "/forgot").Forms(t)[0]
	f.Fields.Set("login", email)
	return b.Submit(t, f, firstOf(f))
}

// choose fills in the code ("" for a link's page) and the new password, and reports whether they
// were accepted.
func choose(t *testing.T, b *vouchsafetest.Browser, page *vouchsafetest.Page, code, password string) bool {
	t.Helper()
	for _, f := range page.Forms(t) {
		if _, ok := f.Fields["password"]; !ok || !strings.HasSuffix(f.Action, "/reset") {
			continue
		}
		if code != "" {
			f.Fields.Set("code", code)
		}
		f.Fields.Set("password", password)
		return strings.HasSuffix(b.Submit(t, f, nil).URL.Path, "/reset/done")
	}
	return false
}

// reset gives the user the password in p by a mail.
func reset(t *testing.T, s *vouchsafetest.Server, b *vouchsafetest.Browser, p vouchsafetest.Person) {
	t.Helper()
	page := forgot(t, b, p.Email)
	if m := withCode(t, p.Email); !choose(t, b, page, m.Code, p.Password) {
		t.Fatalf("%s: the code was refused", s.Name)
	}
}

// withCode waits for a mail with a code, because other mails report changes.
func withCode(t *testing.T, to string) smtptest.Message {
	t.Helper()
	for {
		if m := mails.Next(t, to); m.Code != "" {
			return m
		}
	}
}

func i1(t *testing.T, s *vouchsafetest.Server) {
	p := s.Person(t)
	b := s.Browser(t, p)
	forgot(t, b, p.Email)
	older := mails.Next(t, p.Email)
	page := forgot(t, b, p.Email)
	newer := mails.Next(t, p.Email)
	elsewhere := s.Browser(t, p)
	link, err := url.Parse(newer.Link)
	if err != nil {
		t.Fatal(err)
	}
	token := ""
	for _, values := range link.Query() {
		if len(values[0]) > len(token) {
			token = values[0]
		}
	}
	if len(token) < 22 { // 128 bits in base64
		t.Errorf("the link carries %q, want 128 bits", token)
	}
	if strings.Contains(s.Dump(t), token) {
		t.Error("the database holds the link's token in clear")
	}
	for what, bad := range map[string]string{"older": older.Link,
		"damaged": strings.Replace(newer.Link, token, token[:len(token)-2]+"AA", 1), "cut": newer.Link[:len(newer.Link)-3]} {
		if choose(t, elsewhere, elsewhere.Get(t, bad), "", "a new password 6Wp") {
			t.Errorf("%s link: taken", what)
		}
	}
	if choose(t, b, page, older.Code, "a new password 6Wp") {
		t.Error("the older code was taken")
	}
	if choose(t, elsewhere, elsewhere.Get(t, "/forgot"), newer.Code, "a new password 6Wp") {
		t.Error("the code was taken in a browser that did not ask for it")
	}
	if !choose(t, b, page, newer.Code, "a new password 6Wp") {
		t.Fatal("the code was refused")
	}
	if choose(t, b, page, newer.Code, "another new password 6Wp") ||
		choose(t, elsewhere, elsewhere.Get(t, newer.Link), "", "another new password 6Wp") {
		t.Error("a code works twice")
	}
}

func i2(t *testing.T, s *vouchsafetest.Server) {
	p := s.Person(t)
	b := s.Browser(t, p)
	forgot(t, b, p.Email)
	m := mails.Next(t, p.Email)
	var taken atomic.Int64
	var wg sync.WaitGroup
	for i := range 12 {
		at := s.Browser(t, p)
		page := at.Get(t, m.Link)
		wg.Go(func() {
			if choose(t, at, page, "", fmt.Sprintf("a new password %d 6Wp", i)) {
				taken.Add(1)
			}
		})
	}
	wg.Wait()
	if n := taken.Load(); n != 1 {
		t.Errorf("one link was taken %d times at once", n)
	}
}

// i3: five guesses at a code, after which the right one does not work either.
func i3(t *testing.T, s *vouchsafetest.Server) {
	p := s.Person(t)
	b := s.Browser(t, p)
	page := forgot(t, b, p.Email)
	m := mails.Next(t, p.Email)
	if len(m.Code) < 8 {
		t.Errorf("got a code of %d digits, want 8", len(m.Code))
	}
	for i := range 12 {
		wrong := fmt.Sprintf("%08d", i)
		if wrong != m.Code && choose(t, b, page, wrong, "a new password 6Wp") {
			t.Fatalf("%s was taken", wrong)
		}
	}
	if choose(t, b, page, m.Code, "a new password 6Wp") {
		t.Error("after 12 guesses the code works still")
	}
}

func i4(t *testing.T, s *vouchsafetest.Server) {
	for _, name := range []string{"Host", "X-Forwarded-Host", "Forwarded", "X-Forwarded-Proto", "X-Original-Host",
		"X-Forwarded-Prefix", "X-Forwarded-Port", "Origin-Host"} {
		p := s.Person(t)
		b := s.Browser(t, p)
		f := b.Get(t, "/forgot").Forms(t)[0]
		f.Fields.Set("login", p.Email)
		b.Header[name] = []string{map[string]string{"Forwarded": "host=evil.example;proto=http", "X-Forwarded-Proto": "http",
			"X-Forwarded-Port": "666", "X-Forwarded-Prefix": "/evil"}[name]}
		if b.Header[name][0] == "" {
			b.Header[name] = []string{"evil.example"}
		}
		b.Submit(t, f, firstOf(f))
		if m := mails.Next(t, p.Email); !strings.HasPrefix(m.Link, s.Issuer+"/") || strings.Contains(m.Text+m.HTML, "evil") {
			t.Errorf("%s: the mail leads to %s", name, m.Link)
		}
	}
}

// i5: one network can cause a few mails an hour to an address, and all networks together three
// times as many. Every request gets the same answer.
func i5(t *testing.T, s *vouchsafetest.Server) {
	one, all := s.Person(t), s.Person(t)
	stranger := s.Browser(t, vouchsafetest.Person{})
	for range 12 {
		forgot(t, stranger, one.Email)
	}
	for range 20 {
		forgot(t, s.Browser(t, vouchsafetest.Person{}), all.Email)
	}
	last := s.Person(t) // whose mail comes after those
	forgot(t, s.Browser(t, last), last.Email)
	mails.Next(t, last.Email)
	got := map[string]int{}
	for _, m := range mails.Waiting() {
		got[m.To]++
	}
	if n := got[one.Email]; n == 0 || n > 5 {
		t.Errorf("%d mails for 12 requests of one network, want 1 to 5", n)
	}
	if n := got[all.Email]; n <= 5 || n > 15 {
		t.Errorf("%d mails for 20 requests of as many networks, want 6 to 15", n)
	}
	b := s.Browser(t, vouchsafetest.Person{})
	limited := false
	for range 40 {
		limited = limited || forgot(t, b, newAddress("example.com")).Status == 429
	}
	if !limited {
		t.Error("one browser asked for 40 mails to others, want 30 an hour")
	}
}

func i6(t *testing.T, s *vouchsafetest.Server) {
	d := newDoomed(t, s)
	b := s.Browser(t, vouchsafetest.Person{Email: d.person.Email, Password: "a new password 6Wp"})
	reset(t, s, b, b.Person)
	wantSignedOut(t, "the browser that chose a new password", b)
	wantSignedOut(t, "the session from before", d.browser)
	for name, h := range d.held {
		t.Run(name, func(t *testing.T) { wantDead(t, s, h.client, h.reply) })
	}
	if m := mails.Next(t, d.person.Email); m.Code != "" || !strings.Contains(strings.ToLower(m.Subject), "password") {
		t.Errorf("the owner is told %q", m.Subject)
	}
	disabled := s.Person(t)
	s.Command(t, "", "user", "disable", disabled.Email)
	forgot(t, s.Browser(t, disabled), disabled.Email)
	ok := s.Person(t)
	forgot(t, s.Browser(t, ok), ok.Email)
	mails.Next(t, ok.Email)
	for _, m := range mails.Waiting() {
		if m.To == disabled.Email && m.Code != "" {
			t.Error("a disabled person was sent a code")
		}
	}
}

func i7(t *testing.T, s *vouchsafetest.Server) {
	p := s.Person(t)
	b := s.Browser(t, p)
	page := b.SignIn(t, b.Get(t, "/account/email"), p)
	target := newAddress("example.com")
	fill(t, b, page, url.Values{"email": {target}})
	m := mails.Next(t, target)
	for what, other := range map[string]*vouchsafetest.Browser{"nobody's": s.Browser(t, vouchsafetest.Person{}),
		"another person's": jo(t, s)} {
		if what != "nobody's" {
			other.Code(t, vouchsafetest.NewRequest(web))
		}
		page := other.Get(t, m.Link)
		for _, f := range page.Forms(t) {
			if f.Method == "POST" && strings.HasSuffix(f.Action, "/account/email/confirm") {
				other.Submit(t, f, firstOf(f))
			}
		}
	}
	if _, email := signedInAs(t, s, b); email != p.Email {
		t.Errorf("a link of another browser made the address %s", email)
	}
	page = b.Get(t, m.Link)
	if len(page.Forms(t)) == 0 {
		t.Fatalf("the link led to %s: %s", page.URL, page.Text(t))
	}
	b.Submit(t, page.Forms(t)[0], firstOf(page.Forms(t)[0]))
	if _, email := signedInAs(t, s, b); email != target {
		t.Errorf("got %q, want %s", email, target)
	}
	if told := mails.Next(t, p.Email); !strings.Contains(told.Text, target) {
		t.Errorf("the old address was told %q", told.Text)
	}
}

func i8(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	p := s.Person(t)
	w.Command(t, p.Password+"\n", "user", "add", p.Email, "--verified", "--password-stdin", "--tenant", w.TenantID)
	b := s.Browser(t, p)
	forgot(t, b, p.Email)
	m := mails.Next(t, p.Email)
	scanner := s.Browser(t, vouchsafetest.Person{})
	for range 3 {
		scanner.Get(t, m.Link)
	}
	link, err := url.Parse(m.Link)
	if err != nil {
		t.Fatal(err)
	}
	query := link.RawQuery
	for _, path := range []string{w.Issuer + "/reset?", s.Issuer + "/signup/confirm?", s.Issuer + "/login?",
		s.Issuer + "/account/email/confirm?", s.Issuer + "/federated/confirm?"} {
		other := s
		if strings.HasPrefix(path, w.Issuer) {
			other = w.Server
		}
		v := other.Browser(t, p)
		page := v.Get(t, path+query)
		for _, f := range page.Forms(t) {
			if f.Method == "POST" && f.Fields.Get("token") != "" {
				if _, ok := f.Fields["password"]; ok {
					f.Fields.Set("password", "a new password 6Wp")
				}
				if got := v.Submit(t, f, nil); strings.HasSuffix(got.URL.Path, "/done") {
					t.Errorf("%s took the link", path)
				}
			}
		}
		wantSignedOut(t, path, v)
	}
	if strings.Contains(s.Log(), query) {
		t.Error("the log holds the link")
	}
	elsewhere := s.Browser(t, vouchsafetest.Person{})
	if !choose(t, elsewhere, elsewhere.Get(t, m.Link), "", "a new password 6Wp") {
		t.Error("what only looked at the link has used it up")
	}
}

// i7Domain: if only some domains may sign up, no user can change to an address of another.
func i7Domain(t *testing.T, s *vouchsafetest.Server) {
	w := newSocial(t, s, "domain-"+s.Name,
		map[string]any{"sign_up": map[string]any{"mode": "open", "email_domains": []string{"example.com"}}})
	b := w.signedIn(t)
	change := func(email string) int {
		forms := b.Get(t, "/account/email").Forms(t)
		f := forms[len(forms)-1]
		f.Fields.Set("email", email)
		return b.Submit(t, f, nil).Status
	}
	for _, evil := range []string{newAddress("evil.example"), newAddress("sub.example.com"),
		newAddress("example.com.evil.example")} {
		if got := change(evil); got != 422 {
			t.Errorf("%s: got %d, want it refused", evil, got)
		}
	}
	good := newAddress("EXAMPLE.com")
	if got := change(good); got != 200 {
		t.Errorf("%s: got %d, want it taken", good, got)
	}
}

var notMe = regexp.MustCompile(`/not-me\?t=\S+`)

// i11: a thief at a browser that is signed in gives the account another address and password. The
// reader of the old mailbox reports that it was not them, without signing in.
func i11(t *testing.T, s *vouchsafetest.Server) {
	p := s.Person(t)
	thief := s.Browser(t, p)
	thief.SignIn(t, thief.Get(t, "/login"), p)
	f := thief.Get(t, "/account/email").Forms(t)[0]
	moved := newAddress("thief.example")
	f.Fields.Set("email", moved)
	f = thief.Submit(t, f, firstOf(f)).Forms(t)[0]
	f.Fields.Set("code", withCode(t, moved).Code)
	if page := thief.Submit(t, f, firstOf(f)); page.URL.Path != "/account" || page.URL.RawQuery != "done=email" {
		t.Fatalf("the thief came to %s", page.URL)
	}
	link := notMe.FindString(mails.Next(t, p.Email).Text)
	fill(t, thief, thief.Get(t, "/account/password"),
		url.Values{"old_password": {p.Password}, "password": {"a thief's own " + rand.Text()}})

	owner := s.Browser(t, vouchsafetest.Person{})
	for range 3 {
		owner.Get(t, link)
	}
	if page := thief.Get(t, "/account"); page.URL.Path != "/account" {
		t.Error("a look at the link did something")
	}
	f = owner.Get(t, link).Forms(t)[0]
	page := owner.Submit(t, f, firstOf(f))
	if page.URL.Path != "/reset" {
		t.Fatalf("the button leads to %s: %d", page.URL, page.Status)
	}
	if page := thief.Get(t, "/account"); page.URL.Path != "/login" {
		t.Errorf("the thief is still at %s", page.URL)
	}
	p.Password = "the owner's own " + rand.Text()
	if !choose(t, owner, page, withCode(t, p.Email).Code, p.Password) {
		t.Error("the code is refused")
	}
	if a := s.Browser(t, p).Authorize(t, vouchsafetest.NewRequest(web)); a.Code() == "" {
		t.Errorf("the owner comes to %s", a.Page.URL)
	}
	if page := owner.Get(t, link); page.Status != 410 {
		t.Errorf("the link works again: %d", page.Status)
	}
}
