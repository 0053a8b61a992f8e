package provider

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/provider/documents"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/memory"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

const mcpServer = "https://mcp.example/mcp"

// documentHost publishes documents of clients, well or badly.
type documentHost struct {
	*httptest.Server
	id     string // the URL of the document
	status atomic.Int64
	body   atomic.Pointer[string]
	header atomic.Pointer[http.Header]
	asked  atomic.Int64
}

// says has the host publish the document from now on. ID stands for the client's id.
func (h *documentHost) says(document string) {
	document = strings.ReplaceAll(document, "ID", h.id)
	h.body.Store(&document)
}

// answers has the host answer with the status and the headers.
func (h *documentHost) answers(status int, header ...string) {
	all := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(header); i += 2 {
		all.Set(header[i], header[i+1])
	}
	h.header.Store(&all)
	h.status.Store(int64(status))
}

// leads has the host redirect to another address.
func (h *documentHost) leads(to string) { h.answers(http.StatusFound, "Location", to) }

// editor is what an editor publishes: it asks for no offline_access, and returns to any port of localhost.
const editor = `{"client_id": "ID", "client_name": "Editor", "client_uri": "https://editor.example/product",
	"redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback", "http://localhost:*/callback"],
	"grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
	"response_types": ["code"], "token_endpoint_auth_method": "none", "logo_uri": "javascript:alert(1)"}`

// guest is a browser whose user connects a client that no administrator added.
type guest struct {
	*visitor
	host *documentHost
}

// startGuest serves a tenant with the rule and an API for outside clients, and a host of documents.
func startGuest(t *testing.T, database string, rule storage.OutsideSettings) *guest {
	t.Helper()
	host := &documentHost{}
	host.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host.asked.Add(1)
		for name, values := range *host.header.Load() {
			w.Header()[name] = values
		}
		w.WriteHeader(int(host.status.Load()))
		fmt.Fprint(w, *host.body.Load())
	}))
	t.Cleanup(host.Close)
	host.id = host.URL + "/oauth/client.json"
	host.says(editor)
	host.answers(http.StatusOK)
	store := openDatabase(t, database)
	tenant, err := store.Tenant(t.Context(), storage.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	tenant.Settings.OutsideClients = rule
	tenant.Settings.APIs = []storage.API{
		{Identifier: mcpServer, Scopes: []storage.APIScope{{Name: "tools"}}, Clients: []string{storage.AnyClient}},
		{Identifier: orders, Scopes: []storage.APIScope{{Name: "orders:read"}}},
	}
	if err := store.UpdateTenant(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	roots := host.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	s := startTokensOn(t, store, memory.New(), func(c *Config) {
		c.Sessions = &browser.Sessions{Store: c.Store.(sessions.Store), Idle: time.Hour, Lifetime: time.Hour}
		c.Pages = Pages{Login: "/login", Consent: "/consent"}
		c.Documents = documents.NewFetcher(outbound.Config{AllowPrivate: true, RootCAs: roots})
	})
	g := &guest{&visitor{s, map[string]string{}}, host}
	g.session = g.signsIn(g.user)
	return g
}

var anyone = storage.OutsideSettings{Documents: storage.OutsideAnyone}

// asks sends an authorization request of the client, and says where the browser is sent, and the status.
func (g *guest) asks(more ...string) (to string, status int) {
	g.Helper()
	q := values("client_id", g.host.id, "redirect_uri", "http://localhost:58135/callback", "response_type", "code",
		"scope", "tools", "resource", mcpServer, "state", "s", "code_challenge", s256(testVerifier),
		"code_challenge_method", "S256")
	for name, v := range values(more...) {
		q[name] = v
	}
	return g.visit("/authorize?" + q.Encode())
}

// isAsked fails unless the request leads to the consent page.
func (g *guest) isAsked(more ...string) {
	g.Helper()
	if to, status := g.asks(more...); !strings.HasPrefix(to, "/consent?i=") {
		g.Errorf("got %d to %q, want the consent page", status, to)
	}
}

// isRefused fails unless the request ends with a page.
func (g *guest) isRefused(more ...string) {
	g.Helper()
	if to, status := g.asks(more...); to != "" || status != http.StatusBadRequest && status != http.StatusTooManyRequests {
		g.Errorf("got %d to %q, want a page that refuses", status, to)
	}
}

// consents allows the client the scopes, as the consent page does.
func (g *guest) consents(scopes ...string) {
	g.Helper()
	err := storagetest.PutConsent(g.Context(), g.store.(storage.Changes), storage.Consent{TenantID: g.tenant.ID,
		UserID: g.user.ID, ClientID: g.host.id, Scopes: scopes, Resources: []string{mcpServer}, GrantedAt: time.Now()})
	if err != nil {
		g.Fatal(err)
	}
}

// connects gets the tokens of a client that the user has allowed.
func (g *guest) connects(more ...string) reply {
	g.Helper()
	to, status := g.asks()
	u, err := url.Parse(to)
	if err != nil || u.Query().Get("code") == "" {
		g.Fatalf("got %d to %q, want a code", status, to)
	}
	form := values("grant_type", "authorization_code", "client_id", g.host.id, "code", u.Query().Get("code"),
		"redirect_uri", "http://localhost:58135/callback", "code_verifier", testVerifier)
	for name, v := range values(more...) {
		form[name] = v
	}
	a := g.post(form)
	if a.status != http.StatusOK {
		g.Fatalf("got %d %s, want tokens", a.status, a.raw)
	}
	return a
}

// stored returns the client as it is stored.
func (g *guest) stored() storage.Client {
	g.Helper()
	c, err := g.store.Client(g.Context(), g.tenant.ID, g.host.id)
	if err != nil {
		g.Fatal(err)
	}
	return c
}

// ages makes what is known of the document as old as it says, as if time had passed.
func (g *guest) ages(by time.Duration) {
	g.Helper()
	c := g.stored()
	old := *c.Outside
	old.ReadAt, old.FreshUntil, old.AskedAt = old.ReadAt.Add(-by), old.FreshUntil.Add(-by), old.AskedAt.Add(-by)
	if err := g.store.NoteOutside(g.Context(), g.tenant.ID, g.host.id, *c.Outside, old); err != nil {
		g.Fatal(err)
	}
	_, _ = g.p.clients.Fresh(g.Context(), g.tenant.ID, g.host.id)
}

// An editor that is named by the URL of its document, listens at a port of localhost and never asks for offline_access
// connects to an API, and stays connected for as long as its user has allowed.
func TestAClientByURLConnects(t *testing.T) {
	t.Parallel()
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := startGuest(t, database(t), anyone)
			if a := g.do(request("GET", oauthPath, "")); a.body["client_id_metadata_document_supported"] != true {
				t.Error("the metadata doesn't say that clients may be named by URLs")
			}
			g.isAsked()
			c := g.stored()
			if c.ClientName != "Editor" || !slices.Equal(c.GrantTypes, []string{"authorization_code", "refresh_token"}) ||
				len(c.RedirectURIs) != 2 || c.LogoURI != "" || c.Outside.Origin != storage.OriginDocument {
				t.Errorf("got %+v", c)
			}
			g.consents("tools", "offline_access")
			a := g.connects()
			g.isAt(a, "tools offline_access", mcpServer)
			g.apply(storage.Change{TenantID: g.tenant.ID, UserID: g.user.ID, Now: time.Now(),
				EndSessions: &storage.SessionFilter{IDs: []string{g.session.ID}}})
			other := g.replica()
			for range 3 { // resource is lost, has a slash, comes twice
				for _, more := range [][]string{nil, {"resource", mcpServer + "/"},
					{"resource", mcpServer, "resource", mcpServer}} {
					a = other.refresh(&c, a.str("refresh_token"), more...)
					g.isAt(a, "tools offline_access", mcpServer)
				}
			}
			if n := g.host.asked.Load(); n != 1 {
				t.Errorf("the document was fetched %d times, want once", n)
			}
			g.apply(storage.Change{TenantID: g.tenant.ID, UserID: g.user.ID, Now: time.Now(), Withdraw: c.ClientID})
			g.fails(g.refresh(&c, a.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
		})
	}
}

// Without the user's word, a connection ends with the session.
func TestAClientByURLThatMayNotStayEndsWithTheSession(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", anyone)
	g.isAsked()
	g.consents("tools")
	a, c := g.connects(), g.stored()
	g.isAt(a, "tools", mcpServer)
	g.apply(storage.Change{TenantID: g.tenant.ID, UserID: g.user.ID, Now: time.Now(),
		EndSessions: &storage.SessionFilter{IDs: []string{g.session.ID}}})
	g.fails(g.refresh(&c, a.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
}

// The tenant decides: off is the default, and hosts may be listed. What is turned off stops working.
func TestTheTenantSaysWhichClientsByURLWork(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", storage.OutsideSettings{})
	rule := func(o storage.OutsideSettings) {
		t.Helper()
		tenant, err := g.store.Tenant(t.Context(), g.tenant.ID)
		if err != nil {
			t.Fatal(err)
		}
		tenant.Settings.OutsideClients = o
		if err := g.store.UpdateTenant(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
		g.listen(g.p)
	}
	host := strings.TrimPrefix(g.host.URL, "https://")
	listed := func(hosts ...string) storage.OutsideSettings {
		return storage.OutsideSettings{Documents: storage.OutsideListed, Hosts: hosts}
	}
	supported := func() any { return g.do(request("GET", openIDPath, "")).body["client_id_metadata_document_supported"] }
	g.isRefused()
	rule(listed("vscode.dev", "*."+host, "0.1"))
	g.isRefused()
	if n := g.host.asked.Load(); n != 0 {
		t.Errorf("the document was fetched %d times before the rule let the client in", n)
	}
	rule(listed("vscode.dev", host))
	g.isAsked()
	if supported() != true {
		t.Error("the metadata doesn't say so")
	}
	g.consents("tools", "offline_access")
	a, c := g.connects(), g.stored()
	rule(storage.OutsideSettings{Documents: storage.OutsideOff})
	g.isRefused()
	if supported() != nil {
		t.Error("the metadata still says that clients may be named by URLs")
	}
	g.fails(g.refresh(&c, a.str("refresh_token")), http.StatusUnauthorized, "invalid_client")
	rule(listed("vscode.dev"))
	g.isRefused()
	if _, err := clients.Judge(t.Context(), g.store, g.stored(), storage.VerdictAllowed, audit.Actor("cli")); err != nil {
		t.Fatal(err)
	}
	_, _ = g.p.clients.Fresh(t.Context(), g.tenant.ID, g.host.id)
	if to, status := g.asks(); !strings.Contains(to, "code=") {
		t.Errorf("allowed by an administrator: got %d to %q", status, to)
	}
	if _, err := clients.Judge(t.Context(), g.store, g.stored(), storage.VerdictDenied, audit.Actor("cli")); err != nil {
		t.Fatal(err)
	}
	rule(anyone)
	_, _ = g.p.clients.Fresh(t.Context(), g.tenant.ID, g.host.id)
	g.isRefused()
}

// A document that can't be read, or is none, makes no client. The browser learns nothing of what the server reached.
func TestDocumentsThatCannotBeReadMakeNoClient(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(h *documentHost){
		"404":           func(h *documentHost) { h.answers(404) },
		"429":           func(h *documentHost) { h.answers(429) },
		"500":           func(h *documentHost) { h.answers(500) },
		"redirect":      func(h *documentHost) { h.leads(h.URL + "/") },
		"created":       func(h *documentHost) { h.answers(201) },
		"10 MB":         func(h *documentHost) { h.says(editor + strings.Repeat(" ", 10<<20)) },
		"text":          func(h *documentHost) { h.answers(200, "Content-Type", "text/plain") },
		"no JSON":       func(h *documentHost) { h.says("<!doctype html>") },
		"null":          func(h *documentHost) { h.says("null") },
		"a list":        func(h *documentHost) { h.says("[]") },
		"another id":    func(h *documentHost) { h.says(strings.Replace(editor, "ID", "ID/", 1)) },
		"no id":         func(h *documentHost) { h.says(strings.Replace(editor, `"client_id"`, `"id"`, 1)) },
		"a secret":      func(h *documentHost) { h.says(strings.Replace(editor, "{", `{"client_secret": "s",`, 1)) },
		"only a secret": func(h *documentHost) { h.says(strings.Replace(editor, `"none"`, `"client_secret_post"`, 1)) },
		"no redirects":  func(h *documentHost) { h.says(`{"client_id": "ID", "redirect_uris": ["javascript:1", "data:x"]}`) },
		"other grants": func(h *documentHost) {
			h.says(strings.Replace(editor, `"authorization_code", "refresh_token", `, "", 1))
		},
		"key without":    func(h *documentHost) { h.says(strings.Replace(editor, `"none"`, `"private_key_jwt"`, 1)) },
		"closed":         func(h *documentHost) { h.Close() },
		"deeply nested":  func(h *documentHost) { h.says(strings.Repeat("[", 60_000)) },
		"other encoding": func(h *documentHost) { h.answers(200, "Content-Encoding", "gzip") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := startGuest(t, "sqlite::memory:", anyone)
			if set(g.host); name == "other encoding" {
				g.isAsked() // it is read as it is: nothing is unpacked
				return
			}
			g.isRefused()
			asked := g.host.asked.Load()
			g.isRefused()
			if n := g.host.asked.Load(); n != asked {
				t.Error("the host was asked again at once")
			}
			if _, err := g.store.Client(t.Context(), g.tenant.ID, g.host.id); err == nil {
				t.Error("the client is stored")
			}
		})
	}
}

// Ids that are no URLs of documents are refused before anything is fetched, and inner addresses are not reached.
func TestOnlyPublicDocumentsAreFetched(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", anyone)
	for _, id := range []string{
		g.host.URL, g.host.id + "#x", g.host.URL + "/a/../client.json", g.host.URL + "/./client.json",
		strings.Replace(g.host.id, "//", "//user@", 1), strings.Replace(g.host.id, "https", "HTTPS", 1),
		strings.Replace(g.host.id, "https", "ftp", 1), "http://client.example/c", "https:///c", "https://x.example:0/c",
		g.host.id + "/" + strings.Repeat("x", clients.MaxID), "https://x.example/\x00", "https://*.example/c",
	} {
		g.isRefused("client_id", id)
	}
	if n := g.host.asked.Load(); n != 0 {
		t.Errorf("%d documents were fetched, want none", n)
	}
	config := g.p.Config
	config.Documents = nil // what is used unless private addresses are allowed
	inner := *g
	v := *g.visitor
	s := *g.tokenServer
	inner.visitor, v.tokenServer = &v, &s
	s.serve(config)
	inner.isRefused()
	if n := g.host.asked.Load(); n != 0 {
		t.Errorf("an inner address was reached %d times", n)
	}
}

// While its host fails, a client is used as its document was, for two days at most; a document that has become wrong is
// not used.
func TestADocumentOutlivesTheFailureOfItsHost(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", anyone)
	g.isAsked()
	for _, status := range []int{404, 429, 500} {
		g.host.answers(status)
		g.ages(2 * time.Hour)
		g.isAsked()
		asked := g.host.asked.Load()
		g.isAsked() // within a minute the host is not asked again
		if n := g.host.asked.Load(); n != asked {
			t.Errorf("%d: the host was asked again at once", status)
		}
		if fault := g.stored().Outside.Fault; !strings.Contains(fault, fmt.Sprint(status)) {
			t.Errorf("got the fault %q, want status %d", fault, status)
		}
	}
	g.host.answers(200, "Cache-Control", "max-age=31536000")
	g.host.says(strings.Replace(editor, "Editor", "Next", 1))
	g.ages(2 * time.Minute)
	g.isAsked()
	c := g.stored()
	if c.ClientName != "Next" || c.Outside.Fault != "" || time.Until(c.Outside.FreshUntil) > 24*time.Hour {
		t.Errorf("got %q, fault %q, until %s", c.ClientName, c.Outside.Fault, c.Outside.FreshUntil)
	}
	g.host.says(`{"client_id": "https://other.example/"}`)
	g.ages(25 * time.Hour)
	g.isRefused()
	g.isRefused()
	g.host.says(editor)
	g.ages(2 * time.Minute)
	g.isAsked()
	g.host.answers(500)
	g.ages(49 * time.Hour)
	g.isRefused()
}

// What an administrator has set of a client stays when its document is read again.
func TestAnAdministratorsSettingsOutliveTheDocument(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", anyone)
	g.isAsked()
	was := g.stored()
	c := was
	c.SecondFactor, c.UpdatedAt = storage.SecondFactorNever, time.Now()
	c.Allow.VerifiedEmail = true
	if err := g.store.SaveClient(t.Context(), c, &was); err != nil {
		t.Fatal(err)
	}
	g.host.says(strings.Replace(editor, "Editor", "Next", 1))
	g.ages(25 * time.Hour)
	g.isAsked()
	if c = g.stored(); c.ClientName != "Next" || !c.Allow.VerifiedEmail || c.SecondFactor != storage.SecondFactorNever {
		t.Errorf("got %+v", c)
	}
	// A demand stays: it may be the administrator's.
	for _, demand := range []string{`"dpop_bound_access_tokens": true,`, ""} {
		g.host.says(strings.Replace(editor, "{", "{"+demand, 1))
		g.ages(25 * time.Hour)
		g.isAsked()
		if c = g.stored(); c.DPoP != storage.DPoPRequire {
			t.Errorf("%q: got dpop %q, want require", demand, c.DPoP)
		}
	}
}

// Documents in the shapes that editors and assistants publish are read.
func TestPublishedDocumentsAreRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		document, redirect, method string
	}{
		"a command line": {`{"client_id":"ID","client_name":"CLI","redirect_uris":["http://localhost/callback",
			"http://127.0.0.1/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],
			"token_endpoint_auth_method":"none"}`, "http://127.0.0.1:49152/callback", "none"},
		"an editor with a fixed port": {`{"client_name":"Studio","logo_uri":"https://studio.example/logo.png",
			"grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"],
			"response_types":["code"],"token_endpoint_auth_method":"none","application_type":"native","client_id":"ID",
			"client_uri":"https://studio.example/product","redirect_uris":["http://127.0.0.1:33418/",
			"HOST/redirect"]}`, "http://127.0.0.1:60005/", "none"},
		"the same in a browser": {`{"client_id":"ID","redirect_uris":["http://127.0.0.1:33418/","HOST/redirect"]}`,
			"HOST/redirect", "none"},
		"an assistant with a key": {`{"client_id":"ID","client_uri":"https://chat.example/",
			"redirect_uris":["HOST/connector"],"token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_methods_supported":["none","private_key_jwt"],
			"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"client_name":"Chat",
			"token_endpoint_auth_signing_alg":"RS256","jwks_uri":"https://chat.example/oauth/jwks.json"}`, "HOST/connector",
			"private_key_jwt"},
		"one that prefers a secret": {`{"client_id":"ID","redirect_uris":["HOST/cb"],"scope":"read write",
			"token_endpoint_auth_method":"client_secret_basic","token_endpoint_auth_methods_supported":["none"]}`, "HOST/cb",
			"none"},
		"a custom scheme": {`{"client_id":"ID","client_name":["no","text"],"grant_types":null,"contacts":"x",
			"redirect_uris":["cursor://anysphere.cursor-mcp/oauth/callback","http://localhost:8787/callback"]}`,
			"cursor://anysphere.cursor-mcp/oauth/callback", "none"},
		"a name that misleads": {`{"client_id":"ID","client_name":"x\u202eexe","redirect_uris":["HOST/cb"],
			"unknown":{"a":[1]}}`, "HOST/cb", "none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := startGuest(t, "sqlite::memory:", anyone)
			g.host.says(strings.ReplaceAll(test.document, "HOST", g.host.URL))
			g.isAsked("redirect_uri", strings.ReplaceAll(test.redirect, "HOST", g.host.URL))
			if c := g.stored(); c.TokenEndpointAuthMethod != test.method || strings.ContainsRune(c.ClientName, '\u202e') ||
				!c.MayUse("authorization_code") {
				t.Errorf("got %+v", c)
			}
			g.isRefused("redirect_uri", "https://evil.example/cb")
			g.isRefused("redirect_uri", "http://127.0.0.1:1/elsewhere")
		})
	}
}

// A document sends codes to its own host or the user's device: others can publish files at many hosts.
func TestADocumentSendsCodesNowhereElse(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", anyone)
	g.host.says(`{"client_id": "ID", "redirect_uris": ["https://evil.example/cb", "http://localhost/cb"]}`)
	g.isRefused("redirect_uri", "https://evil.example/cb")
	g.isAsked("redirect_uri", "http://localhost:1/cb")
	g.isRefused("redirect_uri", "http://localhost.evil.example:1/cb")
	if _, err := clients.Judge(t.Context(), g.store, g.stored(), storage.VerdictAllowed, audit.Actor("cli")); err != nil {
		t.Fatal(err)
	}
	_, _ = g.p.clients.Fresh(t.Context(), g.tenant.ID, g.host.id)
	g.isAsked("redirect_uri", "https://evil.example/cb")
}

// An outside client may ask only for APIs that say so; what else it asks for is left out, or refused.
func TestOutsideClientsReachOnlyAPIsThatAreForThem(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", anyone)
	g.isAsked("scope", "tools orders:read users:read unknown")
	to, _ := g.asks("resource", orders)
	if u, err := url.Parse(to); err != nil || u.Query().Get("error") != "invalid_target" {
		t.Errorf("an API for registered clients: got %q, want invalid_target", to)
	}
	g.consents("tools")
	to, _ = g.asks("scope", "tools orders:read users:read unknown")
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	a := g.post(values("grant_type", "authorization_code", "client_id", g.host.id, "code", u.Query().Get("code"),
		"redirect_uri", "http://localhost:58135/callback", "code_verifier", testVerifier, "resource", mcpServer+"/"))
	g.isAt(a, "tools", mcpServer)
}

// The authorization scenario of MCP's conformance suite sends neither scope nor resource.
func TestAClientByURLMayNameNoAPI(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", anyone)
	g.isAsked("scope", "", "resource", "")
	g.consents()
	to, status := g.asks("scope", "", "resource", "")
	u, err := url.Parse(to)
	if err != nil || u.Query().Get("iss") != testIssuer || len(u.Query()["state"]) != 1 ||
		u.Query().Has("code_challenge") {
		t.Fatalf("got %d to %q", status, to)
	}
	a := g.post(values("grant_type", "authorization_code", "client_id", g.host.id, "code", u.Query().Get("code"),
		"redirect_uri", "http://localhost:58135/callback", "code_verifier", testVerifier))
	if a.status != http.StatusOK || a.str("access_token") == "" || a.str("refresh_token") == "" {
		t.Errorf("got %d %s", a.status, a.raw)
	}
}

// Of many browsers that name a new client at once, one waits for the host, and replicas agree.
func TestOneFetchServesAllWhoWait(t *testing.T) {
	t.Parallel()
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := startGuest(t, database(t), anyone)
			other := g.replica()
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					v := *g.visitor
					v.cookies = map[string]string{}
					if i%2 == 1 {
						v.tokenServer = other
					}
					one := guest{&v, g.host}
					if to, status := one.asks(); !strings.HasPrefix(to, "/login?i=") {
						t.Errorf("got %d to %q, want the sign-in page", status, to)
					}
				})
			}
			wg.Wait()
			if n := g.host.asked.Load(); n > 4 { // a request that comes late finds the row, or the cache of a second
				t.Errorf("the document was fetched %d times", n)
			}
			if n := g.events(storage.EventClientAdded); n != 1 {
				t.Errorf("got %d events, want one", n)
			}
		})
	}
}

// A browser that names ever new URLs has few of them fetched.
func TestFetchesAreLimited(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", anyone)
	g.host.answers(404)
	for i := range 40 {
		g.isRefused("client_id", fmt.Sprintf("%s/%d", g.host.URL, i))
	}
	if n := g.host.asked.Load(); n != 30 {
		t.Errorf("%d documents were fetched, want 30", n)
	}
}

// FuzzReadDocument: what is read of any document is a client that could have been registered, with the id that was
// asked for.
func FuzzReadDocument(f *testing.F) {
	const id = "https://client.example/c.json"
	for _, text := range []string{strings.ReplaceAll(editor, "ID", id), "{}", "null", `{"client_id":"` + id + `"}`,
		`{"client_id":"` + id + `","redirect_uris":["a:b"],"jwks":{"keys":[]},
			"token_endpoint_auth_method":"private_key_jwt"}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := clients.ReadDocument(id, text)
		if err != nil {
			return
		}
		if c.ClientID != id || c.FirstParty || len(c.SecretHashes) > 0 || len(c.RedirectURIs) == 0 ||
			!c.NeedsPKCE() && c.TokenEndpointAuthMethod == "none" || len(clients.Validate(&c)) > 0 {
			raw, _ := json.Marshal(c)
			t.Errorf("got %s", raw)
		}
	})
}
