package provider

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// A new endpoint is one row: it is routed, answers its methods alone, authenticates clients, is read
// by scripts, appears in the discovery document, and fails as its row says.
func TestARowOfTheTableIsSeenEverywhere(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	s.p.endpoints = append(s.p.endpoints, Endpoint{
		Path: "/devices", Methods: []string{http.MethodPut}, Program: true, Scripts: ScriptsOfRegistered,
		Clients: []string{"client_secret_basic"}, Metadata: "device_authorization_endpoint", announced: true,
		serve: func(w http.ResponseWriter, r *http.Request) error {
			if err := r.ParseForm(); err != nil {
				return err
			}
			c, err := s.p.resource.Engine.AuthenticateClient(r.Context(), r, r.PostForm)
			if err != nil {
				return err
			}
			if c.GetID() == "failing" {
				return errors.New("a fault of ours")
			}
			return oauth.WriteJSON(w, http.StatusOK, map[string]string{"client": c.GetID()})
		},
	})
	s.listen(s.p)
	public := s.client(func(c *storage.Client) { c.AllowedCORSOrigins = []string{spaOrigin} })
	_, secret := s.service("tv")
	_, other := s.service("failing")
	_, posts := s.service("posts", func(c *storage.Client) { c.TokenEndpointAuthMethod = "" })

	put := func(header ...string) reply { return s.do(request("PUT", "/devices", "", header...)) }
	post := func(secret string) reply {
		return s.do(request("PUT", "/devices", values("client_id", "posts", "client_secret", secret).Encode(), formType))
	}
	if a := put(basic("tv", secret)); a.status != http.StatusOK || a.str("client") != "tv" {
		t.Errorf("got %d %s, want an answer", a.status, a.raw)
	}
	if a := put(basic("failing", other)); a.status != http.StatusInternalServerError || a.str("error") != "server_error" {
		t.Errorf("got %d %s, want a fault of the server as JSON", a.status, a.raw)
	}
	s.fails(put(basic(public.ClientID, "")), http.StatusUnauthorized, "invalid_client")
	if a := put(basic("posts", posts)); a.status != http.StatusOK {
		t.Errorf("got %d %s, want an answer", a.status, a.raw)
	}
	s.fails(post(posts), http.StatusUnauthorized, "invalid_client") // right, but not in the way of this endpoint
	s.fails(put(), http.StatusUnauthorized, "invalid_client")

	a := s.do(request("GET", "/devices", ""))
	s.fails(a, http.StatusMethodNotAllowed, "invalid_request")
	if got := a.header.Get("Allow"); got != "PUT" {
		t.Errorf("Allow: got %q, want PUT", got)
	}
	for origin, want := range map[string]string{spaOrigin: spaOrigin, "https://evil.example": ""} {
		put := request("PUT", "/devices", "", "Origin: "+origin)
		for _, r := range []*http.Request{preflight("/devices", "PUT", origin), put} {
			if got := s.raw(r).Header.Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("%s from %s: may be read by %q, want %q", r.Method, origin, got, want)
			}
		}
	}
	for _, path := range []string{openIDPath, oauthPath} {
		d := s.do(request("GET", path, ""))
		if got := d.str("device_authorization_endpoint"); got != testIssuer+"/devices" {
			t.Errorf("%s: got %q", path, got)
		}
		got, _ := d.body["device_authorization_endpoint_auth_methods_supported"].([]any)
		if !slices.Equal(got, []any{"client_secret_basic"}) {
			t.Errorf("%s: authentication by %v", path, got)
		}
	}
	// What goes wrong before a request reaches the endpoint is JSON, too.
	html := func(w http.ResponseWriter, r *http.Request, p *web.Problem) {
		http.Error(w, r.Header.Get("Accept"), p.Status)
	}
	const asJSON = "application/json"
	for path, want := range map[string]string{"/t/nowhere/devices": asJSON, "/devices": asJSON, "/nowhere": ""} {
		w := httptest.NewRecorder()
		s.p.ErrorPage(html)(w, request("PUT", path, ""), &web.Problem{Status: http.StatusNotFound})
		if got := strings.TrimSpace(w.Body.String()); got != want {
			t.Errorf("%s: the error page was asked for %q, want %q", path, got, want)
		}
	}
}

// The table has each path once, and each name; and what is authenticated is no page.
func TestTheTableIsSound(t *testing.T) {
	t.Parallel()
	s := startTokens(t, func(c *Config) { c.Pages.AuthorizationChallenge = "/challenge" })
	paths, names := map[string]bool{}, map[string]bool{}
	for _, e := range s.p.endpoints {
		if paths[e.Path] || e.Metadata != "" && names[e.Metadata] {
			t.Errorf("%s, %s: twice in the table", e.Path, e.Metadata)
		}
		paths[e.Path], names[e.Metadata] = true, true
		if len(e.Methods) == 0 || e.Clients != nil && !e.Program || e.announced && (e.Clients == nil || e.Metadata == "") {
			t.Errorf("%s: the row contradicts itself: %+v", e.Path, e)
		}
		if e.Scripts == ScriptsOfAny && e.Clients != nil {
			t.Errorf("%s: scripts of any origin read what a client asks for", e.Path)
		}
	}
}
