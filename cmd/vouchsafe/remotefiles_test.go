package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/clients"
)

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
		"[{id: corp, issuer: https://corp.example, client_id: x, client_secret: a secret of ours}], webhooks: " +
		"[{id: crm, url: 'https://crm.example/', kinds: [login.*], " +
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
