package login

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// TestOneOfManyRegistrationsWins: P11 and I2.
func TestOneOfManyRegistrationsWins(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	var mu sync.Mutex
	flows := map[string]*visitor{}
	var wg sync.WaitGroup
	for range 20 {
		v := s.visitor()
		wg.Go(func() {
			id := flow(t, v.signUp("jo@example.com"))
			mu.Lock()
			defer mu.Unlock()
			flows[id] = v
		})
	}
	wg.Wait()
	codes := map[string]bool{}
	for range 20 {
		codes[s.mails.Next(t, "jo@example.com").Code] = true
	}
	outcomes := make(chan string, 1000)
	for id, v := range flows {
		for code := range codes {
			req := v.request("/signup/confirm", "flow", id, "code", code)
			wg.Go(func() {
				resp, err := v.client.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				outcomes <- s.outcome(resp)
			})
		}
	}
	wg.Wait()
	close(outcomes)
	count := map[string]int{}
	for end := range outcomes {
		count[end]++
	}
	if count["/"] > 1 || count["/login"]+count["500"]+count["503"] > 0 {
		t.Errorf("got %v", count)
	}
	users, err := s.store.Users(t.Context(), "default", "", 10)
	if err != nil || len(users) != count["/"] {
		t.Errorf("got %d people, %v", len(users), err)
	}
}

// TestAConfirmationIsDoneOnce: I2, 20 times in parallel with the right code.
func TestAConfirmationIsDoneOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	v := s.visitor()
	flow(t, v.signUp("jo@example.com"))
	m := s.mails.Next(t, "jo@example.com")
	v.get(v.path(m))
	outcomes := make(chan string, 20)
	var wg sync.WaitGroup
	for range 20 {
		req := v.request("/signup/confirm", "token", tokenOf(m))
		wg.Go(func() {
			resp, err := v.client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			outcomes <- s.outcome(resp)
		})
	}
	wg.Wait()
	close(outcomes)
	count := map[string]int{}
	for end := range outcomes {
		count[end]++
	}
	if count["/"] != 1 || count["/"]+count["409"]+count["422"] != 20 {
		t.Errorf("got %v, want one success, the others 409 or 422", count)
	}
}

func TestACodeIsTriedFiveTimes(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	v := s.visitor()
	id := flow(t, v.signUp("jo@example.com"))
	m := s.mails.Next(t, "jo@example.com")
	// I3: a thousand guesses, eight at a time, of which five are looked at.
	guesses := make(chan *http.Request, 1000)
	for i := range cap(guesses) {
		guesses <- v.request("/signup/confirm", "flow", id, "code", fmt.Sprintf("%08d", i))
	}
	close(guesses)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for req := range guesses {
				resp, err := v.client.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				if got := s.outcome(resp); got != "422" {
					t.Errorf("a guess: got %s", got)
				}
			}
		})
	}
	wg.Wait()
	if code, err := s.store.Code(t.Context(), "default", id, time.Now()); err != nil || code.Tries != mostTries {
		t.Errorf("%d guesses were looked at, %v, want %d", code.Tries, err, mostTries)
	}
	if p := v.post("/signup/confirm", "flow", id, "code", m.Code); p.status != http.StatusUnprocessableEntity {
		t.Errorf("the right code after five wrong ones: got %d", p.status)
	}
	// The link is no guess. And a new code replaces it.
	next := flow(t, v.post("/signup/confirm", "flow", id, "resend", "1"))
	again := s.mails.Next(t, "jo@example.com")
	if again.Code == m.Code || next == id {
		t.Error("the same code again")
	}
	if p := v.get(v.path(m)); p.status != http.StatusBadRequest {
		t.Errorf("the link before: got %d", p.status)
	}
	if p := v.post("/signup/confirm", "flow", id, "resend", "1"); p.status != http.StatusBadRequest {
		t.Errorf("another for the flow before: got %d", p.status)
	}
	if p := s.visitor().get("/signup/confirm?flow=" + next); p.status != http.StatusBadRequest {
		t.Errorf("in another browser: got %d", p.status)
	}
	if p := v.post("/signup/confirm", "flow", next, "code", again.Code); p.leads() != "/" {
		t.Errorf("the new code: got %d, %q", p.status, alertOf(p))
	}
}

// TestMailsAreLimited: I5 and M9.
func TestMailsAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) {
		c.PerTarget = limit.Rule{Max: 3, Window: time.Hour}
		c.PerAsker = limit.Rule{Max: 6, Window: time.Hour} // what is refused takes none
		c.PerAddress = limit.Rule{Max: 1000, Window: time.Hour}
	})
	s.user("default", "known@example.com", "", right)
	for _, email := range []string{"new@example.com", "known@example.com"} {
		for i := range 4 {
			p := s.visitor().signUp(email)
			if want := map[bool]string{true: "/signup/confirm", false: "429"}[i < 3]; p.outcome() != want {
				t.Errorf("%s, %d: got %s, want %s", email, i+1, p.outcome(), want)
			}
		}
	}
	if p := s.visitor().signUp("another@example.com"); p.status != http.StatusTooManyRequests ||
		p.header.Get("Retry-After") != "3600" {
		t.Errorf("many for many: got %d, Retry-After %q", p.status, p.header.Get("Retry-After"))
	}
	for range 3 {
		s.mails.Next(t, "new@example.com")
		s.mails.Next(t, "known@example.com")
	}
	time.Sleep(200 * time.Millisecond)
	if n := len(s.mails.Waiting()); n != 0 {
		t.Errorf("%d mails more", n)
	}
}

// TestLinksAreTheIssuers: I4.
func TestLinksAreTheIssuers(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	v := s.visitor()
	v.get("/signup")
	req := v.request("/signup", "email", "jo@example.com", "password", fresh)
	for name, value := range map[string]string{"X-Forwarded-Host": "evil.example",
		"Forwarded": "host=evil.example;proto=ftp", "X-Forwarded-Proto": "ftp", "X-Original-Host": "evil.example"} {
		req.Header.Set(name, value)
	}
	flow(t, v.do(req))
	m := s.mails.Next(t, "jo@example.com")
	if !strings.HasPrefix(m.Link, s.url+"/signup/confirm?token=") || strings.Contains(m.Text+m.HTML, "evil") {
		t.Errorf("got %s", m.Text)
	}
}

// TestCodesAreOfTheirTenantAndPurpose: I8.
func TestCodesAreOfTheirTenantAndPurpose(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	if err := s.store.AddTenant(context.WithoutCancel(t.Context()), storage.Tenant{ID: "acme"}); err != nil {
		t.Fatal(err)
	}
	s.user("default", "known@example.com", "", right)
	v := s.visitor()
	flow(t, v.signUp("jo@example.com"))
	m := s.mails.Next(t, "jo@example.com")
	v.get("/forgot")
	v.post("/forgot", "login", "known@example.com")
	reset := s.mails.Next(t, "known@example.com")
	acme := s.visitor()
	acme.base = "/t/acme"
	for path, tok := range map[string]string{"/signup/confirm?token=": tokenOf(reset), "/reset?token=": tokenOf(m),
		"/signup?invitation=": tokenOf(m)} {
		if p := v.get(path + tok); p.status != http.StatusBadRequest {
			t.Errorf("%s with the token of another purpose: got %d", path, p.status)
		}
	}
	for path, tok := range map[string]string{"/signup/confirm?token=": tokenOf(m), "/reset?token=": tokenOf(reset)} {
		if p := acme.get(path + tok); p.status != http.StatusBadRequest {
			t.Errorf("%s at another tenant: got %d", path, p.status)
		}
		for _, bad := range []string{"", ".", tok[:len(tok)-1], tok + "x", strings.Replace(tok, ".", "", 1), "x" + tok,
			strings.Repeat("x.", 5000)} {
			if p := v.get(path + url.QueryEscape(bad)); p.status != http.StatusBadRequest {
				t.Errorf("%s%.20q: got %d", path, bad, p.status)
			}
		}
	}
}

// TestCodesEnd: I1. Nothing that is stored can be typed or followed.
func TestCodesEnd(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	user := s.verified("known@example.com", "", right)
	v := s.visitor()
	v.get("/login")
	for path, test := range map[string]struct {
		purpose, user string
		data          any
	}{
		"/signup/confirm?token=": {storage.CodeSignUp, "",
			map[string]any{"Email": "jo@example.com", "Password": []byte("x")}},
		"/reset?token=":       {storage.CodeReset, user.ID, map[string]string{"Login": "known", "Email": user.EmailKey}},
		"/signup?invitation=": {storage.CodeInvite, "", map[string]string{"Email": "jo@example.com"}},
	} {
		for _, left := range []time.Duration{time.Hour, -time.Second} {
			code := s.newCode(test.purpose, path, test.user, test.data, left)
			must(t, storagetest.PutCode(t.Context(), s.store, code.Code))
			if p := v.get(path + code.Token); (p.status == http.StatusOK) != (left > 0) {
				t.Errorf("%s, with %v left: got %d", path, left, p.status)
			}
		}
	}
}

// TestEverySignUpHashes: M4, and H4 for the work that is done: with a pool that has
// no place, a request that hashes fails.
func TestEverySignUpHashes(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	s.verified("known@example.com", "", right)
	full, err := password.New(cheap, argon2id.NewPool(0, 0))
	must(t, err)
	s.login.Passwords = full
	for _, email := range []string{"known@example.com", "jo@example.com"} {
		p := s.visitor().signUp(email)
		if p.status != http.StatusServiceUnavailable || p.header.Get("Retry-After") == "" ||
			alertOf(p) != english["signin.busy"] || !strings.Contains(p.body, `value="`+email+`"`) {
			t.Errorf("%s: got %d, Retry-After %q, %q", email, p.status, p.header.Get("Retry-After"), alertOf(p))
		}
	}
}

// TestRegisteringConfirmingAndDeletingAtOnce: P11.
func TestRegisteringConfirmingAndDeletingAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	ctx := context.WithoutCancel(t.Context())
	var wg sync.WaitGroup
	for range 50 {
		v := s.visitor()
		wg.Go(func() {
			flow(t, v.signUp("jo@example.com"))
			m := s.mails.Next(t, "jo@example.com") // this one's, or another's
			if m.Code == "" {
				return // there was an account just then
			}
			for range 5 {
				switch p := v.post("/signup/confirm", "token", tokenOf(m), "password", fresh); p.outcome() {
				case "/", "400", "409", "/login": // the account may be gone before the session begins
				default:
					t.Errorf("got %d, %q", p.status, alertOf(p))
				}
			}
		})
		wg.Go(func() {
			for range 5 {
				if u, err := s.store.UserByEmail(ctx, "default", "jo@example.com"); err == nil {
					if err := storagetest.RemoveUser(ctx, s.store, "default", u.ID, time.Now()); err != nil &&
						!errors.Is(err, storage.ErrNotFound) {
						t.Error(err)
					}
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	wg.Wait()
	if users, err := s.store.Users(ctx, "default", "", 10); err != nil || len(users) > 1 {
		t.Errorf("got %d people, %v", len(users), err)
	}
}

// TestSpellingsOfAnAddressAreOneAccount: H5. The mail goes to the address on record,
// and to its domain as keys have it.
func TestSpellingsOfAnAddressAreOneAccount(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	s.verified("Jo@bücher.example", "", right)
	for _, email := range []string{"jo@bücher.example", " JO@BÜCHER.EXAMPLE ", "jo@xn--bcher-kva.example",
		"jo@ｂücher.example"} {
		flow(t, s.visitor().signUp(email))
		if m := s.mails.Next(t, "Jo@xn--bcher-kva.example"); m.Code != "" {
			t.Errorf("%q: a second account", email)
		}
		flow(t, s.visitor().forgot(email))
		if m := s.mails.Next(t, "Jo@xn--bcher-kva.example"); m.Code == "" {
			t.Errorf("%q: no reset", email)
		}
	}
	flow(t, s.visitor().signUp("jo+tag@bücher.example"))
	if m := s.mails.Next(t, "jo+tag@xn--bcher-kva.example"); m.Code == "" {
		t.Error("a tag is not taken for another address")
	}
}
