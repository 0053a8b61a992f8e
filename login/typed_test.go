package login

import (
	"html"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/storage"
)

// typings are ways in which what is shown comes back: of other keyboards, and copied with what
// stood beside it.
var typings = map[string]func(code string) string{
	"full width": func(code string) string { return inDigits(code, '\uff10') },
	"Arabic":     func(code string) string { return "\u200f" + inDigits(code, '\u0660') },
	"Persian":    func(code string) string { return inDigits(code, '\u06f0') },
	"copied":     func(code string) string { return "\ufeff" + strings.Join(strings.Split(code, ""), "\u200b") + "." },
}

func inDigits(code string, zero rune) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return zero + r - '0'
		}
		return r
	}, code)
}

// TestCodesAreReadAsTheyWereMeant at every door that takes one.
func TestCodesAreReadAsTheyWereMeant(t *testing.T) {
	t.Parallel()
	for name, typed := range typings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, free)
			s.settle("default", storage.TenantSettings{SignIn: storage.SignInSettings{Methods: []string{storage.MethodPassword,
				storage.MethodEmail, storage.MethodPhone}}})
			s.verified("mailed@example.com", "mailed", right)
			v := s.visitor()
			id := flow(t, v.askCode("mailed"))
			v.goes(v.post("/login/code/confirm", "flow", id, "code", typed(s.mails.Next(t, "mailed@example.com").Code)), "/")

			v = s.visitor()
			v.get("/signup")
			p := v.signUp("new@example.com")
			v.goes(v.post("/signup/confirm", "flow", flow(t, p), "code", typed(s.mails.Next(t, "new@example.com").Code)), "/")

			v = s.visitor()
			p = v.forgot("mailed")
			v.goes(v.post("/reset", "flow", flow(t, p), "code", typed(s.mails.Next(t, "mailed@example.com").Code), "password",
				"an entirely other walrus"), "/reset/done")

			v = s.visitor()
			v.signIn("new@example.com", fresh)
			v.get("/account/phone")
			p = v.post("/account/phone", "phone", mobile)
			v.leads(v.post("/account/phone/confirm", "flow", flow(t, p), "code", typed(s.texts.next(t, mobile))),
				"/account?done=phone")
		})
	}
}

// TestSecondFactorsAreReadAsTheyWereMeant: codes of an app, and recovery codes.
func TestSecondFactorsAreReadAsTheyWereMeant(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { free(c); c.PerFactor = limit.Rule{} })
	jo := s.enrolled("jo@example.com")
	for i, name := range slices.Sorted(maps.Keys(typings)) {
		v := s.visitor()
		v.signIn("jo@example.com", right)
		v.leads(v.post("/second-factor", "code", typings[name](jo.shows())), "/")
		v = s.visitor()
		v.signIn("jo@example.com", right)
		v.leads(v.post("/second-factor", "kind", "recovery", "code", typings[name](jo.codes[i])), "/")
		jo.waits()
	}
}

var tokenField = regexp.MustCompile(`name="token" value="([^"]*)"`)

// TestLinksAreReadAsTheyWereMeant: programs that show mail take what stands behind a link for
// a part of it, and follow links as HTML spells them.
func TestLinksAreReadAsTheyWereMeant(t *testing.T) {
	t.Parallel()
	s := byMail(t, free)
	user := s.verified("jo@example.com", "jo", right)
	for _, behind := range []string{">", ".", "&amp;x", "&amp;utm_source=mail", "&gt;", ")", "%3E", "\u200b", ";"} {
		v := s.visitor()
		v.askCode("jo")
		m := s.mails.Next(t, "jo@example.com")
		p := v.get(v.path(m) + behind)
		if p.status != http.StatusOK || !strings.Contains(p.body, "jo@example.com") {
			t.Errorf("%q behind the link to sign in: got %d", behind, p.status)
			continue
		}
		v.goes(v.post("/login/code/confirm", "token", html.UnescapeString(tokenField.FindStringSubmatch(p.body)[1])), "/")

		v = s.visitor()
		v.forgot("jo")
		p = v.get(v.path(s.mails.Next(t, "jo@example.com")) + behind)
		if p.status != http.StatusOK || !strings.Contains(p.body, `name="password"`) {
			t.Errorf("%q behind the link for a new password: got %d", behind, p.status)
		}
		if p := v.get("/setup?token=setup-default" + behind); p.status != http.StatusOK {
			t.Errorf("%q behind the link for the first administrator: got %d", behind, p.status)
		}
		if p := v.get(s.linkTo(user, time.Now(), user.Email) + behind); p.status != http.StatusOK {
			t.Errorf("%q behind the link to say that it was not me: got %d", behind, p.status)
		}
	}
	// What is cut off or put before is another link.
	v := s.visitor()
	v.askCode("jo")
	m := s.mails.Next(t, "jo@example.com")
	link := v.path(m)
	for _, bad := range []string{link[:len(link)-1], link + "A", strings.Replace(link, "token=", "token=%3C", 1),
		strings.Replace(link, "token=", "tokens=", 1)} {
		if p := v.get(bad); p.status != http.StatusBadRequest {
			t.Errorf("%s: got %d", bad, p.status)
		}
	}
}
