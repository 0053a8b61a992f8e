package main

import (
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/users"
	"github.com/vouchsafe/vouchsafe/internal/settings"
)

// A tenant that is misspelt is not one without people and clients.
func TestListsOfNoTenantAreRefused(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	for _, command := range []string{"user list", "user export", "client list", "client diff clients.yaml",
		"key list", "mail dead"} {
		sh.file(t, "clients.yaml", clientsBefore)
		if errs := sh.fails(t, 1, append(strings.Fields(command), "--tenant", "nowhere")...); !strings.Contains(errs,
			`there is no tenant "nowhere"`) {
			t.Errorf("%s: got %s", command, errs)
		}
	}
}

func TestUserCommands(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	add := func(stdin string, args ...string) (string, string, int) {
		return sh.run(t, stdin, append([]string{"user", "add"}, args...)...)
	}
	id, errs, code := add("correct horse battery staple\n", "Jo@Example.com", "--username", "jo", "--name", "Jo Doe",
		"--verified", "--password-stdin")
	if code != 0 || strings.Contains(errs, "vouchsafe:") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	id = strings.TrimSpace(id)
	for _, name := range []string{id, "jo@example.com", "JO@example.COM", "jo", "Jo"} {
		var u users.UserView
		if sh.read(t, &u, "user", "show", name, "--json"); u.ID != id || u.Email != "Jo@example.com" || !u.EmailVerified {
			t.Errorf("%s: got %+v", name, u)
		}
	}
	if _, errs, code := add("correct horse battery staple", "jo@example.com", "--password-stdin"); code != 1 ||
		!strings.Contains(errs, "already") {
		t.Errorf("again: exit %d, %s", code, errs)
	}
	if _, errs, code := add("short", "kim@example.com", "--password-stdin"); code != 1 ||
		!strings.Contains(errs, "too short") {
		t.Errorf("short: exit %d, %s", code, errs)
	}
	if _, errs, code := add("", "kim@example.com", "--password-stdin"); code != 1 ||
		!strings.Contains(errs, "no password on standard input") {
		t.Errorf("empty: exit %d, %s", code, errs)
	}
	if _, _, code := add("correct horse battery staple", "nobody", "--password-stdin"); code != 1 {
		t.Error("no address was taken")
	}
	if _, errs, code := add("", "kim@example.com"); code != 0 || !strings.Contains(errs, "has no password yet") {
		t.Errorf("without a password: exit %d, %s", code, errs)
	}
	if _, errs, code := sh.run(t, "another horse battery staple", "user", "password", "kim@example.com",
		"--password-stdin"); code != 0 {
		t.Error(errs)
	}
	for name, want := range map[string]string{"nobody": `there is no user "nobody"`,
		"kim@example.com": "use --password-stdin"} {
		if errs := sh.fails(t, 1, "user", "password", name); !strings.Contains(errs, want) {
			t.Errorf("a password of %s: got %s, want %s", name, errs, want)
		}
	}
	sh.do(t, "user", "disable", "jo")
	if list := sh.do(t, "user", "list"); !strings.Contains(list, "disabled") {
		t.Errorf("got %s", list)
	}
	sh.do(t, "user", "enable", "jo")
	sh.fails(t, 2, "user", "remove", "jo")
	sh.do(t, "user", "show", "jo") // asked for by mistake, they are still there
	sh.do(t, "user", "remove", "jo", "--yes")
	sh.fails(t, 1, "user", "show", "jo")
	sh.fails(t, 1, "user", "show", id)
	var users []users.UserView
	if sh.read(t, &users, "user", "list", "--json"); len(users) != 1 {
		t.Errorf("got %v", users)
	}
}

func TestTenantCommands(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t, "VOUCHSAFE_ISSUER=http://localhost:8080")
	if got := sh.do(t, "tenant", "add", "acme", "--name", "Acme"); got != "http://localhost:8080/t/acme\n" {
		t.Errorf("got issuer %q", got)
	}
	sh.do(t, "user", "add", "jo@example.com", "--tenant", "acme")
	sh.fails(t, 1, "user", "show", "jo@example.com")
	sh.fails(t, 1, "user", "add", "jo@example.com", "--tenant", "nowhere")
	for _, id := range []string{"Acme", "-acme", "a.b", "a/b", strings.Repeat("a", 64)} {
		sh.fails(t, 1, "tenant", "add", "--", id)
	}
	if list := sh.do(t, "tenant", "list"); !strings.Contains(list, "acme") || !strings.Contains(list, "default") {
		t.Errorf("got %s", list)
	}
	sh.fails(t, 2, "tenant", "remove", "acme") // without --yes
	sh.do(t, "tenant", "remove", "acme", "--yes")
	sh.fails(t, 1, "tenant", "remove", "default", "--yes")
	// An id is never used again, so that nothing is inherited.
	sh.fails(t, 1, "tenant", "add", "acme")
}

func TestEveryCommandHasHelp(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	for _, words := range []string{
		"", "serve", "migrate", "client add", "client list", "client show", "client remove", "client apply",
		"client diff", "client secret",
		"user add", "user list", "user show", "user password", "user recover", "user disable", "user enable", "user remove",
		"user import", "user export", "import keratin",
		"key list", "key rotate", "key remove", "tenant add", "tenant list", "tenant remove", "config", "healthcheck",
		"completion", "version",
	} {
		out := sh.do(t, append(strings.Fields(words), "--help")...)
		if !strings.Contains(out, "Usage: vouchsafe "+words) {
			t.Errorf("%s: got %s", words, out)
		}
		for _, s := range settings.All() {
			want := words == "serve" || words == "config" || s.Name == "data"
			if has := strings.Contains(out, s.Env()); has != want {
				t.Errorf("%s: %s in its help: %v", words, s.Env(), has)
			}
		}
	}
	if errs := sh.fails(t, 2, "sevre"); !strings.Contains(errs, "did you mean") {
		t.Errorf("got %s", errs)
	}
	for _, secret := range []string{"--secret=x", "--database-url=x", "--redis-url=x"} {
		sh.fails(t, 2, "config", secret)
	}
}

func TestSmallCommands(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	sh.do(t, "migrate")
	sh.do(t, "migrate")
	if out := sh.do(t, "version"); !strings.HasPrefix(out, "vouchsafe ") {
		t.Errorf("got %s", out)
	}
	sh.env = append(sh.env, "VOUCHSAFE_SECRET="+goodSecret)
	if out := sh.do(t, "config") + sh.do(t, "config", "--json"); strings.Contains(out, goodSecret) ||
		!strings.Contains(out, settings.Redacted) {
		t.Errorf("got %s", out)
	}
	for _, s := range []string{"bash", "zsh", "fish"} {
		if out := sh.do(t, "completion", s); !strings.Contains(out, "vouchsafe completion words") {
			t.Errorf("%s: got %s", s, out)
		}
	}
	for words, want := range map[string]string{"": "client", "client": "apply", "user add": "--verified",
		"client add x --kind": "spa", "completion": "zsh", "serve": "--listen"} {
		out := sh.do(t, append(append([]string{"completion", "words", "--"}, strings.Fields(words)...), "")...)
		if !strings.Contains("\n"+out, "\n"+want+"\n") {
			t.Errorf("%s: %s is not offered: %s", words, want, out)
		}
	}
}
