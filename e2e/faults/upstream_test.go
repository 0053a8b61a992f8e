package faults

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/faultproxy"
)

// upstreamPatience is the timeout of people/upstream: half of a round trip may take that long.
const upstreamPatience = 8 * time.Second

// provider is a fake upstream provider behind a proxy.
type provider struct {
	*fakeidp.Server
	proxy *faultproxy.Proxy
}

// withProviders returns providers with the given ids, and settings that use them.
func withProviders(t *testing.T, ids ...string) (map[string]*provider, map[string]string) {
	t.Helper()
	all := map[string]*provider{}
	text := "tenants:\n  default:\n    upstreams:\n"
	for _, id := range ids {
		idp := &fakeidp.Server{Kind: fakeidp.OpenID, Name: id, ClientID: "vouchsafe",
			ClientSecret: "a-secret-of-the-upstreams"}
		srv := httptest.NewServer(idp)
		t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
		p := faultproxy.Start(t, srv.Listener.Addr().String())
		idp.Issuer = "http://" + p.Address
		all[id] = &provider{idp, p}
		text += fmt.Sprintf("      - {id: %s, issuer: %q, client_id: %s, client_secret: %s}\n", id, idp.Issuer,
			idp.ClientID, idp.ClientSecret)
	}
	file := filepath.Join(t.TempDir(), "tenants.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return all, map[string]string{"VOUCHSAFE_TENANTS": file}
}

// TestUpstreamFaults: a provider that hangs, cuts or floods leads to a page within a bounded time,
// and users who sign in by password do not notice. Afterwards the provider works again.
func TestUpstreamFaults(t *testing.T) {
	t.Parallel()
	faults := map[string]faultproxy.Fault{
		"silent":   {Silent: true},
		"minute":   {Delay: time.Minute},
		"refused":  {Refuse: true},
		"reset":    {ResetAfter: 40},
		"trickles": {Slice: 20},
	}
	var ids []string
	for id := range faults {
		ids = append(ids, id)
	}
	providers, env := withProviders(t, append(ids, "hostile")...)
	s := newSite(t, env)
	l := s.load(t, 3)
	t.Run("before", func(t *testing.T) { // so that the providers are known
		for _, p := range providers {
			s.comes(t, p)
		}
	})
	l.Start()
	l.During(time.Second, 50)
	l.Stop()
	before := s.usage(t)
	t.Run("faults", func(t *testing.T) {
		var wg sync.WaitGroup
		defer wg.Wait()
		for id, fault := range faults {
			p := providers[id]
			wg.Go(func() { s.meets(t, p, fault) })
		}
		for _, fault := range []string{"hang", "huge", "status", "json", "redirect"} {
			wg.Go(func() { s.refusesVisit(t, providers["hostile"], fault) })
		}
		// Meanwhile no other user waits for it.
		for range 10 {
			s.signsIn(t)
			if !l.Works() {
				t.Error("what has nothing to do with the provider was refused")
			}
		}
	})
	t.Run("afterwards", func(t *testing.T) {
		for id, p := range providers {
			began := time.Now()
			for !s.tries(t, p) {
				if time.Since(began) > recovery+slack {
					t.Errorf("%s: no user can sign in through it %v after the fault", id, time.Since(began))
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
		}
	})
	s.settles(t, before)
}

// meets lets the fault begin while a user is at the provider. The user gets a page that says so.
func (s *site) meets(t *testing.T, p *provider, f faultproxy.Fault) {
	b := s.Browser(t, vouchsafetest.Person{})
	back := p.visit(t, b, "")
	p.proxy.Set(f)
	if f.Refuse {
		p.proxy.Cut()
	}
	defer p.proxy.Set(faultproxy.Fault{})
	began := time.Now()
	page := b.Get(t, back)
	if took := time.Since(began); took > upstreamPatience+slack {
		t.Errorf("%s: the answer took %v, want at most %v", p.Name, took, upstreamPatience)
	}
	if in := signedIn(t, b); in != (p.Name == "trickles") {
		t.Errorf("%s: got %d %s, signed in: %v", p.Name, page.Status, page.Text(t), in)
	} else if !in {
		wantAnotherWay(t, p.Name, page)
	}
}

// refusesVisit makes a round trip to a provider that misbehaves.
func (s *site) refusesVisit(t *testing.T, p *provider, fault string) {
	b := s.Browser(t, vouchsafetest.Person{})
	back := p.visit(t, b, fault)
	began := time.Now()
	page := b.Get(t, back)
	if took := time.Since(began); took > upstreamPatience+slack {
		t.Errorf("%s: the answer took %v, want at most %v", fault, took, upstreamPatience)
	}
	wantAnotherWay(t, fault, page)
	if signedIn(t, b) {
		t.Errorf("%s: a user is signed in", fault)
	}
}

// wantAnotherWay fails the test unless the page is the sign-in page, with a message that something
// went wrong.
func wantAnotherWay(t *testing.T, fault string, page *vouchsafetest.Page) {
	t.Helper()
	if text := page.Text(t); page.URL.Path != "/login" || !strings.Contains(text, "or sign in another way") {
		t.Errorf("%s: got %d %s %s, want to be offered other ways to sign in", fault, page.Status, page.URL.Path, text)
	}
}

// comes makes a round trip that must succeed.
func (s *site) comes(t *testing.T, p *provider) {
	t.Helper()
	b := s.Browser(t, vouchsafetest.Person{})
	if page := b.Get(t, p.visit(t, b, "")); !signedIn(t, b) {
		t.Fatalf("from %s: got %d %s", p.Name, page.Status, page.Text(t))
	}
}

// tries reports whether a user can sign in through the provider.
func (s *site) tries(t *testing.T, p *provider) bool {
	t.Helper()
	b := s.Browser(t, vouchsafetest.Person{})
	page := b.Get(t, "/upstream/"+p.Name)
	if page.Left == nil {
		return false
	}
	to := p.choose(t, page.Left.String(), "")
	b.Get(t, to)
	return signedIn(t, b)
}

// visit sends the browser to the provider, and returns the address that leads back.
func (p *provider) visit(t *testing.T, b *vouchsafetest.Browser, fault string) (back string) {
	t.Helper()
	page := b.Get(t, "/upstream/"+p.Name)
	if page.Left == nil {
		t.Fatalf("to %s: got %d %s", p.Name, page.Status, page.Text(t))
	}
	return p.choose(t, page.Left.String(), fault)
}

func (p *provider) choose(t *testing.T, address, fault string) (back string) {
	t.Helper()
	email := "someone-" + p.Name + "@example.com"
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	to, _, err := fakeidp.Visit(client, address,
		fakeidp.Person{Name: "Someone", Email: email, Verified: "true", Fault: fault}, false)
	if err != nil {
		t.Fatal(err)
	}
	if u, err := url.Parse(to); err != nil || !strings.HasPrefix(u.Path, "/upstream/") {
		t.Fatalf("the provider leads to %s", to)
	}
	return to
}

func signedIn(t *testing.T, b *vouchsafetest.Browser) bool {
	t.Helper()
	page := b.Get(t, "/account")
	return page.Status == 200 && page.URL.Path == "/account"
}
