package admin_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/admin"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/storage"
)

// theirs gives the default tenant one of everything that a request can name, and returns their ids by the names of the
// variables in paths.
func (s *server) theirs() map[string]string {
	s.Helper()
	a, user := s.as("", storage.RoleOwner), s.furnish("")
	const api = "https://orders.theirs.example/"
	a.do("PUT", "/clients/vault", fields{"grant_types": []string{"client_credentials"}, "scope": "orders"}).is(201)
	a.do("PUT", "/groups/board", fields{}).is(200)
	a.do("PUT", "/clients/vault/roles/chief", fields{}).is(200)
	a.do("PUT", "/clients/vault/roles/chief/users/"+user, nil).is(204)
	a.do("PUT", "/apis/"+url.PathEscape(api), fields{"scopes": []fields{{"name": "orders"}}}).is(201)
	a.do("PUT", "/upstreams/corp", fields{"preset": "oidc", "issuer": "https://idp.example", "client_id": "me",
		"client_secret": "not to be shown"}).is(201)
	hook := a.do("POST", "/webhooks", fields{"url": "https://hook.theirs.example/"}).is(201).text("id")
	invited := a.do("POST", "/invitations", fields{"email": "theirs@example.com"}).is(201).text("id")
	secret := a.do("POST", "/clients/vault/secrets", nil).is(201).text("id")
	key := a.do("POST", "/clients/vault/api-keys", fields{"name": "k", "scopes": []string{"orders"}}).is(201).text("id")
	return map[string]string{"user": user, "session": "s-" + user, "grant": "g-" + user, "passkey": "key",
		"provider": "google", "subject": "g/1 2", "client": "vault", "owner": "vault", "holder": user, "group": "board",
		"role": "chief", "api": api, "upstream": "corp", "webhook": hook, "invitation": invited, "secret": secret,
		"key":    key,
		"kid":    fmt.Sprint(a.do("GET", "/keys", nil).is(200).items()[0]["kid"]),
		"mail":   "01900000-0000-7000-8000-000000000001",
		"tenant": storage.DefaultTenant}
}

// like returns an id of the same form that names nothing.
func like(id string) string {
	if _, err := uuid.Parse(id); err == nil {
		return uuid.NewString()
	}
	if rest, ok := strings.CutPrefix(id, "https://"); ok {
		return "https://a" + rest
	}
	return "x" + id[:len(id)-1]
}

// unnamed returns an answer without the ids that were asked for, and without what each answer has of its own.
func (r *reply) unnamed(ids ...string) string {
	delete(r.body, "instance")
	text := fmt.Sprint(r.status, " ", map[string]any(r.body))
	if r.status < 300 {
		return fmt.Sprint(r.status, " with ", len(asList(r.body["items"])), " entries")
	}
	slices.SortFunc(ids, func(a, b string) int { return len(b) - len(a) })
	for _, id := range ids {
		text = strings.NewReplacer(id, "ID", url.PathEscape(id), "ID").Replace(text)
	}
	return text
}

// TestNothingTellsOfAnotherTenant names what another tenant has, and what no tenant has, in every variable of every
// path and wherever a body or a query names something else: the answers are the same.
func TestNothingTellsOfAnotherTenant(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		theirs, nothing := s.theirs(), map[string]string{}
		var ids []string
		for name, id := range theirs {
			nothing[name] = like(id)
			ids = append(ids, id, nothing[name])
		}
		nothing["holder"], nothing["owner"] = nothing["user"], nothing["client"]
		a := s.as("acme", storage.RoleOwner)
		own := map[string]string{"user": s.add(a.tenant, storage.User{Username: "own", UsernameKey: "own"}),
			"client": "own", "owner": "own", "group": "own", "role": "own"}
		a.do("PUT", "/clients/own", fields{"grant_types": []string{"client_credentials"}}).is(201)
		a.do("PUT", "/groups/own", fields{}).is(200)
		a.do("PUT", "/clients/own/roles/own", fields{}).is(200)
		compare := func(what string, ask func(of map[string]string) *reply) {
			t.Helper()
			if got, none := ask(theirs).unnamed(ids...), ask(nothing).unnamed(ids...); got != none {
				s.Errorf("%s: of another tenant\n%s\nof nothing\n%s", what, got, none)
			}
		}
		// Routes that write come last: what they add is there afterwards.
		routes := admin.Routes()
		slices.SortStableFunc(routes, func(a, b jsonapi.Route) int {
			return strings.Index("GET POST DELETE PATCH PUT", a.Method) - strings.Index("GET POST DELETE PATCH PUT", b.Method)
		})
		bodies := map[string]any{"setAdministrator": fields{"role": "support"}, "signInAs": fields{"reason": "help"},
			"setPassword": fields{"password": "a fine sentence of words"},
			"putWebhook":  fields{"url": "https://hook.example/"}, "addClientKey": fields{"name": "k", "scopes": []string{"x"}},
			"replayWebhook": fields{"event": "x"}, "putUpstream": fields{"preset": "google", "client_id": "x",
				"client_secret": "y"}}
		for _, route := range routes {
			if bodies[route.ID] == nil {
				bodies[route.ID] = fields{}
			}
			if strings.HasPrefix(route.Scope, "tenants:") || !strings.Contains(route.Path, "{") {
				continue
			}
			variables := pathVariable.FindAllString(route.Path, -1)
			for first := range variables {
				compare(route.ID+" "+strings.Join(variables[first:], " "), func(of map[string]string) *reply {
					path := strings.TrimPrefix(route.Path, admin.Prefix)
					for i, v := range variables {
						id, ok := own[strings.Trim(v, "{}")]
						if i >= first || !ok {
							id = of[strings.Trim(v, "{}")]
						}
						path = strings.Replace(path, v, url.PathEscape(id), 1)
					}
					contentType := "Content-Type: application/json"
					if route.Method == http.MethodPatch {
						contentType = patchType
					}
					bodies["putUser"] = fields{"username": uuid.NewString()}
					got := a.do(route.Method, path, nil)
					if got.status == http.StatusBadRequest || got.status == http.StatusUnsupportedMediaType {
						got = a.do(route.Method, path, bodies[route.ID], contentType)
					}
					return got
				})
			}
		}
		for _, call := range []struct {
			method, path string // with %s for the id
			variable     string
			body         func(id string) any
		}{
			{"POST", "/invitations", "group", func(id string) any {
				return fields{"email": uuid.NewString() + "@example.com", "groups": []string{id}}
			}},
			{"POST", "/invitations", "client", func(id string) any {
				return fields{"email": uuid.NewString() + "@example.com", "roles": []any{fields{"client": id, "name": "chief"}}}
			}},
			{"POST", "/invitations", "api", func(id string) any {
				return fields{"email": uuid.NewString() + "@example.com", "roles": []any{fields{"api": id, "name": "chief"}}}
			}},
			{"POST", "/invitations", "role", func(id string) any {
				return fields{"email": uuid.NewString() + "@example.com", "roles": []any{fields{"client": "own", "name": id}}}
			}},
			{"PATCH", "/clients/own", "group", func(id string) any { return fields{"allow": fields{"groups": []string{id}}} }},
			{"PATCH", "/clients/own", "api", func(id string) any { return fields{"audience": []string{id}} }},
			{"PATCH", "/clients/own", "upstream", func(id string) any {
				return fields{"claims": []any{fields{"claim": "x", "from": "upstream." + id + ".email", "scope": "profile"}}}
			}},
			{"PATCH", "/tenant", "upstream", func(id string) any {
				return fields{"claims": []any{fields{"claim": "x", "from": "upstream." + id + ".email", "scope": "profile"}}}
			}},
			{"PUT", "/upstreams/mine", "group", func(id string) any {
				return fields{"preset": "oidc", "issuer": "https://idp.example", "client_id": "me", "client_secret": "secret",
					"groups": fields{"claim": "groups", "map": fields{"x": id}}}
			}},
			{"POST", "/webhooks/none:replay", "webhook", func(id string) any { return fields{"event": id} }},
			{"POST", "/clients/own/api-keys", "secret", func(id string) any {
				return fields{"name": "n", "scopes": []string{id}}
			}},
			{"GET", "/users?external_id=%s", "subject", nil}, {"GET", "/users?q=%s", "user", nil},
			{"GET", "/audit?user_id=%s", "user", nil}, {"GET", "/audit?client_id=%s", "client", nil},
			{"GET", "/users?filter=id+eq+%%22%s%%22", "user", nil}, {"GET", "/users?filter=id+sw+%%22%s%%22", "user", nil},
			{"GET", "/groups?filter=id+eq+%%22%s%%22", "group", nil}, {"GET", "/events?after=%s", "user", nil},
			{"GET", "/users?after=%s", "user", nil}, {"GET", "/audit/export?after=%s", "user", nil},
		} {
			compare(call.method+" "+call.path+" "+call.variable, func(of map[string]string) *reply {
				path, id := call.path, of[call.variable]
				if strings.Contains(path, "%s") {
					path = fmt.Sprintf(path, url.QueryEscape(id))
				}
				if call.body == nil {
					return a.do(call.method, path, nil)
				}
				contentType := "Content-Type: application/json"
				if call.method == "PATCH" {
					contentType = patchType
				}
				return a.do(call.method, path, call.body(id), contentType)
			})
		}
	})
}

// asList returns a member as a list, which is empty for what is none.
func asList(v any) []any {
	all, _ := v.([]any)
	return all
}
