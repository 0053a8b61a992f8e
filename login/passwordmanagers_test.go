package login

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/vouchsafe/vouchsafe/storage"
)

// TestPasswordManagersUnderstandEveryForm: what password managers are given to go by, as the HTML Living Standard
// (4.10.18.7) and the makers of browsers ask for it, on each page that asks for a secret. The order counts, too:
// without autocomplete, the text field before the password is taken for the username.
func TestPasswordManagersUnderstandEveryForm(t *testing.T) {
	t.Parallel()
	s := byMail(t, free)
	s.verified("jo@example.com", "jo", right)
	s.expires(s.verified("ex@example.com", "", right))
	s.enrolled("mo@example.com")
	elsewhere, v := s.visitor(), s.visitor()
	check := func(what string, p answer, want ...string) {
		t.Helper()
		if p.status != 200 {
			t.Errorf("%s: got %d to %q", what, p.status, p.location())
			return
		}
		if got := fieldsForManagers(t, what, p.body); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	check("the first page", v.get("/login"), "username")
	second, _ := v.names("jo@example.com")
	check("the second page", second, "username=jo@example.com", "current-password")
	check("a code instead", v.get(v.askCode("jo@example.com").leads()), "one-time-code")
	s.mails.Next(t, "jo@example.com")

	check("sign-up", v.get("/signup"), "username", "new-password")
	check("the address's code", v.get(v.signUp("al@example.com").leads()), "one-time-code")
	link := elsewhere.path(s.mails.Next(t, "al@example.com"))
	check("the address's link, in another browser", elsewhere.get(link), "username=al@example.com", "new-password")
	check("the first administrator", v.get("/setup?token=setup-default"), "username", "new-password")

	check("forgot", v.get("/forgot"), "username")
	check("a new password by code", v.get(v.forgot("jo").leads()), "one-time-code", "username=jo", "new-password")
	mail := s.mails.Next(t, "jo@example.com")
	check("a new password by link", elsewhere.get(elsewhere.path(mail)), "username=jo@example.com", "new-password")

	v.signIn("ex@example.com", right)
	check("a password that has to be changed", v.get("/new-password"), "username=ex@example.com", "new-password")
	v.signIn("mo@example.com", right)
	check("the app's code", v.get("/second-factor"), "one-time-code")
	check("a recovery code", v.get("/second-factor?recovery=1"), "off")

	v.signIn("jo@example.com", right)
	change := v.get(v.get("/.well-known/change-password").leads())
	check("another password", change, "username=jo@example.com", "current-password", "new-password")
	q := s.ask("", storage.Interaction{Prompt: []string{"login"}})
	check("a fresh proof", v.get("/login?"+q), "username=jo@example.com", "current-password")
}

// fieldsForManagers returns what the forms of a page ask for: the autocomplete of each field, with its value if the
// user cannot change it. It checks what holds on every page.
func fieldsForManagers(t *testing.T, what, body string) (all []string) {
	t.Helper()
	page, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for n := range page.Descendants() {
		a := map[string]string{}
		for _, attr := range n.Attr {
			a[attr.Key] = attr.Val
		}
		if id := a["id"]; id != "" && ids[id] {
			t.Errorf("%s: two elements have the id %s, by which managers remember fields", what, id)
		}
		ids[a["id"]] = true
		if n.Data != "input" || a["type"] == "hidden" || a["type"] == "checkbox" || a["id"] == "passkey-name" {
			continue
		}
		checkFieldForManagers(t, what, n, a)
		field, _, _ := strings.Cut(a["autocomplete"], " ") // without webauthn
		if _, fixed := a["readonly"]; fixed {
			field += "=" + a["value"]
		}
		all = append(all, field)
	}
	return all
}

// checkFieldForManagers checks a field, whose attributes are a.
func checkFieldForManagers(t *testing.T, what string, n *html.Node, a map[string]string) {
	t.Helper()
	secret := strings.Contains(a["autocomplete"], "-password")
	if (a["type"] == "password") != secret {
		t.Errorf("%s: %s is of type %s with autocomplete %q", what, a["name"], a["type"], a["autocomplete"])
	}
	if _, cut := a["maxlength"]; cut && secret {
		t.Errorf("%s: the page cuts off what a manager enters", what)
	}
	if a["autocomplete"] == "new-password" && a["minlength"] == "" {
		t.Errorf("%s: managers don't learn how long a password has to be", what)
	}
	if a["autocomplete"] == "one-time-code" && a["inputmode"] != "numeric" {
		t.Errorf("%s: phones show letters to type digits", what)
	}
	form := n
	for form != nil && form.Data != "form" {
		form = form.Parent
	}
	if form == nil {
		t.Errorf("%s: %s is in no form, whose submission would be seen", what, a["name"])
		return
	}
	for _, attr := range form.Attr {
		if attr.Key == "method" && attr.Val != "post" || attr.Key == "action" && !strings.HasPrefix(attr.Val, "/") ||
			attr.Key == "autocomplete" {
			t.Errorf("%s: the form has %s=%q", what, attr.Key, attr.Val)
		}
	}
}
