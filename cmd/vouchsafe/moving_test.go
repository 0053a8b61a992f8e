package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/users"
	"github.com/vouchsafe/vouchsafe/people/importing/exports"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// copySamples copies the sample exports to where the shell works.
func copySamples(t *testing.T, sh *shell) {
	t.Helper()
	names, err := filepath.Glob("../../people/importing/exports/testdata/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sh.file(t, filepath.Base(name), string(text))
	}
	sh.file(t, "firebase.txt", firebaseConsole)
}

// TestCommandsOfTheMovingPage runs each import of docs/moving.md with the sample exports, which have the names that
// the page gives to files. There is one for each product.
func TestCommandsOfTheMovingPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/moving.md")
	if err != nil {
		t.Fatal(err)
	}
	sh := newShell(t, "VOUCHSAFE_ISSUER=https://id.example.com")
	sh.do(t, "migrate")
	copySamples(t, sh)
	seen := map[string]bool{}
	imports := regexp.MustCompile(`(?m)^vouchsafe (user import .* --from (\S+).*)$`)
	for _, m := range imports.FindAllStringSubmatch(string(page), -1) {
		seen[m[2]] = true
		args := append(strings.Fields(m[1]), "--dry-run")
		out, errs, code := sh.run(t, "", args...)
		if code > 1 || !strings.Contains(out, " would be added") || strings.HasPrefix(out, "0 ") {
			t.Errorf("%s: exit %d, %s%s", m[1], code, out, errs)
		}
	}
	for _, product := range exports.Products() {
		if !seen[product] {
			t.Errorf("docs/moving.md has no import of %s", product)
		}
	}
}

// TestUsersOfAnotherProductMoveIn imports a realm: what comes and what does not is said, with lines; a user signs in
// with the password from there, and is asked for the authenticator app from there.
func TestUsersOfAnotherProductMoveIn(t *testing.T) {
	t.Parallel()
	sh := newShell(t, "VOUCHSAFE_UNLIMITED_ADDRESSES=127.0.0.1")
	sh.do(t, "migrate")
	copySamples(t, sh)
	before := sh.holds(t)
	out, errs, code := sh.run(t, "", "user", "import", "keycloak.json", "--from", "keycloak", "--dry-run", "--report", "r")
	if code != 0 || !strings.Contains(out, "3 would be added (1 with a password), 0 there already, 0 refused, "+
		"1 left out; 2 only in part") {
		t.Errorf("exit %d, %s", code, out)
	}
	for _, want := range []string{"left out, line 74: this is the service account of a client, not a user",
		"partly, line 6: the tenant declares no attributes department: they are not imported",
		"partly, line 55: the password is not imported"} {
		if !strings.Contains(errs, want) {
			t.Errorf("nothing says %q:\n%s", want, errs)
		}
	}
	if after := sh.holds(t); after != before {
		t.Errorf("the dry run left\n%s", after)
	}
	if why := sh.report(t, "r"); !strings.Contains(why[74], "service account") {
		t.Errorf("the report has %v", why)
	}
	sh.do(t, "user", "import", "keycloak.json", "--from", "keycloak")
	var ann users.UserView
	sh.read(t, &ann, "user", "show", "ann", "--json")
	if ann.ID != "0a5b8e1e-3f53-4b0c-9a53-0d7a5e0f8a01" || ann.Profile.Locale != "de" {
		t.Errorf("got %+v", ann)
	}
	if to, status := sh.serve(t).signIn(t, "ann", "RdaRfqP7Y89vy2"); to != "/second-factor" {
		t.Errorf("got %d to %q, want the page that asks for the app", status, to)
	}
	sh.fails(t, 2, "user", "import", "keycloak.json", "--with", "keycloak.json")
	sh.fails(t, 2, "user", "import", "keycloak.json", "--from", "hydra")
	sh.fails(t, 2, "user", "import", "people.jsonl", "--passkeys", "id.example.com")
	errs = sh.fails(t, 1, "user", "import", "keycloak.json", "--from", "keycloak", "--passkeys", "sso.example.com")
	if !strings.Contains(errs, "for the host alone for which it was made: sso.example.com") {
		t.Errorf("got %s", errs)
	}
	sh.fails(t, 1, "user", "import", "keycloak.json", "--from", "keycloak", "--realm", "corp")
	errs = sh.fails(t, 1, "user", "import", "keycloak.json", "--from", "auth0", "--upstream", "x=y")
	if !strings.Contains(errs, `no upstream "y"`) {
		t.Errorf("got %s", errs)
	}
}

// TestAKilledMoveGoesOn kills an import when the first users are there, and runs it again: no user is there twice.
func TestAKilledMoveGoesOn(t *testing.T) {
	t.Parallel()
	const people = 1_000
	sh := newShell(t)
	var file strings.Builder
	for i := range people {
		fmt.Fprintf(&file, `{"user_id":"auth0|%d","email":"Person%[1]d@example.com","email_verified":true}`+"\n", i)
	}
	sh.file(t, "users.jsonl", file.String())
	sh.do(t, "migrate")
	server, err := sqldb.Open(t.Context(), "sqlite:"+filepath.Join(sh.dir, "data", "vouchsafe.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	there := func() int {
		users, err := server.Users(t.Context(), storage.DefaultTenant, "", people+1)
		if err != nil {
			t.Fatal(err)
		}
		return len(users)
	}
	cmd := sh.command("user", "import", "users.jsonl", "--from", "auth0")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var over atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() { _ = cmd.Wait(); over.Store(true) }) // by the signal
	for there() == 0 && !over.Load() {
	}
	_ = cmd.Process.Kill() // or it has ended
	wg.Wait()
	before := there()
	out := sh.do(t, "user", "import", "users.jsonl", "--from", "auth0")
	want := fmt.Sprintf("%d added (0 with a password), %d there already, 0 refused", people-before, before)
	if !strings.Contains(out, want) || there() != people {
		t.Errorf("%d users, got %s, want %s", there(), out, want)
	}
}

// holds returns all users and the audit trail of the database, but for exports: to look is an event.
func (s *shell) holds(t *testing.T) string {
	t.Helper()
	all := s.do(t, "user", "export")
	for line := range strings.Lines(s.do(t, "audit", "export")) {
		if !strings.Contains(line, `"users.exported"`) {
			all += line
		}
	}
	return all
}
