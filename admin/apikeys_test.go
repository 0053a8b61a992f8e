package admin_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// exchanges returns the status with which /token answers for the key.
func (a *api) exchanges(key string) int {
	a.Helper()
	form := url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {key},
		"subject_token_type": {"urn:vouchsafe:token-type:api-key"},
	}
	r := httptest.NewRequest("POST", a.tenant.URL("/token"), strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return a.answer(r).status
}

// TestKeysOfAClient adds, lists, replaces and revokes the keys of a service.
func TestKeysOfAClient(t *testing.T) {
	t.Parallel()
	a := start(t, "sqlite::memory:").as("acme", storage.RoleAdministrator)
	a.do("PUT", "/clients/billing", fields{"grant_types": []string{"client_credentials"},
		"scope": "orders:read orders:write users:read"}).is(201)
	const keys = "/clients/billing/api-keys"
	for name, wrong := range map[string]fields{
		"a scope that the client has not": {"name": "job", "scopes": []string{"orders:remove"}},
		"no name":                         {"name": " ", "scopes": []string{"orders:read"}},
		"too long a life":                 {"name": "job", "scopes": []string{"orders:read"}, "lifetime": "9000h"},
		"too short a life":                {"name": "job", "scopes": []string{"orders:read"}, "lifetime": "1s"},
	} {
		if r := a.do("POST", keys, wrong); r.status != 422 {
			t.Errorf("%s: got %d %s", name, r.status, r.raw)
		}
	}
	made := a.do("POST", keys, fields{"name": "job", "scopes": []string{"orders:read"}}).is(201)
	key := made.text("key")
	if !apikeys.IsKey(key) || !strings.HasPrefix(key, "vs_service_") || a.exchanges(key) != 200 {
		t.Fatalf("got %s", made.raw)
	}
	listed := a.do("GET", keys, nil).is(200)
	if strings.Contains(listed.raw, key) || len(listed.items()) != 1 || listed.items()[0]["used_at"] == nil ||
		!strings.HasPrefix(key, listed.items()[0]["start"].(string)) {
		t.Errorf("got %s", listed.raw)
	}
	one := keys + "/" + made.text("id")
	next := a.do("POST", one+"/rotation", fields{}).is(201)
	if a.exchanges(key) != 200 || a.exchanges(next.text("key")) != 200 {
		t.Error("one of two keys does not work while one replaces the other")
	}
	if r := a.do("POST", one+"/rotation", fields{}); r.status != 409 || r.text("code") != "replaced" {
		t.Errorf("a second replacement: got %d %s", r.status, r.raw)
	}
	last := a.do("POST", keys+"/"+next.text("id")+"/rotation", fields{"overlap": "0s"}).is(201)
	if a.exchanges(next.text("key")) != 400 {
		t.Error("a key works that was replaced at once")
	}
	a.do("DELETE", keys+"/"+last.text("id"), nil).is(204)
	a.do("DELETE", keys+"/"+last.text("id"), nil).is(404)
	if a.exchanges(last.text("key")) != 400 {
		t.Error("a revoked key works")
	}
	// An administrator of less power cannot get by a key what they may not do.
	a.do("PUT", "/clients/operator", fields{"grant_types": []string{"client_credentials"}, "scope": "x"}).is(201)
	strong := a.as("acme", storage.RoleOwner)
	strong.do("PATCH", "/clients/operator", fields{"scope": "keys:write"}).is(200)
	r := a.do("POST", "/clients/operator/api-keys", fields{"name": "x", "scopes": []string{"keys:write"}})
	if r.status != 403 {
		t.Errorf("got %d %s", r.status, r.raw)
	}
}

// TestTheAPITakesKeys calls the API with a key in place of a token. The key may do what its scopes say and no more.
func TestTheAPITakesKeys(t *testing.T) {
	t.Parallel()
	a := start(t, "sqlite::memory:").as("acme", storage.RoleOwner)
	a.do("PUT", "/clients/sync", fields{"grant_types": []string{"client_credentials"},
		"scope": "users:read users:write clients:write"}).is(201)
	made := a.do("POST", "/clients/sync/api-keys", fields{"name": "sync", "scopes": []string{"users:read"}}).is(201)
	by := &api{a.server, a.tenant, made.text("key")}
	by.do("GET", "/users", nil).is(200)
	by.do("POST", "/users", fields{"email": "jo@example.com"}).is(403)
	// A leaked key would otherwise make keys that outlive it.
	by.do("POST", "/clients/sync/api-keys", fields{"name": "x", "scopes": []string{"users:write"}}).is(403)
	(&api{a.server, a.as("", storage.RoleOwner).tenant, made.text("key")}).do("GET", "/users", nil).is(401)
	(&api{a.server, a.tenant, apikeys.NewSecret(true)}).do("GET", "/users", nil).is(401)
	a.do("PATCH", "/clients/sync", fields{"scope": "users:write"}).is(200)
	a.serve()
	if r := by.do("GET", "/users", nil); r.status != 403 {
		t.Errorf("with a scope that the client has no more: got %d", r.status)
	}
}
