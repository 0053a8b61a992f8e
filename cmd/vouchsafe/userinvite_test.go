package main

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestInvitingAUser(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.file(t, "tenants.yaml", "tenants:\n  default:\n    sign_up:\n      mode: invitation\n")
	sh.do(t, "tenant", "apply", "tenants.yaml")
	var inv invitationView
	sh.read(t, &inv, "user", "invite", "jo@example.com", "--language", "de", "--json")
	if !strings.Contains(inv.Link, "/signup?invitation=") || time.Until(inv.ExpiresAt) < 6*24*time.Hour {
		t.Errorf("got %+v", inv)
	}
	if got := sh.do(t, "user", "invite", "jo@example.com"); got == inv.Link ||
		!strings.Contains(got, "/signup?invitation=") {
		t.Errorf("a second one: got %q", got)
	}
	until := regexp.MustCompile(`, once, until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\.\n$`)
	if _, stderr, _ := sh.run(t, "", "user", "invite", "jo@example.com"); !until.MatchString(stderr) {
		t.Errorf("a time without its time zone: %q", stderr)
	}
	sh.do(t, "user", "add", "mo@example.com")
	for args, want := range map[string]string{
		"mo@example.com": "has an account already", "nonsense": "is not an email address",
		"a%b.example@example.com": "mail servers may treat specially", "jo@example.com --language xx": "write one of en",
		"jo@example.com --tenant nowhere": "nowhere",
	} {
		if _, stderr, code := sh.run(t, "", append([]string{"user", "invite"}, strings.Fields(args)...)...); code == 0 ||
			!strings.Contains(stderr, want) {
			t.Errorf("%s: got exit %d, %s", args, code, stderr)
		}
	}
	sh.file(t, "tenants.yaml", "tenants:\n  default:\n    sign_up:\n      mode: closed\n")
	sh.do(t, "tenant", "apply", "tenants.yaml")
	if _, stderr, code := sh.run(t, "", "user", "invite", "jo@example.com"); code == 0 ||
		!strings.Contains(stderr, "sign-up is closed") {
		t.Errorf("closed: got exit %d, %s", code, stderr)
	}
}
