package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows are the packages of the module that each package may import, as ARCHITECTURE.md draws
// them, and the packages that alone may import a driver or an engine. A package without a row has
// the row of the folder above it. A name that ends in /... stands for all packages below, too.
var arrows = map[string][]string{
	"cmd/vouchsafe": {"cmd/vouchsafe/...", "gateway/rules", "provider/...", "login/...", "people/...", "clients",
		"tenants/...", "declare", "storage/...", "internal/..."},
	"cmd/vouchsafe/server": {"cmd/vouchsafe/installation", "admin", "console/...", "compat/...", "gateway",
		"provider/...", "login/...", "people/...", "clients", "tenants", "declare", "storage/...", "internal/..."},
	// Commands: no family imports another.
	"cmd/vouchsafe/users": family, "cmd/vouchsafe/groups": family, "cmd/vouchsafe/apps": family,
	"cmd/vouchsafe/tenancy": family, "cmd/vouchsafe/operations": family, "cmd/vouchsafe/service": family,
	"cmd/vouchsafe/command": {"cmd/vouchsafe/desk", "cmd/vouchsafe/here", "cmd/vouchsafe/installation",
		"cmd/vouchsafe/remote/...", "cmd/vouchsafe/server", "cmd/vouchsafe/terminal", "provider", "provider/keys",
		"people/...", "tenants", "storage/...", "internal/..."},
	"cmd/vouchsafe/completion": {},
	"cmd/vouchsafe/report":     {"cmd/vouchsafe/terminal", "people/importing"},
	"cmd/vouchsafe/terminal":   {"internal/diff"},
	"cmd/vouchsafe/desk":       {"provider/keys", "clients", "people/...", "storage", "internal/..."},
	"cmd/vouchsafe/here": {"cmd/vouchsafe/desk", "cmd/vouchsafe/installation", "provider/keys", "people/...", "clients",
		"tenants", "storage", "internal/..."},
	"cmd/vouchsafe/remote": {"cmd/vouchsafe/desk", "cmd/vouchsafe/remote/...", "provider/keys", "people/...", "clients",
		"storage", "internal/..."},
	"cmd/vouchsafe/remote/api":   {"storage"},
	"cmd/vouchsafe/installation": {"people/password", "people/mail", "storage/...", "internal/..."},
	"provider": {"provider/...", "clients", "people/claims", "storage", "storage/ephemeral",
		"internal/..."},

	"provider/oauth":      {"clients", "storage", "internal/..."},
	"provider/keys":       {"clients", "storage", "internal/..."},
	"provider/clientauth": {"provider/mtls", "provider/oauth", "clients", "storage", "storage/ephemeral", "internal/..."},
	"provider/tokens":     {"people/claims", "provider/oauth", "provider/keys", "clients", "storage", "internal/..."},
	"provider/dpop":       {"provider/oauth", "clients", "storage", "internal/..."},
	"provider/mtls":       {"clients", "storage", "internal/..."},
	"provider/authorize":  endpoint,
	"provider/token":      endpoint,
	"provider/register":   endpoint,
	"provider/documents":  {"provider/oauth", "clients", "storage", "internal/..."},
	"provider/resource":   endpoint,
	"provider/logout":     endpoint,

	// Doors, without logic of their own.
	"compat/compattest": {"cmd/vouchsafe/server", "internal/..."},
	"console/consoletest": {"compat/compattest", "cmd/vouchsafe/installation", "people/...", "storage",
		"internal/..."},
	"compat": {"provider/keys", "people/...", "clients", "tenants", "storage", "internal/..."},
	"admin":  {"provider/keys", "people/...", "clients", "tenants", "storage", "internal/..."},
	// The frame, and the places, none of which imports another.
	"console":          {"console/words", "login/ui", "login/texts", "people/...", "storage", "internal/..."},
	"console/words":    {"login/texts"},
	"docs":             {},
	"console/overview": place, "console/people": place, "console/groups": place, "console/apps": place,
	"console/apis": place, "console/signin": place, "console/log": place, "console/settings": place,
	"gateway":       {"gateway/rules", "provider/keys", "storage", "internal/..."},
	"gateway/rules": {"storage", "internal/hostname"},

	"login":                 {"login/ui", "login/texts", "people/...", "storage", "internal/..."},
	"login/account":         {"login/ui", "login/texts", "people/...", "storage", "internal/..."},
	"login/reset":           {"login/ui", "login/texts", "people/...", "storage", "internal/..."},
	"login/api":             {"login/ui", "login/texts", "people/...", "storage", "internal/..."},
	"login/texts":           {},
	"login/ui":              {"login/texts", "people/...", "tenants/brand", "storage", "internal/..."},
	"people":                {"people/...", "storage", "internal/..."},
	"people/administration": {"people/...", "storage", "storage/terms", "internal/..."},
	"people/mail":           {"people/address", "tenants/brand", "storage", "internal/..."},

	"clients": {"people/claims", "people/address", "storage", "internal/audit", "internal/argon2id", "internal/diff",
		"internal/listing", "internal/pairwise", "internal/secret"},
	"tenants": {"tenants/brand", "people/...", "storage", "internal/audit", "internal/diff", "internal/fault",
		"internal/hostname", "internal/listing", "internal/secret"},
	"tenants/brand": {"storage"},
	"declare":       {"clients", "tenants", "gateway/rules", "storage"},

	"storage":               {},
	"storage/sqldb":         {"storage/sqldb/...", "storage", "storage/terms", "migrations"},
	"storage/sqldb/keys":    {"storage/sqldb/column", "storage/sqldb/engine", "storage/sqldb/trail", "storage"},
	"storage/sqldb/apps":    {"storage/sqldb/column", "storage/sqldb/engine", "storage/sqldb/trail", "storage"},
	"storage/sqldb/numbers": {"storage/sqldb/trail", "storage/sqldb/column", "storage/sqldb/engine", "storage"},
	"storage/sqldb/uploads": {"storage/sqldb/column", "storage/sqldb/engine", "storage"},
	"storage/sqldb/outbox":  {"storage/sqldb/column", "storage/sqldb/engine", "storage/sqldb/trail", "storage"},
	"storage/sqldb/trail":   {"storage/sqldb/column", "storage/sqldb/engine", "storage/sqldb/parts", "storage"},
	"storage/sqldb/parts":   {"storage/sqldb/column", "storage/sqldb/engine", "storage"},
	"storage/sqldb/engine":  {"storage", "migrations"},
	"storage/sqldb/column":  {},
	"storage/terms":         {"storage"},
	"storage/ephemeral":     {},
	"storage/redis":         {"storage", "storage/ephemeral"},
	"storage/memory":        {"storage", "storage/ephemeral"},
	"storage/storagetest":   {"storage", "storage/ephemeral"},
	"migrations":            {},
	"internal":              {"storage", "storage/ephemeral", "internal/..."},
	// What is wrong with a setting is known to the package that uses its value.
	"internal/settings":  {"declare", "people/password", "storage", "internal/..."},
	"internal/relay":     {"people/mail", "people/address", "internal/..."},
	"internal/upstreams": {"people/upstream", "people/claims", "storage", "internal/..."},
	"e2e":                {"e2e/...", "internal/..."},
	"bench":              {"e2e/...", "internal/..."},
}

// endpoint is what the package of an endpoint may import: no other endpoint's.
var endpoint = []string{
	"provider/oauth", "provider/keys", "provider/clientauth", "provider/tokens", "provider/dpop", "provider/mtls",
	"clients", "people/claims", "storage", "storage/ephemeral", "internal/...",
}

// family is what the package of a family of commands may import: no other family's.
var family = []string{
	"cmd/vouchsafe/command", "cmd/vouchsafe/desk", "cmd/vouchsafe/installation", "cmd/vouchsafe/remote",
	"cmd/vouchsafe/report", "cmd/vouchsafe/server", "cmd/vouchsafe/terminal", "declare", "gateway/rules", "login/texts",
	"provider/keys", "people/...", "clients", "tenants", "storage", "internal/...",
}

// place is what the package of a place of the console may import: no other place's.
var place = []string{
	"console", "docs", "provider/keys", "login/texts", "login/ui", "people/...", "clients", "tenants/...", "storage",
	"internal/...",
}

var alone = map[string][]string{
	"github.com/ory/fosite":         {"provider/..."},
	"github.com/go-jose/go-jose/v3": {"provider/..."},
	"github.com/jackc/pgx/v5": {"storage/sqldb/engine", "people/importing/keratindb", "internal/pgtest", "e2e/...",
		"bench"},
	"modernc.org/sqlite":              {"storage/sqldb/engine", "people/importing/keratindb", "bench"},
	"github.com/go-sql-driver/mysql":  {"people/importing/keratindb", "internal/mariadbtest"},
	"github.com/redis/go-redis/v9":    {"storage/redis", "bench"},
	"go.yaml.in/yaml/v4":              {"declare"},
	"github.com/go-webauthn/webauthn": {"people/passkey"},
	"github.com/go-crypt/x":           {"people/password"},

	"github.com/alecthomas/kong":          {"cmd/vouchsafe", "cmd/vouchsafe/command", "cmd/vouchsafe/completion"},
	"github.com/prometheus/client_golang": {"internal/metrics"},

	"github.com/chromedp":      {"internal/chromiumtest", "console/consoletest"},
	"github.com/emersion":      {"internal/smtptest"},
	"github.com/google/go-cmp": {"internal/golden", "storage/storagetest"},
	"go.uber.org/goleak":       nil,
	"pgregory.net/rapid":       nil,
}

// forTests are the packages that tests share. The program imports none, so that it holds neither them nor
// the modules that they need.
var forTests = []string{
	"e2e/...", "bench", "compat/compattest", "console/consoletest",
	"internal/chromiumtest", "internal/contracttest", "internal/faultproxy", "internal/golden",
	"internal/mariadbtest", "internal/passkeytest", "internal/pgtest", "internal/prooftest", "internal/redistest",
	"internal/smtptest", "internal/testdaemon",
	"internal/testkeys",
	"storage/storagetest",
}

// withoutHTTP are the packages of use cases and records: none may import net/http, so that a page, an
// API and a command can call the same function.
var withoutHTTP = []string{"people/...", "clients/...", "declare/...", "tenants/...", "storage/...", "gateway/rules"}

// TestImports keeps the arrows between packages pointing one way. The code of tests may
// import what it likes.
func TestImports(t *testing.T) {
	t.Parallel()
	const module = "github.com/vouchsafe/vouchsafe/"
	list := exec.Command("go", "list", "-f",
		`{{$p := .ImportPath}}{{range .Imports}}{{$p}} {{.}}{{"\n"}}{{end}}`, module+"...")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		from, to, _ := strings.Cut(strings.TrimSpace(line), " ")
		from, inside := strings.CutPrefix(from, module)
		if !inside {
			continue
		}
		if to == "net/http" && matches(from, withoutHTTP) {
			t.Errorf("%s imports net/http, which use cases and records may not know", from)
		}
		seen++
		for lib, allowed := range alone {
			if below(to, lib) && !matches(from, allowed) {
				t.Errorf("%s imports %s, which only %s may", from, to, strings.Join(allowed, " and "))
			}
		}
		to, inside = strings.CutPrefix(to, module)
		if inside && matches(to, forTests) && !matches(from, forTests) {
			t.Errorf("%s imports %s, which only tests may", from, to)
		}
		if inside && !matches(to, arrowsOf(t, from)) {
			t.Errorf("%s imports %s: no such arrow in ARCHITECTURE.md", from, to)
		}
	}
	if seen < 100 {
		t.Errorf("only %d imports seen: is go list asked rightly?", seen)
	}
}

// TestUseCasesReachNoHTTP looks at all that the packages of withoutHTTP need. Nothing of it is net/http, but for
// what the library of passkeys brings: it can read an answer from a request, too.
func TestUseCasesReachNoHTTP(t *testing.T) {
	t.Parallel()
	args := []string{"list", "-f", `{{.ImportPath}}{{range .Deps}} {{.}}{{end}}`}
	for _, pattern := range withoutHTTP {
		args = append(args, "./"+pattern)
	}
	list := exec.Command("go", args...)
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		needs := strings.Fields(line)
		seen++
		if slices.Contains(needs, "net/http") && !slices.Contains(needs, "github.com/go-webauthn/webauthn/webauthn") {
			t.Errorf("%s needs net/http, which use cases and records may not know", needs[0])
		}
	}
	if seen < 30 {
		t.Errorf("only %d packages seen: is go list asked rightly?", seen)
	}
}

func arrowsOf(t *testing.T, pkg string) []string {
	t.Helper()
	for p := pkg; p != ""; {
		if to, ok := arrows[p]; ok {
			return to
		}
		i := strings.LastIndexByte(p, '/')
		p = p[:max(i, 0)]
	}
	t.Errorf("%s: a package that ARCHITECTURE.md does not place", pkg)
	return nil
}

func below(pkg, root string) bool { return pkg == root || strings.HasPrefix(pkg, root+"/") }

// matches says whether one of the patterns is pkg, or ends in /... and is above it.
func matches(pkg string, patterns []string) bool {
	for _, pattern := range patterns {
		if root, all := strings.CutSuffix(pattern, "/..."); pkg == pattern || all && below(pkg, root) {
			return true
		}
	}
	return false
}
