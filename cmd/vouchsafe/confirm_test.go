package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// A script is never asked: what loses something needs --yes there, and changes nothing without.
func TestLossesNeedConfirmation(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.do(t, "user", "add", "jo@example.com")
	sh.do(t, "client", "add", "web", "--kind", "spa", "--redirect-uri", "https://web.example/")
	sh.do(t, "tenant", "add", "acme")
	kid := strings.TrimSpace(sh.do(t, "key", "rotate", "--alg", "ES256"))
	for _, c := range []struct{ line, loss, done string }{
		{"user recover jo@example.com", "passkeys and all trusted devices of jo@example.com",
			"Removed all second factors, passkeys and trusted devices of jo@example.com in tenant default."},
		{"user remove jo@example.com", "This removes jo@example.com from tenant default",
			"Removed user jo@example.com from tenant default."},
		{"client remove web", "This removes client web from tenant default", "Removed client web from tenant default."},
		{"key remove " + kid, "All tokens that it signed are refused", "Removed key " + kid + " from tenant default."},
		{"tenant remove acme", "This removes tenant acme with all its users", "Removed tenant acme."},
		{"restored", "This signs out all users of all tenants.", ""},
	} {
		line := strings.Replace(c.line, "remove -", "remove -- -", 1)
		out, errs, code := sh.inside(t, "y\n", line)
		if code != 2 || out != "" || !strings.Contains(errs, c.loss) || !strings.Contains(errs, "Pass --yes to confirm") {
			t.Errorf("%s: got exit %d, %q, %q", c.line, code, out, errs)
		}
		verb, rest, _ := strings.Cut(c.line, " ")
		if kind, arg, ok := strings.Cut(rest, " "); ok {
			line = verb + " " + kind + " --yes -- " + arg
		} else {
			line = c.line + " --yes"
		}
		if out, errs, code = sh.inside(t, "", line); code != 0 || !strings.Contains(out, c.done) {
			t.Errorf("%s: got exit %d, %q, %q, want %q", line, code, out, errs, c.done)
		}
	}
}

// What changes a user says so, for people and as JSON.
func TestChangesOfUsersAreTold(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	if _, errs, _ := sh.inside(t, "", "user add jo@example.com"); !strings.Contains(errs,
		"Added jo@example.com to tenant default.\n") {
		t.Errorf("got %q", errs)
	}
	for line, want := range map[string]string{
		"user disable jo@example.com": "Disabled jo@example.com in tenant default; 0 sessions ended.\n",
		"user enable jo@example.com":  "Enabled jo@example.com in tenant default.\n",
		"user password jo@example.com --password-stdin": "Set the password of jo@example.com in tenant default; " +
			"0 sessions ended.\n",
	} {
		if out, errs, code := sh.inside(t, "correct horse battery staple", line); code != 0 || out != want {
			t.Errorf("%s: got exit %d, %q, %q, want %q", line, code, out, errs, want)
		}
		out, errs, code := sh.inside(t, "correct horse battery staple", line+" --json")
		var u userView
		if err := json.Unmarshal([]byte(out), &u); code != 0 || err != nil || u.Email != "jo@example.com" ||
			u.Disabled != strings.Contains(line, "disable") {
			t.Errorf("%s --json: got exit %d, %q, %q", line, code, out, errs)
		}
	}
	show := sh.do(t, "user", "show", "jo@example.com")
	for _, want := range []string{"Email              jo@example.com (not verified)\n", "Password           yes\n",
		"Sessions           0\n", " UTC\n"} {
		if !strings.Contains(show, want) {
			t.Errorf("got %q, want %q", show, want)
		}
	}
}
