package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/users"
)

// A script is never asked: what loses something needs --yes there, and changes nothing without.
func TestLossesNeedConfirmation(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.do(t, "user", "add", "jo@example.com")
	sh.do(t, "client", "add", "web", "--kind", "spa", "--redirect-uri", "https://web.example/")
	sh.do(t, "role", "add", "editor", "--client", "web")
	sh.do(t, "group", "add", "staff")
	sh.do(t, "api", "put", "https://api.example", "--scope", "read", "--scope", "write")
	sh.do(t, "tenant", "add", "acme")
	kid := strings.TrimSpace(sh.do(t, "key", "rotate", "--alg", "ES256"))
	for _, c := range []struct{ line, loss, done string }{
		{"user recover jo@example.com", "passkeys and all trusted devices of jo@example.com",
			"Removed all second factors, passkeys and trusted devices of jo@example.com in tenant default."},
		{"role remove editor --client web", "This removes role editor of client web, and takes it from all that have it",
			"Removed role editor of client web from tenant default."},
		{"group remove staff", "Its members lose the roles and the access", "Removed group staff from tenant default."},
		{"api put https://api.example --scope read", "no longer ask for: write.", "Changed API https://api.example"},
		{"api remove https://api.example", "This removes API https://api.example from tenant default with its roles",
			"Removed API https://api.example from tenant default."},
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
		if words := strings.SplitN(line, " ", 3); len(words) == 3 {
			line = words[0] + " " + words[1] + " --yes " + words[2]
		} else {
			line += " --yes"
		}
		if out, errs, code = sh.inside(t, "", line); code != 0 || !strings.Contains(out, c.done) {
			t.Errorf("%s: got exit %d, %q, %q, want %q", line, code, out, errs, c.done)
		}
	}
}

// TestNothingIsAskedAboutWhatThereIsNot: a command that cannot lose anything says what is missing.
func TestNothingIsAskedAboutWhatThereIsNot(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.do(t, "api", "put", "https://api.example", "--scope", "read")
	sh.do(t, "api", "put", "https://api.example", "--scope", "read", "--scope", "write") // loses nothing
	for line, want := range map[string]string{
		"api remove https://other.example":           `there is no API "https://other.example"`,
		"api show https://other.example":             `there is no API "https://other.example"`,
		"group remove staff":                         `there is no group "staff"`,
		"role list --client nope":                    `there is no client "nope"`,
		"role list --api https://other.example":      `there is no API "https://other.example"`,
		"role remove editor --client nope":           `there is no role at client nope "editor"`,
		"api put https://api.example --tenant other": `there is no tenant "other"`,
	} {
		if out, errs, code := sh.inside(t, "", line); code != 1 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: got exit %d, %q, %q, want %q", line, code, out, errs, want)
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
		var u users.UserView
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
