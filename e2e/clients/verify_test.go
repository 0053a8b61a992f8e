package clients

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/prooftest"
)

const verifyPage = "docs/verify-tokens.md"

// TestAPIsVerifyTokens: the APIs of docs/verify-tokens.md take the tokens of a real server, and of all that an
// attacker may send they take nothing. Keys are loaded when they are needed, and again after a rotation.
func TestAPIsVerifyTokens(t *testing.T) {
	libraries(t)
	for heading, run := range map[string]func(t *testing.T, app *vouchsafetest.Example, dir string){
		"## Express": func(t *testing.T, app *vouchsafetest.Example, dir string) {
			app.Start(t, dir, nil, "node", "orders.mjs")
		},
		"## Go": func(t *testing.T, app *vouchsafetest.Example, dir string) {
			app.Start(t, dir, nil, buildExample(t, filepath.Join(dir, "main.go")))
		},
		"## Sinatra": func(t *testing.T, app *vouchsafetest.Example, dir string) {
			app.Start(t, dir, nil, "ruby", "app.rb")
		},
	} {
		section := vouchsafetest.ReadSection(t, verifyPage, heading)
		t.Run(heading[3:], func(t *testing.T) {
			t.Parallel()
			app := vouchsafetest.Shared(t).Example(t, section)
			dir := withLibraries(t, "npm")
			app.Write(t, dir)
			run(t, app, dir)
			app.Server.GuardsAPI(t, app.URL+"/orders", app.ClientID, app.Secret, "orders:read")
		})
		t.Run(heading[3:]+" and an attacker", func(t *testing.T) {
			t.Parallel()
			app := vouchsafetest.Shared(t).Example(t, section)
			app.JudgesTokens(t, "/orders", withLibraries(t, "npm"), func(dir string) { run(t, app, dir) })
		})
	}
}

// TestAServiceCallsAnotherWithAnAPIKey runs the two services of examples/services. One has nothing but an API key: the
// other takes its tokens as long as the key lives.
func TestAServiceCallsAnotherWithAnAPIKey(t *testing.T) {
	t.Parallel()
	libraries(t)
	s := vouchsafetest.Shared(t)
	billing := s.Example(t, vouchsafetest.ReadSection(t, verifyPage, "## Two services, and an API key between them"))
	orders := s.Example(t, vouchsafetest.ReadSection(t, verifyPage, "## Express"))
	orders.Port, orders.URL = billing.Port, billing.URL
	for name, shown := range map[string]string{"orders.mjs": orders.File(t, "orders.mjs"),
		"billing.mjs": billing.File(t, "billing.mjs")} {
		if is, err := os.ReadFile(filepath.Join("../../examples/services", name)); err != nil || string(is) != shown {
			t.Errorf("examples/services/%s is not what %s shows: %v", name, verifyPage, err)
		}
	}
	dir := withLibraries(t, "npm")
	orders.Write(t, dir)
	billing.Write(t, dir)
	orders.Start(t, dir, nil, "node", "orders.mjs")

	id, secret := "keys-"+strings.ToLower(rand.Text()), "vcs_"+rand.Text()
	s.Command(t, secret+"\n", "client", "add", id, "--kind", "service", "--scope", "clients:write",
		"--audience", s.Issuer+"/api/v1", "--secret-stdin")
	api := s.API(t)
	as := vouchsafetest.Client{"client_id": id, "client_secret": secret}
	admin := api.Token(t, as, "grant_type", "client_credentials", "scope", "clients:write").Want(t, 200, "").Access()
	manage := func(method, path, body string) *vouchsafetest.Reply {
		req := api.Request(t, method, "/api/v1/clients/"+billing.ClientID+"/api-keys"+path, "application/json", body)
		req.Header.Set("Authorization", "Bearer "+admin)
		return api.Do(t, req)
	}
	key := manage("POST", "", `{"name": "billing", "scopes": ["orders:read"]}`).Want(t, 201, "")
	call := func() string {
		cmd := exec.CommandContext(t.Context(), "node", "billing.mjs")
		cmd.Dir = dir
		cmd.Env = append(cmd.Environ(), "API_KEY="+key.String("key"), "NODE_EXTRA_CA_CERTS="+s.Certificate.CertFile)
		said, _ := cmd.CombinedOutput()
		return string(said)
	}
	if said := call(); !strings.HasPrefix(said, "200 ") || !strings.Contains(said, billing.ClientID) {
		t.Errorf("with a key: %s", said)
	}
	manage("DELETE", "/"+key.String("id"), "").Want(t, 204, "")
	if said := call(); !strings.Contains(said, "no token: 400") {
		t.Errorf("with a revoked key: %s", said)
	}
}

// TestAnAPIChecksProofs runs the API for bound tokens with a client in Go: only the holder of the key gets in, once
// for each proof, and until the token is revoked.
func TestAnAPIChecksProofs(t *testing.T) {
	t.Parallel()
	libraries(t)
	s := vouchsafetest.Shared(t)
	app := s.Example(t, vouchsafetest.ReadSection(t, verifyPage, "## Express, and tokens bound to a key"))
	if is, err := os.ReadFile("../../examples/services/payments.mjs"); err != nil ||
		string(is) != app.File(t, "payments.mjs") {
		t.Errorf("examples/services/payments.mjs is not what %s shows: %v", verifyPage, err)
	}
	dir := withLibraries(t, "npm")
	app.Write(t, dir)
	app.Start(t, dir, []string{"API_ID=" + app.ClientID, "API_SECRET=" + app.Secret}, "node", "payments.mjs")

	key, thief := prooftest.New(t), prooftest.New(t)
	api, as := s.API(t), vouchsafetest.Client{"client_id": app.ClientID, "client_secret": app.Secret}
	token := ""
	for token == "" { // the first answer has the nonce
		req := api.Request(t, "POST", "/token", "application/x-www-form-urlencoded", "grant_type=client_credentials")
		req.SetBasicAuth(app.ClientID, app.Secret)
		req.Header.Set("DPoP", key.Proof("POST", s.Issuer+"/token", ""))
		got := api.Do(t, req)
		if !key.Learn(got.Header) {
			token = got.Want(t, 200, "").Access()
		}
	}
	key.Nonce = ""
	call := func(scheme, proof string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "GET", app.URL+"/payments?month=5", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", scheme+" "+token)
		req.Header.Set("DPoP", proof)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	payments := app.URL + "/payments"
	good := key.Proof("GET", payments, token)
	if got := call("DPoP", good); got != 200 {
		t.Fatalf("the holder of the key: got %d", got)
	}
	for why, got := range map[string]int{
		"the same proof":   call("DPoP", good),
		"a bearer token":   call("Bearer", key.Proof("GET", payments, token)),
		"another key":      call("DPoP", thief.Proof("GET", payments, token)),
		"another method":   call("DPoP", key.Proof("POST", payments, token)),
		"another resource": call("DPoP", key.Proof("GET", app.URL+"/other", token)),
		"without ath":      call("DPoP", key.Proof("GET", payments, "")),
		"no proof":         call("DPoP", "x"),
	} {
		if got != 401 {
			t.Errorf("%s: got %d, want 401", why, got)
		}
	}
	api.As(t, as, "/revoke", url.Values{"token": {token}}).Want(t, 200, "")
	if got := call("DPoP", key.Proof("GET", payments, token)); got != 401 {
		t.Errorf("revoked: got %d, want 401", got)
	}
}
