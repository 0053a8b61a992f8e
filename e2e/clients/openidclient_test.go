package clients

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// libraries fails the test if a library is missing, with a clearer message than Node's. It reads
// the files that Node will read, so that go test notices when they change.
func libraries(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal("Node is not installed: run make setup")
	}
	text, err := os.ReadFile("npm/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var wanted struct{ Dependencies map[string]string }
	if err := json.Unmarshal(text, &wanted); err != nil {
		t.Fatal(err)
	}
	files := []string{"openid-client.mjs", "package-lock.json"}
	for name := range wanted.Dependencies {
		files = append(files, filepath.Join("node_modules", name, "package.json"))
	}
	for _, file := range files {
		if _, err := os.Stat(filepath.Join("npm", file)); err != nil {
			t.Fatalf("the npm client libraries are not installed: run make setup, or npm ci in e2e/clients/npm: %v", err)
		}
	}
}

func TestOpenidClient(t *testing.T) {
	libraries(t)
	type library struct {
		client vouchsafetest.Client
		key    string
		parts  []string
	}
	all := map[string]library{
		"basic":         {client: vouchsafetest.Strict, parts: []string{"person", "pushed", "bound"}},
		"post":          {client: vouchsafetest.Post, parts: []string{"person"}},
		"public":        {client: vouchsafetest.Public, parts: []string{"person", "pushed", "bound", "boundPushed"}},
		"device":        {client: vouchsafetest.TV, parts: []string{"device"}},
		"service":       {client: vouchsafetest.Service, parts: []string{"program"}},
		"service, post": {client: vouchsafetest.ServicePost, parts: []string{"program"}},
	}
	for _, k := range vouchsafetest.Keyed() {
		all["private_key_jwt "+string(k.Algorithm)] = library{k.Client, k.PrivateJWK(t),
			[]string{"program", "pushed", "signed", "boundProgram", "lowLevel"}}
	}
	careful := vouchsafetest.Careful()
	all["FAPI 2.0"] = library{careful.Client, careful.PrivateJWK(t), []string{"fapi"}}
	for name, l := range all {
		t.Run(name, func(t *testing.T) {
			vouchsafetest.Each(t, func(t *testing.T, s *vouchsafetest.Server) {
				jo, alg := s.Jo(t), "RS256"
				if l.client["profile"] != nil {
					alg = "ES256"
				}
				client := map[string]any{
					"id": l.client.ID(), "secret": l.client.Secret(), "method": l.client.Method(),
					"metadata": map[string]any{"id_token_signed_response_alg": alg,
						"authorization_signed_response_alg": alg},
				}
				if l.key != "" {
					client["key"] = json.RawMessage(l.key)
				}
				if uris, ok := l.client["post_logout_redirect_uris"].([]string); ok {
					client["redirectURI"], client["postLogoutRedirectURI"] = l.client.RedirectURI(), uris[0]
				}
				runScript(t, s, s.Browser(t, jo), "openid-client.mjs", map[string]any{
					"issuer": s.Issuer, "client": client, "parts": l.parts, "email": jo.Email,
				})
			})
		})
	}
}

// runScript runs a script below npm, and plays its browser.
func runScript(t *testing.T, s *vouchsafetest.Server, b *vouchsafetest.Browser, script string, settings any) {
	t.Helper()
	runProgram(t, s, b, []string{"node", script}, settings)
}

// runProgram runs a program in npm, and plays its browser.
func runProgram(t *testing.T, s *vouchsafetest.Server, b *vouchsafetest.Browser, command []string, settings any) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir = "npm"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "NODE_EXTRA_CA_CERTS=" + s.Certificate.CertFile,
		"SSL_CERT_FILE=" + s.Certificate.CertFile}
	var errs strings.Builder
	cmd.Stderr = &errs
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := converse(t, b, stdin, stdout, settings)
	if err := cmd.Wait(); err != nil || !done {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, errs.String())
	}
}

// converse sends the settings and opens what the script asks for, until it is done.
func converse(t *testing.T, b *vouchsafetest.Browser, stdin io.WriteCloser, stdout io.Reader,
	settings any,
) (done bool) {
	t.Helper()
	defer stdin.Close()
	if err := json.NewEncoder(stdin).Encode(settings); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		var said struct {
			Open, State, Type string
			Deny, Done        bool
		}
		if err := json.Unmarshal(lines.Bytes(), &said); err != nil {
			t.Fatalf("the script said %q", lines.Text())
		}
		if said.Done {
			return true
		}
		if said.Type != "" {
			b.Deny = said.Deny
			b.Walk(t, vouchsafetest.Plain(vouchsafetest.Web), typed(t, b, said.Open, said.Type))
			_, _ = fmt.Fprintln(stdin, "done")
			continue
		}
		u, err := url.Parse(said.Open)
		if err != nil {
			t.Fatal(err)
		}
		page := b.Get(t, said.Open)
		if page.Left == nil { // there are pages to answer
			asked := u.Query()
			if asked.Has("request_uri") || asked.Has("request") { // the answer has the state that was pushed or signed
				asked.Set("state", said.State)
			}
			page = b.Walk(t, &vouchsafetest.Request{Params: asked}, page).Page
		}
		if page.Left == nil {
			t.Fatalf("the browser stays at %s: %s", page.URL, page.Text(t))
		}
		_, _ = fmt.Fprintln(stdin, page.Left)
	}
	return false
}

// typed has the user type the code of a device on the page, and returns where that leads.
func typed(t *testing.T, b *vouchsafetest.Browser, address, code string) *vouchsafetest.Page {
	t.Helper()
	page := b.Get(t, address)
	for _, f := range page.Forms(t) {
		if f.Fields.Has("code") {
			f.Fields.Set("code", code)
			return b.Submit(t, f, nil)
		}
	}
	t.Fatalf("the page has no field for the code:\n%s", page.Text(t))
	return nil
}
