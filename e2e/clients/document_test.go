package clients

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// managementDocument is the path of the OpenAPI document of the management API.
const managementDocument = "/api/v1/openapi.json"

// saveDocument writes an OpenAPI document of the server to a file.
func saveDocument(t *testing.T, s *vouchsafetest.Server, path, file string) {
	t.Helper()
	api := s.API(t)
	got := api.Do(t, api.Request(t, http.MethodGet, path, "", "")).Want(t, http.StatusOK, "")
	if err := os.WriteFile(file, []byte(got.Raw), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTheManagementAPIInTypeScript: openapi-typescript makes types of the OpenAPI document, with which the compiler
// accepts npm/management.ts, and refuses the mistakes in it. The program then works on a server.
func TestTheManagementAPIInTypeScript(t *testing.T) {
	vouchsafetest.Heavy(t)
	t.Parallel()
	libraries(t)
	s := vouchsafetest.Start(t, vouchsafetest.Options{})
	bin, err := filepath.Abs("npm/node_modules/.bin")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("npm/management.ts")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "management.ts"), program, 0o600); err != nil {
		t.Fatal(err)
	}
	saveDocument(t, s, managementDocument, filepath.Join(dir, "openapi.json"))
	saveDocument(t, s, "/auth/openapi.json", filepath.Join(dir, "signin.json"))
	for _, command := range [][]string{
		{"openapi-typescript", "openapi.json", "-o", "openapi.ts"},
		{"openapi-typescript", "signin.json", "-o", "signin.ts"},
		{"tsc", "--noEmit", "--strict", "--noUncheckedIndexedAccess", "--target", "es2022", "--module", "esnext",
			"--moduleResolution", "bundler", "--lib", "es2022,dom", "--types", "node", "--typeRoots",
			filepath.Join(bin, "..", "@types"), "--skipLibCheck",
			"management.ts", "signin.ts"},
		{"esbuild", "management.ts", "--bundle", "--platform=node", "--format=esm", "--outfile=management.mjs",
			"--log-level=error"},
	} {
		runIn(t, dir, filepath.Join(bin, command[0]), command[1:]...)
	}
	runIn(t, dir, "node", "management.mjs", s.Issuer, s.OwnerToken(t))
}

// runIn runs a program in a folder.
func runIn(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, said)
	}
}

// TestTheManagementAPIInGo: oapi-codegen makes a client of the OpenAPI document, with which go/management works on a
// server, on both databases.
func TestTheManagementAPIInGo(t *testing.T) {
	vouchsafetest.Heavy(t)
	t.Parallel()
	module, err := filepath.Abs("go")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	client, overlay := filepath.Join(dir, "client.gen.go"), filepath.Join(dir, "overlay.json")
	test := filepath.Join(dir, "management.test")
	for i, production := range []bool{false, true} {
		s := vouchsafetest.Start(t, vouchsafetest.Options{Production: production})
		if i == 0 {
			saveDocument(t, s, managementDocument, filepath.Join(dir, "openapi.json"))
			runIn(t, module, "go", "tool", "oapi-codegen", "-config", "management/oapi-codegen.yaml", "-o", client,
				filepath.Join(dir, "openapi.json"))
			text, err := json.Marshal(map[string]any{"Replace": map[string]string{
				filepath.Join(module, "management", "client.gen.go"): client}})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(overlay, text, 0o600); err != nil {
				t.Fatal(err)
			}
			runIn(t, module, "go", "test", "-c", "-tags", "generated", "-overlay", overlay, "-o", test, "./management")
		}
		runIn(t, dir, "env", "ISSUER="+s.Issuer, "TOKEN="+s.OwnerToken(t), "SSL_CERT_FILE="+s.Certificate.CertFile, test)
	}
}
