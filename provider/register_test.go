package provider

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/testkeys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// registers sends metadata to the registration endpoint.
func (s *tokenServer) registers(metadata string, header ...string) reply {
	s.Helper()
	return s.do(request("POST", "/register", metadata, append(header, "Content-Type: application/json")...))
}

// manages calls the management endpoint of a registration.
func (s *tokenServer) manages(method string, of reply, metadata string) *http.Response {
	s.Helper()
	uri := strings.TrimPrefix(of.str("registration_client_uri"), testIssuer)
	return s.raw(request(method, uri, metadata, "Authorization: Bearer "+of.str("registration_access_token"),
		"Content-Type: application/json"))
}

// registration is what an editor registers.
const registration = `{"client_name": "Editor", "redirect_uris": ["http://127.0.0.1:3000/callback"],
	"grant_types": ["authorization_code", "refresh_token", "password", "urn:unknown"], "response_types": ["code"],
	"token_endpoint_auth_method": "none", "scope": "tools", "unknown": {"a": 1}}`

var registersAll = storage.OutsideSettings{Registration: storage.OutsideAnyone}

// A client registers itself, connects to an API that is for such clients, changes what it has registered, and leaves.
func TestAClientRegistersAndManagesItself(t *testing.T) {
	t.Parallel()
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := startGuest(t, database(t), registersAll)
			if got := g.do(request("GET", oauthPath, "")).str("registration_endpoint"); got != testIssuer+"/register" {
				t.Errorf("the metadata says %q", got)
			}
			a := g.registers(registration)
			if a.status != http.StatusCreated || a.str("client_id") == "" || a.body["client_secret"] != nil ||
				a.header.Get("Cache-Control") != "no-store" || a.str("token_endpoint_auth_method") != "none" ||
				fmt.Sprint(a.body["grant_types"]) != "[authorization_code refresh_token]" ||
				!slices.Contains(strings.Fields(a.str("scope")), "tools") {
				t.Fatalf("got %d %s", a.status, a.raw)
			}
			g.host.id = a.str("client_id")
			g.isAsked("redirect_uri", "http://127.0.0.1:58135/callback")
			g.isRefused("redirect_uri", "http://localhost:58135/callback")
			g.consents("tools", "offline_access")
			to, _ := g.asks("redirect_uri", "http://127.0.0.1:58135/callback")
			u, err := url.Parse(to)
			if err != nil {
				t.Fatal(err)
			}
			tokens := g.post(values("grant_type", "authorization_code", "client_id", g.host.id, "code", u.Query().Get("code"),
				"redirect_uri", "http://127.0.0.1:58135/callback", "code_verifier", testVerifier))
			g.isAt(tokens, "tools offline_access", mcpServer)

			stored := g.stored()
			if raw, err := json.Marshal(stored.Outside); err != nil || bytes.Contains(raw,
				[]byte(a.str("registration_access_token"))) || len(stored.Outside.TokenHash) != 32 {
				t.Errorf("stored is %s, %v: want a hash of the registration access token", raw, err)
			}
			if resp := g.manages("GET", a, ""); resp.StatusCode != http.StatusOK {
				t.Errorf("GET: got %d", resp.StatusCode)
			}
			if _, err := clients.Judge(t.Context(), g.store, g.stored(), storage.VerdictAllowed,
				audit.Actor("cli")); err != nil {
				t.Fatal(err)
			}
			was := g.stored()
			c := was
			c.Allow.Groups, c.UpdatedAt = []string{"staff"}, time.Now()
			if err := g.store.SaveClient(t.Context(), c, &was); err != nil {
				t.Fatal(err)
			}
			next := strings.Replace(registration, "{", `{"client_id": "`+g.host.id+`",`, 1)
			next = strings.Replace(next, "127.0.0.1:3000/callback", "127.0.0.1:3000/next", 1)
			resp := g.manages("PUT", a, next)
			text, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != http.StatusOK || bytes.Contains(text, []byte("staff")) {
				t.Errorf("PUT: got %d %s, %v; want nothing that an administrator has set", resp.StatusCode, text, err)
			}
			c = g.stored()
			if c.RedirectURIs[0] != "http://127.0.0.1:3000/next" || c.Outside.Verdict != "" || len(c.Allow.Groups) != 1 {
				t.Errorf("got %+v, want the change, no administrator who vouches for it, and what one has set", c)
			}
			if resp := g.manages("PUT", a, registration); resp.StatusCode != http.StatusBadRequest {
				t.Errorf("PUT without client_id: got %d, want 400", resp.StatusCode)
			}
			if resp := g.manages("DELETE", a, ""); resp.StatusCode != http.StatusNoContent {
				t.Errorf("DELETE: got %d", resp.StatusCode)
			}
			if resp := g.manages("GET", a, ""); resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("GET after DELETE: got %d, want 401", resp.StatusCode)
			}
			time.Sleep(1100 * time.Millisecond) // the cache of clients
			g.fails(g.refresh(&stored, tokens.str("refresh_token")), http.StatusUnauthorized, "invalid_client")
		})
	}
}

// A client that wants a secret gets one, once, and can give it up.
func TestARegisteredClientMayHaveASecret(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", registersAll)
	a := g.registers(strings.Replace(registration, `"none"`, `"client_secret_post"`, 1))
	secret := a.str("client_secret")
	if a.status != http.StatusCreated || secret == "" || a.body["client_secret_expires_at"] != 0.0 {
		t.Fatalf("got %d %s", a.status, a.raw)
	}
	g.host.id = a.str("client_id")
	if c := g.stored(); len(c.SecretHashes) != 1 || !clients.MatchSecret(c.SecretHashes[0], secret) {
		t.Errorf("got %v", c.SecretHashes)
	}
	if a := g.registers(`{"redirect_uris": ["https://app.example/cb"]}`); a.str("client_secret") == "" ||
		a.str("token_endpoint_auth_method") != "client_secret_basic" {
		t.Errorf("without a method: got %s, want that of RFC 7591", a.raw)
	}
	own := `{"client_id": "` + g.host.id + `", "client_secret": "` + secret + `",`
	for metadata, want := range map[string]int{
		strings.Replace(registration, "{", strings.Replace(own, secret, "another", 1), 1): http.StatusBadRequest,
		strings.Replace(registration, "{", own, 1):                                        http.StatusOK,
	} {
		if resp := g.manages("PUT", a, metadata); resp.StatusCode != want {
			t.Errorf("%s: got %d, want %d", metadata, resp.StatusCode, want)
		}
	}
}

// TestAClientSendsBackAllThatItWasTold: clients change one member of what they read and send the rest along, also what
// RFC 7592 section 2.2 says that they must not. Nothing but that member changes; what only the server sets, they can't.
func TestAClientSendsBackAllThatItWasTold(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", registersAll)
	a := g.registers(strings.Replace(registration, `"none"`, `"client_secret_post"`, 1))
	g.host.id = a.str("client_id")
	was := g.stored()
	told := maps.Clone(a.body)
	told["client_name"], told["client_id_issued_at"], told["client_secret_expires_at"] = "Renamed", 1, 1
	told["registration_access_token"], told["registration_client_uri"] = "vcr_of_an_attacker", "https://evil.example/"
	told["scope"], told["first_party"] = "openid orders:read", true
	text, err := json.Marshal(told)
	if err != nil {
		t.Fatal(err)
	}
	if resp := g.manages("PUT", a, string(text)); resp.StatusCode != http.StatusOK {
		t.Fatalf("PUT: got %d, want 200", resp.StatusCode)
	}
	now := g.stored()
	if fields := clients.Compare(was, now); len(fields) != 1 || now.ClientName != "Renamed" {
		t.Errorf("got changes %v, want the name alone", fields)
	}
	if !slices.Equal(now.SecretHashes, was.SecretHashes) || !now.CreatedAt.Equal(was.CreatedAt) ||
		!clients.MatchRegistration(&now, a.str("registration_access_token")) {
		t.Error("the secret, the time or the token has changed")
	}
}

// What can't be registered is refused with the codes of RFC 7591, and nothing is stored.
func TestRefusedRegistrations(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", registersAll)
	with := func(uri string) string {
		return strings.Replace(registration, "http://127.0.0.1:3000/callback", uri, 1)
	}
	for metadata, code := range map[string]string{
		"": "invalid_client_metadata", "[]": "invalid_client_metadata", "null": "invalid_client_metadata",
		`{"redirect_uris": []}`: "invalid_redirect_uri", "{}": "invalid_redirect_uri",
		with("javascript:alert(1)"): "invalid_redirect_uri", with("data:text/html,x"): "invalid_redirect_uri",
		with("http://app.example/cb"): "invalid_redirect_uri", with("https://*.app.example/cb"): "invalid_redirect_uri",
		with("https://app.example/cb#x"):                                             "invalid_redirect_uri",
		with("https://app.example@evil.example/"):                                    "invalid_redirect_uri",
		strings.Replace(registration, `"none"`, `"private_key_jwt"`, 1):              "invalid_client_metadata",
		strings.Replace(registration, `"none"`, `"client_secret_jwt"`, 1):            "invalid_client_metadata",
		strings.Replace(registration, "{", `{"software_statement": "e30.e30.x",`, 1): "unapproved_software_statement",
		strings.Replace(registration, "{", `{"software_statement": {"a": 1},`, 1):    "unapproved_software_statement",
		strings.Replace(registration, `"authorization_code", `, "", 1):               "invalid_client_metadata",
	} {
		a := g.elsewhere(t).registers(metadata)
		if a.status != http.StatusBadRequest || a.str("error") != code {
			t.Errorf("%.80s: got %d %s, want %s", metadata, a.status, a.raw, code)
		}
	}
	all, err := g.store.Clients(t.Context(), g.tenant.ID, "", 100)
	if err != nil || len(all) != 0 {
		t.Errorf("%d clients are stored, %v", len(all), err)
	}
	if resp := g.raw(request("POST", "/register", registration, formType)); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a form: got %d, want 400", resp.StatusCode)
	}
	huge := g.registers(strings.Replace(registration, "Editor", strings.Repeat("x", 1<<17), 1))
	if huge.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a huge body: got %d, want 413", huge.status)
	}
}

// Registration is off unless the tenant turns it on; it may ask for an API key that may write clients.
func TestTheTenantSaysWhoRegisters(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", anyone)
	if a := g.registers(registration); a.status != http.StatusForbidden || a.str("error") != "access_denied" {
		t.Errorf("off: got %d %s", a.status, a.raw)
	}
	if got := g.do(request("GET", oauthPath, "")).body["registration_endpoint"]; got != nil {
		t.Errorf("the metadata says %v", got)
	}
	closed := startGuest(t, "sqlite::memory:", storage.OutsideSettings{Registration: storage.OutsideToken})
	a := closed.registers(registration)
	if a.status != http.StatusUnauthorized || !strings.Contains(a.header.Get("WWW-Authenticate"), "clients:write") {
		t.Errorf("without a token: got %d %s %v", a.status, a.raw, a.header)
	}
	a = closed.registers(registration, "Authorization: Bearer wrong")
	if a.status != http.StatusUnauthorized {
		t.Errorf("with a wrong token: got %d %s", a.status, a.raw)
	}
}

// The registration access token opens its own registration only, and no guess tells which clients there are.
func TestARegistrationIsItsClientsOwn(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", registersAll)
	a, b := g.registers(registration), g.registers(registration)
	g.client()
	mixed := b
	mixed.body = map[string]any{"registration_client_uri": a.str("registration_client_uri"),
		"registration_access_token": b.str("registration_access_token")}
	var first string
	for _, of := range []string{a.str("client_id"), "spa", "unknown", "", strings.Repeat("x", 300), "%00"} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			mixed.body["registration_client_uri"] = testIssuer + "/register?client_id=" + of
			resp := g.manages(method, mixed, registration)
			var text bytes.Buffer
			if _, err := text.ReadFrom(resp.Body); err != nil {
				t.Fatal(err)
			}
			if first == "" {
				first = text.String()
			}
			if resp.StatusCode != http.StatusUnauthorized || text.String() != first {
				t.Errorf("%s %.20q: got %d %s, want %s", method, of, resp.StatusCode, text.String(), first)
			}
		}
	}
	if resp := g.manages("GET", a, ""); resp.StatusCode != http.StatusOK {
		t.Errorf("got %d", resp.StatusCode)
	}
}

// One address registers few clients in an hour.
func TestRegistrationsAreLimited(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", registersAll)
	for i := range 21 {
		want := http.StatusCreated
		if i == 20 {
			want = http.StatusTooManyRequests
		}
		if a := g.registers(registration); a.status != want {
			t.Fatalf("registration %d: got %d %s, want %d", i, a.status, a.raw, want)
		}
	}
}

// everything is all metadata of RFC 7591 and OpenID Connect Registration that is supported.
const everything = `{"client_name": "Survey", "redirect_uris": ["https://survey.example/cb?a=b"],
	"grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
	"token_endpoint_auth_method": "client_secret_post", "contacts": ["jo@survey.example"],
	"client_uri": "https://survey.example/", "logo_uri": "https://survey.example/logo.png",
	"policy_uri": "https://survey.example/policy", "tos_uri": "https://survey.example/terms",
	"post_logout_redirect_uris": ["https://survey.example/bye"], "application_type": "web",
	"subject_type": "pairwise", "id_token_signed_response_alg": "ES256", "userinfo_signed_response_alg": "RS256",
	"default_max_age": 3600, "require_auth_time": true, "default_acr_values": ["1"],
	"initiate_login_uri": "https://survey.example/login", "client_name#de": "Umfrage", "software_id": "s",
	"software_version": "1", "id_token_encrypted_response_alg": "", "extra": {"x": [1]}}`

// What a client registers is answered back and does what it says. Others took what they did not do, or answered 500.
func TestRegisteredMetadata(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", registersAll)
	a := g.registers(everything)
	if a.status != http.StatusCreated {
		t.Fatalf("got %d %s", a.status, a.raw)
	}
	var sent map[string]any
	if err := json.Unmarshal([]byte(everything), &sent); err != nil {
		t.Fatal(err)
	}
	for _, passed := range []string{"client_name#de", "software_id", "software_version", "extra",
		"id_token_encrypted_response_alg"} {
		if a.body[passed] != nil {
			t.Errorf("%s: got %v, want nothing", passed, a.body[passed])
		}
		delete(sent, passed)
	}
	for member, want := range sent {
		if got := a.body[member]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", member, got, want)
		}
	}
	g.host.id = a.str("client_id")
	if c := g.stored(); !c.Pairwise() || c.UserinfoSignedResponseAlg != "RS256" || !c.RequireAuthTime {
		t.Errorf("stored is %+v", c)
	}
	signed := g.registers(strings.Replace(registration, "{", `{"jwks_uri": "https://survey.example/jwks",
		"request_object_signing_alg": "RS256", "require_signed_request_object": true,
		"require_pushed_authorization_requests": true,`, 1))
	if signed.status != http.StatusCreated || signed.str("request_object_signing_alg") != "RS256" ||
		signed.body["require_signed_request_object"] != true || signed.str("jwks_uri") == "" ||
		signed.body["require_pushed_authorization_requests"] != true {
		t.Errorf("signed requests: got %d %s", signed.status, signed.raw)
	}
	// RFC 7592 section 2.2: what is left out has its default again.
	next := `{"client_id": "` + g.host.id + `", "redirect_uris": ["https://survey.example/cb"],
		"token_endpoint_auth_method": "client_secret_post"}`
	if resp := g.manages("PUT", a, next); resp.StatusCode != http.StatusOK {
		t.Fatalf("PUT: got %d", resp.StatusCode)
	}
	if c := g.stored(); c.Pairwise() || c.UserinfoSignedResponseAlg != "" || c.DefaultMaxAge != nil ||
		c.IDTokenSignedResponseAlg != "RS256" || len(c.Contacts) != 0 {
		t.Errorf("after PUT: stored is %+v", c)
	}
	with := func(member, value string) string {
		return strings.Replace(registration, "{", `{"`+member+`": `+value+`,`, 1)
	}
	for metadata, field := range map[string]string{
		with("subject_type", `"secret"`):                                "subject_type",
		with("subject_type", `1`):                                       "subject_type",
		with("sector_identifier_uri", `"http://sector.example/"`):       "sector_identifier_uri",
		with("id_token_signed_response_alg", `"none"`):                  "id_token_signed_response_alg",
		with("id_token_signed_response_alg", `"HS256"`):                 "id_token_signed_response_alg",
		with("userinfo_signed_response_alg", `"bogus-alg"`):             "userinfo_signed_response_alg",
		with("userinfo_signed_response_alg", `"none"`):                  "userinfo_signed_response_alg",
		with("id_token_encrypted_response_alg", `"RSA-OAEP"`):           "id_token_encrypted_response_alg",
		with("userinfo_encrypted_response_alg", `"RSA-OAEP"`):           "userinfo_encrypted_response_alg",
		with("request_object_signing_alg", `"none"`):                    "request_object_signing_alg",
		with("request_object_signing_alg", `"RS256"`):                   "request_object_signing_alg", // without keys
		with("request_object_encryption_alg", `"RSA-OAEP"`):             "request_object_encryption_alg",
		with("jwks_uri", `"http://keys.example/"`):                      "jwks_uri",
		with("jwks", `{"keys": [{"kty": "oct", "k": "AAAA"}]}`):         "jwks",
		with("jwks", `{"keys": []}, "jwks_uri": "https://a.example/"`):  "jwks_uri",
		with("tls_client_certificate_bound_access_tokens", `true`):      "tls_client_certificate_bound_access_tokens",
		with("default_max_age", `"3600"`):                               "default_max_age",
		with("default_max_age", `-1`):                                   "default_max_age",
		with("default_max_age", `1.5`):                                  "default_max_age",
		with("require_auth_time", `"yes"`):                              "require_auth_time",
		with("contacts", `"jo@survey.example"`):                         "contacts",
		with("contacts", `["a\u0000b"]`):                                "contacts",
		with("initiate_login_uri", `"javascript:alert(1)"`):             "initiate_login_uri",
		with("default_acr_values", `["a b"]`):                           "default_acr_values",
		strings.Replace(registration, `["code"]`, `["id_token"]`, 1):    "response_types",
		`{"grant_types": ["client_credentials"]}`:                       "grant_types",
		`{"grant_types": ["implicit"], "response_types": ["id_token"]}`: "grant_types",
		strings.Replace(with("subject_type", `"pairwise"`), `"http://127.0.0.1:3000/callback"`,
			`"https://a.example/cb", "https://b.example/cb"`, 1): "sector_identifier_uri",
	} {
		a := g.elsewhere(t).registers(metadata)
		if a.status != http.StatusBadRequest || a.str("error") != "invalid_client_metadata" ||
			!strings.HasPrefix(a.str("error_description"), field) {
			t.Errorf("%.80s: got %d %s, want invalid_client_metadata about %s", metadata, a.status, a.raw, field)
		}
	}
}

// A client joins a sector only if the list there names all its redirect URIs, when it registers and when it changes. No
// failure tells what the server reached.
func TestASectorListsItsClients(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", registersAll)
	metadata := `{"redirect_uris": ["https://a.example/cb", "https://b.example/cb"], "subject_type": "pairwise",
		"token_endpoint_auth_method": "none", "sector_identifier_uri": "` + g.host.id + `"}`
	g.host.says(`["https://b.example/cb", "https://a.example/cb", "https://c.example/cb"]`)
	a := g.registers(metadata)
	if a.status != http.StatusCreated || a.str("sector_identifier_uri") != g.host.id ||
		a.str("subject_type") != "pairwise" {
		t.Fatalf("got %d %s", a.status, a.raw)
	}
	g.host.id = a.str("client_id")
	if got := clients.Sector(ptr(g.stored())); got != "127.0.0.1" {
		t.Errorf("the sector is %q, want the host", got)
	}
	next := strings.Replace(metadata, "{", `{"client_id": "`+a.str("client_id")+`",`, 1)
	if resp := g.manages("PUT", a, next); resp.StatusCode != http.StatusOK {
		t.Errorf("PUT: got %d", resp.StatusCode)
	}
	if resp := g.manages("PUT", a, strings.Replace(next, "b.example", "d.example", 1)); resp.StatusCode !=
		http.StatusBadRequest {
		t.Errorf("PUT with an address that is not listed: got %d, want 400", resp.StatusCode)
	}
	var unread string
	for name, c := range map[string]struct {
		says   string
		status int
		header []string
	}{
		"one is missing":  {`["https://a.example/cb"]`, 200, nil},
		"another list":    {`["https://example.com/op"]`, 200, nil},
		"an object":       {`{"redirect_uris": ["https://a.example/cb", "https://b.example/cb"]}`, 200, nil},
		"not found":       {`[]`, 404, nil},
		"an error":        {`[]`, 500, nil},
		"text":            {`["https://a.example/cb", "https://b.example/cb"]`, 200, []string{"Content-Type", "text/plain"}},
		"more than 64 KB": {`["https://a.example/cb", "https://b.example/cb"` + strings.Repeat(" ", 1<<17) + `]`, 200, nil},
	} {
		g.host.says(c.says)
		g.host.answers(c.status, c.header...)
		a := g.elsewhere(t).registers(metadata)
		if a.status != http.StatusBadRequest || a.str("error") != "invalid_client_metadata" {
			t.Errorf("%s: got %d %s", name, a.status, a.raw)
		}
		if c.status != 200 {
			if unread == "" {
				unread = a.raw
			}
			if a.raw != unread {
				t.Errorf("%s: got %s, want what all failures look like: %s", name, a.raw, unread)
			}
		}
	}
	g.host.says(`["https://a.example/cb", "https://b.example/cb"]`)
	g.host.leads("https://a.example/")
	if a := g.elsewhere(t).registers(metadata); a.raw != unread {
		t.Errorf("a redirect: got %s, want %s", a.raw, unread)
	}
	g.host.answers(http.StatusOK)
	inner := g.elsewhere(t).registers(strings.Replace(metadata, g.host.URL, "https://127.0.0.1:1", 1))
	if inner.raw != unread {
		t.Errorf("an address that does not answer: got %s, want %s", inner.raw, unread)
	}
	if asked := g.host.asked.Load(); asked == 0 {
		t.Error("no list was read")
	}
}

func ptr[T any](v T) *T { return &v }

// A client of a document is pairwise, too, if the list of its sector names it.
func TestADocumentMayBePairwise(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", anyone)
	g.host.says(strings.Replace(editor, "{", `{"subject_type": "pairwise", "userinfo_signed_response_alg": "ES256",`, 1))
	g.isAsked()
	if c := g.stored(); !c.Pairwise() || c.UserinfoSignedResponseAlg != "ES256" ||
		clients.Sector(&c) != "client:"+g.host.id {
		t.Errorf("got %+v, sector %s", c, clients.Sector(&c))
	}
	g.ages(25 * time.Hour)
	g.host.says(strings.Replace(editor, "{", `{"sector_identifier_uri": "`+g.host.id+`",`, 1)) // it is no list
	g.isRefused()
}

// Scripts of clients that are not known yet register them; they send no cookies, and have the registration's own token
// for all else. Others left browsers out, or refused preflights.
func TestScriptsRegisterClients(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", registersAll)
	const origin = "https://inspector.example"
	for _, method := range []string{"POST", "GET", "PUT", "DELETE"} {
		resp := g.raw(preflight("/register", method, origin))
		if h := resp.Header; resp.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != "*" ||
			h.Get("Access-Control-Allow-Credentials") != "" || h.Get("Access-Control-Allow-Methods") != method {
			t.Errorf("preflight of %s: got %d %v", method, resp.StatusCode, h)
		}
	}
	if h := g.raw(preflight("/register", "PATCH", origin)).Header; h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight of PATCH: got %v", h)
	}
	a := g.registers(strings.Replace(registration, "http://127.0.0.1:3000/callback", origin+"/callback", 1),
		"Origin: "+origin)
	if a.status != http.StatusCreated || a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Fatalf("got %d %v", a.status, a.header)
	}
	if a := g.registers("{", "Origin: "+origin); a.status != http.StatusBadRequest ||
		a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("an error: got %d %v", a.status, a.header)
	}
	// From then on its scripts read the answers of /token.
	for from, want := range map[string]string{origin: origin, "https://evil.example": "", origin + ".evil.example": ""} {
		if got := g.raw(preflight("/token", "POST", from)).Header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("/token from %s: got %q, want %q", from, got, want)
		}
	}
	if resp := g.manages("DELETE", a, ""); resp.StatusCode != http.StatusNoContent {
		t.Errorf("DELETE: got %d", resp.StatusCode)
	}
}

// TestWhatClientsDemandOfThemselves: a client registers that its tokens are bound to a key, and its requests are signed
// or pushed (RFC 9449 section 5.2, RFC 9101 section 10.5, RFC 9126 section 6).
func TestWhatClientsDemandOfThemselves(t *testing.T) {
	t.Parallel()
	g := startGuest(t, databases["SQLite"](t), registersAll)
	a := g.registers(`{"redirect_uris": ["https://app.example.com/cb"], "token_endpoint_auth_method": "none",
		"dpop_bound_access_tokens": true, "require_signed_request_object": true, "request_object_signing_alg": "ES256",
		"require_pushed_authorization_requests": true, "jwks": {"keys": [` + testkeys.JWK(t, "k1") + `]}}`)
	for _, name := range []string{"dpop_bound_access_tokens", "require_signed_request_object",
		"require_pushed_authorization_requests"} {
		if a.status != http.StatusCreated || a.body[name] != true {
			t.Errorf("%s: got %d %s, want it registered", name, a.status, a.raw)
		}
	}
	c, err := g.store.Client(t.Context(), g.tenant.ID, a.str("client_id"))
	if err != nil || c.DPoP != storage.DPoPRequire || !c.RequireSignedRequestObject ||
		c.RequestObjectSigningAlg != "ES256" {
		t.Errorf("stored is %+v, %v", c, err)
	}
	resp := g.manages(http.MethodPut, a, `{"client_id": "`+c.ClientID+`",
		"redirect_uris": ["https://app.example.com/cb"], "token_endpoint_auth_method": "none"}`)
	if resp.StatusCode != http.StatusOK {
		t.Errorf("changed: got %d", resp.StatusCode)
	}
	c, err = g.store.Client(t.Context(), g.tenant.ID, c.ClientID)
	if err != nil || c.DPoP != "" || c.RequireSignedRequestObject {
		t.Errorf("after the change, stored is %+v, %v", c, err)
	}
}

// TestARegisteredClientStaysInItsSector: codes and refresh tokens that it got at its former address would tell it by
// what the sector of another host knows its users.
func TestARegisteredClientStaysInItsSector(t *testing.T) {
	t.Parallel()
	g := startGuest(t, "sqlite::memory:", registersAll)
	const public = `{"redirect_uris": ["https://evil.example/cb"], "token_endpoint_auth_method": "none"}`
	pairwise := func(host string) string {
		return `{"redirect_uris": ["https://` + host + `/cb"], "token_endpoint_auth_method": "none",` +
			` "subject_type": "pairwise"}`
	}
	const same = "of the same sector"
	for name, step := range map[string]struct{ first, then string }{
		"public before":       {public, pairwise("survey.example")},
		"public, at its host": {public, pairwise("evil.example")},
		"of another sector":   {pairwise("evil.example"), pairwise("survey.example")},
		same:                  {pairwise("evil.example"), pairwise("evil.example")},
	} {
		a := g.registers(step.first)
		if a.status != http.StatusCreated {
			t.Fatalf("%s: got %d %s", name, a.status, a.raw)
		}
		own := strings.Replace(step.then, "{", `{"client_id": "`+a.str("client_id")+`",`, 1)
		want := http.StatusBadRequest
		if name == same {
			want = http.StatusOK
		}
		if resp := g.manages("PUT", a, own); resp.StatusCode != want {
			t.Errorf("%s: got %d, want %d", name, resp.StatusCode, want)
		}
	}
}
