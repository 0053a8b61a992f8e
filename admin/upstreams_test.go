package admin_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

func TestUpstreamsAreManaged(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		owner, admin := s.as("acme", storage.RoleOwner), s.as("acme", storage.RoleAdministrator)
		body := fields{"preset": "oidc", "issuer": "https://idp.example", "client_id": "me",
			"client_secret": "not to be shown"}
		admin.do("PUT", "/upstreams/corp", body).is(403, "insufficient_scope")
		owner.do("PUT", "/upstreams/corp?dry_run=true", body).is(200)
		owner.do("GET", "/upstreams/corp", nil).is(404)
		made := owner.do("PUT", "/upstreams/corp", body, "If-None-Match: *").is(201)
		if made.get("status.secret") != true || made.text("status.callback") != owner.tenant.URL("/upstream/corp/callback") ||
			strings.Contains(made.raw, "not to be") {
			s.Errorf("got %s, want the provider without its secret", made.raw)
		}
		if got := owner.do("PUT", "/upstreams/corp", made.body).is(200); got.raw != made.raw ||
			got.header.Get("ETag") != made.header.Get("ETag") {
			s.Errorf("got %s, want a PUT of what was read to change nothing", got.raw)
		}
		owner.do("PUT", "/upstreams/corp", fields{"id": "other", "client_id": "me"}).is(422).has("/id", "invalid")
		owner.do("PUT", "/upstreams/two", fields{"client_id": "me", "preset": "oidc", "issuer": "nonsense"}).
			is(422).has("/issuer", "invalid")
		owner.do("PUT", "/upstreams/two", fields{"preset": "oidc"}).is(400).has("/client_id", "missing")
		changed := owner.do("PATCH", "/upstreams/corp", fields{"name": "Corp"}, "If-Match: "+made.header.Get("ETag")).is(200)
		owner.do("PATCH", "/upstreams/corp", fields{"name": "X"}, "If-Match: "+made.header.Get("ETag")).
			is(412, "precondition_failed")
		if changed.text("name") != "Corp" || changed.get("status.secret") != true {
			s.Errorf("got %s, want the patch applied, and the secret kept", changed.raw)
		}
		moved := fields{"issuer": "https://collector.example"}
		owner.do("PATCH", "/upstreams/corp", moved).is(422).has("/client_secret", "invalid")
		owner.do("PATCH", "/tenant", fields{"upstreams": []fields{{"id": "corp", "client_id": "me", "preset": "google"}}}).
			is(422).has("/upstreams/0/client_secret", "invalid")
		owner.do("PATCH", "/upstreams/corp?dry_run=true", with(moved, "client_secret", "of the other")).is(200)
		all := admin.do("GET", "/upstreams", nil).is(200)
		if len(all.items()) != 1 || strings.Contains(all.raw, "not to be") {
			s.Errorf("got %s, want one provider", all.raw)
		}
		s.as("", storage.RoleOwner).do("GET", "/upstreams/corp", nil).is(404)

		rule := fields{"claim": "staff", "from": "upstream.corp.email", "scope": "profile"}
		owner.do("PATCH", "/tenant", fields{"claims": []fields{rule}}).is(200)
		owner.do("DELETE", "/upstreams/corp", nil).is(409, "in_use").has("claims.0.from", "invalid")
		owner.do("PATCH", "/tenant", fields{"claims": nil}).is(200)
		owner.do("DELETE", "/upstreams/corp", nil, "If-Match: "+made.header.Get("ETag")).is(412)
		owner.do("DELETE", "/upstreams/corp?dry_run=true", nil).is(200)
		owner.do("DELETE", "/upstreams/corp", nil).is(204)
		owner.do("DELETE", "/upstreams/corp", nil).is(404)
		events, err := s.store.Events(s.Context(), "acme", "", 1)
		check(s, err)
		if events[0].Kind != storage.EventTenantChanged || events[0].Detail["upstream"] != "corp" {
			s.Errorf("got %+v, want the change of the provider", events[0])
		}
	})
}

func TestAPIsAreManaged(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a, auditor := s.as("acme", storage.RoleAdministrator), s.as("acme", storage.RoleAuditor)
		const identifier = "https://api.example.com/orders"
		path := "/apis/" + url.PathEscape(identifier)
		body := fields{"name": "Orders", "scopes": []fields{{"name": "orders:read", "consent": fields{"en": "See orders"}}}}
		auditor.do("PUT", path, body).is(403, "insufficient_scope")
		a.do("PUT", path+"?dry_run=true", body).is(200)
		made := a.do("PUT", path, body, "If-None-Match: *").is(201)
		if made.text("identifier") != identifier {
			s.Errorf("got %s, want the API", made.raw)
		}
		if got := a.do("PUT", path, made.body, "If-Match: "+made.header.Get("ETag")).is(200); got.raw != made.raw {
			s.Errorf("got %s, want a PUT of what was read to change nothing", got.raw)
		}
		a.do("PUT", path, body, "If-None-Match: *").is(412)
		a.do("PUT", path, fields{"identifier": "https://other.example"}).is(422).has("/identifier", "invalid")
		a.do("PUT", "/apis/orders", fields{"scopes": []fields{{"name": "openid"}}}).
			is(422).has("/identifier", "invalid").has("/scopes/0/name", "invalid")
		a.do("PATCH", path, fields{"access_token_format": "opaque", "scopes": nil}, `If-Match: "stale"`).is(412)
		if got := a.do("PATCH", path, fields{"access_token_format": "opaque", "scopes": nil}).is(200); got.text("name") !=
			"Orders" || got.get("scopes") != nil {
			s.Errorf("got %s, want the patch applied", got.raw)
		}
		if all := auditor.do("GET", "/apis", nil).is(200).items(); len(all) != 1 {
			s.Errorf("got %v, want one API", all)
		}
		auditor.do("GET", path, nil).is(200)
		s.as("", storage.RoleOwner).do("GET", path, nil).is(404)
		a.do("DELETE", path, nil, "If-Match: "+made.header.Get("ETag")).is(412)
		a.do("DELETE", path+"?dry_run=true", nil).is(200)
		a.do("DELETE", path, nil).is(204)
		a.do("DELETE", path, nil).is(404)
		events, err := s.store.Events(s.Context(), "acme", "", 1)
		check(s, err)
		if events[0].Kind != storage.EventAPIRemoved || events[0].Detail["api"] != identifier {
			s.Errorf("got %+v, want the removal", events[0])
		}
	})
}

// TestTheAuditTrailIsExported: a reader who comes again gets what came since, and each event once.
func TestTheAuditTrailIsExported(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a, seen, next := s.as("acme", storage.RoleAuditor), 0, ""
		for round, n := range []int{5, 0, 3} {
			for i := range n {
				at := time.Now().Add(-time.Hour + time.Duration(round)*time.Minute)
				check(s, s.store.Record(s.Context(), storage.Event{TenantID: "acme", ID: idAt(at, i), At: at,
					Kind: storage.EventLoginFailed, Actor: "x"}))
			}
			for {
				got := a.do("GET", "/audit/export?limit=2"+next, nil).is(200)
				seen += len(got.items())
				cursor, ok := got.body["next"].(string)
				if !ok {
					break
				}
				next = "&after=" + cursor
			}
		}
		if seen != 8 {
			s.Errorf("got %d events, want each of the 8 once, and none of the last minutes", seen)
		}
		s.as("", storage.RoleAuditor).do("GET", "/audit/export?limit=2"+next, nil).is(400).has("after", "invalid")
		first := a.do("GET", "/audit/export", nil).is(200).items()
		from := a.do("GET", "/audit/export?after_id="+first[2]["id"].(string), nil).is(200).items()
		if len(from) != 5 || from[0]["id"] != first[3]["id"] {
			s.Errorf("got %v, want what came after the third of %v", from, first)
		}
	})
}
