package login

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

func TestConsentSaysWhoAsksForWhat(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	q := s.ask("", storage.Interaction{
		Client: storage.Client{ClientID: "boats", ClientName: "Paper Boats", LogoURI: "https://boats.example/logo.png",
			PolicyURI: "https://boats.example/privacy", TosURI: "https://boats.example/terms"},
		Scopes:      []string{"offline_access", "profile", "calendar.read", "openid"},
		Claims:      []string{"name", "phone_number", "acr", "shoe_size"},
		Resources:   []string{"https://mcp.boats.example/mcp"},
		RedirectURI: "https://boats.example/cb",
	})
	v := s.visitor()
	if p := v.get("/consent?" + q); p.location() != "/authorize?"+q {
		t.Errorf("no user signed in: got %d to %q", p.status, p.location())
	}
	v.signIn("jo@example.com", right)
	p := v.get("/consent?" + q)
	for _, want := range []string{
		"Paper Boats wants to access your account", `src="https://boats.example/logo.png"`,
		`href="https://boats.example/privacy"`, `href="https://boats.example/terms"`,
		"jo@example.com", "You’ll return to boats.example.",
	} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	var last int
	for _, want := range []string{english["scope.openid"], english["scope.profile"], "Use “calendar.read”",
		english["claim.phone_number"], "See “shoe_size”", "Use the API https://mcp.boats.example/mcp",
		english["scope.offline_access"]} {
		at := strings.Index(p.body, "<li>"+want+"</li>")
		if at < last {
			t.Errorf("%q is missing or out of order", want)
		}
		last = at
	}
	for _, never := range []string{english["claim.name"], "acr"} {
		if strings.Contains(p.body, "<li>"+never) {
			t.Errorf("the page asks for %q", never)
		}
	}
}

func TestConsentIsKept(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	user := s.user("default", "jo@example.com", "", right)
	v := s.visitor()
	v.signIn("jo@example.com", right)
	stored := func() (storage.Consent, error) { return s.store.Consent(t.Context(), "default", user.ID, "app") }

	q := s.ask("", storage.Interaction{Scopes: []string{"openid", "email"}})
	v.get("/consent?" + q)
	if p := v.post("/consent", "i", q[2:], "user", user.ID, "answer", "deny"); p.leads() != "/authorize?"+q+"&cancel=1" {
		t.Errorf("deny: got %d to %q", p.status, p.location())
	}
	if _, err := stored(); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("after deny: got %v, want ErrNotFound", err)
	}
	for _, answer := range []string{"", "yes", "ALLOW"} {
		if p := v.post("/consent", "i", q[2:], "user", user.ID, "answer",
			answer); p.status != http.StatusUnprocessableEntity {
			t.Errorf("answer %q: got %d, want 422", answer, p.status)
		}
	}
	if p := v.post("/consent", "i", q[2:], "user", user.ID, "answer", "allow"); p.leads() != "/authorize?"+q {
		t.Errorf("allow: got %d to %q", p.status, p.location())
	}
	q = s.ask("", storage.Interaction{Scopes: []string{"openid", "profile"}, Claims: []string{"phone_number"},
		Resources: []string{"https://api.example"}})
	v.get("/consent?" + q)
	v.post("/consent", "i", q[2:], "user", user.ID, "answer", "allow", "scopes", "admin", "Scopes", "admin")
	got, err := stored()
	if err != nil || !cmp.Equal(got.Scopes, []string{"openid", "email", "profile"}) ||
		!cmp.Equal(got.Claims, []string{"phone_number"}) || !cmp.Equal(got.Resources, []string{"https://api.example"}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if !got.GrantedAt.After(s.letters[q[2:]].Started) {
		t.Error("the consent is not younger than the request, which would be asked for ever")
	}
	var kinds []string
	for _, e := range s.events("default") {
		if e.ClientID == "app" {
			kinds = append(kinds, e.Kind)
		}
	}
	slices.Reverse(kinds)
	if diff := cmp.Diff([]string{"consent.denied", "consent.given", "consent.given"}, kinds); diff != "" {
		t.Error(diff)
	}
}

func TestConsentIsTheAccountsThatWasAsked(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.user("default", "jo@example.com", "", right)
	mo := s.user("default", "mo@example.com", "", right)
	v := s.visitor()
	v.signIn("jo@example.com", right)
	q := s.ask("", storage.Interaction{Scopes: []string{"openid"}})
	v.get("/consent?" + q)
	v.signIn("mo@example.com", right) // in another tab
	p := v.post("/consent", "i", q[2:], "user", jo.ID, "answer", "allow")
	if p.status != http.StatusConflict || !strings.Contains(p.body, "mo@example.com") ||
		!strings.Contains(p.body, english["consent.changed"]) {
		t.Errorf("got %d, want 409 and the question anew", p.status)
	}
	for _, id := range []string{jo.ID, mo.ID} {
		if _, err := s.store.Consent(t.Context(), "default", id, "app"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	}
	for _, path := range []string{"/consent", "/consent?i="} {
		if p := v.get(path); p.status != http.StatusBadRequest {
			t.Errorf("%s: got %d, want 400", path, p.status)
		}
	}
}

// hostile are values that a client's or a user's record may hold.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`,
	`</title><script>alert(1)</script>`,
	`javascript:alert(1)`, `data:text/html,<script>alert(1)</script>`, `http://tracker.example/x.png`,
	"https://x.example/\"onerror=\"alert(1)",
	`https://user:password@x.example/`, `//evil.example/x`, "\u202egnp.evil", "{{.Form}}", "<!--", "%s%d", "\x00\xff",
}

func TestNamesOfClientsAndPeopleAreText(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	user := s.user("default", "jo@example.com", "", right)
	for _, bad := range hostile {
		user.Profile.Name = strings.ToValidUTF8(strings.ReplaceAll(bad, "\x00", ""), "")
		if err := storagetest.UpdateUser(t.Context(), s.store, user); err != nil {
			t.Fatal(err)
		}
		q := s.ask("", storage.Interaction{
			Client:    storage.Client{ClientID: bad, ClientName: bad, LogoURI: bad, PolicyURI: bad, TosURI: bad, ClientURI: bad},
			LoginHint: bad, Scopes: []string{bad}, Claims: []string{bad}, RedirectURI: bad,
		})
		v := s.visitor()
		pages := []answer{v.get("/login?" + q)}
		v.signIn("jo@example.com", right)
		for _, path := range []string{"/login?", "/select?", "/consent?",
			"/signout?l=" + strings.ReplaceAll(bad, "%", "%25") + "&", "/account?", "/account/profile?", "/account/apps?"} {
			req, err := http.NewRequest(http.MethodGet, s.url+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.URL.Path, req.URL.RawQuery, _ = strings.Cut(path+q, "?")
			req.URL.RawQuery = strings.NewReplacer(" ", "%20", "\x00", "%00", "\xff", "%ff", "\"", "%22", "<", "%3C", ">", "%3E",
				"#", "%23").Replace(req.URL.RawQuery)
			pages = append(pages, v.do(req))
		}
		for i, p := range pages {
			if p.status != http.StatusOK {
				t.Errorf("%q, page %d: got %d", bad, i, p.status)
			}
			for _, never := range []string{"<script", "onerror=alert(1)>", "' onmouseover='", "\"onerror=\"",
				`href="javascript:`, `src="javascript:`, `src="data:`, `href="data:`, `src="http:`, `href="http:`, `href="//`,
				`src="//`, `src="https://user`, `href="https://user`, "<!--"} {
				if strings.Contains(strings.ReplaceAll(p.body, `<script src="/static/`, ""), never) {
					t.Errorf("%q, page %d holds %s", bad, i, never)
				}
			}
		}
	}
}

func TestWhereTheAnswerGoes(t *testing.T) {
	t.Parallel()
	device := english["consent.device"]
	for uri, want := range map[string]string{
		"https://app.example/cb": "app.example", "https://app.example:8443/cb": "app.example:8443",
		"https://app.example@evil.example/": "evil.example",
		"http://localhost:3000/":            device, "http://127.0.0.1:1/": device, "http://[::1]:1/": device,
		"com.example.app:/cb": device, "": device, "%": device,
	} {
		if got := host(uri, english); got != want {
			t.Errorf("%q: got %q, want %q", uri, got, want)
		}
	}
}

func TestEveryClaimHasWords(t *testing.T) {
	t.Parallel()
	for _, claim := range claims.Standard.OfUsers() {
		if english["claim."+claim] == "" {
			t.Errorf("there are no words for the claim %s", claim)
		}
	}
}

// TestConsentToRules: a scope of rules without words of its own is put in those of its claims, and an attribute
// has its title.
func TestConsentToRules(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	tenant, err := s.store.Tenant(t.Context(), storage.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	tenant.Settings.Attributes = []storage.Attribute{{Name: "floor", Title: "Floor & desk"}}
	tenant.Settings.Claims = []storage.ClaimRule{
		{Claim: "employee", From: "external_id", Scope: "hr"}, {Claim: "seat", From: "attributes.floor", Scope: "hr"},
		{Claim: "tier", Value: []byte(`"gold"`), Scope: "hr"}, {Claim: "teams", From: "groups", Scope: "groups"},
	}
	if err := s.store.UpdateTenant(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	s.user("default", "jo@example.com", "", right)
	v := s.visitor()
	v.signIn("jo@example.com", right)
	body := v.get("/consent?" + s.ask("", storage.Interaction{Scopes: []string{"hr", "groups"}})).body
	for want, is := range map[string]bool{
		english["claim.external_id"]: true, "See “Floor &amp; desk”": true, english["scope.groups"]: true,
		"See “tier”": false, "Use “hr”": false, "See “teams”": false,
	} {
		if strings.Contains(body, "<li>"+want+"</li>") != is {
			t.Errorf("the page says %q: %v", want, !is)
		}
	}
}

// The page names the hosts of a client that no administrator added, warns of it, and asks whether it stays connected.
func TestConsentNamesOutsideClients(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	user := s.user("default", "jo@example.com", "", right)
	outside := storage.Client{TenantID: "default", ClientID: "https://editor.example/client.json", ClientName: "Bank",
		LogoURI: "https://bank.example/logo.png", Outside: &storage.Outside{Origin: storage.OriginDocument}}
	if err := s.store.PutClient(t.Context(), outside); err != nil {
		t.Fatal(err)
	}
	v := s.visitor()
	v.signIn("jo@example.com", right)
	ask := func(change func(*storage.Interaction)) (q, body string) {
		t.Helper()
		in := storage.Interaction{Client: outside, Unverified: true, Publisher: "editor.example", MayStay: true,
			Scopes: []string{"tools"}, RedirectURI: "https://other.example/cb"}
		if change != nil {
			change(&in)
		}
		q = s.ask("", in)
		return q, v.get("/consent?" + q).body
	}
	q, body := ask(nil)
	for _, want := range []string{"Bank (editor.example) wants to access your account", "Published by editor.example.",
		english["consent.unverified"], english["consent.stay"], "You’ll return to other.example."} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(body, "logo.png") {
		t.Error("the page shows a logo that could be another's")
	}
	_, body = ask(func(in *storage.Interaction) {
		in.Unverified, in.MayStay = false, false
		in.Client.Outside = &storage.Outside{Origin: storage.OriginDocument, Verdict: storage.VerdictAllowed}
	})
	for _, never := range []string{english["consent.unverified"], english["consent.stay"]} {
		if strings.Contains(body, never) {
			t.Errorf("the page of an allowed client says %q", never)
		}
	}
	for _, stay := range []string{"1", "", "1"} {
		p := v.post("/consent", "i", q[2:], "user", user.ID, "answer", "allow", "stay", stay)
		if p.leads() != "/authorize?"+q {
			t.Errorf("got %d to %q", p.status, p.location())
		}
		c, err := s.store.Consent(t.Context(), "default", user.ID, outside.ClientID)
		if err != nil || slices.Contains(c.Scopes, "offline_access") != (stay == "1") {
			t.Errorf("stay=%q: got %q, %v", stay, c.Scopes, err)
		}
	}
}
