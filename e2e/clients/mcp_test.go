package clients

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
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
			"redirect_uris": []string{"http://localhost/callback"}, "response_types": []string{"code"},
			"grant_types":                []string{"authorization_code", "refresh_token", "device_code"},
			"token_endpoint_auth_method": "none"})
	}))
	host.TLS = &tls.Config{Certificates: []tls.Certificate{s.Certificate.Pair}}
	host.StartTLS()
	t.Cleanup(host.Close)
	id = host.URL + "/oauth/client-metadata.json"
	return id
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
		s := site.Tenant(t, "mcp-"+strings.ToLower(rand.Text()[:8]))
		url := mcpServer(t, s)
		s.ApplyTenant(t, map[string]any{
			"apis": []any{map[string]any{"identifier": url, "clients": []string{"*"},
				"scopes": []any{map[string]any{"name": "tools"}}}},
			"outside_clients": map[string]any{"documents": "anyone", "registration": "anyone"},
		})
		jo := s.Person(t, "--tenant", s.TenantID)
		api := s.API(t)
		for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) { // servers read settings anew
			meta := api.Do(t, api.Request(t, "GET", "/.well-known/oauth-authorization-server", "", ""))
			if meta.String("registration_endpoint") != "" {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("the settings had no effect: %s", meta.Raw)
			}
		}
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
