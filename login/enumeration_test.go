package login

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// people adds a user of each kind, and returns what each would type, and what a user without an account
// would type.
func (s *site) people() map[string]string {
	s.t.Helper()
	s.verified("known@example.com", "known", right)
	s.user("default", "unproven@example.com", "", right)
	off := s.verified("disabled@example.com", "", right)
	off.Disabled = true
	must(s.t, storagetest.UpdateUser(s.t.Context(), s.store, off))
	social := s.verified("social@example.com", "", "")
	s.give(social, []storage.Identity{{Provider: "google", Subject: "1"}})
	s.give(s.verified("factor@example.com", "", right), nil, storage.TOTPCredential)
	s.verified("bare@example.com", "", "")
	return map[string]string{
		"known": "known@example.com", "unproven": "unproven@example.com", "disabled": "disabled@example.com",
		"social only":   "social@example.com",
		"second factor": "factor@example.com", "no password": "bare@example.com", "unknown": "nobody@example.com",
	}
}

var (
	flowIDs = regexp.MustCompile(`(flow(?:=|" value="))[A-Za-z0-9_-]{22}`)
	forms   = regexp.MustCompile(`(name="form" value=")[^"]*`)
)

// toldBy is all that an answer tells, but for what was typed and what is random.
func toldBy(p answer, typed string) string {
	all := []string{fmt.Sprint(p.status), p.body}
	for name, values := range p.header {
		if name == "Date" || name == "X-Request-Id" || name == "Content-Length" {
			continue
		}
		all = append(all, name+": "+strings.Join(values, ", "))
	}
	slices.Sort(all[2:])
	out := strings.Join(all, "\n")
	out = strings.ReplaceAll(out, typed, "TYPED")
	out = flowIDs.ReplaceAllString(out, "${1}FLOW")
	return forms.ReplaceAllString(out, "${1}FORM")
}

// TestNothingTellsWhetherThereIsAnAccount is H4 and I5: every answer on the way to an
// account or a new password, for a user of each kind.
func TestNothingTellsWhetherThereIsAnAccount(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	want := map[string]string{}
	same := func(step, kind, typed string, p answer) {
		t.Helper()
		got := toldBy(p, typed)
		if want[step] == "" {
			want[step] = got
		} else if diff := cmp.Diff(want[step], got); diff != "" {
			t.Errorf("%s, %s: %s", step, kind, diff)
		}
	}
	for kind, email := range s.people() {
		for _, page := range []struct{ begin, confirm string }{{"/signup", "/signup/confirm"}, {"/forgot", "/reset"}} {
			v := s.visitor()
			v.get(page.begin)
			begin := func() answer {
				return v.post(page.begin, "email", email, "login", email, "password", fresh)
			}
			p := begin()
			same(page.begin, kind, email, p)
			id := flow(t, p)
			same("open "+page.confirm, kind, email, v.get(p.location()))
			wrong := func() answer {
				return v.post(page.confirm, "flow", id, "code", "0000 0000", "password", fresh)
			}
			same("wrong "+page.confirm, kind, email, wrong())
			p = v.post(page.confirm, "flow", id, "resend", "1")
			same("resend "+page.confirm, kind, email, p)
			id = flow(t, p)
			for i := range 7 {
				same(fmt.Sprintf("wrong %s %d", page.confirm, i), kind, email, wrong())
			}
			same("again "+page.begin, kind, email, begin())
		}
	}
	if len(want) != 2*12 {
		t.Errorf("got %d steps", len(want))
	}
}

// BenchmarkEnumeration reports, for hashes as they are in earnest, the median time of every
// step for a user of each kind, as BenchmarkFailures does for sign-in. Run it with
// -benchtime 200x.
func BenchmarkEnumeration(b *testing.B) {
	s := newSite(b, free)
	people := s.people()
	real, err := password.New(argon2id.OWASP, nil)
	if err != nil {
		b.Fatal(err)
	}
	s.login.Passwords = real
	v := s.visitor()
	v.get("/signup")
	took := map[string][]time.Duration{}
	for b.Loop() {
		for kind, email := range people {
			ask := func(step, path string, fields ...string) answer {
				req := v.request(path, fields...)
				start := time.Now()
				p := v.do(req)
				took[step+"-"+strings.ReplaceAll(kind, " ", "-")] = append(took[step+"-"+strings.ReplaceAll(kind, " ", "-")],
					time.Since(start))
				return p
			}
			id := flow(b, ask("signup", "/signup", "email", email, "password", fresh))
			id = flow(b, ask("signup-resend", "/signup/confirm", "flow", id, "resend", "1"))
			if p := ask("signup-wrong", "/signup/confirm", "flow", id, "code",
				"00000000"); p.status != http.StatusUnprocessableEntity {
				b.Fatalf("got %d", p.status)
			}
			id = flow(b, ask("forgot", "/forgot", "login", email))
			id = flow(b, ask("reset-resend", "/reset", "flow", id, "resend", "1"))
			if p := ask("reset-wrong", "/reset", "flow", id, "code", "00000000", "password",
				fresh); p.status != http.StatusUnprocessableEntity {
				b.Fatalf("got %d", p.status)
			}
		}
	}
	for step, all := range took {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds()), step+"-µs")
	}
}
