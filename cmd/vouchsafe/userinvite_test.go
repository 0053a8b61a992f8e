package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/users"
)

func TestInvitingAUser(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.file(t, "tenants.yaml", "tenants:\n  default:\n    sign_up:\n      mode: invitation\n")
	sh.do(t, "tenant", "apply", "tenants.yaml")
	var inv users.InvitationView
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

// TestInvitationsThatWait gives groups, roles and attributes by invitations, sends them again and withdraws them.
func TestInvitationsThatWait(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.file(t, "tenants.yaml", "tenants:\n  default:\n    attributes:\n      - {name: floor, type: number}\n")
	sh.do(t, "tenant", "apply", "tenants.yaml")
	sh.do(t, "client", "add", "wiki", "--kind", "web", "--redirect-uri", "https://wiki.example.com/callback")
	sh.do(t, "role", "add", "editor", "--client", "wiki")
	sh.do(t, "group", "add", "staff")
	full := []string{"user", "invite", "jo@example.com", "--group", "staff", "--role", "wiki#editor", "--attribute",
		"floor=3", "--lifetime", "48h", "--json"}
	var inv users.InvitationView
	sh.read(t, &inv, full...)
	if left := time.Until(inv.ExpiresAt); left > 48*time.Hour || left < 47*time.Hour || inv.InvitedBy != "cli" {
		t.Errorf("got %+v, want two days", inv)
	}
	sh.do(t, "user", "invite", "ann@example.com")
	list := sh.do(t, "invitation", "list")
	for _, want := range []string{"jo@example.com", "staff", "wiki#editor", "ann@example.com"} {
		if !strings.Contains(list, want) {
			t.Errorf("got %s, want %s", list, want)
		}
	}
	var again users.InvitationView
	sh.read(t, &again, "invitation", "resend", "JO@example.com", "--json")
	if again.ID != inv.ID || again.Link == inv.Link || again.Attributes["floor"] != 3.0 ||
		again.Roles[0] != "wiki#editor" {
		t.Errorf("got %+v after %+v", again, inv)
	}
	sh.do(t, "invitation", "withdraw", "jo@example.com")
	if got := sh.do(t, "invitation", "list", "--json"); strings.Contains(got, "jo@example.com") ||
		!strings.Contains(got, "ann@example.com") || strings.Contains(got, "link") {
		t.Errorf("got %s", got)
	}
	_, stderr, code := sh.run(t, "", "user", "invite", "mo@example.com", "--group", "none", "--role", "wiki#none",
		"--attribute", "floor=high", "--lifetime", "1000h")
	for _, want := range []string{"no group none", "no role wiki#none", "floor must be a number", "30 days at most"} {
		if code == 0 || !strings.Contains(stderr, want) {
			t.Errorf("got exit %d, %s, want %s", code, stderr, want)
		}
	}
	for _, verb := range []string{"resend", "withdraw"} {
		if _, stderr, code := sh.run(t, "", "invitation", verb, "jo@example.com"); code == 0 ||
			!strings.Contains(stderr, "there is no invitation") {
			t.Errorf("%s: got exit %d, %s", verb, code, stderr)
		}
	}
}
