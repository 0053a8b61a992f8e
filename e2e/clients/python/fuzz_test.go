package python

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestSchemathesis has schemathesis read the OpenAPI documents, and send requests that are made of them to a server,
// signed in as an owner, for as long as FUZZTIME says: it finds no failure of the server, and no answer that a
// document does not have. Both documents are read, on both databases.
func TestSchemathesis(t *testing.T) {
	bin := filepath.Dir(python(t))
	long := 5 * time.Minute
	if text := os.Getenv("FUZZTIME"); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, production := range []bool{false, true} {
		s := vouchsafetest.Start(t, vouchsafetest.Options{Production: production})
		for document, share := range map[string]time.Duration{"/api/v1/openapi.json": long * 4 / 5, "/auth/openapi.json": long / 5} {
			t.Run(s.Name+document, func(t *testing.T) {
				t.Parallel()
				fuzz(t, s, filepath.Join(bin, "schemathesis"), document, share)
			})
		}
	}
}

// fuzz has schemathesis read a document of the server.
func fuzz(t *testing.T, s *vouchsafetest.Server, program, document string, long time.Duration) {
	t.Helper()
	app := s.Console(t, "-")
	var owners [][2]string
	for range 4 {
		p := s.Owner(t)
		owners = append(owners, [2]string{p.Email, p.Password})
	}
	list, err := json.Marshal(owners)
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	answers := filepath.Join(dir, "answers.json")
	cmd := exec.Command(program, "run", s.Issuer+document)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SCHEMATHESIS_HOOKS=hooks", "PYTHONPATH="+hooks, "PYTHONDONTWRITEBYTECODE=1",
		"ISSUER="+s.Issuer, "APP="+app.ID()+" "+app.Secret(), "OWNERS="+string(list), "ANSWERS="+answers,
		"SSL_CERT_FILE="+s.Certificate.CertFile, "REQUESTS_CA_BUNDLE="+s.Certificate.CertFile)
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("schemathesis: %v\n%s", err, said)
	}
	_ = rand.Text
	_ = strings.ToLower
}
