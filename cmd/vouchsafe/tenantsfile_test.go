package main

import (
	"crypto/rand"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/operations"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/tenancy"
	"github.com/vouchsafe/vouchsafe/storage"
)

func TestTenantsFile(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.file(t, "google.secret", "secret-of-google\n")
	sh.file(t, "tenants.yaml", `tenants:
  default:
    name: Example
    sign_up:
      mode: invitation
      email_domains: [Example.COM, bücher.example]
    passwords: {history: 5, sign_out: all}
    second_factor: {require: always, remember_device: 0s}
  acme:
    logo_uri: https://acme.example/logo.svg
    upstreams:
      - id: google
        preset: google
        client_id: abc
        client_secret_file: google.secret
`)
	sh.fails(t, command.ExitChanges, "tenant", "diff", "--exit-code", "tenants.yaml")
	printed := sh.do(t, "tenant", "apply", "tenants.yaml")
	for _, want := range []string{"~ tenant default", `~ name: "Vouchsafe" -> "Example"`,
		`"email_domains":["example.com","xn--bcher-kva.example"]`, "+ tenant acme",
		`+ upstreams.google: {"id":"google","preset":"google","client_id":"abc"}`} {
		if !strings.Contains(printed, want) {
			t.Errorf("got %s, want %q", printed, want)
		}
	}
	if strings.Contains(printed, "secret-of-google") {
		t.Error("the secret was printed")
	}
	if again := sh.do(t, "tenant", "diff", "tenants.yaml"); again != "" {
		t.Errorf("applied twice it changes %s", again)
	}
	files, err := filepath.Glob(filepath.Join(sh.dir, "data", "vouchsafe.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no database: %v", err)
	}
	for _, name := range files {
		dump, err := os.ReadFile(name)
		if err != nil || strings.Contains(string(dump), "secret-of-google") {
			t.Errorf("%s: the secret can be read, or not looked for: %v", name, err)
		}
	}
	sh.file(t, "google.secret", "another")
	if out := sh.do(t, "tenant", "apply", "tenants.yaml"); !strings.Contains(out,
		"~ upstreams.google.client_secret: (a secret) -> (another)") {
		t.Errorf("got %s", out)
	}
	// What a tenant loses is asked for.
	sh.file(t, "without.yaml", "tenants:\n  acme: {}\n")
	if errs := sh.fails(t, 2, "tenant", "apply", "without.yaml"); !strings.Contains(errs,
		"without.yaml no longer declares upstream provider google of tenant acme.") {
		t.Errorf("without --yes: got %s", errs)
	}
	sh.do(t, "tenant", "apply", "without.yaml", "--yes")
	// The server reads the file beside it.
	sh.file(t, "tenants.yaml", "tenants:\n  default: {name: Renamed}\n")
	sh.serve(t)
	var tenants []tenancy.TenantView
	if sh.read(t, &tenants, "tenant", "list", "--json"); len(tenants) != 2 || tenants[1].ID != storage.DefaultTenant ||
		tenants[1].Name != "Renamed" {
		t.Errorf("got %+v, want both tenants and the new name", tenants)
	}
}

// TestTenantsFileDeclaresWebhooks adds, changes and removes webhooks by a file, also where a server applies it.
// Webhooks that were added otherwise stay.
func TestTenantsFileDeclaresWebhooks(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	secret := func() string {
		key := make([]byte, 32)
		_, _ = rand.Read(key)
		return "whsec_" + base64.StdEncoding.EncodeToString(key)
	}
	first := secret()
	sh.file(t, "crm.secret", first+"\n")
	const file = `tenants:
  default:
    webhooks:
      - {id: crm, url: https://crm.example/events, kinds: [user.*], secret_file: crm.secret}
`
	sh.file(t, "tenants.yaml", file)
	sh.do(t, "webhook", "add", "https://other.example/")
	printed := sh.do(t, "tenant", "apply", "tenants.yaml")
	if !strings.Contains(printed, `+ webhooks.crm: {"url":"https://crm.example/events","kinds":["user.*"]}`) ||
		strings.Contains(printed, first) {
		t.Errorf("got %s", printed)
	}
	if again := sh.do(t, "tenant", "diff", "tenants.yaml"); again != "" {
		t.Errorf("applied twice it changes %s", again)
	}
	sh.file(t, "crm.secret", secret())
	if out := sh.do(t, "tenant", "apply", "tenants.yaml"); !strings.Contains(out,
		"~ webhooks.crm.secret: (a secret) -> (another)") {
		t.Errorf("got %s", out)
	}
	sh.file(t, "tenants.yaml", strings.Replace(file, "user.*", "login.*", 1))
	sh.serve(t)
	var all []operations.WebhookView
	crm := func(w operations.WebhookView) bool {
		return w.ID == "crm" && slices.Equal(w.Kinds, []string{"login.*"}) && len(w.PublicKeys) == 2
	}
	if sh.read(t, &all, "webhook", "list", "--json"); len(all) != 2 || !slices.ContainsFunc(all, crm) {
		t.Errorf("got %+v, want both, and the declared one as the server read it, while two secrets sign", all)
	}
	sh.file(t, "without.yaml", "tenants:\n  default: {webhooks: []}\n")
	if errs := sh.fails(t, 2, "tenant", "apply", "without.yaml"); !strings.Contains(errs,
		"no longer declares webhook crm of tenant default.") {
		t.Errorf("without --yes: got %s", errs)
	}
	sh.do(t, "tenant", "apply", "without.yaml", "--yes")
	if sh.read(t, &all, "webhook", "list", "--json"); len(all) != 1 || all[0].URL != "https://other.example/" {
		t.Errorf("got %+v, want the one that no file declares", all)
	}
	for field, wrong := range map[string]string{
		"id":     "{id: A b, url: https://x.example/, secret: " + first + "}",
		"url":    "{id: a, url: x, secret: " + first + "}",
		"kinds":  "{id: a, url: https://x.example/, kinds: [secret.replaced], secret: " + first + "}",
		"secret": "{id: a, url: https://x.example/, secret: whsec_c2hvcnQ=}",
	} {
		sh.file(t, "wrong.yaml", "tenants: {default: {webhooks: ["+wrong+"]}}\n")
		if errs := sh.fails(t, 1, "tenant", "diff", "wrong.yaml"); !strings.Contains(errs, "wrong.yaml:1:") ||
			!strings.Contains(errs, field) {
			t.Errorf("%s: got %s", field, errs)
		}
	}
}

func TestTenantsFileFaults(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.file(t, "tenants.yaml", `tenants:
  Default:
  default:
    disabled: true
    host: https://x
    sign_up: {mode: opne, email_domains: ["x"]}
    second_factor: {requires: always}
  acme:
    sign_in: {methods: [passwords]}
    passwords: {history: 99}
    second_factor: {remember_device: soon}
    upstreams: [{id: a, client_secret: s, client_secret_file: f}, {idd: b}]
  acme: {}
others:
`)
	got := sh.fails(t, 1, "tenant", "apply", "tenants.yaml")
	for _, want := range []string{
		"tenants.yaml:2:3 \"Default\" isn't a tenant id",
		"tenants.yaml:7:21 second_factor.requires isn't a known setting: did you mean require?",
		"tenants.yaml:11:38 second_factor.remember_device: \"soon\" isn't a duration",
		"tenants.yaml:12:68 upstreams.1.idd isn't a known setting: did you mean id?",
		"tenants.yaml:13:3 acme stands in line 8 already",
		"tenants.yaml:14:1 others is nothing that a tenants file has",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %q", got, want)
		}
	}
	sh.file(t, "tenants.yaml", `tenants:
  default:
    disabled: true
    host: https://x
    sign_up: {mode: opne, email_domains: ["x"]}
  acme:
    sign_in: {methods: [passwords]}
    passwords: {history: 99, sign_out: none}
    second_factor: {require: sometimes}
    upstreams:
      - {id: a, client_secret: s, client_secret_file: f}
      - {id: a, preset: gogle, client_id: c}
      - {id: f, preset: facebook, client_id: c}
`)
	got = sh.fails(t, 1, "tenant", "apply", "tenants.yaml")
	for _, want := range []string{
		"tenants.yaml:3:15 disabled: the default tenant",
		"tenants.yaml:4:11 host: \"https://x\" isn't a host",
		"tenants.yaml:5:21 sign_up.mode: \"opne\" isn't allowed: write one of open, invitation, closed",
		"tenants.yaml:5:43 sign_up.email_domains.0: \"x\" isn't a domain",
		"tenants.yaml:7:25 sign_in.methods.0: \"passwords\" isn't allowed: write one of",
		"tenants.yaml:8:26 passwords.history: 99 is out of range: write 0 to 24",
		"tenants.yaml:8:40 passwords.sign_out: \"none\" isn't allowed: write one of",
		"tenants.yaml:9:30 second_factor.require: \"sometimes\" isn't allowed: write one of",
		"tenants.yaml:11:55 upstreams.0.client_secret_file: can't be used together with client_secret: write one of the two",
		"tenants.yaml:11:9 upstreams.0.client_id: is missing",
		"tenants.yaml:11:9 upstreams.0.issuer: is missing",
		"tenants.yaml:12:14 upstreams.1.id: \"a\" appears twice",
		"tenants.yaml:12:25 upstreams.1.preset: \"gogle\" is unknown: write one of apple, discord,",
		"tenants.yaml:13:9 upstreams.2.client_secret: is missing: Facebook gives it",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %q", got, want)
		}
	}
}

// A tenant whose host is spelt otherwise than browsers spell it could never be reached.
func TestHostsThatNoRequestComesFor(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t, "VOUCHSAFE_ISSUER=https://id.example.com")
	for host, want := range map[string]string{
		"login.acme.example":      "",
		"login.acme.example:8443": "",
		"xn--bcher-kva.example":   "",
		"Login.Acme.example":      "is not as browsers write it: write login.acme.example",
		"login.acme.example:443":  "is not as browsers write it: write login.acme.example",
		"bücher.example":          "is not as browsers write it: write xn--bcher-kva.example",
		"*":                       "isn't a host",
		"*.acme.example":          "isn't a host",
		"login.acme.example/x":    "isn't a host",
		"login.acme.example.":     "isn't a host",
		"id.example.com":          "is the issuer's own host",
		"ID.example.com:443":      "is the issuer's own host",
	} {
		sh.file(t, "tenants.yaml", "tenants:\n  acme: {host: \""+host+"\"}\n")
		if want == "" {
			sh.do(t, "tenant", "apply", "tenants.yaml")
			continue
		}
		got := sh.fails(t, 1, "tenant", "diff", "tenants.yaml")
		if !strings.Contains(got, "tenants.yaml:2:16 host: \""+host+"\" "+want) {
			t.Errorf("%s in a file: got %s, want %q", host, got, want)
		}
		if got := sh.fails(t, 1, "tenant", "add", "other", "--host", host); !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %q", host, got, want)
		}
	}
}

// An issuer may be given a host that a tenant has already.
func TestTenantBehindTheIssuersHostIsTold(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t, "VOUCHSAFE_ISSUER=http://localhost:8080")
	sh.do(t, "tenant", "add", "acme", "--host", "127.0.0.1:8081")
	sh.env = append(sh.env, "VOUCHSAFE_ISSUER=http://127.0.0.1:8081")
	r := sh.serve(t)
	if got := r.err.String(); !strings.Contains(got, "no request can reach the tenant") || !strings.Contains(got, "acme") {
		t.Errorf("got %s", got)
	}
}
