package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/completion"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/operations"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/users"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// completed returns what is offered for the last word of the line.
func (s *shell) completed(t *testing.T, line string) string {
	t.Helper()
	out, errs, code := s.inside(t, "", "completion words -- "+strings.TrimSuffix(line, " "))
	if strings.HasSuffix(line, " ") { // a new word begins
		var stdout, stderr strings.Builder
		a := &command.App{Terminal: terminal.Terminal{In: strings.NewReader(""), Out: &stdout, Err: &stderr},
			Environ: append([]string{"VOUCHSAFE_DATA=" + filepath.Join(s.dir, "data")}, s.env...)}
		code = run(t.Context(), a, append([]string{"completion", "words", "--"}, append(strings.Fields(line), "")...))
		out, errs = stdout.String(), stderr.String()
	}
	if code != 0 || errs != "" {
		t.Errorf("%q: got exit %d, %q", line, code, errs)
	}
	return strings.Join(strings.Fields(out), " ")
}

func TestCompletionKnowsNames(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.file(t, "tenants.yaml", "tenants:\n  default:\n    upstreams:\n      - {id: corp, preset: google, client_id: c, "+
		"client_secret: s}\n")
	sh.do(t, "tenant", "apply", "--yes", "tenants.yaml")
	sh.do(t, "tenant", "add", "acme")
	sh.do(t, "api", "put", "https://api.example")
	sh.do(t, "group", "add", "staff")
	for _, line := range []string{
		"user add ann@example.com --username annie", "user add andy@example.com", "user add bob@example.com",
		"user add ann@acme.example --tenant acme", "client add shop --kind service", "client add shop-2 --kind service",
		"client add till --kind service", "role add teller --client till", "role add tester --api https://api.example",
	} {
		if _, errs, code := sh.inside(t, "", line); code != 0 {
			t.Fatal(errs)
		}
	}
	kid := strings.TrimSpace(sh.do(t, "key", "rotate", "--alg", "ES256"))
	var shown users.UserView
	sh.read(t, &shown, "user", "show", "ann@example.com", "--json")
	ann := shown.ID
	sh.do(t, "user", "invite", "invited@example.com")
	sh.file(t, "more.jsonl", `{"email":"lin@example.com","identities":[{"provider":"corp","subject":"4711"}]}`+"\n")
	sh.do(t, "user", "import", "more.jsonl")
	secretID := strings.Fields(sh.do(t, "client", "secrets", "shop"))
	var secrets []operations.SecretView
	sh.read(t, &secrets, "secret", "list", "--json")
	for line, want := range map[string]string{
		"secret forget " + secrets[0].Fingerprint[:4]: secrets[0].Fingerprint,
		"user show an":                                               "andy@example.com ann@example.com annie",
		"user show ann@":                                             "ann@example.com",
		"user show --tenant acme a":                                  "ann@acme.example",
		"user show --tenant=acme a":                                  "ann@acme.example",
		"user show --tenant a":                                       "acme",
		"user show ann@example.com a":                                "",
		"client show sh":                                             "shop shop-2",
		"client remove --yes ti":                                     "till",
		"tenant remove ac":                                           "acme",
		"group join st":                                              "staff",
		"group join staff an":                                        "andy@example.com ann@example.com annie",
		"api show https":                                             "https://api.example",
		"role give --client till te":                                 "teller",
		"role give teller --client ti":                               "till",
		"role take --api=https://api.example t":                      "tester",
		"admin add bo":                                               "bob@example.com",
		"claim explain bob@example.com ti":                           "till",
		"key remove " + kid[:8]:                                      kid,
		"user sho":                                                   "show",
		"user invite x@example.com --role ti":                        "till#teller",
		"user edit x --role=x --take-role till#te":                   "till#teller",
		"user edit x --role https":                                   "https://api.example#tester",
		"user edit x --role https://api.example#x":                   "",
		"invitation withdraw in":                                     "invited@example.com",
		"invitation list --after in":                                 "invited@example.com",
		"invitation resend --tenant acme in":                         "",
		"client list --after sh":                                     "shop shop-2",
		"group list --after st":                                      "staff",
		"role list --client till --after te":                         "teller",
		"tenant list --after ac":                                     "acme",
		"user list --after " + ann[:30]:                              ann,
		"group members staff --after " + ann[:30]:                    "",
		"audit list --actor sh":                                      "shop shop-2",
		"audit list --actor cl":                                      "cli",
		"upstream test c":                                            "corp",
		"user unlink lin@example.com c":                              "corp",
		"user unlink lin@example.com corp 4":                         "4711",
		"user unlink no@example.com c":                               "",
		"client remove-secret shop " + secretID[len(secretID)-1][:2]: secretID[len(secretID)-1],
		"client add x --kind s":                                      "spa service",
		"user show --js":                                             "--json",
		"user show x --da":                                           "--data",
		"user show --data " + sh.dir + "/no a":                       "",
	} {
		if got := sh.completed(t, line); !sameWords(got, want) {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
	if got := sh.completed(t, "client show "); !strings.Contains(got, "shop") || !strings.Contains(got, "--json") {
		t.Errorf("got %q, want clients and flags", got)
	}
}

// kindsOfNames are the kinds of names that TestCompletionKnowsNames and TestCompletionKnowsWhatUsersHave complete.
var kindsOfNames = []string{"actor", "api", "api-key", "app", "client", "client-secret", "event", "grant", "group",
	"invitation", "key", "linked", "listed", "mail", "owned-role", "passkey", "role", "secret", "session", "subject",
	"tenant", "upstream", "user", "webhook"}

// TestEveryKindOfNameIsCompleted: no command says that it completes names which no test completes.
func TestEveryKindOfNameIsCompleted(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, n := range allCommands(t) {
		values := n.Positional
		for _, f := range n.Flags {
			values = append(values, f.Value)
		}
		for _, v := range values {
			if kind := v.Tag.Get("complete"); kind != "" {
				found[kind] = true
			}
		}
	}
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, kindsOfNames) {
		t.Errorf("commands complete %q, and tests %q", got, kindsOfNames)
	}
}

// TestCompletionKnowsWhatUsersHave completes ids that no user can remember: those of what users and clients have.
func TestCompletionKnowsWhatUsersHave(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.do(t, "client", "add", "shop", "--kind", "service", "--scope", "reports:read")
	ann := strings.TrimSpace(sh.do(t, "user", "add", "ann@example.com"))
	sh.do(t, "user", "add", "bob@example.com")
	sh.do(t, "api-key", "add", "nightly", "--client", "shop", "--scope", "reports:read")
	sh.do(t, "webhook", "add", "https://app.example/events")
	idOf := func(list ...string) string {
		t.Helper()
		var all []struct{ ID string }
		if sh.read(t, &all, append(list, "--json")...); len(all) != 1 {
			t.Fatalf("%v: got %v", list, all)
		}
		return all[0].ID
	}
	apiKey, webhook := idOf("api-key", "list", "--client", "shop"), idOf("webhook", "list")
	s, err := sqldb.Open(t.Context(), "sqlite:"+filepath.Join(sh.dir, "data", "vouchsafe.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Now()
	later := now.Add(time.Hour)
	tenant := storage.DefaultTenant
	u, err := s.User(t.Context(), tenant, ann)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(t.Context(), storage.Change{
		TenantID: tenant, UserID: ann, Now: now,
		AddSession: &storage.Session{TenantID: tenant, ID: "session-1", SecretHash: []byte("s"), UserID: ann,
			CredentialVersion: u.CredentialVersion, AuthTime: now, CreatedAt: now, SeenAt: now, ExpiresAt: later},
		Credentials: []storage.Credential{{TenantID: tenant, UserID: ann, Kind: storage.PasskeyCredential, ID: "passkey-1",
			Data: []byte("p"), CreatedAt: now, UpdatedAt: now}},
		Consent: &storage.Consent{TenantID: tenant, UserID: ann, ClientID: "shop", Scopes: []string{"openid"},
			GrantedAt: now},
		Deliveries: []storage.Delivery{{TenantID: tenant, ID: "mail-1", To: "ann@example.com", Template: "sign-in",
			CreatedAt: now}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RedeemCode(t.Context(), storage.Grant{TenantID: tenant, ID: "grant-1", CodeID: "code", UserID: ann,
		ClientID: "shop", SessionID: "session-1", CredentialVersion: u.CredentialVersion, AuthTime: now, CreatedAt: now,
		ExpiresAt: later}, nil); err != nil {
		t.Fatal(err)
	}
	claimed, err := s.ClaimDeliveries(t.Context(), later, later.Add(time.Hour), 1)
	if err != nil || len(claimed) != 1 {
		t.Fatal(claimed, err)
	}
	if err := s.DeliveryFailed(t.Context(), claimed[0], later, later, "no such mailbox"); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"user sign-out ann@example.com s":                     "session-1",
		"user sign-out bob@example.com s":                     "",
		"user revoke-grant ann@example.com g":                 "grant-1",
		"user revoke-grant bob@example.com g":                 "",
		"user disconnect ann@example.com s":                   "shop",
		"user disconnect bob@example.com s":                   "",
		"user remove-passkey ann@example.com p":               "passkey-1",
		"user remove-passkey bob@example.com p":               "",
		"user remove-passkey nobody@example.com p":            "",
		"api-key remove --client shop " + apiKey[:4]:          apiKey,
		"api-key rotate --client=shop " + apiKey[:4]:          apiKey,
		"api-key remove --user ann@example.com " + apiKey[:4]: "",
		"webhook remove " + webhook[:4]:                       webhook,
		"webhook deliveries " + webhook[:4]:                   webhook,
		"webhook list --after " + webhook[:4]:                 webhook,
		"webhook replay " + webhook + " --event ":             "",
		"mail dead --after ma":                                "mail-1",
		"mail retry ma":                                       "mail-1",
		"audit list --user an":                                "ann@example.com",
		"audit list --client sh":                              "shop",
	} {
		if got := sh.completed(t, line); !sameWords(got, want) {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

// sameWords reports whether the texts have the same words, in any order.
func sameWords(a, b string) bool {
	words := map[string]int{}
	for _, w := range strings.Fields(a) {
		words[w]++
	}
	for _, w := range strings.Fields(b) {
		words[w]--
	}
	for _, n := range words {
		if n != 0 {
			return false
		}
	}
	return true
}

// Where there is no database, completion offers no names, makes nothing and says nothing.
func TestCompletionMakesNoDatabase(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	for _, line := range []string{"user show a", "client show a", "key remove a", "tenant remove a"} {
		if got := sh.completed(t, line); got != "" {
			t.Errorf("%s: got %q", line, got)
		}
	}
	unreachable := newShell(t, "VOUCHSAFE_DATABASE_URL=postgres://vouchsafe@127.0.0.1:1/vouchsafe")
	if got := unreachable.completed(t, "user show a"); got != "" {
		t.Errorf("got %q", got)
	}
	if entries, err := os.ReadDir(sh.dir); err != nil || len(entries) > 0 {
		t.Errorf("got %v, %v", entries, err)
	}
}

// Bash parts words at @.
func TestCompletionInBash(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	sh := newDatabase(t)
	sh.do(t, "user", "add", "ann@example.com")
	sh.do(t, "client", "add", "shop", "--kind", "service")
	program := "#!/bin/sh\n" + asCommand + "=1 GORACE=atexit_sleep_ms=0 exec " + os.Args[0] + ` "$@"` + "\n"
	if err := os.WriteFile(filepath.Join(sh.dir, "vouchsafe"), []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"vouchsafe user show an": "ann@example.com", "vouchsafe user show ann@ex": "example.com",
		"vouchsafe user sho": "show", "vouchsafe client show sh": "shop",
	} {
		cmd := exec.Command(bash, "--norc", "-c", sh.do(t, "completion", "bash")+`
COMP_LINE=$1 COMP_POINT=${#1}; _vouchsafe; printf '%s\n' "${COMPREPLY[@]}"`, "bash", line)
		cmd.Dir, cmd.Env = sh.dir, append([]string{"PATH=" + sh.dir + ":" + os.Getenv("PATH"), "HOME=" + sh.dir}, sh.env...)
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", line, got, err, want)
		}
	}
}

// No name is offered that a shell would carry out, should a rule about names ever let one pass.
func TestCompletionOffersNoCode(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]bool{
		"ann@example.com": true, "https://x.example/": true, "a.b_c+d-e": true, "$(id)": false, "`id`": false,
		"a;b": false, "a b": false, "a\nb": false, "~": false, "*": false, "'": false, "ä@example.com": false,
	} {
		if got := completion.IsPlainWord(word); got != want {
			t.Errorf("%q: got %v", word, got)
		}
	}
}
