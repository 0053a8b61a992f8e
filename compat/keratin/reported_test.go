package keratin_test

import (
	"strings"
	"testing"
)

// TestNamesThatAreEmails accepts addresses of the named domains alone. Keratin AuthN once took addresses with misplaced
// periods in the domain (its release 1.7.0).
func TestNamesThatAreEmails(t *testing.T) {
	t.Parallel()
	w := start(t, "USERNAME_IS_EMAIL=true", "EMAIL_USERNAME_DOMAINS=example.com,example.org")
	b := w.browser()
	for _, wrong := range []string{
		"jo", "jo@example.net", "jo@.example.com", "jo@example..com", "jo@example.com.", "jo@sub.example.com", "@example.com",
		"jo@", "jo@example.com@example.org", "jo\n@example.com",
	} {
		b.do("POST", "/accounts", "username", wrong, "password", goodPassword).refused("username", "FORMAT_INVALID")
	}
	name := newName()
	b.do("POST", "/accounts", "username", " "+strings.ToUpper(name)+"@Example.org ", "password", goodPassword).
		want(201, "TOKEN")
	b.do("GET", "/accounts/available", "username", name+"@example.org").refused("username", "TAKEN")
	b.do("POST", "/session", "username", name+"@EXAMPLE.org", "password", goodPassword).want(201, "TOKEN")
	w.app("PATCH", "/accounts/1", "username", newName()).refused("username", "FORMAT_INVALID")
}

// TestPasswordsInAnyScript scores and sets passwords in any script. Keratin AuthN once panicked at some (its release
// 1.6.0).
func TestPasswordsInAnyScript(t *testing.T) {
	t.Parallel()
	w := start(t)
	b := w.browser()
	for _, password := range []string{
		"пароль от сейфа номер семь", "密码锁在抽屉里面没有人知道", "🦊🐙🦄🐝 four animals",
		"contraseña más larguísima", "a\u0301\u0323 combined marks",
	} {
		if got := b.do("POST", "/password/score", "password", password); got.status != 200 {
			t.Errorf("%q: got %d %s", password, got.status, got.body)
		}
		name := newName()
		b.do("POST", "/accounts", "username", name, "password", password).want(201, "TOKEN")
		b.do("POST", "/session", "username", name, "password", password).want(201, "TOKEN")
	}
	b.do("POST", "/password/score", "password", "\xff\xfe\xfd").want(200, `{"result":{"requiredScore":2,"score":0}}`)
	b.do("POST", "/accounts", "username", newName(), "password", "\xff\xfe\xfd").refused("password", "INSECURE")
}
