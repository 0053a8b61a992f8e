package login

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// textbox keeps text messages.
type textbox struct {
	mu    sync.Mutex
	texts []*mail.Message
}

// Send implements mail.Sender.
func (b *textbox) Send(_ context.Context, m *mail.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.texts = append(b.texts, m)
	return nil
}

// next waits for a message to the number, and gives its code.
func (b *textbox) next(t testing.TB, to string) string {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		b.mu.Lock()
		i := slices.IndexFunc(b.texts, func(m *mail.Message) bool { return m.To == to })
		if i >= 0 {
			m := b.texts[i]
			b.texts = slices.Delete(b.texts, i, i+1)
			b.mu.Unlock()
			return regexp.MustCompile(`\d{8}`).FindString(m.Text)
		}
		b.mu.Unlock()
	}
	t.Fatalf("no text message came to %s", to)
	return ""
}

func (b *textbox) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.texts)
}

const mobile = "+491701234567"

// phoned adds a user with a confirmed number.
func (s *site) phoned(email, username, number string) storage.User {
	s.t.Helper()
	u := s.verified(email, username, right)
	u.Phone, u.PhoneVerified = number, true
	must(s.t, storagetest.UpdateUser(s.t.Context(), s.store, u))
	return u
}

func byPhone(t *testing.T, methods ...string) *site {
	t.Helper()
	s := newSite(t, free)
	s.settle("default", storage.TenantSettings{SignIn: storage.SignInSettings{Methods: methods}})
	return s
}

func TestAPhoneNumberIsConfirmed(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	user := s.verified("jo@example.com", "jo", right)
	v := s.visitor()
	if p := v.get("/account/phone"); p.location() != "/login?next=%2Faccount%2Fphone" {
		t.Errorf("nobody: got %d to %q", p.status, p.location())
	}
	v.signIn("jo", right)
	if p := v.get("/account"); !strings.Contains(p.body, `href="/account/phone"`) {
		t.Error("the account page has no phone number")
	}
	v.get("/account/phone")
	for typed, want := range map[string]string{
		"": english["phone.bad"], "0170 1234567": english["phone.bad"], "jo": english["phone.bad"],
		"+49 30 12345678": english["phone.kind"], "+49 900 1 123456": english["phone.kind"],
	} {
		if p := v.post("/account/phone", "phone", typed); p.status != http.StatusUnprocessableEntity ||
			alertOf(p) != strings.ReplaceAll(want, "+", "&#43;") {
			t.Errorf("%q: got %d, %q, want %q", typed, p.status, alertOf(p), want)
		}
	}
	p := v.post("/account/phone", "phone", "+49 (0)170 / 1234567")
	id := flow(t, p)
	v.get(p.location())
	code := s.texts.next(t, mobile)
	if got, err := s.store.User(t.Context(), "default", user.ID); err != nil || got.Phone != "" {
		t.Errorf("got %q, %v before it is confirmed", got.Phone, err)
	}
	if p := v.post("/account/phone/confirm", "flow", id, "code", "00000000"); p.status != http.StatusUnprocessableEntity ||
		alertOf(p) != english.Must("confirm.wrong_left", 4) {
		t.Errorf("a wrong code: got %d, %q", p.status, alertOf(p))
	}
	// Another user's browser does not get it with the right code.
	s.verified("mo@example.com", "mo", right)
	other := s.visitor()
	other.signIn("mo", right)
	other.get("/account/phone")
	if p := other.post("/account/phone/confirm", "flow", id, "code", code); p.leads() != "" {
		t.Error("another user confirms it as theirs")
	}
	if p := v.post("/account/phone/confirm", "flow", id, "code",
		code[:4]+" "+code[4:]); p.location() != "/account?done=phone" {
		t.Fatalf("got %d to %q: %s", p.status, p.location(), alertOf(p))
	}
	if got, err := s.store.User(t.Context(), "default", user.ID); err != nil || got.Phone != mobile || !got.PhoneVerified {
		t.Errorf("got %q, %v, %v", got.Phone, got.PhoneVerified, err)
	}
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, english["notice.phone"]) {
		t.Errorf("the notice is %s", m.Text)
	}
	if p := v.get("/account?done=phone"); !strings.Contains(p.body, "+491701234567") &&
		!strings.Contains(p.body, "&#43;491701234567") {
		t.Error("the account page does not show it")
	}
	if p := v.post("/account/phone/confirm", "flow", id, "code", code); p.leads() != "" {
		t.Error("the code works twice")
	}
	v.get("/account/phone")
	if p := v.post("/account/phone", "phone", mobile); alertOf(p) != english["phone.same"] {
		t.Errorf("the same number: got %q", alertOf(p))
	}
	if p := v.post("/account/phone", "remove", "1"); p.location() != "/account?done=phone-removed" {
		t.Errorf("got %d to %q", p.status, p.location())
	}
	if got, err := s.store.User(t.Context(), "default", user.ID); err != nil || got.Phone != "" || got.PhoneVerified {
		t.Errorf("got %q, %v, %v", got.Phone, got.PhoneVerified, err)
	}
}

// TestPhoneNumbersAreLimited: each message costs money.
func TestPhoneNumbersAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	s.settle("default", storage.TenantSettings{SignIn: storage.SignInSettings{PhoneRegions: []string{"DE", "AT"}}})
	s.verified("jo@example.com", "jo", right)
	v := s.visitor()
	v.signIn("jo", right)
	v.get("/account/phone")
	if p := v.post("/account/phone", "phone",
		"+33 6 12 34 56 78"); alertOf(p) != strings.ReplaceAll(english["phone.region"], "%s", "DE, AT") {
		t.Errorf("another country: got %q", alertOf(p))
	}
	for i := range 7 {
		p := v.post("/account/phone", "phone", "0170 123456"+string(rune('0'+i)))
		if want := map[bool]string{true: "/account/phone/confirm",
			false: "429"}[int64(i) < s.login.PerPhoneChange.Max]; p.outcome() != want {
			t.Errorf("number %d: got %s, want %s", i+1, p.outcome(), want)
		}
	}
}

func TestSigningInByPhone(t *testing.T) {
	t.Parallel()
	for _, login := range []string{"+49 170 1234567", "jo", "jo@example.com"} {
		s := byPhone(t, storage.MethodPassword, storage.MethodPhone)
		user := s.phoned("jo@example.com", "jo", mobile)
		q := s.ask("", storage.Interaction{})
		v := s.visitor()
		v.get("/login?" + q)
		if p, _ := v.names(login, "i", "letter-1"); !strings.Contains(p.body, `formaction="/login/code"`) {
			t.Fatal("the sign-in page does not offer it")
		}
		v.get("/login/code?" + q)
		p := v.post("/login/code", "i", "letter-1", "login", login, "by", "phone")
		id := flow(t, p)
		if p := v.get(p.location()); login == "jo" && strings.Contains(p.body, "1701234567") {
			t.Error("the number is told")
		}
		code := s.texts.next(t, mobile)
		p = v.post("/login/code/confirm", "i", "letter-1", "flow", id, "code", code)
		if p.location() != "/authorize?"+q || !v.signedIn() {
			t.Fatalf("%s: got %d to %q: %s", login, p.status, p.location(), alertOf(p))
		}
		if e := s.events("default")[0]; e.Kind != "login.succeeded" || e.UserID != user.ID || e.Detail["amr"] != "sms" {
			t.Errorf("got event %+v", e)
		}
		if len(s.mails.Waiting()) != 0 {
			t.Error("a mail was sent, too")
		}
	}
}

// TestAnswersDoNotTellWhoHasAPhone: H4 for this way in, and numbers that name no user.
func TestAnswersDoNotTellWhoHasAPhone(t *testing.T) {
	t.Parallel()
	s := byPhone(t, storage.MethodPhone)
	s.phoned("jo@example.com", "jozz", mobile)
	unproven := s.phoned("un@example.com", "unzz", "+491701234568")
	unproven.PhoneVerified = false
	must(t, storagetest.UpdateUser(t.Context(), s.store, unproven))
	off := s.phoned("off@example.com", "offzz", "+491701234569")
	off.Disabled = true
	must(t, storagetest.UpdateUser(t.Context(), s.store, off))
	s.phoned("one@example.com", "one", "+491701234560")
	s.phoned("two@example.com", "two", "+491701234560") // it names no user any more
	want := ""
	for i, login := range []string{mobile, "+491701234567", "+491701234568", "+491701234569", "+491701234560",
		"+491701234561", "unzz", "offzz", "nozz", "jozz"} {
		v := s.visitor()
		v.get("/login/code")
		p := v.post("/login/code", "login", login, "by", "phone")
		id := flow(t, p)
		page := v.get(p.location())
		got := page.body
		for _, away := range append(formField.FindAllString(got, -1), id, login, strings.ReplaceAll(login, "+", "&#43;")) {
			got = strings.ReplaceAll(got, away, "")
		}
		if i == 0 {
			want = got
		}
		if page.status != http.StatusOK || got != want {
			t.Errorf("%s: got %d, another answer than for a user who is there", login, page.status)
		}
	}
	for range 3 {
		s.texts.next(t, mobile)
	}
	time.Sleep(100 * time.Millisecond)
	if n := s.texts.count(); n != 0 {
		t.Errorf("%d messages went to another user", n)
	}
}

// TestACodeToAPhoneIsHeldToTheNumber, and is no link.
func TestACodeToAPhoneIsHeldToTheNumber(t *testing.T) {
	t.Parallel()
	s := byPhone(t, storage.MethodPhone)
	user := s.phoned("jo@example.com", "jo", mobile)
	v := s.visitor()
	v.get("/login/code")
	id := flow(t, v.post("/login/code", "login", "jo", "by", "phone"))
	code := s.texts.next(t, mobile)
	user.Phone = "+491701234568"
	must(t, storagetest.UpdateUser(t.Context(), s.store, user))
	if p := v.post("/login/code/confirm", "flow", id, "code", code); p.leads() != "" {
		t.Error("a code to the number before signs in")
	}
}

// TestTheLastWayInIsNotTakenAway: G12 for numbers.
func TestTheLastWayInByPhoneStays(t *testing.T) {
	t.Parallel()
	s := byPhone(t, storage.MethodPhone)
	s.phoned("jo@example.com", "jo", mobile)
	v := s.visitor()
	v.get("/login/code")
	id := flow(t, v.post("/login/code", "login", "jo", "by", "phone"))
	v.post("/login/code/confirm", "flow", id, "code", s.texts.next(t, mobile))
	v.get("/account/phone")
	if p := v.post("/account/phone", "remove", "1"); p.status != http.StatusConflict ||
		alertOf(p) != english["phone.last"] {
		t.Errorf("got %d, %q", p.status, alertOf(p))
	}
}
