package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/golden"
	"github.com/vouchsafe/vouchsafe/internal/webhooks"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestEventKindsAreConstants walks the code of the module. A kind of event stands in it as a constant
// of package storage, never as a string: so a misspelt kind does not compile, and storage.EventKinds
// knows every kind that is recorded.
func TestEventKindsAreConstants(t *testing.T) {
	t.Parallel()
	events := 0
	for _, path := range moduleFiles(t, ".go") {
		if strings.HasSuffix(path, "_test.go") || path == "storage/event.go" {
			continue
		}
		if strings.HasPrefix(path, "e2e/") || strings.HasPrefix(path, "storage/storagetest/") {
			continue // they are tests, and make up kinds
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, filepath.Join("../..", path), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				return !looksUpText(n)
			case *ast.BasicLit:
				if kind, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil && isEventKind(kind) {
					t.Errorf("%s: write the constant for the kind of event %s", set.Position(n.Pos()), n.Value)
				}
			case *ast.CompositeLit:
				if kind := kindOfEvent(n); kind != nil {
					events++
					if !isConstantOrVariable(kind) {
						t.Errorf("%s: the kind of an event is put together here: use a constant", set.Position(kind.Pos()))
					}
					for _, name := range unshown(kind, n) {
						t.Errorf("%s: exampleDetails does not have the member %s of the detail, and docs/events.md does not",
							set.Position(n.Pos()), name)
					}
				}
			}
			return true
		})
	}
	if events < 40 {
		t.Errorf("found %d events in the code, want 40 at least: does the test look for them rightly?", events)
	}
}

func isEventKind(s string) bool {
	return slices.ContainsFunc(storage.EventKinds, func(k storage.EventKind) bool { return k.Kind == s })
}

// looksUpText reports whether a call looks up a text for users by its id. Some ids look like kinds.
func looksUpText(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	return ok && (sel.Sel.Name == "must" || sel.Sel.Name == "Must")
}

// kindOfEvent returns what a storage.Event literal has as its Kind, or nil.
func kindOfEvent(lit *ast.CompositeLit) ast.Expr {
	sel, ok := lit.Type.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Event" {
		return nil
	}
	for _, field := range lit.Elts {
		if kv, ok := field.(*ast.KeyValueExpr); ok {
			if name, ok := kv.Key.(*ast.Ident); ok && name.Name == "Kind" {
				return kv.Value
			}
		}
	}
	return nil
}

// unshown returns the members of an event's detail that the example of its kind does not have.
func unshown(kind ast.Expr, event *ast.CompositeLit) (names []string) {
	constant, ok := kind.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	value, ok := eventConstants()[constant.Sel.Name]
	k := slices.IndexFunc(storage.EventKinds, func(k storage.EventKind) bool { return k.Kind == value })
	if !ok || k < 0 || storage.EventKinds[k].Audience < storage.ToTenant {
		return nil
	}
	for _, field := range event.Elts {
		kv, ok := field.(*ast.KeyValueExpr)
		if name, is := kv.Key.(*ast.Ident); !ok || !is || name.Name != "Detail" {
			continue
		}
		detail, ok := kv.Value.(*ast.CompositeLit)
		if !ok {
			continue
		}
		for _, member := range detail.Elts {
			name, ok := member.(*ast.KeyValueExpr).Key.(*ast.BasicLit)
			if !ok {
				continue
			}
			text, _ := strconv.Unquote(name.Value)
			if _, shown := exampleDetails[value][text]; !shown {
				names = append(names, text)
			}
		}
	}
	return names
}

// eventConstants returns the values of the constants of package storage for kinds of events.
var eventConstants = sync.OnceValue(func() map[string]string {
	values := make(map[string]string)
	file, err := parser.ParseFile(token.NewFileSet(), "../../storage/event.go", nil, 0)
	if err != nil {
		panic(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			if text, ok := spec.Values[0].(*ast.BasicLit); ok && text.Kind == token.STRING {
				values[spec.Names[0].Name], _ = strconv.Unquote(text.Value)
			}
		}
		return true
	})
	return values
})

func isConstantOrVariable(e ast.Expr) bool {
	switch e.(type) {
	case *ast.SelectorExpr, *ast.Ident, *ast.IndexExpr:
		return true
	}
	return false
}

// eventsPage is docs/events.md.
func eventsPage() string {
	var b strings.Builder
	b.WriteString(`# Events

The audit trail has these kinds of events. ` + "`vouchsafe audit export --kind KIND`" + ` writes those of one kind, and
the setting ` + "`keep_events_of`" + ` says how long they are kept.

| kind | about | |
|---|---|---|
`)
	for _, k := range storage.EventKinds {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Kind, k.Subject, cell(k.Meaning))
	}
	b.WriteString(`
## Examples

What a [webhook](webhooks.md) is sent of each kind that a tenant may learn of. ` + "`detail`" + ` has what is known: members
can be missing, and later versions may add some. Ids are those of an example.

`)
	for _, k := range storage.EventKinds {
		if k.Audience >= storage.ToTenant {
			b.WriteString("```json\n" + exampleOf(k) + "\n```\n\n")
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// exampleOf returns the JSON that a webhook is sent of an event of the kind.
func exampleOf(k storage.EventKind) string {
	e := storage.Event{
		TenantID: storage.DefaultTenant, ID: "0192f0c4-5d1e-7a3c-9b1a-2f6f0e8f7c11", Kind: k.Kind, Actor: "cli",
		At: time.Date(2026, time.November, 30, 9, 0, 0, 0, time.UTC), Detail: exampleDetails[k.Kind],
	}
	switch k.Subject {
	case storage.AboutUser:
		e.UserID = "0192f0aa-0b1c-7d2e-8f30-415263748596"
		if k.Audience == storage.ToClient {
			e.Actor, e.ClientID = e.UserID, "app"
		}
	case storage.AboutClient:
		e.ClientID = "app"
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(webhooks.BodyOf(e)); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

const (
	exampleSession = "0192f0c4-1a2b-7c3d-8e4f-5a6b7c8d9e0f"
	exampleAdmin   = "0192f0aa-7777-7d2e-8f30-415263748596"
)

// exampleDetails are the details of the examples: all members that events of the kind may have.
var exampleDetails = map[string]map[string]string{
	storage.EventLoginSucceeded:   {"session": exampleSession, "amr": "pwd otp", "upstream": "google"},
	storage.EventLoginRaised:      {"session": exampleSession, "amr": "pwd otp"},
	storage.EventLoginPending:     {},
	storage.EventLoginFailed:      {"reason": "wrong password", "upstream": "google"},
	storage.EventSessionEnded:     {"session": exampleSession},
	storage.EventUserAdded:        {"by": "import", "upstream": "google", "role": "admin"},
	storage.EventUserInvited:      {"email": "kim@example.com", "groups": "staff", "roles": "wiki#editor"},
	storage.EventUserUninvited:    {"email": "kim@example.com"},
	storage.EventGroupJoined:      {"group": "staff", "upstream": "google"},
	storage.EventGroupLeft:        {"group": "staff", "upstream": "google"},
	storage.EventRoleGiven:        {"role": "editor", "client": "wiki"},
	storage.EventRoleTaken:        {"role": "editor", "client": "wiki"},
	storage.EventAccessRefused:    {"reason": "groups", "rule": "wiki", "host": "wiki.example.com"},
	storage.EventGroupAdded:       {"group": "staff"},
	storage.EventGroupChanged:     {"group": "staff"},
	storage.EventGroupRemoved:     {"group": "staff"},
	storage.EventRoleAdded:        {"role": "editor", "client": "wiki"},
	storage.EventRoleChanged:      {"role": "editor", "client": "wiki"},
	storage.EventRoleRemoved:      {"role": "editor", "client": "wiki"},
	storage.EventRoleAssigned:     {"role": "editor", "client": "wiki", "group": "staff"},
	storage.EventRoleUnassigned:   {"role": "editor", "client": "wiki", "group": "staff"},
	storage.EventAPIAdded:         {"api": "https://api.example.com"},
	storage.EventAPIChanged:       {"api": "https://api.example.com"},
	storage.EventAPIRemoved:       {"api": "https://api.example.com"},
	storage.EventUsersImported:    {"added": "1200"},
	storage.EventUsersExported:    {"hashes": "true"},
	storage.EventAdministratorSet: {"role": "support", "was": ""},
	storage.EventActingBegan: {"administrator": exampleAdmin, "session": exampleSession, "reason": "Ticket 4711",
		"until": "2026-11-30T10:00:00Z"},
	storage.EventActingEnded: {"administrator": exampleAdmin, "session": exampleSession, "reason": "Ticket 4711",
		"why": "signed out"},
	storage.EventFactorFailed:     {"factor": "totp"},
	storage.EventPasskeyAdded:     {"passkey": "AQIDBAUGBwg"},
	storage.EventPasskeyRemoved:   {"passkey": "AQIDBAUGBwg"},
	storage.EventPasskeyCopied:    {"passkey": "AQIDBAUGBwg"},
	storage.EventAPIKeyAdded:      exampleKey(),
	storage.EventAPIKeyRotated:    exampleKey("by", exampleAdmin, "works_until", "2026-12-01T09:00:00Z"),
	storage.EventAPIKeyRemoved:    exampleKey(),
	storage.EventAPIKeyLeaked:     exampleKey("url", "https://code.example/jo/app"),
	storage.EventIdentityLinked:   {"upstream": "google"},
	storage.EventIdentityUnlinked: {"upstream": "google"},
	storage.EventUpstreamFailed:   {"upstream": "google", "reason": "nonce"},
	storage.EventGrantRevoked:     {"grant": exampleSession},
	storage.EventTokenRevoked:     {"jti": exampleSession},
	storage.EventRefreshReused:    {"grant": exampleSession},
	storage.EventRefreshAhead:     {"grant": exampleSession},
	storage.EventCodeReused:       {"grant": exampleSession, "reason": "reused"},
	storage.EventCodeBurnt:        {"reason": "pkce"},
	storage.EventClientChanged:    {"secret": "added", "verdict": "allowed", "what": "logouts replayed"},
	storage.EventKeyRotated:       {"kid": "x5Xy", "alg": "ES256"},
	storage.EventKeyRemoved:       {"kid": "x5Xy"},
	storage.EventMailRetried:      {"mail": exampleSession},
	storage.EventMailDropped:      {"mail": exampleSession},
	storage.EventWebhookAdded:     {"webhook": exampleSession},
	storage.EventWebhookChanged:   {"webhook": exampleSession, "what": "disabled", "reason": "the receiver answered 410"},
	storage.EventWebhookRemoved:   {"webhook": exampleSession},
}

// exampleKey returns the detail of an event about an API key, with more members.
func exampleKey(more ...string) map[string]string {
	d := map[string]string{"key": exampleSession, "name": "Nightly job", "start": "vs_user_Ab12", "scopes": "orders:read",
		"expires": "2027-05-30T09:00:00Z"}
	for i := 0; i < len(more); i += 2 {
		d[more[i]] = more[i+1]
	}
	return d
}

var quotedKind = regexp.MustCompile("`([a-z]+\\.[a-z]+)`")

// TestDocumentsKnowEventKinds: docs/events.md has them all, and a page for operators or users that
// quotes a kind quotes one that exists.
func TestDocumentsKnowEventKinds(t *testing.T) {
	t.Parallel()
	golden.Check(t, "../../docs/events.md", func(string) string { return eventsPage() })
	subjects := map[string]bool{}
	for _, k := range storage.EventKinds {
		subject, _, _ := strings.Cut(k.Kind, ".")
		subjects[subject] = true
	}
	for _, path := range moduleFiles(t, ".md") {
		// Pages about libraries quote the libraries' own names, and the one about claims what rules may name.
		if !strings.HasPrefix(path, "docs/") || strings.HasPrefix(path, "docs/clients-") || path == "docs/claims.md" {
			continue
		}
		text, err := os.ReadFile(filepath.Join("../..", path))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range quotedKind.FindAllStringSubmatch(string(text), -1) {
			if subject, _, _ := strings.Cut(m[1], "."); subjects[subject] && !isEventKind(m[1]) {
				t.Errorf("%s names the kind of event %s, which does not exist", path, m[1])
			}
		}
	}
}

// moduleFiles lists the module's files with this ending, by their paths below its root.
func moduleFiles(t *testing.T, ending string) []string {
	t.Helper()
	var all []string
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			return fs.SkipDir
		case strings.HasSuffix(path, ending):
			all = append(all, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
