package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/users"
)

func TestUserEdit(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.do(t, "user", "add", "jo@example.com", "--username", "jo", "--verified", "--name", "Jo Doe")
	sh.do(t, "user", "add", "kim@example.com")
	sh.file(t, "more.json", `{"nickname":"JD","address":{"country":"Austria"}}`)
	for _, c := range []struct{ line, out string }{
		{"user edit jo", "Nothing has changed about jo@example.com in tenant default.\n"},
		{"user edit jo --email j@example.com --admin", "Changed j@example.com in tenant default.\n"},
		{"user edit jo --phone +436641234567 --phone-verified --verified", "Changed j@example.com in tenant default.\n"},
		{"user edit jo --given-name Jo --no-admin --profile " + sh.dir + "/more.json",
			"Changed j@example.com in tenant default.\n"},
	} {
		if out, errs, code := sh.inside(t, "", c.line); code != 0 || out != c.out {
			t.Errorf("%s: got exit %d, %q, %q", c.line, code, out, errs)
		}
	}
	var u users.AccountView
	sh.read(t, &u, "user", "show", "jo", "--json")
	p := u.Profile
	if u.Email != "j@example.com" || !u.EmailVerified || u.Phone != "+436641234567" || !u.PhoneVerified ||
		len(u.Roles) > 0 || p.Name != "Jo Doe" || p.Nickname != "JD" || p.GivenName != "Jo" || p.Address == nil {
		t.Errorf("got %+v", u)
	}
	// The words are about what was given.
	for line, want := range map[string]string{
		"user edit jo --email kim@example.com":              "another user already has the address kim@example.com\n",
		"user edit kim@example.com --username jo":           "already has the username jo, or one that looks like it\n",
		"user edit kim@example.com --email j@example.com":   "another user already has the address j@example.com\n",
		"user add kim@example.com":                          "another user already has the address kim@example.com\n",
		"user edit kim@example.com --username support":      "--reserved allows it",
		"user edit kim@example.com --email nonsense":        "nonsense",
		"user edit nobody@example.com --email x@example.co": `there is no user "nobody@example.com"`,
	} {
		if out, errs, code := sh.inside(t, "", line); code != 1 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: got exit %d, %q, %q, want %q", line, code, out, errs, want)
		}
	}
}

func TestUserListFilters(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	for _, line := range []string{"user add ann@example.com --verified", "user add bob@example.com",
		"user add cleo@example.org", "user disable bob@example.com"} {
		if _, errs, code := sh.inside(t, "", line); code != 0 {
			t.Fatal(errs)
		}
	}
	for flags, want := range map[string]string{
		"":                               "ann bob cleo",
		"--unverified":                   "bob cleo",
		"--disabled":                     "bob",
		"--no-second-factor":             "ann bob cleo",
		"--query EXAMPLE.COM":            "ann bob",
		"--query example --limit 2":      "ann bob",
		"--unverified --limit 1":         "bob",
		"--query example.org --disabled": "",
	} {
		out, errs, code := sh.inside(t, "", "user list --json "+flags)
		var users []users.ListedView
		if err := json.Unmarshal([]byte(out), &users); code != 0 || err != nil {
			t.Fatalf("%s: got exit %d, %q, %q", flags, code, out, errs)
		}
		var names []string
		for _, u := range users {
			name, _, _ := strings.Cut(u.Email, "@")
			names = append(names, name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: got %q, want %q", flags, got, want)
		}
	}
	table, _, _ := sh.inside(t, "", "user list")
	if heading, _, _ := strings.Cut(table, "\n"); strings.Join(strings.Fields(heading), " ") !=
		"EMAIL USERNAME NAME VERIFIED 2-STEP STATE LAST SIGN-IN ID" {
		t.Errorf("got %q", heading)
	}
}
