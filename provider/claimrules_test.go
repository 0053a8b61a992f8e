package provider

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// startWithRules is startTokens at a tenant with rules.
func startWithRules(t testing.TB, rules ...storage.ClaimRule) *tokenServer {
	t.Helper()
	store, ephemeral := openTestStore(t)
	tenant, err := store.Tenant(t.Context(), storage.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	tenant.Settings.Claims = rules
	if err := store.UpdateTenant(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	return startTokensOn(t, store, ephemeral)
}

// everywhere returns a rule that gives its claim in all places, with the scope api.
func everywhere(claim, from string) storage.ClaimRule {
	return storage.ClaimRule{Claim: claim, From: from, In: claims.Places, Scope: "api"}
}

// TestRulesReachTokensUserinfoAndIntrospection: what a tenant and a client add is in all four places, for the
// scope that asks for it, and at the next refresh it is as the user's record is by then.
func TestRulesReachTokensUserinfoAndIntrospection(t *testing.T) {
	t.Parallel()
	const dotted = "https://acme.example/site.url" // dots are part of a name, and make no object of it
	s := startWithRules(t, everywhere(dotted, "profile.website"),
		storage.ClaimRule{Claim: "tier", Value: json.RawMessage(`"gold"`), In: claims.Places})
	_, secret := s.service("api", func(c *storage.Client) { c.MayIntrospect = true })
	for _, format := range []string{"jwt", "opaque"} {
		c := s.client(func(c *storage.Client) {
			c.ClientID, c.AccessTokenFormat = "spa-"+format, format
			c.Claims = []storage.ClaimRule{everywhere("names", "profile.nickname")}
			c.Claims[0].As = "list"
		})
		check := func(a reply, want map[string]any) {
			t.Helper()
			access := a.str("access_token")
			got := map[string]map[string]any{
				"ID token":      payload(t, a.str("id_token")),
				"userinfo":      s.do(request("GET", "/userinfo", "", bearer(access))).body,
				"introspection": s.form("/introspect", values("token", access), basic("api", secret)).body,
			}
			if format == "jwt" {
				got["access token"] = payload(t, access)
			}
			for place, all := range got {
				found := map[string]any{}
				for _, name := range []string{dotted, "tier", "names"} {
					if v, ok := all[name]; ok {
						found[name] = v
					}
				}
				if diff := cmp.Diff(want, found); diff != "" {
					t.Errorf("%s, %s (-want +got): %s", format, place, diff)
				}
				if all["sub"] != s.user.ID {
					t.Errorf("%s, %s: got sub %v", format, place, all["sub"])
				}
			}
		}
		first := s.tokens(c)
		check(first, map[string]any{"tier": "gold"})
		s.user.Profile.Nickname, s.user.Profile.Website = "Jojo", "https://jo.example/"
		if err := storagetest.UpdateUser(t.Context(), s.store, s.user); err != nil {
			t.Fatal(err)
		}
		second := s.refresh(c, first.str("refresh_token"))
		check(second, map[string]any{"tier": "gold", "names": []any{"Jojo"}, dotted: "https://jo.example/"})
		check(s.refresh(c, second.str("refresh_token"), "scope", "openid"), map[string]any{"tier": "gold"})
		s.user.Profile.Nickname, s.user.Profile.Website = "", ""
		if err := storagetest.UpdateUser(t.Context(), s.store, s.user); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRulesOfAClientsOwnTokens: a client's own token has what is not about users.
func TestRulesOfAClientsOwnTokens(t *testing.T) {
	t.Parallel()
	s := startWithRules(t, storage.ClaimRule{Claim: "org", From: "tenant.id", In: claims.Places},
		everywhere("name", "profile.name"))
	_, secret := s.service("nightly")
	form := values("grant_type", "client_credentials", "scope", "api")
	access := s.post(form, basic("nightly", secret)).str("access_token")
	shown := s.form("/introspect", values("token", access), basic("nightly", secret)).body
	for place, all := range map[string]map[string]any{"token": payload(t, access), "introspection": shown} {
		if all["org"] != "default" || all["name"] != nil || all["sub"] != "nightly" {
			t.Errorf("%s: got %v", place, all)
		}
	}
}

// TestRulesReadUpstreamAccounts: the accounts at upstream providers are read where a rule needs them.
func TestRulesReadUpstreamAccounts(t *testing.T) {
	t.Parallel()
	s := startWithRules(t, everywhere("github", "upstream.github.subject"))
	link := storage.Change{TenantID: s.tenant.ID, UserID: s.user.ID, Now: s.session.CreatedAt,
		Link: []storage.Identity{{TenantID: s.tenant.ID, Provider: "github", Subject: "4711", UserID: s.user.ID}}}
	if err := s.store.Apply(t.Context(), link); err != nil {
		t.Fatal(err)
	}
	c := s.client()
	first := s.tokens(c)
	for name, a := range map[string]reply{"code": first, "refresh": s.refresh(c, first.str("refresh_token"))} {
		access := a.str("access_token")
		info := s.do(request("GET", "/userinfo", "", bearer(access))).body
		for place, all := range map[string]map[string]any{"access token": payload(t, access), "userinfo": info} {
			if all["github"] != "4711" {
				t.Errorf("%s, %s: got %v", name, place, all)
			}
		}
	}
}

// TestNamesOfTokensAreReserved: no rule may have the name of a member of an access token or of introspection,
// in any case: encoding/json, for one, would read it as that member.
func TestNamesOfTokensAreReserved(t *testing.T) {
	t.Parallel()
	for f := range reflect.TypeFor[tokens.AccessClaims]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		for _, name := range []string{name, strings.ToUpper(name)} {
			rule := storage.ClaimRule{Claim: name, From: "profile.name"}
			if name != "-" && len(claims.Check([]storage.ClaimRule{rule})) == 0 {
				t.Errorf("a rule may be named %s", name)
			}
		}
	}
	s := startTokens(t)
	_, secret := s.service("api", func(c *storage.Client) { c.MayIntrospect = true })
	token := s.tokens(s.client()).str("access_token")
	shown := s.form("/introspect", values("token", token), basic("api", secret)).body
	for name := range shown {
		rule := storage.ClaimRule{Claim: name, From: "profile.name", In: []string{claims.InIntrospection}}
		if len(claims.Check([]storage.ClaimRule{rule})) == 0 {
			t.Errorf("a rule may replace %s of introspection", name)
		}
	}
}

// TestDiscoveryNamesClaimsOfTenants: the tenant's rules are in the metadata, with their scopes.
func TestDiscoveryNamesClaimsOfTenants(t *testing.T) {
	t.Parallel()
	s := startWithRules(t, storage.ClaimRule{Claim: "employee", From: "external_id", Scope: "hr"},
		storage.ClaimRule{Claim: "name", From: "profile.nickname"})
	all := s.do(request("GET", "/.well-known/openid-configuration", "")).body
	texts := func(name string) (list []string) {
		for _, v := range all[name].([]any) {
			list = append(list, v.(string))
		}
		return list
	}
	if got := texts("claims_supported"); !slices.Contains(got, "employee") || len(got) != len(tokens.Claims(nil))+1 {
		t.Errorf("got claims %q", got)
	}
	if got := texts("scopes_supported"); got[len(got)-1] != "hr" {
		t.Errorf("got scopes %q", got)
	}
}

// TestClaimsParameterAsksForRules: the claims parameter asks for a rule's claim by its name, within the client's
// scopes and the rule's places.
func TestClaimsParameterAsksForRules(t *testing.T) {
	t.Parallel()
	rule := storage.ClaimRule{Claim: "nick", From: "profile.name", Scope: "hr", In: []string{"userinfo"}}
	s := startWithRules(t, rule)
	for scope, want := range map[string]any{"openid hr": "Jo Doe", "openid": nil} {
		c := s.client(func(c *storage.Client) { c.Scope = scope })
		a := s.tokens(c, func(k *tokens.Code) {
			k.Scopes, k.Claims = []string{"openid"}, []byte(`{"userinfo":{"nick":null},"id_token":{"nick":null}}`)
		})
		info := s.do(request("GET", "/userinfo", "", bearer(a.str("access_token")))).body
		if info["nick"] != want || payload(t, a.str("id_token"))["nick"] != nil {
			t.Errorf("scope %s: got %v at userinfo", scope, info["nick"])
		}
	}
	asked, err := tokens.ParseClaimsRequest(`{"userinfo":{"nick":null,"tier":null}}`)
	if err != nil {
		t.Fatal(err)
	}
	tenant := &storage.Tenant{Settings: storage.TenantSettings{Claims: []storage.ClaimRule{
		rule, {Claim: "tier", Value: json.RawMessage(`1`)}}}}
	if got := asked.Names(claims.RulesOf(tenant, nil)); !slices.Equal(got, []string{"nick"}) {
		t.Errorf("asks the user for %q, want nick", got)
	}
}

// TestLeavingAGroupReachesAppsAtTheNextRefresh: groups and roles are read with the user, for every token.
func TestLeavingAGroupReachesAppsAtTheNextRefresh(t *testing.T) {
	t.Parallel()
	s := startWithRules(t, everywhere("groups", "groups"), everywhere("roles", "roles"))
	c := s.client()
	for _, id := range []string{"admins", "staff"} {
		if err := s.groups().AddGroup(t.Context(), storage.Group{TenantID: s.tenant.ID, ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	editor := storage.RoleName{Client: c.ClientID, Name: "editor"}
	err := s.store.(storage.Roles).AddRole(t.Context(), storage.Role{TenantID: s.tenant.ID, RoleName: editor})
	if err != nil {
		t.Fatal(err)
	}
	change := func(ch storage.Change) {
		t.Helper()
		ch.TenantID, ch.UserID, ch.Now = s.tenant.ID, s.user.ID, time.Now()
		if err := s.store.Apply(t.Context(), ch); err != nil {
			t.Fatal(err)
		}
	}
	check := func(a reply, groups, roles []any) {
		t.Helper()
		access := a.str("access_token")
		for place, all := range map[string]map[string]any{
			"ID token": payload(t, a.str("id_token")), "access token": payload(t, access),
			"userinfo": s.do(request("GET", "/userinfo", "", bearer(access))).body,
		} {
			if diff := cmp.Diff([]any{groups, roles}, []any{all["groups"], all["roles"]}); diff != "" {
				t.Errorf("%s (-want +got): %s", place, diff)
			}
		}
	}
	change(storage.Change{Join: []storage.Membership{{GroupID: "admins"}, {GroupID: "staff"}},
		GiveRoles: []storage.RoleName{editor}})
	first := s.tokens(c)
	check(first, []any{"admins", "staff"}, []any{"editor"})
	change(storage.Change{Leave: []storage.Membership{{GroupID: "admins", Upstream: storage.AllIDs}},
		TakeRoles: []storage.RoleName{editor}})
	check(s.refresh(c, first.str("refresh_token")), []any{"staff"}, []any{})
	// A lost answer yields the same successor, with what holds now.
	change(storage.Change{Leave: []storage.Membership{{GroupID: "staff", Upstream: storage.AllIDs}}})
	check(s.refresh(c, first.str("refresh_token")), []any{}, []any{})
}

// TestRolesOfServices: a service's own token has the roles that the service was given.
func TestRolesOfServices(t *testing.T) {
	t.Parallel()
	s := startWithRules(t, everywhere("roles", "roles"))
	c, secret := s.service("nightly")
	auditor := storage.RoleName{Client: c.ClientID, Name: "auditor"}
	err := s.store.(storage.Roles).AddRole(t.Context(), storage.Role{TenantID: s.tenant.ID, RoleName: auditor})
	if err != nil {
		t.Fatal(err)
	}
	holder := storage.RoleHolder{Client: c.ClientID}
	if err := s.store.(storage.Roles).GiveRole(t.Context(), s.tenant.ID, auditor, holder, time.Now()); err != nil {
		t.Fatal(err)
	}
	form := values("grant_type", "client_credentials", "scope", "api")
	access := s.post(form, basic("nightly", secret)).str("access_token")
	shown := s.form("/introspect", values("token", access), basic("nightly", secret)).body
	for place, all := range map[string]map[string]any{"token": payload(t, access), "introspection": shown} {
		if diff := cmp.Diff([]any{"auditor"}, all["roles"]); diff != "" {
			t.Errorf("%s: %s", place, diff)
		}
	}
}
