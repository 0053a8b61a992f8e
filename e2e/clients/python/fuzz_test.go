package python

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestSchemathesis has schemathesis read both OpenAPI documents, and send requests that it makes of them to a server
// on either database, signed in as an owner or as an app. It finds no failure of the server, no answer that the
// document does not have, and nothing accepted that the document forbids. FUZZTIME is how long it takes in all.
func TestSchemathesis(t *testing.T) {
	python(t)
	long := 5 * time.Minute
	if text := os.Getenv("FUZZTIME"); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, production := range []bool{false, true} {
		s := vouchsafetest.Start(t, vouchsafetest.Options{Production: production})
		f := newFuzzer(t, s)
		for document, share := range map[string]time.Duration{
			"/api/v1/openapi.json": long * 2 / 5, "/auth/openapi.json": long / 10,
		} {
			t.Run(s.Name+document, func(t *testing.T) { f.run(t, document, share) })
		}
	}
}

// fuzzer is schemathesis with all that it has to know of a server.
type fuzzer struct {
	server *vouchsafetest.Server
	env    []string
}

func newFuzzer(t *testing.T, s *vouchsafetest.Server) *fuzzer {
	t.Helper()
	// Requests take owners away: there are several.
	var owners [][2]string
	for range 8 {
		p := s.Owner(t)
		owners = append(owners, [2]string{p.Email, p.Password})
	}
	list, err := json.Marshal(owners)
	if err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	return &fuzzer{s, append(os.Environ(), "SCHEMATHESIS_HOOKS=hooks", "PYTHONPATH="+here, "PYTHONDONTWRITEBYTECODE=1",
		"ISSUER="+s.Issuer, "APP=fuzz "+addApp(t, s), "OWNERS="+string(list),
		"SSL_CERT_FILE="+s.Certificate.CertFile, "REQUESTS_CA_BUNDLE="+s.Certificate.CertFile)}
}

// addApp adds an app with screens of its own, by which owners get access tokens for the management API, and returns
// its secret.
func addApp(t *testing.T, s *vouchsafetest.Server) string {
	t.Helper()
	console, secret := s.Console(t), "vcs_"+rand.Text()
	body, err := json.Marshal(map[string]any{
		"client_name": "Fuzz", "first_party": true, "grant_types": []string{"urn:vouchsafe:first-party", "refresh_token"},
		"scope": console["scope"], "audience": []string{s.Issuer + "/api/v1"}, "client_secret": secret,
	})
	if err != nil {
		t.Fatal(err)
	}
	api := s.API(t)
	request := api.Request(t, http.MethodPut, "/api/v1/clients/fuzz", "application/json", string(body))
	request.Header.Set("Authorization", "Bearer "+s.OwnerToken(t))
	api.Do(t, request).Want(t, http.StatusCreated, "")
	return secret
}

// refusals are the answers to requests that break the document. Beside those that schemathesis knows, a body or
// headers can be too large (413, 431), and a host can be no tenant's (421).
const refusals = `
[checks]
negative_data_rejection.expected-statuses = [
  400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 421, 422, 428, 429, 431, "5xx"]
`

// run has schemathesis read a document for a while.
func (f *fuzzer) run(t *testing.T, document string, long time.Duration) {
	dir := t.TempDir()
	answers := filepath.Join(dir, "answers.json")
	program, err := filepath.Abs(".venv/bin/schemathesis")
	if err != nil {
		t.Fatal(err)
	}
	// What the document allows may break a rule that it can't say: two members exclude each other, an address is no
	// address. So such a request may be refused. A call without Authorization may get what is wrong with its body first;
	// the matrix of the management API asks for 401.
	config := filepath.Join(dir, "schemathesis.toml")
	if err := os.WriteFile(config, []byte(refusals), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--no-color", "--config-file", config, "run", f.server.Issuer+document,
		"--exclude-checks", "positive_data_acceptance,missing_required_header",
		"--max-time", fmt.Sprint(max(1, int(long.Seconds()))), "--continue-on-failure",
		"--suppress-health-check", "all", "--max-examples", "10", "--tls-verify", f.server.Certificate.CertFile)
	cmd.Dir, cmd.Env = dir, append(f.env, "ANSWERS="+answers)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("schemathesis: %v\n%s", err, said)
	}
	text, err := os.ReadFile(answers)
	if err != nil {
		t.Fatal(err)
	}
	var counts map[string]map[string]int
	if err := json.Unmarshal(text, &counts); err != nil {
		t.Fatal(err)
	}
	succeeded := 0
	for _, of := range counts {
		for status, n := range of {
			if strings.HasPrefix(status, "2") {
				succeeded += n
			}
		}
	}
	if len(counts) < 10 || succeeded < 10 {
		t.Errorf("%d operations were tried, with %d successes: was every request refused?", len(counts), succeeded)
	}
}
