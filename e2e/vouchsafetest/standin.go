package vouchsafetest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
)

// StandIn is a fake upstream provider in the place of a real one.
type StandIn struct {
	*fakeidp.Server
	// Upstream is the entry with which a tenant lets users sign in through it. Its id is the kind.
	Upstream map[string]any
}

// NewStandIn starts a fake provider that ends with the test. handler, unless nil, answers in its
// place and may call it.
func NewStandIn(t testing.TB, kind string, handler http.Handler) *StandIn {
	t.Helper()
	p := &StandIn{Server: &fakeidp.Server{Kind: kind, Name: kind, ClientID: "vouchsafe",
		ClientSecret: "provider-canary-" + rand.Text()}}
	if handler == nil {
		handler = p.Server
	}
	srv := httptest.NewServer(handler)
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	p.Issuer = strings.Replace(srv.URL, "127.0.0.1", "localhost", 1) // another site than the server's
	p.Upstream = map[string]any{"id": kind, "preset": kind, "issuer": p.Issuer, "client_id": p.ClientID,
		"client_secret": p.ClientSecret}
	if kind == fakeidp.Apple { // Apple's clients sign instead of having a secret
		var err error
		if p.ClientSecret, err = p.MakeAppleKey(); err != nil {
			t.Fatal(err)
		}
		p.Upstream["client_secret"], p.Upstream["team_id"], p.Upstream["key_id"] = p.ClientSecret, "TEAM", "KEY"
	}
	return p
}

// ApplyTenant applies the settings to the tenant.
func (s *Server) ApplyTenant(t testing.TB, settings map[string]any) {
	t.Helper()
	text, err := json.Marshal(map[string]any{"tenants": map[string]any{s.TenantID: settings}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "tenants.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Command(t, "", "tenant", "apply", "--yes", file)
}

// Way is how a provider sends the browser back: by a link or by a form that the browser posts.
type Way struct {
	To     string
	Fields url.Values // of the form; nil for a link
}

// Leave sends the browser to the upstream provider, where the user signs in as who. It returns the
// way back.
func (b *Browser) Leave(t testing.TB, upstream string, who fakeidp.Person) Way {
	t.Helper()
	page := b.Get(t, "/upstream/"+upstream)
	if page.Left == nil {
		t.Fatalf("to %s: got %d at %s: %s", upstream, page.Status, page.URL, page.Text(t))
	}
	return Visit(t, page.Left, who)
}

// Visit does what a browser does at a provider, at the address to which it was sent.
func Visit(t testing.TB, at *url.URL, who fakeidp.Person) Way {
	t.Helper()
	to, fields, err := fakeidp.Visit(http.DefaultClient, at.String(), who, false)
	if err != nil {
		t.Fatal(err)
	}
	return Way{to, fields}
}

// Take sends the browser back.
func (b *Browser) Take(t testing.TB, w Way) *Page {
	t.Helper()
	if w.Fields == nil {
		return b.Get(t, w.To)
	}
	return b.PostFrom(t, "https://provider.example", w.To, w.Fields)
}

// Values returns the parameters that the provider sends back.
func (w Way) Values(t testing.TB) url.Values {
	t.Helper()
	if w.Fields != nil {
		return w.Fields
	}
	u, err := url.Parse(w.To)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}
