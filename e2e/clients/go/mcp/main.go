// Mcp connects to an MCP server with the Go SDK, from a call without a token to the result of a tool. The settings come
// as the first line of standard input. When a browser is needed, {"open": URL} goes out, and the URL at which the browser
// left the provider comes back.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/url"
	"os"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

func main() {
	log.SetFlags(0)
	in := bufio.NewScanner(os.Stdin)
	in.Scan()
	var settings struct{ Server, Document, RedirectURI string }
	must(json.Unmarshal(in.Bytes(), &settings))
	config := &auth.AuthorizationCodeHandlerConfig{
		RedirectURL: settings.RedirectURI,
		AuthorizationCodeFetcher: func(_ context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
			must(json.NewEncoder(os.Stdout).Encode(map[string]string{"open": args.URL}))
			in.Scan()
			left, err := url.Parse(in.Text())
			if err != nil {
				return nil, err
			}
			q := left.Query()
			return &auth.AuthorizationResult{Code: q.Get("code"), State: q.Get("state"), Iss: q.Get("iss")}, nil
		},
	}
	if settings.Document != "" {
		config.ClientIDMetadataDocumentConfig = &auth.ClientIDMetadataDocumentConfig{URL: settings.Document}
	} else {
		config.DynamicClientRegistrationConfig = &auth.DynamicClientRegistrationConfig{
			Metadata: &oauthex.ClientRegistrationMetadata{
				ClientName: "Go SDK", RedirectURIs: []string{settings.RedirectURI}, TokenEndpointAuthMethod: "none",
				GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"},
			},
		}
	}
	handler, err := auth.NewAuthorizationCodeHandler(config)
	must(err)
	ctx := context.Background()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: settings.Server, OAuthHandler: handler,
		DisableStandaloneSSE: true}, nil)
	must(err)
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "add", Arguments: map[string]any{"a": 2, "b": 3}})
	must(err)
	if text := result.Content[0].(*mcp.TextContent).Text; text != "5" {
		log.Fatalf("got %q, want 5", text)
	}
	must(session.Close())
	fmt.Println(`{"done": true}`)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
