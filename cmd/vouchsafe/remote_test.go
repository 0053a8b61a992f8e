package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/people/administration"
)

// inside is a shell whose commands run in this process.
type inside struct {
	t       *testing.T
	environ []string
}

// run returns what a command prints, with its exit code.
func (i *inside) run(stdin string, args ...string) (stdout, stderr string, code int) {
	i.t.Helper()
	var out, errs bytes.Buffer
	a := &command.App{Terminal: terminal.Terminal{In: strings.NewReader(stdin), Out: &out, Err: &errs}, Environ: i.environ}
	code = run(i.t.Context(), a, args)
	return out.String(), errs.String(), code
}

// changing matches what differs from run to run: ids, moments, secrets and links.
var changing = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|` +
	`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( UTC|Z|[+-]\d\d:\d\d)|` +
	`"id": "[A-Za-z0-9_-]{22}"|vcs_[A-Za-z0-9_-]{43}|wh(sec|pk)_[A-Za-z0-9+/=]+|vs_service_[A-Za-z0-9_-]+|` +
	`[A-Za-z0-9_-]{43}|(?m)^id +\S+$|https?://\S+`)

// counted matches the line that says when a command has counted: each run has a moment of its own.
var counted = regexp.MustCompile(`(?m)^Counted until .*$`)

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
		if one, other = counted.ReplaceAllString(one, ""), counted.ReplaceAllString(other, ""); one != other ||
			code != otherCode {
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
