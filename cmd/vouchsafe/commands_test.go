package main

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vouchsafe/vouchsafe/internal/settings"
)

const clientsBefore = `clients:
  - client_id: spa
    token_endpoint_auth_method: none
    redirect_uris: [https://spa.example/callback]
  - client_id: web
    client_secret: the-secret-of-the-web
    redirect_uris: [https://web.example/callback]
  - client_id: old
    token_endpoint_auth_method: none
    redirect_uris: [https://old.example/callback]
`

const clientsAfter = `clients:
  - client_id: spa
    token_endpoint_auth_method: none
    client_name: "The <app> & more"
    redirect_uris: [https://spa.example/callback, https://spa.example/silent]
  - client_id: web
    client_secret: another-secret-of-web
    redirect_uris: [https://web.example/callback]
  - client_id: service
    client_secret: the-secret-of-the-service
    grant_types: [client_credentials]
    scope: reports
`

func TestApplyingAClientsFile(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.file(t, "before.yaml", clientsBefore)
	sh.file(t, "after.yaml", clientsAfter)
	sh.do(t, "client", "add", "by-command", "--kind", "native", "--redirect-uri", "com.example.app:/callback")

	if got := strings.Count(sh.do(t, "client", "apply", "before.yaml"), "+ client "); got != 3 {
		t.Errorf("first: got %d clients added, want 3", got)
	}
	// Twice changes nothing, although a secret has many hashes.
	if got := sh.do(t, "client", "apply", "before.yaml") + sh.do(t, "client", "diff", "before.yaml"); got != "" {
		t.Errorf("twice: got %s", got)
	}
	want := `~ client spa
    + client_name: "The <app> & more"
    ~ redirect_uris: ["https://spa.example/callback"] -> ["https://spa.example/callback","https://spa.example/silent"]
~ client web
    ~ client_secret: (a secret) -> (a secret)
+ client service
    + application_type: "web"
    + grant_types: ["client_credentials"]
    + scope: "reports"
    + id_token_signed_response_alg: "RS256"
    + access_token_format: "jwt"
    + client_secret: (a secret)
- client old
`
	got, _, code := sh.run(t, "", "client", "diff", "after.yaml")
	if diff := cmp.Diff(want, got); diff != "" || code != 0 {
		t.Errorf("diff: exit %d\n%s", code, diff)
	}
	if got, _, code := sh.run(t, "", "client", "diff", "--exit-code", "after.yaml"); got != want || code != 3 {
		t.Errorf("diff --exit-code: exit %d\n%s", code, got)
	}
	// diff changed nothing, nor does apply before it knows that the loss is meant; then it does what diff said.
	if errs := sh.fails(t, 2, "client", "apply", "after.yaml"); !strings.Contains(errs,
		"after.yaml no longer declares old. This removes them from tenant default") ||
		!strings.Contains(errs, "Pass --yes") {
		t.Errorf("without --yes: got %s", errs)
	}
	if got := sh.do(t, "client", "apply", "--yes", "after.yaml"); got != want {
		t.Errorf("apply: %s", cmp.Diff(want, got))
	}
	sh.do(t, "client", "diff", "--exit-code", "after.yaml")
	var clients []clientView
	sh.read(t, &clients, "client", "list", "--json")
	var ids []string
	for _, c := range clients {
		ids = append(ids, c.ClientID)
	}
	if diff := cmp.Diff([]string{"by-command", "service", "spa", "web"}, ids); diff != "" {
		t.Error(diff)
	}
	// A file may take over what a command added, and say so.
	sh.file(t, "more.yaml", clientsAfter+`  - client_id: by-command
    application_type: native
    token_endpoint_auth_method: none
    grant_types: [authorization_code, refresh_token]
    redirect_uris: ["com.example.app:/callback"]
`)
	if got := sh.do(t, "client", "apply", "more.yaml"); got != "~ client by-command\n    ~ declared: false -> true\n" {
		t.Errorf("got %s", got)
	}
	for _, secret := range []string{"the-secret-of-the-web", "another-secret-of-web", "the-secret-of-the-service"} {
		for _, name := range []string{"data/vouchsafe.db", "data/vouchsafe.db-wal"} {
			if text, err := os.ReadFile(sh.dir + "/" + name); err == nil && strings.Contains(string(text), secret) {
				t.Errorf("%s holds the secret in clear", name)
			}
		}
	}
}

// TestDiffWithoutADatabase: a file is checked before there is anything to compare it with.
func TestDiffWithoutADatabase(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	sh.file(t, "good.yaml", clientsBefore)
	sh.file(t, "bad.yaml", clientsBefore+"  - client_ids: x\n")
	sh.file(t, "tenants.yaml", "tenants:\n  default: {name: Example}\n")
	for line, want := range map[string]string{
		"client diff good.yaml":    "good.yaml has no faults, but there is no database to compare it with",
		"client diff bad.yaml":     "bad.yaml:11:5 client_ids is not a field",
		"tenant diff tenants.yaml": "tenants.yaml has no faults, but there is no database to compare it with",
	} {
		if errs := sh.fails(t, 1, strings.Fields(line)...); !strings.Contains(errs, want) {
			t.Errorf("%s: got %s, want %q", line, errs, want)
		}
	}
}

func TestFaultyClientsFileChangesNothing(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.file(t, "bad.yaml", clientsBefore+
		"  - client_id: bad\n    token_endpoint_auth_method: none\n    redirect_uris: ['http://evil.example/#fragment']\n")
	for _, command := range []string{"diff", "apply"} {
		if errs := sh.fails(t, 1, "client", command, "bad.yaml"); !strings.Contains(errs, "bad.yaml:13:20 redirect_uris: ") {
			t.Errorf("%s: got %s", command, errs)
		}
	}
	var clients []clientView
	if sh.read(t, &clients, "client", "list", "--json"); len(clients) > 0 {
		t.Errorf("got %v", clients)
	}
}

func TestClientCommands(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	var added struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	sh.read(t, &added, "client", "add", "web", "--kind", "web", "--redirect-uri", "https://web.example/callback", "--json")
	if len(added.Secret) < 40 {
		t.Errorf("got secret %q", added.Secret)
	}
	if shown := sh.do(t, "client", "show", "web", "--json"); strings.Contains(shown, added.Secret) ||
		!strings.Contains(shown, `"secrets": 1`) {
		t.Errorf("got %s", shown)
	}
	if errs := sh.fails(t, 1, "client", "add", "web", "--kind", "service"); !strings.Contains(errs,
		"client web already exists") {
		t.Errorf("again: got %s", errs)
	}
	if errs := sh.fails(t, 1, "client", "add", "spa", "--kind", "spa", "--redirect-uri",
		"http://spa.example/#x"); !strings.Contains(errs, "redirect_uris") {
		t.Errorf("faulty: got %s", errs)
	}
	sh.do(t, "client", "add", "spa", "--kind", "spa", "--redirect-uri", "https://spa.example/a", "--redirect-uri",
		"https://spa.example/b")
	if shown := sh.do(t, "client", "show", "spa", "--json"); strings.Count(shown, `"https://spa.example"`) != 1 ||
		!strings.Contains(shown, "allowed_cors_origins") {
		t.Errorf("the application's own origin may not call: %s", shown)
	}
	// PKCE is demanded of a client with a secret when it is asked for.
	if shown := sh.do(t, "client", "show", "web"); strings.Contains(shown, "require_pkce") {
		t.Errorf("PKCE is demanded without being asked for: %s", shown)
	}
	sh.do(t, "client", "add", "protected", "--kind", "web", "--require-pkce", "--redirect-uri",
		"https://web.example/callback")
	if shown := sh.do(t, "client", "show", "protected", "--json"); !strings.Contains(shown, `"require_pkce": true`) {
		t.Errorf("PKCE is not demanded: %s", shown)
	}
	// A secret is never an argument.
	if _, errs, code := sh.run(t, "a secret that I chose\n", "client", "add", "mine", "--kind", "service",
		"--secret-stdin"); code != 0 {
		t.Error(errs)
	}
	if _, errs, code := sh.run(t, "short\n", "client", "add", "mine2", "--kind", "service", "--secret-stdin"); code != 1 {
		t.Errorf("a short secret was taken: %s", errs)
	}
	sh.fails(t, 2, "client", "remove", "web")
	sh.do(t, "client", "show", "web") // asked for by mistake, it is still there
	sh.do(t, "client", "remove", "web", "--yes")
	sh.fails(t, 1, "client", "show", "web")
	sh.fails(t, 1, "client", "remove", "web", "--yes")
	sh.fails(t, 1, "client", "add", "x", "--kind", "service", "--tenant", "nowhere")
	// What client secret prints is good in a file.
	var made struct {
		Hash string `json:"client_secret_hash"`
	}
	sh.read(t, &made, "client", "secret", "--json")
	sh.file(t, "hashed.yaml", "clients:\n  - client_id: h\n    client_secret_hash: "+made.Hash+
		"\n    grant_types: [client_credentials]\n")
	sh.do(t, "client", "apply", "hashed.yaml")
}

func TestClientsSayWhenTheyWereMadeAndChanged(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	begun := time.Now().Truncate(time.Microsecond)
	sh.do(t, "client", "add", "added", "--kind", "spa", "--redirect-uri", "https://spa.example/callback")
	sh.file(t, "clients.yaml", clientsBefore)
	sh.do(t, "client", "apply", "clients.yaml")
	before := map[string]clientView{}
	for _, id := range []string{"added", "web", "spa"} {
		var c clientView
		if sh.read(t, &c, "client", "show", id, "--json"); c.CreatedAt.Before(begun) || !c.UpdatedAt.Equal(c.CreatedAt) {
			t.Errorf("%s: created at %v, changed at %v; it began at %v", id, c.CreatedAt, c.UpdatedAt, begun)
		}
		before[id] = c
	}
	sh.file(t, "clients.yaml", clientsAfter)
	sh.do(t, "client", "apply", "clients.yaml", "--yes")
	for id, changed := range map[string]bool{"added": false, "web": true} {
		var c clientView
		sh.read(t, &c, "client", "show", id, "--json")
		if !c.CreatedAt.Equal(before[id].CreatedAt) || c.UpdatedAt.After(before[id].UpdatedAt) != changed {
			t.Errorf("%s: was changed: %v, want %v", id, c.UpdatedAt, changed)
		}
	}
}

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
		var u userView
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
	var users []userView
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

func TestKeyCommands(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	kid := strings.TrimSpace(sh.do(t, "key", "rotate", "--alg", "EdDSA", "--now"))
	sh.do(t, "key", "rotate", "--alg", "EdDSA")
	out := sh.do(t, "key", "list", "--json")
	if !strings.Contains(out, kid) || strings.Contains(out, "private") {
		t.Errorf("got %s", out)
	}
	var keys []keyView
	sh.read(t, &keys, "key", "list", "--json")
	var states []string
	for _, k := range keys {
		states = append(states, k.Algorithm+" "+string(k.State))
	}
	if diff := cmp.Diff([]string{"EdDSA signing", "EdDSA next"}, states); diff != "" {
		t.Error(diff)
	}
	if until := keys[0].SignsUntil; until == nil || !until.Equal(keys[1].ActiveAt) {
		t.Errorf("the first signs until %v, want %s", until, keys[1].ActiveAt)
	}
	turn := keys[1].ActiveAt.UTC().Format("2006-01-02 15:04:05 UTC")
	table := sh.do(t, "key", "list")
	for _, want := range []string{"signing (until " + turn + ")", "published (signs from " + turn + ")"} {
		if !strings.Contains(table, want) {
			t.Errorf("got %s, want %s", table, want)
		}
	}
	sh.do(t, "key", "rotate", "--alg", "EdDSA", "--now")
	sh.read(t, &keys, "key", "list", "--json")
	if table := sh.do(t, "key", "list"); keys[0].ExpiresAt == nil || !strings.Contains(table,
		"retired (verifies until "+keys[0].ExpiresAt.UTC().Format("2006-01-02 15:04:05 UTC")+")") {
		t.Errorf("got %s", table)
	}
	sh.do(t, "key", "remove", "--yes", "--", kid)
	sh.fails(t, 1, "key", "remove", "--yes", "--", kid)
	if out := sh.do(t, "key", "list"); strings.Contains(out, kid) {
		t.Errorf("got %s", out)
	}
}

// Two administrators rotate at once: each gets keys of their own, of every algorithm.
func TestRotatingKeysAtOnceFromTwoPlaces(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.do(t, "key", "rotate", "--now")
	var wg sync.WaitGroup
	kids := make([][]string, 3)
	for i := range kids {
		wg.Go(func() {
			out, errs, code := sh.run(t, "", "key", "rotate", "--now")
			if kids[i] = strings.Fields(out); code != 0 || len(kids[i]) != 2 {
				t.Errorf("exit %d, got %q: %s", code, out, errs)
			}
		})
	}
	wg.Wait()
	var keys []keyView
	sh.read(t, &keys, "key", "list", "--json")
	n := map[string]int{}
	for _, k := range keys {
		n[k.Algorithm+" "+string(k.State)]++
	}
	if diff := cmp.Diff(map[string]int{"ES256 signing": 1, "ES256 published": 3, "RS256 signing": 1, "RS256 published": 3},
		n); diff != "" {
		t.Error(diff)
	}
}

func TestMistakenSecretIsToldAtTheStart(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	kids := strings.Fields(sh.do(t, "key", "rotate", "--now"))
	sh.env = append(sh.env, "VOUCHSAFE_SECRET="+goodSecret)
	errs := sh.fails(t, 1, "serve")
	_, print, told := strings.Cut(errs, "If it is lost: vouchsafe secret forget ")
	if !told || !strings.Contains(errs, "sealed with the master secret "+strings.TrimSpace(print)) {
		t.Fatalf("got %s", errs)
	}
	// As the complaints say: it is lost.
	sh.do(t, "secret", "forget", "--yes", strings.TrimSpace(print))
	if errs := sh.fails(t, 1, "serve"); !strings.Contains(errs, "sealed with another master secret") {
		t.Errorf("got %s", errs)
	}
	for _, kid := range kids {
		sh.do(t, "key", "remove", "--yes", "--", kid)
	}
	sh.serve(t)
}

// An operator who fears for the keys and names no algorithm means all of them.
func TestRotatingKeysAtOnceLeavesNoOldOneSigning(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.do(t, "key", "rotate", "--alg", "EdDSA", "--now")
	states := func() map[string]int {
		var keys []keyView
		sh.read(t, &keys, "key", "list", "--json")
		n := map[string]int{}
		for _, k := range keys {
			n[k.Algorithm+" "+string(k.State)]++
		}
		return n
	}
	var made []keyView
	for range 2 {
		if sh.read(t, &made, "key", "rotate", "--now", "--json"); len(made) != 3 {
			t.Errorf("got %d new keys, want one of each algorithm", len(made))
		}
	}
	want := map[string]int{"ES256 signing": 1, "ES256 published": 1, "RS256 signing": 1, "RS256 published": 1,
		"EdDSA signing": 1, "EdDSA published": 2}
	if diff := cmp.Diff(want, states()); diff != "" {
		t.Error(diff)
	}
	// One that is not used is not made.
	sh.do(t, "tenant", "add", "acme")
	if sh.read(t, &made, "key", "rotate", "--tenant", "acme", "--json"); len(made) != 2 {
		t.Errorf("a new tenant: got %v, want keys for ID tokens and access tokens", made)
	}
	if sh.read(t, &made, "key", "rotate", "--alg", "RS256", "--json"); len(made) != 1 || made[0].Algorithm != "RS256" ||
		made[0].State != "next" {
		t.Errorf("one algorithm: got %v", made)
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	for _, words := range []string{
		"", "serve", "migrate", "client add", "client list", "client show", "client remove", "client apply",
		"client diff", "client secret",
		"user add", "user list", "user show", "user password", "user recover", "user disable", "user enable", "user remove",
		"user import", "user export",
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
