package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/apps"
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
	var clients []apps.ClientView
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
	var clients []apps.ClientView
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
	before := map[string]apps.ClientView{}
	for _, id := range []string{"added", "web", "spa"} {
		var c apps.ClientView
		if sh.read(t, &c, "client", "show", id, "--json"); c.CreatedAt.Before(begun) || !c.UpdatedAt.Equal(c.CreatedAt) {
			t.Errorf("%s: created at %v, changed at %v; it began at %v", id, c.CreatedAt, c.UpdatedAt, begun)
		}
		before[id] = c
	}
	sh.file(t, "clients.yaml", clientsAfter)
	sh.do(t, "client", "apply", "clients.yaml", "--yes")
	for id, changed := range map[string]bool{"added": false, "web": true} {
		var c apps.ClientView
		sh.read(t, &c, "client", "show", id, "--json")
		if !c.CreatedAt.Equal(before[id].CreatedAt) || c.UpdatedAt.After(before[id].UpdatedAt) != changed {
			t.Errorf("%s: was changed: %v, want %v", id, c.UpdatedAt, changed)
		}
	}
}
