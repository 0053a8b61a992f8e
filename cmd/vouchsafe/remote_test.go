package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/vouchsafe/vouchsafe/admin"
	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/people/administration"
)

// commandsOf binds each operation of the management API to the command that does the same; or, after a hyphen, to the
// reason why there is none.
var commandsOf = map[string]string{
	"listUsers": "user list", "addUser": "user add", "getUser": "user show", "patchUser": "user edit",
	"putUser":    "- user edit changes what it is told to; a program that replaces a whole record calls the API",
	"removeUser": "user remove", "disableUser": "user disable", "enableUser": "user enable",
	"setPassword": "user password", "expirePassword": "user edit", "keepPassword": "user edit",
	"sendReset": "user send-reset", "liftLimits": "user lift-limits",
	"listRolesOfUser": "user show", "getFactors": "user show",
	"removeFactors": "user recover", "listPasskeys": "user passkeys", "removePasskey": "user remove-passkey",
	"listSessions": "user sessions", "endSession": "user sign-out", "endSessions": "user sign-out",
	"listGrants": "user grants", "revokeGrant": "user revoke-grant", "listApps": "user apps",
	"disconnectApp": "user disconnect", "listIdentities": "user identities", "unlinkIdentity": "user unlink",
	"listMemberships": "user show",
	"signInAs":        "user sign-in-as", "explainClaims": "claim explain",
	"invite": "user invite", "listInvitations": "invitation list", "getInvitation": "invitation list",
	"resendInvitation": "invitation resend", "withdrawInvitation": "invitation withdraw",

	"listAdministrators": "admin list", "setAdministrator": "admin add", "removeAdministrator": "admin remove",

	"listClients": "client list", "addClient": "client add", "getClient": "client show", "patchClient": "client edit",
	"putClient":     "- client edit changes what it is told to; client apply declares what a file has",
	"declareClient": "client apply",
	"removeClient":  "client remove", "listSecrets": "client secrets", "addSecret": "client add-secret",
	"removeSecret": "client remove-secret", "allowClient": "client allow", "denyClient": "client deny",
	"refreshClient": "client refresh",

	"listClientKeys": "api-key list", "addClientKey": "api-key add", "rotateClientKey": "api-key rotate",
	"removeClientKey": "api-key remove", "listUserKeys": "api-key list", "removeUserKey": "api-key remove",

	"listGroups": "group list", "addGroup": "group add", "getGroup": "group edit", "putGroup": "group edit",
	"removeGroup": "group remove", "listMembers": "group members", "addMember": "group join",
	"removeMember": "group leave",

	"listClientRoles": "role list", "putClientRole": "role edit", "removeClientRole": "role remove",
	"getClientRole": "role edit", "getAPIRole": "role edit",
	"listUsersWithClientRole": "role holders", "listGroupsWithClientRole": "role holders",
	"listServicesWithClientRole": "role holders", "listUsersWithAPIRole": "role holders",
	"listGroupsWithAPIRole": "role holders", "listServicesWithAPIRole": "role holders",
	"listAPIRoles": "role list", "putAPIRole": "role add", "removeAPIRole": "role remove",
	"giveClientRoleToUser": "role give", "giveClientRoleToGroup": "role give", "giveClientRoleToService": "role give",
	"giveAPIRoleToUser": "role give", "giveAPIRoleToGroup": "role give", "giveAPIRoleToService": "role give",
	"takeClientRoleFromUser": "role take", "takeClientRoleFromGroup": "role take",
	"takeClientRoleFromService": "role take", "takeAPIRoleFromUser": "role take", "takeAPIRoleFromGroup": "role take",
	"takeAPIRoleFromService": "role take",

	"listKeys": "key list", "rotateKeys": "key rotate", "removeKey": "key remove",
	"listWaiting": "mail waiting", "listDead": "mail dead", "retryMail": "mail retry", "dropMail": "mail drop",
	"listWebhooks": "webhook list", "addWebhook": "webhook add", "getWebhook": "webhook edit",
	"putWebhook": "webhook edit", "removeWebhook": "webhook remove", "rotateWebhook": "webhook rotate",
	"testWebhook": "webhook test", "listWebhookDeliveries": "webhook deliveries", "replayWebhook": "webhook replay",
	"listEvents":  "- programs ask again and again; audit list and audit export are for operators",
	"testMail":    "mail test",
	"searchAudit": "audit list", "getStats": "stats",

	"getTenant": "tenant show", "testUpstream": "upstream test",
	"putTenant": "tenant apply", "patchTenant": "tenant edit",

	"listAPIs": "api list", "getAPI": "api show", "putAPI": "api put", "removeAPI": "api remove",
	"patchAPI":      "- api put replaces the whole API, so that the same command always has the same result",
	"listUpstreams": "upstream list", "getUpstream": "upstream show",
	"putUpstream": "tenant apply", "patchUpstream": "tenant apply", "removeUpstream": "tenant apply",
	"exportAudit": "audit export",
	"listTenants": "tenant list", "getOneTenant": "tenant remove", "putOneTenant": "tenant add",
	"removeTenant": "tenant remove",
}

// Reasons why a command has no --server.
const (
	runsServer  = "it runs or checks the server itself"
	ownMachine  = "it is about files of this machine, and needs no database"
	wholeSecret = "the rows have password hashes and second factors, which no API hands out or takes"
	repairs     = "it repairs the database, whatever state the servers are in"
	compatible  = "it is for apps of another product, for which the API has no operation"
)

// localCommands are the commands that work on this machine only, with the reason.
var localCommands = map[string]string{
	"serve": runsServer, "server": runsServer, "healthcheck": runsServer, "migrate": repairs, "restored": repairs,
	"secret list": repairs, "secret reseal": repairs, "secret forget": repairs, "user check": repairs,
	"audit prune":  repairs,
	"tenant login": compatible,
	"user import":  wholeSecret, "user export": wholeSecret,
	"import keratin": wholeSecret,
	"client secret":  ownMachine, "gateway check": ownMachine, "config": ownMachine, "completion": ownMachine,
	"version": ownMachine, "help": ownMachine,
}

// TestEveryOperationHasACommand compares the table of the API with the commands. The commands of the table can work at
// a server, and so can all others, unless there is a reason.
func TestEveryOperationHasACommand(t *testing.T) {
	t.Parallel()
	a := &app{Terminal: terminal.Terminal{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}}
	if code := a.run(t.Context(), []string{"version"}); code != 0 {
		t.Fatalf("got exit %d", code)
	}
	remote := map[string]bool{}
	for _, leaf := range a.parser.Model.Leaves(true) {
		name := strings.TrimPrefix(leaf.FullPath(), "vouchsafe ")
		for _, f := range leaf.Flags {
			remote[name] = remote[name] || f.Name == "server"
		}
		if why := localCommands[name]; remote[name] == (why != "") {
			t.Errorf("%s: it works at a server: %v; the reason why it works on this machine only is %q", name, remote[name], why)
		}
	}
	bound := map[string]bool{}
	for _, route := range admin.Routes() {
		command, ok := commandsOf[route.ID]
		if !ok {
			t.Errorf("%s %s (%s) has no command: add one, or the reason why there is none", route.Method, route.Path, route.ID)
		}
		if !strings.HasPrefix(command, "- ") && ok && !remote[command] {
			t.Errorf("%s: there is no command %q with --server", route.ID, command)
		}
		bound[route.ID] = true
	}
	for id := range commandsOf {
		if !bound[id] {
			t.Errorf("%s is no operation", id)
		}
	}
}

// inside is a shell whose commands run in this process.
type inside struct {
	t       *testing.T
	environ []string
}

// run returns what a command prints, with its exit code.
func (i *inside) run(stdin string, args ...string) (stdout, stderr string, code int) {
	i.t.Helper()
	var out, errs bytes.Buffer
	a := &app{Terminal: terminal.Terminal{In: strings.NewReader(stdin), Out: &out, Err: &errs}, environ: i.environ}
	code = a.run(i.t.Context(), args)
	return out.String(), errs.String(), code
}

// changing matches what differs from run to run: ids, moments, secrets and links.
var changing = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|` +
	`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( UTC|Z|[+-]\d\d:\d\d)|` +
	`"id": "[A-Za-z0-9_-]{22}"|vcs_[A-Za-z0-9_-]{43}|wh(sec|pk)_[A-Za-z0-9+/=]+|vs_service_[A-Za-z0-9_-]+|` +
	`[A-Za-z0-9_-]{43}|(?m)^id +\S+$|https?://\S+`)

// plainly returns what a command printed without what differs from run to run, and from tenant to tenant.
func plainly(printed string) string {
	printed = strings.NewReplacer("left", "TENANT", "right", "TENANT", `"invited_by": "ops"`, `"invited_by": "cli"`).
		Replace(printed)
	return changing.ReplaceAllString(printed, "…")
}

// TestCommandsPrintTheSameHereAndThere runs each command at one tenant on the database, and at another one by the
// management API of a running server. What only reads is run both ways at the same tenant.
func TestCommandsPrintTheSameHereAndThere(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	server := sh.serve(t)
	here := &inside{t, []string{"VOUCHSAFE_DATA=" + filepath.Join(sh.dir, "data"), "VOUCHSAFE_ISSUER=" + server.issuer}}
	do := func(args ...string) string {
		t.Helper()
		out, errs, code := here.run("", args...)
		if code != 0 {
			t.Fatalf("%v: exit %d: %s", args, code, errs)
		}
		return out
	}
	do("tenant", "add", "left")
	do("tenant", "add", "right")
	secret := func(tenant, audience string) string {
		out := do("client", "add", "ops", "--kind", "service", "--audience", audience+"/api/v1", "--scope",
			strings.Join(administration.Scopes, " "), "--tenant", tenant)
		return strings.TrimSpace(out[strings.Index(out, "client_secret")+len("client_secret"):])
	}
	as := func(tenant, issuer string) *inside {
		return &inside{t, append([]string{"VOUCHSAFE_CLIENT_ID=ops", "VOUCHSAFE_CLIENT_SECRET=" + secret(tenant, issuer)},
			here.environ...)}
	}
	there, operator := as("right", server.issuer+"/t/right"), as("default", server.issuer)
	at := func(i *inside, stdin, line string) (string, int) {
		args := append(strings.Split(line, "|"), "--tenant=left")
		if i == there {
			args[len(args)-1] = "--tenant=right"
			args = append(args, "--server="+server.issuer)
		}
		out, errs, code := i.run(stdin, args...)
		if code != 0 {
			t.Logf("%s: exit %d: %s", line, code, errs)
		}
		return plainly(out), code
	}
	writes := []struct{ line, stdin string }{
		{"user|add|jo@example.com|--name|Jo Doe|--verified|--username|jo|--password-stdin", "correct horse battery staple"},
		{"user|add|kim@example.com|--json", ""}, {"user|add|jo@example.com", ""}, {"user|add|no address", ""},
		{"user|edit|jo|--name|Jo Ray|--phone|+4312345678|--admin", ""}, {"user|edit|jo|--name|Jo Ray", ""},
		{"user|edit|jo|--email|jo@example.org", ""}, {"user|edit|jo|--expire-password", ""},
		{"user|edit|jo|--expire-password", ""}, {"user|edit|jo|--no-expire-password|--json", ""},
		{"user|password|jo|--password-stdin", "another horse battery staple"},
		{"user|disable|jo", ""}, {"user|recover|jo|--yes", ""},
		{"user|sign-out|jo|--yes", ""}, {"user|sign-out|jo|none", ""}, {"user|revoke-grant|jo|none|--yes", ""},
		{"user|disconnect|jo|none|--yes", ""}, {"user|remove-passkey|jo|none|--yes", ""},
		{"user|unlink|jo|none|none|--yes", ""}, {"user|send-reset|jo", ""}, {"user|show|none", ""},
		{"admin|add|kim@example.com|--role|support", ""}, {"admin|add|lee@example.com|--role|owner|--json", ""},
		{"admin|remove|kim@example.com", ""}, {"admin|remove|lee@example.com", ""},
		{"client|add|wiki|--kind|web|--redirect-uri|https://wiki.example.com/callback", ""},
		{"client|add|wiki|--kind|web|--redirect-uri|https://wiki.example.com/callback", ""},
		{"client|add|spa|--kind|spa|--redirect-uri|https://spa.example.com/callback|--json", ""},
		{"client|edit|wiki|--set|client_name=Wiki|--set|access_token_lifetime=5m", ""},
		{"client|edit|wiki|--set|client_name=Wiki|--json", ""},
		{"client|edit|wiki|--set|redirect_uris=no list", ""}, {"client|edit|none|--set|client_name=x", ""},
		{"client|add-secret|wiki", ""}, {"client|add-secret|spa", ""}, {"client|remove-secret|wiki|none|--yes", ""},
		{"client|allow|wiki", ""}, {"client|deny|none|--yes", ""}, {"client|refresh|wiki", ""},
		{"client|remove|spa|--yes", ""}, {"client|remove|spa|--yes", ""},
		{"key|rotate|--alg|ES256", ""}, {"key|rotate|--json", ""}, {"key|remove|none|--yes", ""},
		{"group|add|staff|--title|Staff", ""}, {"group|add|staff", ""}, {"group|add|No Group", ""},
		{"group|edit|staff|--title|All|--json", ""}, {"group|edit|none|--title|x", ""},
		{"group|join|staff|jo|kim@example.com", ""}, {"group|join|staff|jo|--json", ""},
		{"group|leave|staff|kim@example.com", ""}, {"group|leave|staff|kim@example.com", ""},
		{"user|edit|jo|--leave-group|staff", ""}, {"user|edit|jo|--group|staff", ""},
		{"role|add|editor|--client|wiki|--title|Editor", ""}, {"role|add|editor|--client|wiki", ""},
		{"role|add|reader|--client|wiki|--json", ""}, {"role|add|x|--client|none", ""},
		{"role|edit|editor|--client|wiki|--title|May edit", ""}, {"role|give|editor|--client|wiki|--user|jo", ""},
		{"role|give|editor|--client|wiki|--user|jo", ""}, {"role|give|reader|--client|wiki|--group|staff|--json", ""},
		{"role|give|none|--client|wiki|--user|jo", ""}, {"role|take|editor|--client|wiki|--user|kim@example.com", ""},
		{"user|edit|jo|--take-role|wiki#editor", ""}, {"user|edit|jo|--role|wiki#reader", ""},
		{"role|remove|editor|--client|wiki|--yes", ""}, {"role|remove|editor|--client|wiki|--yes", ""},
		{"user|invite|ann@example.com|--group|staff|--role|wiki#reader", ""}, {"user|invite|jo@example.org", ""},
		{"user|invite|lee2@example.com|--json", ""}, {"user|invite|no address", ""},
		{"invitation|resend|ann@example.com", ""},
		{"invitation|withdraw|lee2@example.com", ""}, {"invitation|withdraw|lee2@example.com", ""},
		{"api|put|https://api.example.com|--name|Orders|--scope|orders:read", ""},
		{"api|remove|https://none.example|--yes", ""},
		{"api|put|https://api.example.com|--name|All|--scope|orders:read|--json", ""}, {"api|put|no URI", ""},
		{"client|add|job|--kind|service|--scope|jobs:run", ""},
		{"api-key|add|Backup|--client|job|--scope|jobs:run", ""}, {"api-key|add|Backup|--client|job|--scope|other", ""},
		{"api-key|add|Nightly|--client|job|--scope|jobs:run|--lifetime|720h|--json", ""},
		{"api-key|add|Backup|--client|none|--scope|jobs:run", ""}, {"api-key|add||--client|job|--scope|jobs:run", ""},
		{"api-key|list|--client|job", ""}, {"api-key|list|--client|job|--json", ""}, {"api-key|list|--client|none", ""},
		{"api-key|list|--user|jo", ""}, {"api-key|list|--user|none", ""}, {"api-key|rotate|none|--client|job", ""},
		{"api-key|remove|none|--client|job|--yes", ""}, {"api-key|remove|none|--user|jo|--yes", ""},
		{"webhook|add|http://x.example/", ""}, {"webhook|add|https://x.example/|--kind|none", ""},
		{"webhook|add|https://x.example/|--kind|login.*", ""}, {"webhook|add|https://y.example/|--json", ""},
		{"webhook|edit|none|--disable", ""}, {"webhook|remove|none|--yes", ""}, {"webhook|rotate|none", ""},
		{"webhook|replay|none|--event|x", ""}, {"webhook|replay|none", ""}, {"webhook|test|none", ""},
		{"webhook|list", ""},
		{"mail|retry|none", ""}, {"mail|retry|--all", ""}, {"upstream|test|none", ""},
		{"user|remove|kim@example.com|--yes", ""}, {"user|remove|kim@example.com|--yes", ""},
		{"tenant|edit|--set|sign_up.mode=invitation|--set|name=Acme", ""}, {"tenant|edit|--set|sign_up.mode=invitation", ""},
		{"tenant|edit|--set|sign_up.mode=odd", ""}, {"tenant|edit|--set|odd=1", ""}, {"tenant|edit|--set|apis=[]", ""},
		{"tenant|edit|--unset|name|--json", ""},
	}
	for _, c := range writes {
		one, code := at(here, c.stdin, c.line)
		other, otherCode := at(there, c.stdin, c.line)
		if one != other || code != otherCode {
			t.Errorf("%s: on the database exit %d\n%s\nat the server exit %d\n%s", c.line, code, one, otherCode, other)
		}
	}
	for _, line := range []string{
		"user list", "user list --json", "user list --disabled", "user list --limit 1", "user show jo", "user show jo --json",
		"user sessions jo", "user grants jo --json", "user apps jo", "user passkeys jo", "user identities jo --json",
		"admin list --json", "client list", "client show wiki", "client show wiki --json",
		"client list --after ops", "client secrets wiki", "client secrets wiki --json", "key list --json",
		"group list", "group members staff", "group members staff --json", "group list --after a",
		"role list --client wiki", "role list --client wiki --json", "role list --client none",
		"role holders reader --client wiki", "role holders reader --client wiki --json",
		"api list", "api show https://api.example.com --json", "invitation list", "invitation list --json",
		"webhook list", "webhook list --json --limit 1", "webhook deliveries none", "mail dead", "mail waiting --json",
		"audit list --kind user.added", "audit list --user jo --json",
		"tenant show", "tenant show --json", "claim explain jo wiki", "claim explain jo wiki --scope email --json",
		"claim explain jo none", "claim explain none wiki", "audit export --until 2020-01-01T00:00:00Z",
		"stats --days 2", "upstream list", "upstream list --json",
		"upstream show none",
	} {
		args := append(strings.Fields(line), "--tenant=right")
		one, errs, code := here.run("", args...)
		other, otherErrs, otherCode := there.run("", append(args, "--server="+server.issuer)...)
		if one != other || code != otherCode {
			t.Errorf("%s: on the database exit %d %s\n%s\nat the server exit %d %s\n%s", line, code, errs, one, otherCode,
				otherErrs, other)
		}
	}
	for _, line := range []string{"tenant list", "tenant list --json"} {
		one, _, _ := here.run("", strings.Fields(line)...)
		other, errs, _ := operator.run("", append(strings.Fields(line), "--server="+server.issuer)...)
		if one != other {
			t.Errorf("%s: got\n%s\nand at the server %s\n%s", line, one, errs, other)
		}
	}
	out, errs, code := operator.run("", "tenant", "add", "added", "--name", "Added", "--server="+server.issuer)
	if code != 0 || out != server.issuer+"/t/added\n" {
		t.Errorf("got exit %d: %s%s", code, out, errs)
	}
	if _, errs, code := operator.run("", "tenant", "remove", "added", "--yes", "--server="+server.issuer); code != 0 {
		t.Error(errs)
	}
	appliesTheSame(t, here, operator, server.issuer)
	declaresTheSame(t, server.issuer, at, here, there)
}

// declaresTheSame applies clients files to one tenant on the database and to another at a server: what is planned,
// changed and said is the same, and so is what is stored.
func declaresTheSame(
	t *testing.T, issuer string, at func(i *inside, stdin, line string) (string, int), here, there *inside,
) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "clients.yaml")
	_, hash := clients.NewSecret()
	same := func(line string, wants ...string) {
		t.Helper()
		line = strings.Replace(line, "FILE", file, 1)
		one, code := at(here, "", line)
		other, otherCode := at(there, "", line)
		if one != other || code != otherCode {
			t.Errorf("%s: on the database exit %d\n%s\nat the server exit %d\n%s", line, code, one, otherCode, other)
		}
		for _, want := range wants {
			if !strings.Contains(other, want) {
				t.Errorf("%s: got %q, want %q in it", line, other, want)
			}
		}
		if strings.Contains(other, "a secret of our own") || strings.Contains(other, hash) {
			t.Errorf("%s: got %s, which shows a secret", line, other)
		}
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte("clients:\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`
  - client_id: wiki # a command has added it
    redirect_uris: [https://wiki.example.com/callback]
    client_secret: a secret of our own
    access_token_lifetime: 10m
  - {client_id: batch, grant_types: [client_credentials], scope: "x y", client_secret_hash: [` + hash + `]}
  - client_id: "https://app.example/a:b"
    token_endpoint_auth_method: none
    redirect_uris: [https://app.example/callback]
    claims: [{claim: groups, from: groups, scope: groups}]
    allow: {groups: [staff]}
`)
	same("client|diff|FILE", "~ client wiki", "declared: false -> true", "+ client batch", "client_secret: (a secret)")
	same("client|diff|FILE|--json|--exit-code")
	same("client|apply|FILE", "+ client batch")
	same("client|diff|FILE|--exit-code")
	same("client|show|wiki|--json", `"declared": true`)
	same("client|show|https://app.example/a:b")
	for i, args := range map[*inside][]string{here: {"--tenant=left"},
		there: {"--tenant=right", "--server=" + issuer}} {
		args = append([]string{"claim", "explain", "lee@example.com", "https://app.example/a:b"}, args...)
		_, errs, code := i.run("", args...)
		if code != 0 || !strings.Contains(errs, "may not use https://app.example/a:b: the user is in none of its groups.") {
			t.Errorf("got exit %d: %s, want why the user may not use the app", code, errs)
		}
	}
	write("  - {client_id: batch, grant_types: [client_credentials], scope: x, client_secret_hash: [" + hash + "]}\n")
	same("client|apply|FILE") // without a terminal it asks for --yes
	same("client|diff|FILE|--json", `"op": "-"`)
	same("client|apply|FILE|--yes", "- client wiki")
	same("client|diff|FILE|--exit-code")
	same("client|show|batch", "x")
	same("client|show|wiki")
	write("  - {client_id: batch, grant_types: [client_credentials], client_secret_hash: [nothing]}\n")
	same("client|apply|FILE|--yes")
}

// appliesTheSame applies a tenants file at a server: what is said of it is the same as on the database.
func appliesTheSame(t *testing.T, here, operator *inside, issuer string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tenants.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte("tenants:\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	same := func(words ...string) string {
		t.Helper()
		one, errs, code := here.run("", append(words, file)...)
		other, otherErrs, otherCode := operator.run("", append(words, file, "--server="+issuer)...)
		if one != other || code != otherCode {
			t.Errorf("%v: on the database exit %d %s\n%s\nat the server exit %d %s\n%s", words, code, errs, one, otherCode,
				otherErrs, other)
		}
		return other
	}
	write("  right: {name: Right, sign_in: {methods: [password]}, attributes: [{name: floor, type: number}], upstreams: " +
		"[{id: corp, issuer: https://corp.example, client_id: x, client_secret: a secret of ours}], webhooks: [{id: crm, url: 'https://crm.example/', kinds: [login.*], " +
		"secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=}]}\n  new: {name: New}\n")
	if got := same("tenant", "diff"); !strings.Contains(got, "+ tenant new") || !strings.Contains(got, "webhooks.crm") ||
		strings.Contains(got, "a secret of ours") || strings.Contains(got, "MfKQ9") {
		t.Errorf("got %s", got)
	}
	same("tenant", "diff", "--json", "--exit-code")
	at := []string{"tenant", "apply", file, "--server=" + issuer}
	if out, errs, code := operator.run("", append(at, "--yes")...); code != 0 || !strings.Contains(out, "+ tenant new") {
		t.Errorf("got exit %d: %s%s", code, out, errs)
	}
	if got := same("tenant", "diff"); got != "" {
		t.Errorf("after the file was applied, got %s", got)
	}
	write("  right: {name: Right, webhooks: []}\n")
	if _, errs, code := operator.run("", at...); code == 0 ||
		!strings.Contains(errs, "provider corp of tenant right") || !strings.Contains(errs, "webhook crm of tenant right") {
		t.Errorf("got exit %d: %s, want a question", code, errs)
	}
	if _, errs, code := operator.run("", append(at, "--yes")...); code != 0 {
		t.Errorf("got exit %d: %s", code, errs)
	}
	if got := same("tenant", "diff"); got != "" {
		t.Errorf("after the file was applied, got %s", got)
	}
}

// answerEscapes answers a request to the API with escape sequences of terminals in all texts.
func answerEscapes(w http.ResponseWriter, r *http.Request) {
	const evil = "x\u001b]0;y\u0007\r\t\u009b2J"
	problem := func(status int, more map[string]any) {
		w.WriteHeader(status)
		answer := map[string]any{"code": "bad", "title": evil, "instance": evil, "scope": evil}
		maps.Copy(answer, more)
		_ = json.NewEncoder(w).Encode(answer)
	}
	switch _, name, _ := strings.Cut(r.URL.Path, "/clients/"); name {
	case "detail":
		problem(400, map[string]any{"detail": evil})
		return
	case "errors":
		fault := map[string]string{"field": evil, "message": evil}
		problem(422, map[string]any{"errors": []any{fault, fault}})
		return
	case "title":
		problem(400, nil)
		return
	case "instance":
		problem(500, nil)
		return
	case "scope":
		problem(403, map[string]any{"code": "insufficient_scope"})
		return
	}
	thing := map[string]any{"id": evil, "email": evil, "link": evil, "client_id": evil, "client_secret": evil, "kid": evil,
		"alg": evil, "steps": []any{map[string]string{"name": evil, "outcome": evil, "says": evil}},
		"status": map[string]any{"issuer": evil, "secrets": 1}, "error": "bad", "error_description": evil, "accepted": true,
		"log": []string{"> " + evil, "< 250 " + evil}, "claim": evil, "value": evil, "in": []string{evil}, "from": evil,
		"rule": evil}
	if thing["items"] = []any{maps.Clone(thing)}; strings.HasSuffix(r.URL.Path, "/keys") {
		thing["items"] = []any{} // so that all of them are new ones
	}
	if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/tenants/") {
		problem(404, map[string]any{"code": "not_found"})
		return
	}
	_ = json.NewEncoder(w).Encode(thing)
}

// TestAServerMovesNoCursor has a server answer escape sequences: terminals would set titles by them, or hide lines.
func TestAServerMovesNoCursor(t *testing.T) {
	t.Parallel()
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") {
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": server.URL, "token_endpoint": server.URL + "/token"})
			return
		}
		answerEscapes(w, r)
	}))
	defer server.Close()
	token := []string{"VOUCHSAFE_TOKEN=t"}
	credentials := []string{"VOUCHSAFE_CLIENT_ID=a", "VOUCHSAFE_CLIENT_SECRET=b"}
	for line, want := range map[string]struct {
		code    int
		printed string
		environ []string
	}{
		"client show detail":               {1, "vouchsafe: x ]0;y", token},
		"client show errors":               {1, "\nvouchsafe: x ]0;y", token}, // a line for each
		"client show title":                {1, "vouchsafe: x ]0;y", token},
		"client show instance":             {1, "under x ]0;y", token},
		"client show scope":                {1, "the scope x ]0;y", token},
		"client show wiki":                 {1, "no token: bad x ]0;y", credentials},
		"client add wiki --kind=service":   {0, "client_secret  x ]0;y", token},
		"client add-secret wiki":           {0, "client_secret  x ]0;y", token},
		"user add jo@example.com":          {0, "x ]0;y", token},
		"user invite jo@example.com":       {0, "x ]0;y", token},
		"invitation resend jo@example.com": {0, "x ]0;y", token},
		"key rotate":                       {0, "Made a key for x ]0;y", token},
		"upstream test there":              {0, "x ]0;y", token},
		"tenant add branch":                {0, "x ]0;y", token},

		"user sign-in-as jo@example.com --reason help": {0, "x ]0;y", token},
		"mail test jo@example.com":                     {0, "> x?]0;y", token},
		"claim explain jo@example.com wiki":            {0, "x ]0;y", token},
	} {
		sh := &inside{t, append(want.environ, "VOUCHSAFE_DATA="+t.TempDir())}
		out, errs, code := sh.run("", append(strings.Fields(line), "--server="+server.URL)...)
		printed := errs + out
		if code != want.code || !strings.Contains(printed, want.printed) {
			t.Errorf("%s: got exit %d and %q, want %d and %q", line, code, printed, want.code, want.printed)
		}
		if strings.ContainsFunc(printed, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
			t.Errorf("%s: control characters are printed: %q", line, printed)
		}
	}
}
