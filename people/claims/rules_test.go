package claims_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

// jo is a user with a little of everything, at a first-party client.
func jo(rules ...storage.ClaimRule) *claims.Subject {
	return &claims.Subject{
		Tenant: &storage.Tenant{ID: "acme", Name: "Acme", Host: "id.acme.example", Settings: storage.TenantSettings{
			Attributes: []storage.Attribute{{Name: "floor"}, {Name: "badges"}, {Name: "remote"}, {Name: "desk"}},
			APIs:       []storage.API{{Identifier: "https://a.example"}, {Identifier: "https://b.example"}},
		}},
		Client: &storage.Client{ClientID: "web", ClientName: "Web", FirstParty: true, Scope: "openid profile email groups",
			Claims: rules},
		User: &storage.User{
			ID: "u1", Username: "jo", Email: "jo@example.com", EmailVerified: true, ExternalID: "emp-7",
			Profile:    storage.Profile{Name: "Jo Doe", Address: &storage.Address{Locality: "Bern"}},
			Attributes: map[string]any{"floor": 1234567.0, "badges": []any{"red", "blue"}, "remote": true, "gone": "x"},
		},
		Belonging: &storage.Belonging{Groups: []string{"app1-admins", "app1-users", "staff"}, Roles: []storage.RoleName{
			{Client: "other", Name: "owner"}, {Client: "web", Name: "editor"},
			{API: "https://a.example", Name: "reader"}, {API: "https://b.example", Name: "writer"},
		}},
		Identities: []storage.Identity{
			{Provider: "github", Subject: "4711", Email: "jo@users.example"}, {Provider: "github", Subject: "4712"},
		},
	}
}

// given returns what a subject's rules give in a place, as JSON.
func given(t *testing.T, s *claims.Subject, in string, scopes ...string) map[string]any {
	t.Helper()
	var all map[string]any
	raw := claims.Append([]byte("{}"), s.Give(claims.Ask{In: in, Scopes: scopes}))
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return all
}

// TestSources: each source gives what is known in its own type, and nothing where nothing is known.
func TestSources(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]any{
		"external_id": "emp-7", "profile.name": "Jo Doe", "profile.email": "jo@example.com",
		"profile.email_verified": true, "profile.address.locality": "Bern",
		"profile.address": map[string]any{"locality": "Bern"}, "profile.nickname": nil, "profile.phone_number": nil,
		"profile.address.region": nil, "client.client_id": "web", "client.client_name": "Web", "client.client_uri": nil,
		"groups": []any{"app1-admins", "app1-users", "staff"}, "roles": []any{"editor"},
		"attributes.floor": 1234567.0, "attributes.badges": []any{"red", "blue"}, "attributes.remote": true,
		"attributes.desk": nil, "attributes.gone": nil,
		"tenant.id": "acme", "tenant.name": "Acme", "tenant.host": "id.acme.example",
		"upstream.github.subject": "4711", "upstream.github.email": "jo@users.example", "upstream.google.subject": nil,
	} {
		rule := storage.ClaimRule{Claim: "x", From: from}
		if faults := claims.Check([]storage.ClaimRule{rule}); len(faults) > 0 {
			t.Errorf("%s: %v", from, faults)
		}
		if diff := cmp.Diff(want, given(t, jo(rule), claims.InIDToken)["x"]); diff != "" {
			t.Errorf("%s: %s", from, diff)
		}
	}
}

// TestFormsOfValues: as makes lists and texts of each other; what is not known is left out in any form.
func TestFormsOfValues(t *testing.T) {
	t.Parallel()
	stripped := storage.ClaimRule{From: "groups", Prefix: "app1-", StripPrefix: true}
	for name, c := range map[string]struct {
		rule storage.ClaimRule
		want any
	}{
		"text as list":       {storage.ClaimRule{From: "profile.name", As: "list"}, []any{"Jo Doe"}},
		"truth as text":      {storage.ClaimRule{From: "profile.email_verified", As: "string"}, "true"},
		"number as text":     {storage.ClaimRule{From: "attributes.floor", As: "string"}, "1234567"},
		"list as text":       {storage.ClaimRule{From: "groups", As: "string"}, "app1-admins app1-users staff"},
		"list as list":       {storage.ClaimRule{From: "attributes.badges", As: "list"}, []any{"red", "blue"}},
		"prefix":             {storage.ClaimRule{From: "groups", Prefix: "app1-"}, []any{"app1-admins", "app1-users"}},
		"prefix, stripped":   {stripped, []any{"admins", "users"}},
		"prefix of none":     {storage.ClaimRule{From: "groups", Prefix: "app2-"}, []any{}},
		"none as text":       {storage.ClaimRule{From: "groups", Prefix: "app2-", As: "string"}, nil},
		"nothing as list":    {storage.ClaimRule{From: "profile.nickname", As: "list"}, nil},
		"nothing as text":    {storage.ClaimRule{From: "profile.nickname", As: "string"}, nil},
		"a text":             {storage.ClaimRule{Value: json.RawMessage(`"gold"`)}, "gold"},
		"a number":           {storage.ClaimRule{Value: json.RawMessage(`7`)}, 7.0},
		"false":              {storage.ClaimRule{Value: json.RawMessage(`false`)}, false},
		"a list":             {storage.ClaimRule{Value: json.RawMessage(`["a","b"]`)}, []any{"a", "b"}},
		"a list of nothing":  {storage.ClaimRule{Value: json.RawMessage(`[]`)}, []any{}},
		"markup stays as is": {storage.ClaimRule{Value: json.RawMessage(`"<b>&\u2028"`)}, "<b>&\u2028"},
	} {
		c.rule.Claim = "x"
		if faults := claims.Check([]storage.ClaimRule{c.rule}); len(faults) > 0 {
			t.Errorf("%s: %v", name, faults)
		}
		if diff := cmp.Diff(c.want, given(t, jo(c.rule), claims.InIDToken)["x"]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestListsAreArrays: Kubernetes, Argo CD, Grafana and oauth2-proxy want an array of texts, with one group and
// with none.
func TestListsAreArrays(t *testing.T) {
	t.Parallel()
	for _, groups := range [][]string{nil, {}, {"one"}} {
		s := jo(storage.ClaimRule{Claim: "groups", From: "groups"}, storage.ClaimRule{Claim: "roles", From: "roles"})
		s.Belonging = &storage.Belonging{Groups: groups}
		got := string(claims.Append([]byte("{}"), s.Give(claims.Ask{In: claims.InIDToken})))
		want := `{"groups":[],"roles":[]}`
		if len(groups) > 0 {
			want = `{"groups":["one"],"roles":[]}`
		}
		if got != want {
			t.Errorf("%v: got %s", groups, got)
		}
	}
}

// TestRolesCountWhereTheyBelong: no API gets the roles of a client or of another API, whose names mean other
// things there.
func TestRolesCountWhereTheyBelong(t *testing.T) {
	t.Parallel()
	s := jo(storage.ClaimRule{Claim: "roles", From: "roles", In: claims.Places})
	for want, audience := range map[string][]string{
		`{"roles":["editor"]}`: nil, `{"roles":["reader"]}`: {"https://a.example"},
		`{"roles":["writer"]}`: {"https://b.example", "https://unknown.example"},
		`{}`:                   {"https://a.example", "https://b.example"},
	} {
		got := s.Give(claims.Ask{In: claims.InAccessToken, Audience: audience})
		if got := string(claims.Append([]byte("{}"), got)); got != want {
			t.Errorf("%q: got %s, want %s", audience, got, want)
		}
	}
	s.User, s.Belonging = nil, &storage.Belonging{Roles: []storage.RoleName{{API: "https://a.example", Name: "writer"}}}
	got := s.Give(claims.Ask{In: claims.InAccessToken, Audience: []string{"https://a.example"}})
	if got := string(claims.Append([]byte("{}"), got)); got != `{"roles":["writer"]}` {
		t.Errorf("a service's own token: got %s", got)
	}
}

// TestTextsAreEscaped: whatever a user's text is, it is one text in JSON.
func TestTextsAreEscaped(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"plain", `","sub":"u2`, "\\", "a\nb\x00c", "Zoë \u2028", "<b>&", "\x7f", "🦊"} {
		s := jo(storage.ClaimRule{Claim: "text", From: "profile.name"},
			storage.ClaimRule{Claim: "list", From: "profile.name", As: "list"})
		s.User.Profile.Name = text
		want := map[string]any{"text": text, "list": []any{text}}
		if diff := cmp.Diff(want, given(t, s, claims.InIDToken)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

// TestReservedNamesAreNeverGiven: not even if a rule with one is stored.
func TestReservedNamesAreNeverGiven(t *testing.T) {
	t.Parallel()
	s := jo(storage.ClaimRule{Claim: "sub", From: "external_id"}, storage.ClaimRule{Claim: "Scope", From: "external_id"})
	if got := given(t, s, claims.InIDToken); len(got) > 0 {
		t.Errorf("got %v", got)
	}
}

// TestWhereARuleGives: in and scope decide, id_token_claims speaks for rules that do not say, and without a
// scope only first-party clients learn about users.
func TestWhereARuleGives(t *testing.T) {
	t.Parallel()
	off := false
	tokenless := func(c *storage.Client) { c.IDTokenClaims = &off }
	thirdParty := func(c *storage.Client) { c.FirstParty = false }
	inIDToken, scoped := storage.ClaimRule{In: []string{"id_token"}}, storage.ClaimRule{Scope: "groups"}
	tenant := storage.ClaimRule{From: "tenant.id"}
	everywhere := strings.Join(claims.Places, " ")
	for name, c := range map[string]struct {
		rule   storage.ClaimRule
		change func(c *storage.Client)
		scopes []string
		want   string
	}{
		"the usual places":           {want: "id_token userinfo"},
		"everywhere":                 {rule: storage.ClaimRule{In: claims.Places}, want: everywhere},
		"one place":                  {rule: storage.ClaimRule{In: []string{"access_token"}}, want: "access_token"},
		"id_token_claims: false":     {change: tokenless, want: "userinfo"},
		"in says more than that":     {rule: inIDToken, change: tokenless, want: "id_token"},
		"a scope that is asked for":  {rule: scoped, scopes: []string{"groups"}, want: "id_token userinfo"},
		"a scope that isn't":         {rule: scoped, scopes: []string{"openid"}},
		"no scope, of a third party": {change: thirdParty},
		"not about the user":         {rule: tenant, change: thirdParty, want: "id_token userinfo"},
	} {
		c.rule.Claim = "x"
		if c.rule.From == "" {
			c.rule.From = "profile.name"
		}
		s := jo(c.rule)
		if c.change != nil {
			c.change(s.Client)
		}
		var got []string
		for _, in := range claims.Places {
			if given(t, s, in, c.scopes...)["x"] != nil {
				got = append(got, in)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// TestBuiltInScopesCoverTheirOwnClaims: a client whose users consent to the scope of a built-in claim gets nothing
// else by it.
func TestBuiltInScopesCoverTheirOwnClaims(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule       storage.ClaimRule
		firstParty bool
		want       bool
	}{
		"another's source": {storage.ClaimRule{Claim: "nickname", From: "profile.email"}, false, false},
		"another's source, named scope": {
			storage.ClaimRule{Claim: "nickname", From: "profile.email", Scope: "email"}, false, true},
		"another's, of a first party": {storage.ClaimRule{Claim: "nickname", From: "profile.email"}, true, true},
		"the same scope's":            {storage.ClaimRule{Claim: "nickname", From: "profile.name"}, false, true},
		"a member of the address": {
			storage.ClaimRule{Claim: "nickname", From: "profile.address.locality", Scope: "address"}, false, true},
		"groups":                 {storage.ClaimRule{Claim: "nickname", From: "groups"}, false, false},
		"groups, built-in scope": {storage.ClaimRule{Claim: "teams", From: "groups", Scope: "profile"}, false, false},
		"groups, own scope":      {storage.ClaimRule{Claim: "nickname", From: "groups", Scope: "groups"}, false, true},
		"the same for all":       {storage.ClaimRule{Claim: "nickname", Value: json.RawMessage(`"x"`)}, false, true},
	} {
		s := jo(c.rule)
		s.Client.FirstParty = c.firstParty
		ask := claims.Ask{In: claims.InIDToken, Scopes: []string{"profile", "email", "address", "groups"}}
		if c.rule.Scope == "" {
			ask = claims.Ask{In: claims.InIDToken, Scopes: []string{"profile"}, Claims: []string{"nickname"}}
		}
		if got := len(s.Give(ask)) > 0; got != c.want {
			t.Errorf("%s: given: %v, want %v", name, got, c.want)
		}
	}
}

// TestRulesTakeThePlaceOfOthers: a client's rule that of its tenant's, and either that of a built-in row, whose
// scope it has unless it names one.
func TestRulesTakeThePlaceOfOthers(t *testing.T) {
	t.Parallel()
	s := jo(storage.ClaimRule{Claim: "team", Value: json.RawMessage(`"client's"`)},
		storage.ClaimRule{Claim: "preferred_username", From: "profile.email"})
	s.Tenant.Settings.Claims = []storage.ClaimRule{
		{Claim: "team", Value: json.RawMessage(`"tenant's"`)}, {Claim: "org", Value: json.RawMessage(`"acme"`)},
	}
	if diff := cmp.Diff(map[string]any{"team": "client's", "org": "acme"}, given(t, s, claims.InIDToken)); diff != "" {
		t.Error(diff)
	}
	if got := given(t, s, claims.InIDToken, "profile")["preferred_username"]; got != "jo@example.com" {
		t.Errorf("got %v", got)
	}
	if got := s.Rules().ScopeOf("preferred_username"); got != "profile" {
		t.Errorf("got scope %q", got)
	}
	if got := s.Rules().Names(); !slices.Equal(got, []string{"team", "org"}) {
		t.Errorf("got names %q", got)
	}
}

// TestClaimsThatAreTooLarge: what would burst a token is left out whole and named; what still fits is given, and
// userinfo, which is no header, takes more.
func TestClaimsThatAreTooLarge(t *testing.T) {
	t.Parallel()
	s := jo(storage.ClaimRule{Claim: "small", From: "external_id", In: claims.Places},
		storage.ClaimRule{Claim: "long", From: "profile.name", In: claims.Places},
		storage.ClaimRule{Claim: "last", From: "external_id", In: claims.Places})
	s.User.Profile.Name = strings.Repeat("x", 5000)
	for _, in := range []string{claims.InIDToken, claims.InAccessToken} {
		s.TooLarge = nil
		got := given(t, s, in)
		if got["small"] == nil || got["last"] == nil || got["long"] != nil || !slices.Equal(s.TooLarge, []string{"long"}) {
			t.Errorf("%s: got %d claims, too large: %q", in, len(got), s.TooLarge)
		}
	}
	s.TooLarge = nil
	if got := given(t, s, claims.InUserinfo); len(got) != 3 || s.TooLarge != nil {
		t.Errorf("userinfo: got %d claims, too large: %q", len(got), s.TooLarge)
	}
}

// TestFaultsOfRules: each fault is told with its field.
func TestFaultsOfRules(t *testing.T) {
	t.Parallel()
	name := storage.ClaimRule{Claim: "x", From: "profile.name"}
	type rule = storage.ClaimRule
	literal := func(json string) func(*rule) { return func(r *rule) { r.From, r.Value = "", []byte(json) } }
	for want, change := range map[string]func(r *rule){
		"0.claim: is missing":                          func(r *rule) { r.Claim = "" },
		`0.claim: "a b" isn't a name`:                  func(r *rule) { r.Claim = "a b" },
		"0.claim: \"\u017fub\" isn't a name":           func(r *rule) { r.Claim = "\u017fub" }, // folds to sub
		`0.claim: "iss" is reserved`:                   func(r *rule) { r.Claim = "iss" },
		`0.claim: "Grant_ID" is reserved`:              func(r *rule) { r.Claim = "Grant_ID" },
		`0.claim: "act" is reserved`:                   func(r *rule) { r.Claim = "act" },
		`0.claim: "cnf" is reserved`:                   func(r *rule) { r.Claim = "cnf" },
		`0.claim: "email_verified" can't be replaced`:  func(r *rule) { r.Claim = "email_verified" },
		`0.claim: "EMAIL" can't be replaced`:           func(r *rule) { r.Claim = "EMAIL" },
		`0.claim: "Nickname" differs`:                  func(r *rule) { r.Claim = "Nickname" },
		"0.from: is missing":                           func(r *rule) { r.From = "" },
		`0.from: "profile.sub": no claim of a profile`: func(r *rule) { r.From = "profile.sub" },
		`0.from: "profile.height"`:                     func(r *rule) { r.From = "profile.height" },
		`0.from: "client.jwks"`:                        func(r *rule) { r.From = "client.jwks" },
		`0.from: "tenant.settings"`:                    func(r *rule) { r.From = "tenant.settings" },
		`0.from: "upstream.github"`:                    func(r *rule) { r.From = "upstream.github" },
		`0.from: "upstream.github.token"`:              func(r *rule) { r.From = "upstream.github.token" },
		`0.from: "user.name == 'jo'"`:                  func(r *rule) { r.From = "user.name == 'jo'" },
		"0.value: can't be used together":              func(r *rule) { r.Value = []byte(`1`) },
		"0.value: want a text":                         literal(`{"a":1}`),
		"0.value: has ":                                literal(`"` + strings.Repeat("x", 1024) + `"`),
		"0.as: isn't used":                             func(r *rule) { literal(`1`)(r); r.As = "list" },
		`0.as: "number" isn't allowed`:                 func(r *rule) { r.As = "number" },
		"0.as: is not for profile.address":             func(r *rule) { r.From, r.As = "profile.address", "string" },
		"0.prefix: is for lists":                       func(r *rule) { r.Prefix = "app1-" },
		"0.strip_prefix: needs prefix":                 func(r *rule) { r.StripPrefix = true },
		`0.in.1: "cookie" isn't allowed`:               func(r *rule) { r.In = []string{"userinfo", "cookie"} },
		`0.in.1: "userinfo" appears twice`:             func(r *rule) { r.In = []string{"userinfo", "userinfo"} },
		"0.in.0: introspection has a username":         func(r *rule) { r.Claim, r.In = "username", claims.Places[3:] },
		"0.scope: openid doesn't tell users":           func(r *rule) { r.Scope = "openid" },
		"0.scope: offline_access doesn't tell users":   func(r *rule) { r.Scope = "offline_access" },
		`0.scope: "a b" has a character`:               func(r *rule) { r.Scope = "a b" },
	} {
		r := name
		change(&r)
		var all []string
		for _, f := range claims.Check([]rule{r}) {
			all = append(all, f.Path+": "+f.Message)
		}
		if len(all) != 1 || !strings.HasPrefix(all[0], want) {
			t.Errorf("got %q, want one that begins with %q", all, want)
		}
	}
	if faults := claims.Check([]storage.ClaimRule{name, {Claim: "X", From: "external_id"}}); len(faults) != 1 ||
		faults[0].Path != "1.claim" {
		t.Errorf("names that differ by case: got %v", faults)
	}
	if faults := claims.Check(make([]storage.ClaimRule, 65)); len(faults) != 1 {
		t.Errorf("65 rules: got %v", faults)
	}
}

// TestExplanations: each claim has its rule and its place, or a reason.
func TestExplanations(t *testing.T) {
	t.Parallel()
	s := jo(storage.ClaimRule{Claim: "org", From: "tenant.id"},
		storage.ClaimRule{Claim: "employee", From: "external_id", Scope: "hr"},
		storage.ClaimRule{Claim: "github", From: "upstream.gitlab.subject"},
		storage.ClaimRule{Claim: "long", From: "profile.name", In: []string{"id_token", "userinfo"}})
	s.Tenant.Settings.Claims = []storage.ClaimRule{{Claim: "org", From: "tenant.name"},
		{Claim: "tier", Value: json.RawMessage(`"gold"`), In: []string{"access_token"}}}
	s.User.Profile.Name = strings.Repeat("x", 5000)
	files := claims.Declared{Client: map[string]string{"org": "clients.yaml:7:9"}}
	all := map[string]claims.Explanation{}
	for _, e := range s.Explain([]string{"openid", "email"}, files) {
		all[e.Rule+" "+e.Claim+" "+e.In[0]] = e
	}
	usual, raw := []string{"id_token", "userinfo"}, func(s string) json.RawMessage { return json.RawMessage(s) }
	for key, want := range map[string]claims.Explanation{
		"built in sub id_token":   {Value: raw(`"u1"`), In: claims.Places, From: "the account"},
		"built in email id_token": {Value: raw(`"jo@example.com"`), Scope: "email", From: "profile.email"},
		"built in name id_token": {Scope: "profile", From: "profile.name",
			Absent: "the scope profile isn't asked for"},
		"built in phone_number id_token": {Scope: "phone", From: "profile.phone_number",
			Absent: "the client's scope doesn't have phone"},
		"tenant org id_token": {Value: raw(`"Acme"`), From: "tenant.name",
			Absent: "the client has a rule of its own"},
		"tenant tier access_token": {Value: raw(`"gold"`), In: []string{"access_token"}, From: "value"},
		"client org id_token":      {Value: raw(`"acme"`), From: "tenant.id", Place: "clients.yaml:7:9"},
		"client employee id_token": {Value: raw(`"emp-7"`), From: "external_id", Scope: "hr",
			Absent: "the client's scope doesn't have hr"},
		"client github id_token": {From: "upstream.gitlab.subject", Absent: "the user has no account at gitlab"},
		"client long userinfo":   {In: usual[1:], From: "profile.name"},
		"client long id_token": {In: usual[:1], From: "profile.name", Absent: "too large: the claims of rules may have " +
			"4096 bytes in a token, and 65536 at userinfo and introspection"},
	} {
		got, ok := all[key]
		if strings.Contains(string(got.Value), "xxx") {
			got.Value = nil
		}
		if want.In == nil {
			want.In = usual
		}
		of, _, _ := strings.Cut(strings.TrimPrefix(key, claims.BuiltIn+" "), " ")
		want.Rule, want.Claim = claims.BuiltIn, of
		if !strings.HasPrefix(key, claims.BuiltIn) {
			want.Rule, want.Claim = of, strings.Fields(key)[1]
		}
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("%s (-want +got): %s", key, diff)
		}
	}
}
