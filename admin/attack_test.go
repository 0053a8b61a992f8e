package admin_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/admin"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestNoCallerRaisesItself: what an administrator sends makes no administrator of more rights, by whatever member or
// resource.
func TestNoCallerRaisesItself(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		acme := s.tenant("acme")
		owner := s.add(acme, storage.User{AdminRole: "owner", Email: "owner@example.com", EmailKey: "owner@example.com"})
		for _, role := range []string{"admin", "support"} {
			a := s.as("acme", role)
			plain := s.add(acme, storage.User{Username: "plain-" + role, UsernameKey: "plain-" + role})
			for _, member := range []string{"admin_role", "role", "tenant_id", "credential_version", "secured_at", "AdminRole"} {
				a.do(http.MethodPut, "/users/"+plain, fields{"username": "plain", member: "owner"}).is(400, "invalid_fields")
				a.do(http.MethodPatch, "/users/"+plain, fields{member: "owner"}, patchType).is(400, "invalid_fields")
				a.do(http.MethodPost, "/users", fields{"username": "new", member: "owner"}).is(400, "invalid_fields")
			}
			roles := fields{"roles": []string{"owner", "admin"}}
			switch got := a.do(http.MethodPatch, "/users/"+plain, roles, patchType); role {
			case "admin":
				got.is(200)
			case "support": // apps may trust a role: giving one takes the scope for it, as everywhere
				got.is(403, "insufficient_scope")
				a.do(http.MethodPut, "/users/"+plain, with(roles, "username", "plain-"+role)).is(403, "insufficient_scope")
				a.do(http.MethodPut, "/users/"+uuid.NewString(), with(roles, "username", "new")).is(403, "insufficient_scope")
				a.do(http.MethodPost, "/users", with(roles, "username", "new")).is(403, "insufficient_scope")
			}
			a.do(http.MethodPut, "/users/"+plain, fields{"username": "plain-" + role, "status": fields{"admin_role": "owner"}})
			if got := a.do(http.MethodGet, "/users/"+plain, nil).is(200); got.get("status.admin_role") != nil {
				s.Errorf("%s made an administrator: %s", role, got.raw)
			}
			a.do(http.MethodPut, "/administrators/"+plain, fields{"role": "support"}).is(403, "insufficient_scope")
			a.do(http.MethodDelete, "/administrators/"+owner, nil).is(403, "insufficient_scope")
			for _, call := range [][2]string{
				{http.MethodPost, ":disable"}, {http.MethodPost, ":send-reset"}, {http.MethodDelete, ""},
				{http.MethodDelete, "/factors"}, {http.MethodDelete, "/sessions"}, {http.MethodDelete, "/passkeys/x"},
			} {
				if got := a.do(call[0], "/users/"+owner+call[1], nil); got.status != 403 {
					s.Errorf("%s %s of an owner by %s: got %d %s", call[0], call[1], role, got.status, got.raw)
				}
			}
			a.do(http.MethodPut, "/users/"+owner+"/password", fields{"password": "violet tractor marble"}).is(403, "outranked")
			a.do(http.MethodPatch, "/users/"+owner, fields{"email": "m@evil.example"}, patchType).is(403, "outranked")
		}
		a := s.as("acme", "admin")
		a.do(http.MethodPost, "/groups", fields{"id": "staff"}).is(201)
		a.do(http.MethodPut, "/groups/staff/members/"+owner, nil).is(403, "outranked")
		app := func(id string) fields {
			return fields{"client_id": id, "token_endpoint_auth_method": "none",
				"redirect_uris": []string{"https://w.example/c"}}
		}
		a.do(http.MethodPost, "/clients", app("wiki")).is(201)
		a.do(http.MethodPut, "/clients/wiki/roles/editor", fields{}).is(200)
		a.do(http.MethodPut, "/clients/wiki/roles/editor/users/"+owner, nil).is(403, "outranked")
		a.do(http.MethodDelete, "/clients/wiki/roles/editor/users/"+owner, nil).is(403, "outranked")
		for _, scope := range []string{"administrators:write", "users:read keys:write", "upstreams:write openid"} {
			of := fields{"client_id": "mine", "grant_types": []string{"client_credentials"}, "scope": scope,
				"audience": []string{acme.URL(admin.Prefix)}}
			a.do(http.MethodPost, "/clients", of).is(403, "outranked")
			a.do(http.MethodPatch, "/clients/wiki", fields{"scope": scope}, patchType).is(403, "outranked")
		}
		if got := a.do(http.MethodGet, "/clients/wiki", nil).is(200); strings.Contains(got.text("scope"), ":") {
			s.Errorf("the client has more scopes now: %s", got.raw)
		}
		for _, member := range []string{"client_secret_hash", "secret_hashes", "tenant_id", "declared", "epoch", "TenantID"} {
			a.do(http.MethodPut, "/clients/wiki", fields{"redirect_uris": []string{"https://w.example/c"}, member: "x"}).is(400)
		}
		for _, id := range []string{"cli", "anonymous", "setup", owner} {
			a.do(http.MethodPost, "/clients", app(id)).is(422, "invalid_fields")
		}
		a.do(http.MethodPatch, "/tenant", fields{"host": "evil.example"}, patchType).is(403, "insufficient_scope")
		a.do(http.MethodPatch, "/tenant", fields{"disabled": true}, patchType).is(403, "insufficient_scope")
		up := []fields{{"id": "mine", "issuer": "https://evil.example", "client_id": "x", "client_secret": "y",
			"authoritative_domains": []string{"example.com"}}}
		a.do(http.MethodPatch, "/tenant", fields{"upstreams": up}, patchType).is(403, "insufficient_scope")
	})
}

const patchType = "Content-Type: application/merge-patch+json"

// TestCursorsAreOfOneListAndTenant: a cursor opens nothing but the list that gave it.
func TestCursorsAreOfOneListAndTenant(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a, other := s.as("acme", "owner"), s.as("", "owner")
		for i := range 3 {
			name := fmt.Sprint("member", i)
			id := s.add(a.tenant, storage.User{Username: name, UsernameKey: name})
			a.do(http.MethodPost, "/groups", fields{"id": fmt.Sprint("g", i)}).is(201)
			a.do(http.MethodPut, "/groups/g0/members/"+id, nil).is(204)
		}
		lists := []string{"/users?limit=1", "/users?limit=1&q=member", "/users?limit=1&q=membe", "/groups?limit=1",
			"/groups/g0/members?limit=1", "/audit?limit=1", "/audit?limit=1&kind=group.added"}
		for _, of := range lists {
			cursor := a.do(http.MethodGet, of, nil).is(200).text("next")
			for _, to := range lists {
				if got := a.do(http.MethodGet, to+"&after="+cursor, nil); (got.status == 200) != (to == of) {
					s.Errorf("the cursor of %s at %s: got %d %s", of, to, got.status, got.raw)
				}
				if got := other.do(http.MethodGet, to+"&after="+cursor, nil); got.status == 200 {
					s.Errorf("the cursor of %s at %s of another tenant: got %s", of, to, got.raw)
				}
			}
			for i := range []int{0, len(cursor) / 2, len(cursor) - 2} {
				forged := []byte(cursor)
				forged[i] ^= 1
				a.do(http.MethodGet, of+"&after="+strings.Trim(fmt.Sprintf("%x", forged), " "), nil).is(400, "invalid_fields")
			}
		}
	})
}

// TestKeysAreOfTheirCaller: an Idempotency-Key repeats an answer to the caller who got it, while they may get it.
func TestKeysAreOfTheirCaller(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		acme := s.tenant("acme")
		id := s.add(acme, storage.User{AdminRole: "admin"})
		all := &api{s, acme, s.userToken(acme, id, administration.Scopes, acme.URL(admin.Prefix))}
		less := &api{s, acme, s.userToken(acme, id, []string{"users:read"}, acme.URL(admin.Prefix))}
		post := func(a *api, name string) *reply {
			return a.do(http.MethodPost, "/users", fields{"username": name}, "Idempotency-Key: k")
		}
		first := post(all, "jo").is(201)
		again := post(all, "jo").is(201)
		if again.header.Get("Idempotency-Replayed") != "true" || again.text("id") != first.text("id") {
			s.Errorf("got %s", again.raw)
		}
		post(less, "jo").is(403, "insufficient_scope")
		post(all, "kim").is(422, "idempotency_key_reused")
		for name, a := range map[string]*api{
			"another administrator": s.as("acme", "owner"), "a client": s.service("acme", "users:write"),
		} {
			if got := post(a, "jo"); got.header.Get("Idempotency-Replayed") != "" || got.status != 409 && got.status != 422 {
				s.Errorf("%s: got %d %s", name, got.status, got.raw)
			}
		}
		if got := post(s.as("", "owner"), "jo"); got.status != 201 || got.header.Get("Idempotency-Replayed") != "" {
			s.Errorf("at another tenant: got %d %s", got.status, got.raw)
		}
		none := ""
		check(s, s.store.Apply(s.Context(), storage.Change{TenantID: acme.ID, UserID: id, Now: time.Now(), SetAdmin: &none}))
		post(all, "jo").is(403, "insufficient_scope")
	})
}

// TestOfManyWritesWithOneETagOneWins: a tag that many callers read lets one of them write.
func TestOfManyWritesWithOneETagOneWins(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", "owner")
		user := s.add(a.tenant, storage.User{Username: "jo", UsernameKey: "jo"})
		a.do(http.MethodPost, "/clients", fields{"client_id": "wiki", "token_endpoint_auth_method": "none",
			"redirect_uris": []string{"https://w.example/c"}}).is(201)
		for path, body := range map[string]func(i int) fields{
			"/users/" + user: func(i int) fields {
				return fields{"username": "jo", "profile": fields{"name": fmt.Sprint("Jo ", i)}}
			},
			"/clients/wiki": func(i int) fields {
				return fields{"client_name": fmt.Sprint("Wiki ", i), "token_endpoint_auth_method": "none",
					"redirect_uris": []string{"https://w.example/c"}}
			},
			"/tenant": func(i int) fields { return fields{"name": fmt.Sprint("Acme ", i)} },
		} {
			tag := "If-Match: " + a.do(http.MethodGet, path, nil).is(200).header.Get("ETag")
			got := make([]int, 6)
			var wg sync.WaitGroup
			for i := range got {
				wg.Go(func() { got[i] = a.do(http.MethodPut, path, body(i), tag).status })
			}
			wg.Wait()
			if won := len(slices.DeleteFunc(slices.Clone(got), func(status int) bool { return status != 200 })); won != 1 {
				s.Errorf("%s: got %v, want one winner", path, got)
			}
		}
	})
}

// TestTwoOwnersDoNotRemoveEachOther at the same time, in whatever way.
func TestTwoOwnersDoNotRemoveEachOther(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		for name, way := range map[string]func(a *api, other string) *reply{
			"remove": func(a *api, other string) *reply { return a.do(http.MethodDelete, "/administrators/"+other, nil) },
			"lock":   func(a *api, other string) *reply { return a.do(http.MethodPost, "/users/"+other+":disable", nil) },
			"delete": func(a *api, other string) *reply { return a.do(http.MethodDelete, "/users/"+other, nil) },
			"demote": func(a *api, other string) *reply {
				return a.do(http.MethodPut, "/administrators/"+other, fields{"role": "admin"})
			},
		} {
			check(s, s.store.AddTenant(s.Context(), storage.Tenant{ID: name, Name: name, CreatedAt: time.Now()}))
			of := s.tenant(name)
			var ids [2]string
			var apis [2]*api
			for i := range ids {
				ids[i] = s.add(of, storage.User{AdminRole: "owner"})
				apis[i] = &api{s, of, s.userToken(of, ids[i], administration.Scopes, of.URL(admin.Prefix))}
			}
			var wg sync.WaitGroup
			for i := range ids {
				wg.Go(func() { way(apis[i], ids[1-i]) })
			}
			wg.Wait()
			owners := 0
			for _, id := range ids {
				if u, err := s.store.User(s.Context(), of.ID, id); err == nil && u.AdminRole == "owner" && !u.Disabled {
					owners++
				}
			}
			if owners != 1 {
				s.Errorf("%s: %d owners are left, want one", name, owners)
			}
		}
	})
}

// TestOthersTenantsAreLikeNothing: what is another tenant's is answered as what does not exist.
func TestOthersTenantsAreLikeNothing(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		acme, root := s.as("acme", "owner"), s.tenant("")
		theirs := s.add(root, storage.User{Email: "jo@example.com", EmailKey: "jo@example.com"})
		for _, path := range []string{"/users/%s", "/users/%s/sessions", "/users/%s/grants", "/users/%s/factors",
			"/users/%s/passkeys", "/users/%s/identities", "/users/%s/groups", "/users/%s/apps"} {
			got := acme.do(http.MethodGet, fmt.Sprintf(path, theirs), nil).is(404, "not_found")
			none := acme.do(http.MethodGet, fmt.Sprintf(path, uuid.NewString()), nil).is(404, "not_found")
			delete(got.body, "instance")
			delete(none.body, "instance")
			if fmt.Sprint(got.body) != fmt.Sprint(none.body) {
				s.Errorf("%s: got %v, and for nothing %v", path, got.body, none.body)
			}
		}
		acme.do(http.MethodPost, "/users", fields{"email": "jo@example.com"}).is(201)
		found := acme.do(http.MethodGet, "/users?email=jo@example.com", nil).is(200).items()
		if len(found) != 1 || found[0]["id"] == theirs {
			s.Errorf("got %v", found)
		}
		if got := acme.do(http.MethodGet, "/audit?user_id="+theirs, nil).is(200).items(); len(got) != 0 {
			s.Errorf("got %v", got)
		}
		acme.do(http.MethodGet, "/tenants", nil).is(403, "insufficient_scope")
		if got := acme.do(http.MethodPut, "/users/"+theirs, fields{"username": "kim"}); got.status == 200 {
			s.Errorf("another tenant's user: got %s", got.raw)
		}
	})
}

// TestHostileBodies: bodies are bounded, and read in one way.
func TestHostileBodies(t *testing.T) {
	t.Parallel()
	s := start(t, "sqlite::memory:")
	a := s.as("acme", "owner")
	raw := func(body string) *reply {
		r := httptest.NewRequest(http.MethodPost, a.tenant.URL(admin.Prefix+"/users"), strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+a.token)
		return a.answer(r)
	}
	for name, body := range map[string]string{
		"a large one":    `{"username":"` + strings.Repeat("x", 70<<10) + `"}`,
		"a deep one":     strings.Repeat(`{"profile":`, 5000),
		"a member twice": `{"username":"jo","username":"owner"}`, "the case": `{"USERNAME":"jo"}`,
		"two":        `{"username":"jo"}{}`,
		"many roles": `{"username":"jo","roles":["` + strings.Join(slices.Repeat([]string{"a"}, 33), `","`) + `"]}`,
		"a null":     "null", "a list": "[]", "no JSON": "username=jo", "a control": "{\"username\":\"a\\u0000b\"}",
		"a line":   `{"username":"jo","profile":{"name":"a\nb"}}`,
		"a prefix": `{"username":"jo","attributes":[]}`, "an unknown attribute": `{"username":"jo","attributes":{"x":1}}`,
	} {
		if got := raw(body); got.status < 400 || got.status >= 500 {
			t.Errorf("%s: got %d %s", name, got.status, got.raw)
		} else if bytes.Contains([]byte(got.raw), []byte("xxxxxxxxxx")) {
			t.Errorf("%s: the answer repeats what was sent", name)
		}
	}
}

// TestPreviewsChangeNothing: dry_run writes nothing, and spends no key.
func TestPreviewsChangeNothing(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", "owner")
		user := s.add(a.tenant, storage.User{Username: "jo", UsernameKey: "jo"})
		a.do(http.MethodPost, "/clients", fields{"client_id": "wiki", "token_endpoint_auth_method": "none",
			"redirect_uris": []string{"https://w.example/c"}}).is(201)
		state := func() string {
			var b strings.Builder
			for _, path := range []string{"/users", "/clients", "/groups", "/tenant", "/audit", "/mail/waiting", "/keys"} {
				b.WriteString(a.do(http.MethodGet, path, nil).is(200).raw)
			}
			return b.String()
		}
		before := state()
		dry := "?dry_run=true"
		app := fields{"client_id": "app", "id_token_signed_response_alg": "ES512",
			"redirect_uris": []string{"https://a.example/c"}}
		for _, call := range []struct {
			method, path string
			body         any
		}{
			{http.MethodPost, "/users", fields{"username": "kim", "password": "violet tractor marble"}},
			{http.MethodPut, "/users/" + user, fields{"username": "joe"}},
			{http.MethodDelete, "/users/" + user, nil}, {http.MethodPost, "/users/" + user + ":disable", nil},
			{http.MethodPost, "/clients", app}, {http.MethodDelete, "/clients/wiki", nil},
			{http.MethodPut, "/tenant", fields{"name": "Other"}},
		} {
			if got := a.do(call.method, call.path+dry, call.body); got.status != 200 && got.status != 422 {
				s.Errorf("%s %s: got %d %s", call.method, call.path, got.status, got.raw)
			}
		}
		if after := state(); after != before {
			s.Errorf("previews changed\n%s\ninto\n%s", before, after)
		}
	})
}
