package clients

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestGoExamples: the apps of docs/clients-go.md, and that of the README, sign Jo in and greet Jo.
// Their libraries belong to a module of their own, e2e/clients/go.
func TestGoExamples(t *testing.T) {
	const goPage, byName = "docs/clients-go.md", "Hello Jo Müller-O'Neill <jo@example.com>"
	for heading, shown := range map[string]struct{ page, open, greeting string }{
		"## x/oauth2 and go-oidc":       {goPage, "/", byName},
		"## goth":                       {goPage, "/auth/openid-connect", byName},
		"## hashicorp/cap":              {goPage, "/", byName},
		"## zitadel/oidc":               {goPage, "/login", byName},
		"## Connect an app of your own": {"README.md", "/", "Hello jo@example.com, your id is "},
	} {
		t.Run(heading[3:], func(t *testing.T) {
			t.Parallel()
			s := vouchsafetest.Shared(t)
			app := s.Example(t, vouchsafetest.ReadSection(t, shown.page, heading))
			dir := t.TempDir()
			app.Write(t, dir)
			app.Start(t, dir, nil, buildExample(t, filepath.Join(dir, "main.go")))
			v := s.Visitor(t, s.Jo(t))
			app.Shows(t, v.Open(t, app.URL+shown.open), shown.greeting)
			// The next visit needs no password, because the session at the issuer lasts.
			if app.Shows(t, v.Open(t, app.URL+shown.open), "jo@example.com"); len(v.Answered) > 0 {
				t.Errorf("got the pages %v at the second visit, want none", v.Answered)
			}
		})
	}
}

// buildTool builds a program of the module of the client libraries. It reads the files that the go
// command reads for it, so that go test notices when they change.
func buildTool(t *testing.T, binary string, args ...string) {
	t.Helper()
	for _, file := range []string{"go.mod", "go.sum", "kubernetes/main.go", "groups/main.go"} {
		if _, err := os.Stat(filepath.Join("go", file)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", append([]string{"build", "-o", binary}, args...)...)
	cmd.Dir = "go"
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %v: %v\n%s", args, err, said)
	}
}

// buildExample builds a program as if its main.go were in the module of the client libraries, and
// returns the path of the binary.
func buildExample(t *testing.T, mainFile string) string {
	t.Helper()
	module, err := filepath.Abs("go")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(module,
		"example", "main.go"): mainFile}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "example")
	buildTool(t, binary, "-overlay", file, "./example")
	return binary
}
