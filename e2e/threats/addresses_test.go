package threats

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func addressRows() []row {
	return []row{
		{"H17 domains that fold to one", h17},
		{"H18 local parts that a mail server routes or decodes", h18},
	}
}

// register fills in the form for an account.
func register(t *testing.T, b *vouchsafetest.Browser) *vouchsafetest.Page {
	t.Helper()
	f := b.Get(t, "/signup").Forms(t)[0]
	f.Fields = merge(f.Fields, url.Values{"email": {b.Person.Email}, "password": {b.Person.Password}})
	return b.Submit(t, f, firstOf(f))
}

// h17: an attacker who has the mail of fass.example wants to be the boss of faß.example. An app
// that reads addresses as older libraries do must not confuse the two.
func h17(t *testing.T, s *vouchsafetest.Server) {
	name := strings.ToLower(newAddress("")[:20])
	w := newSocial(t, s, "folds-"+s.Name, nil)
	attacker := w.Browser(t, vouchsafetest.Person{Email: name + "@fass.example", Password: "a new password 6Wp"})
	types(t, attacker, register(t, attacker), mails.Next(t, attacker.Person.Email).Code)
	if _, email := signedInAs(t, w.Server, attacker); email != name+"@fass.example" {
		t.Errorf("the attacker is %q", email)
	}
	boss := w.Browser(t, vouchsafetest.Person{Email: name + "@faß.example", Password: "another password 6Wp"})
	types(t, boss, register(t, boss), mails.Next(t, name+"@xn--fa-hia.example").Code)
	if _, email := signedInAs(t, w.Server, boss); email != name+"@xn--fa-hia.example" {
		t.Errorf("the boss is %q", email)
	}
	// By a provider that the tenant trusts for the attacker's domain.
	w.apply(t, map[string]any{
		"upstreams": []map[string]any{{
			"id": "corp", "name": "Corp", "issuer": w.corp.Issuer, "client_id": "vouchsafe",
			"client_secret":         w.corp.ClientSecret,
			"authoritative_domains": []string{"fass.example"},
		}},
		"sign_up": map[string]any{"email_domains": []string{"fass.example"}},
	})
	deadline(t, "the rules are in force", func() bool {
		return register(t, w.Browser(t,
			vouchsafetest.Person{Email: newAddress("other.example"), Password: "a third password 6Wp"})).Status == 422
	})
	for _, email := range []string{name + "@faß.example", name + "@FAẞ.example", name + "@xn--fa-hia.example",
		"new-" + name + "@faß.example"} {
		b := w.Browser(t, vouchsafetest.Person{Email: email, Password: "a third password 6Wp"})
		w.come(t, b, "corp", atProvider(email))
		wantSignedOut(t, email+" by a provider of fass.example", b)
		if page := register(t, b); page.Status != 422 {
			t.Errorf("%s where only fass.example may sign up: got %d at %s", email, page.Status, page.URL)
		}
	}
}

// h18: the attacker's mail server gets what a server of company.example routes or decodes.
func h18(t *testing.T, s *vouchsafetest.Server) {
	w := newSocial(t, s, "routes-"+s.Name,
		map[string]any{"sign_up": map[string]any{"email_domains": []string{"company.example"}}})
	member := w.Browser(t, w.member(t, "--verified"))
	member.SignIn(t, member.Get(t, "/login"), member.Person)
	for _, local := range []string{
		"attacker%evil.example", "evil.example!attacker", "@evil.example:attacker", `"attacker@evil.example"`,
		"=?utf-8?q?attacker=40evil.example=3e=00?=",
		"=?x?b?YXR0YWNrZXJAZXZpbC5leGFtcGxl?=", "attacker@evil.example(", "attacker@evil.example\u0000",
		"SRS0=HHH=TT=evil.example=attacker", "IMCEASMTP-attacker+40evil+2Eexample",
		"attacker_evil.example#EXT#", "|attacker", "attacker..x", ".attacker", "-attacker", "attacker\r\nBcc:a@evil.example",
	} {
		email := local + "@company.example"
		b := w.Browser(t, vouchsafetest.Person{Email: email, Password: "a new password 6Wp"})
		if page := register(t, b); page.Status != 422 {
			t.Errorf("%q signs up: got %d at %s", email, page.Status, page.URL)
		}
		body := fmt.Sprintf(`{"client_id":"app","email":%q,"password":"a new password 6Wp"}`,
			strings.ReplaceAll(email, "\u0000", "\x01"))
		want := 422
		if strings.Contains(local, "\u0000") {
			want = 400 // no text may hold it
		}
		if reply := signInAPI(t, w.Server, "/auth/sign-up",
			strings.ReplaceAll(body, `\x01`, `\u0000`)); reply.Status != want {
			t.Errorf("%q signs up by the API: got %d %s", email, reply.Status, reply.Raw)
		}
		who := atProvider(email)
		w.come(t, b, "google", who)
		wantSignedOut(t, fmt.Sprintf("%q by a provider", email), b)
		if !strings.ContainsAny(local, "\u0000\r") {
			w.Refuses(t, "", "user", "add", email, "--tenant", w.TenantID)
			w.Refuses(t, "", "user", "invite", email, "--tenant", w.TenantID)
			w.Refuses(t, fmt.Sprintf(`{"email":%q}`, email)+"\n", "user", "import", "-", "--tenant", w.TenantID)
		}
	}
	for _, m := range mails.Waiting() {
		if strings.HasSuffix(m.To, "company.example") || strings.Contains(m.To, "evil.example") {
			t.Errorf("a mail went to %q", m.To)
		}
	}
}
