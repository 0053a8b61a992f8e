package admin_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/storage"
)

func TestATenantIsReadAndChanged(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a, owner := s.as("acme", storage.RoleAdministrator), s.as("acme", storage.RoleOwner)
		read := a.do("GET", "/tenant", nil).is(200)
		changed := a.do("PATCH", "/tenant", fields{"name": "ACME", "sign_up": fields{"mode": "invitation"}},
			"If-Match: "+read.header.Get("ETag")).is(200)
		if changed.text("name") != "ACME" || changed.text("status.id") != "acme" {
			s.Errorf("got %s, want the patch applied", changed.raw)
		}
		if got := a.do("PUT", "/tenant", changed.body).is(200); got.raw != changed.raw {
			s.Errorf("got %s, want a PUT of what was read to change nothing", got.raw)
		}
		a.do("PUT", "/tenant", read.body, "If-Match: "+read.header.Get("ETag")).is(412)
		a.do("PATCH", "/tenant", fields{"sign_up": fields{"mode": "never"}, "branding": fields{"accent": "x"}}).
			is(422).has("/sign_up/mode", "invalid").has("/branding/accent", "invalid")
		a.do("PATCH", "/tenant", fields{"sing_up": fields{}}).is(400).has("/sing_up", "unknown")
		a.do("PATCH", "/tenant", fields{"sing_up": nil, "sign_up": fields{"opne": nil}}).is(400).has("/sing_up", "unknown").
			has("/sign_up/opne", "unknown")

		// An upstream decides whose accounts its users open: that is for owners.
		idp := fields{"id": "idp", "preset": "oidc", "issuer": "https://idp.example", "client_id": "me",
			"client_secret": "not to be shown"}
		a.do("PATCH", "/tenant", fields{"upstreams": []any{idp}}).is(403, "insufficient_scope")
		got := owner.do("PATCH", "/tenant", fields{"upstreams": []any{idp}}).is(200)
		if strings.Contains(got.raw, "not to be") || strings.Contains(got.raw, "client_secret") {
			s.Errorf("got %s, which shows the secret", got.raw)
		}
		sealed := func() string {
			u, err := s.store.Tenant(s.Context(), "acme")
			check(s, err)
			return string(u.Settings.Upstreams[0].ClientSecret)
		}
		before := sealed()
		read = a.do("GET", "/tenant", nil)
		a.do("PUT", "/tenant", read.body).is(200)
		if before == "" || sealed() != before {
			s.Errorf("a PUT of what was read has changed the secret of an upstream")
		}
		preview := owner.do("PATCH", "/tenant?dry_run=true", fields{"upstreams": nil}).is(200)
		if !strings.Contains(preview.raw, "upstreams.idp") {
			s.Errorf("got %s, want what would change", preview.raw)
		}
		// Where a tenant is reached concerns the others.
		owner.do("PATCH", "/tenant", fields{"host": "login.example.com"}).is(403, "insufficient_scope")
		owner.do("PATCH", "/tenant", fields{"disabled": true}).is(403, "insufficient_scope")
	})
}

func TestTheOperatorManagesTenants(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("", storage.RoleOwner)
		body := fields{"name": "North", "second_factor": fields{"require": "always", "remember_device": "24h"}}
		a.do("PUT", "/tenants/north?dry_run=true", body).is(200)
		made := a.do("PUT", "/tenants/north", body, "If-None-Match: *").is(201)
		if made.text("status.issuer") != rootIssuer+"/t/north" {
			s.Errorf("got %s, want the tenant", made.raw)
		}
		if got := a.do("PUT", "/tenants/north", made.body).is(200); got.raw != made.raw {
			s.Errorf("got %s, want a PUT of what was read to change nothing", got.raw)
		}
		a.do("PUT", "/tenants/North", body).is(400).has("tenant", "invalid")
		a.do("PUT", "/tenants/north", fields{"host": "north.example.com", "disabled": true}).is(200)
		if all := a.do("GET", "/tenants?limit=2", nil).is(200); len(all.items()) != 2 || all.get("next") == nil {
			s.Errorf("got %s, want a page of tenants", all.raw)
		}
		a.do("DELETE", "/tenants/default", nil).is(409, "default_tenant")
		a.do("DELETE", "/tenants/north", nil).is(204)
		a.do("GET", "/tenants/north", nil).is(404)
		a.do("PUT", "/tenants/north", body).is(409, "exists")
		for _, other := range []*api{s.as("acme", storage.RoleOwner), s.service("acme", "tenants:read", "tenants:write"),
			s.as("", storage.RoleAdministrator)} {
			other.do("GET", "/tenants", nil).is(403, "insufficient_scope")
			other.do("PUT", "/tenants/acme", body).is(403, "insufficient_scope")
		}
	})
}

// TestTheOperatorDeclaresWebhooks puts tenants with the webhooks of a tenants file.
func TestTheOperatorDeclaresWebhooks(t *testing.T) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
	onEveryDatabase(t, func(s *server) {
		a := s.as("", storage.RoleOwner)
		declared := func(hooks ...fields) fields {
			return fields{"name": "North", "webhooks": append([]fields{}, hooks...)}
		}
		crm := fields{"id": "crm", "url": "https://crm.example/", "kinds": []string{"login.*"}, "secret": secret}
		erp := fields{"id": "erp", "url": "https://erp.example/", "secret": secret}
		stored := func() (ids string) {
			all, err := s.store.Webhooks(s.Context(), "north", "", 10)
			check(s, err)
			for _, w := range all {
				ids += w.ID + " "
			}
			return ids
		}
		weak := s.service("", "tenants:read", "tenants:write")
		weak.do("PUT", "/tenants/north", declared(crm)).is(403, "insufficient_scope")
		a.do("GET", "/tenants/north", nil).is(404) // nothing half done
		preview := a.do("PUT", "/tenants/north?dry_run=true", declared(crm, erp)).is(200)
		if !strings.Contains(preview.raw, "webhooks.erp") || strings.Contains(preview.raw, "whsec") {
			s.Errorf("got %s, want what would change, without secrets", preview.raw)
		}
		if made := a.do("PUT", "/tenants/north", declared(crm, erp)).is(201); strings.Contains(made.raw, "whsec") {
			s.Errorf("got %s, which shows a secret", made.raw)
		}
		a.do("PUT", "/tenants/north", declared(crm, erp)).is(200)
		weak.do("PUT", "/tenants/north", fields{"name": "South"}).is(200)
		weak.do("PUT", "/tenants/north", declared(crm, erp)).is(200) // it changes no webhook
		if got := stored(); got != "crm erp " {
			s.Errorf("got the webhooks %q, want both, each once", got)
		}
		weak.do("PUT", "/tenants/north", declared(crm)).is(403, "insufficient_scope")
		for pointer, hook := range map[string]fields{
			"/webhooks/1/url":    {"id": "x", "url": "https://crm.example/#x", "secret": secret},
			"/webhooks/1/id":     {"id": "crm", "url": "https://crm.example/", "secret": secret},
			"/webhooks/1/kinds":  {"id": "x", "url": "https://crm.example/", "secret": secret, "kinds": []string{"none"}},
			"/webhooks/1/secret": {"id": "x", "url": "https://crm.example/", "secret": "whsec_c2hvcnQ="},
		} {
			if r := a.do("PUT", "/tenants/north", declared(crm, hook)).is(422); !strings.Contains(r.raw, pointer) {
				s.Errorf("%s: got %s", pointer, r.raw)
			}
		}
		a.do("PUT", "/tenants/north", declared(crm)).is(200)
		if got := stored(); got != "crm " {
			s.Errorf("got the webhooks %q, want that of the file", got)
		}
		a.do("PUT", "/tenants/north", declared()).is(200)
		if got := stored(); got != "" {
			s.Errorf("got the webhooks %q, want none", got)
		}
	})
}

func TestKeysAreListedAndRotated(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleOwner)
		before := a.do("GET", "/keys", nil).is(200)
		if strings.Contains(before.raw, "private") || len(before.items()) == 0 {
			s.Errorf("got %s, want the keys without their private halves", before.raw)
		}
		after := a.do("POST", "/keys:rotate", fields{"alg": "ES256"}).is(200)
		if len(after.items()) != len(before.items())+1 {
			s.Errorf("got %s, want one more key", after.raw)
		}
		a.do("POST", "/keys:rotate", fields{"alg": "HS256"}).is(400).has("/alg", "invalid")
		made := after.items()[len(before.items())]["kid"].(string)
		for _, k := range after.items() {
			if !strings.Contains(before.raw, k["kid"].(string)) {
				made = k["kid"].(string)
			}
		}
		s.as("", storage.RoleOwner).do("DELETE", "/keys/"+made, nil).is(404)
		a.do("DELETE", "/keys/"+made, nil).is(204)
		s.as("acme", storage.RoleAdministrator).do("POST", "/keys:rotate", fields{}).is(403)
		events, err := s.store.Events(s.Context(), "acme", "", 2)
		check(s, err)
		if events[0].Kind != storage.EventKeyRemoved || events[1].Kind != storage.EventKeyRotated ||
			events[1].Actor == "cli" {
			s.Errorf("got %+v, want the removal and the rotation by the administrator", events)
		}
	})
}

func TestTheAuditTrailIsSearched(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a, id := s.as("acme", storage.RoleAuditor), uuid.Must(uuid.NewV7()).String()
		begin := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
		for i := range 12 {
			at := begin.Add(time.Duration(i) * time.Minute)
			e := storage.Event{TenantID: "acme", ID: idAt(at, i), At: at, Kind: storage.EventLoginFailed, UserID: id, Actor: "x"}
			if i%4 == 0 {
				e.Kind, e.ClientID, e.Actor = storage.EventLoginSucceeded, "shop", id
			}
			check(s, s.store.Record(s.Context(), e))
		}
		at := func(i int) string { return begin.Add(time.Duration(i) * time.Minute).UTC().Format(time.RFC3339Nano) }
		for query, n := range map[string]int{
			"user_id=" + id: 12, "kind=login.succeeded": 3, "kind=login.succeeded&kind=login.failed&client_id=shop": 3,
			"actor=x": 9, "since=" + at(10) + "&user_id=" + id: 2, "until=" + at(3): 4, "since=" + at(2) + "&until=" + at(4): 3,
			"user_id=" + uuid.NewString(): 0,
		} {
			seen, next := 0, ""
			for pages := 0; pages == 0 || next != ""; pages++ {
				got := a.do("GET", "/audit?limit=2&"+query+next, nil).is(200)
				seen, next = seen+len(got.items()), ""
				if cursor, ok := got.body["next"].(string); ok {
					next = "&after=" + cursor
				}
			}
			if seen != n {
				s.Errorf("%s: got %d events, want %d", query, seen, n)
			}
		}
		a.do("GET", "/audit?kind=login.odd", nil).is(400).has("kind", "invalid")
		a.do("GET", "/audit?since=yesterday", nil).is(400).has("since", "invalid")
		if got := s.as("", storage.RoleAuditor).do("GET", "/audit?user_id="+id, nil).is(200); len(got.items()) != 0 {
			s.Errorf("got %s, want nothing of another tenant", got.raw)
		}
	})
}

// idAt returns a UUIDv7 of that time.
func idAt(at time.Time, i int) string {
	id := uuid.Must(uuid.NewV7())
	ms := uint64(at.UnixMilli())
	for b := range 6 {
		id[b] = byte(ms >> (40 - 8*b))
	}
	id[15] = byte(i)
	return id.String()
}

func TestStatisticsAreCounted(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		const signedIn = storage.EventLoginSucceeded
		now := time.Now()
		for i, e := range []storage.Event{
			{Kind: signedIn, UserID: "ann", Detail: map[string]string{"amr": "pwd"}, At: now.Add(-time.Minute)},
			{Kind: signedIn, UserID: "ann", Detail: map[string]string{"amr": "pwd otp"}, At: now.Add(-50 * time.Hour)},
			{Kind: signedIn, UserID: "bob", Detail: map[string]string{"amr": "pwd"}, At: now.Add(-240 * time.Hour)},
			{Kind: storage.EventLoginFailed, Detail: map[string]string{"reason": "password"}, At: now.Add(-time.Minute)},
		} {
			e.TenantID, e.ID = "acme", idAt(e.At, i)
			check(s, s.store.Record(s.Context(), e))
		}
		got := s.as("acme", storage.RoleAuditor).do("GET", "/stats?days=15", nil).is(200)
		if got.get("active.day") != 1.0 || got.get("active.week") != 1.0 || got.get("active.month") != 2.0 ||
			got.get("sign_ins.pwd") != 2.0 || got.get("failures.password") != 1.0 || len(got.get("days").([]any)) != 15 {
			s.Errorf("got %s, want what was recorded", got.raw)
		}
		if got := s.as("", storage.RoleAuditor).do("GET", "/stats", nil).is(200); got.get("active.month") != 0.0 {
			s.Errorf("got %s, want nothing of another tenant", got.raw)
		}
		s.as("acme", storage.RoleAuditor).do("GET", "/stats?days=0", nil).is(400)
		until := func(tenant string) time.Time {
			got := s.as(tenant, storage.RoleAuditor).do("GET", "/stats", nil).is(200)
			at, err := time.Parse(time.RFC3339, got.text("counted_until"))
			check(s, err)
			return at
		}
		if at := until("acme"); at.Before(now) {
			s.Errorf("got %v, want all counted", at)
		}

		// A trail that an earlier release has kept, of which nothing is counted yet.
		jo, old := s.add(s.tenant("acme"), storage.User{Email: "jo@example.com"}), make([]storage.Event, 10_500)
		for i := range old {
			at := now.Add(-90*24*time.Hour + time.Duration(i)*time.Second)
			old[i] = storage.Event{ID: idAt(at, 0), TenantID: "acme", At: at, Kind: signedIn, UserID: "ann"}
		}
		for part := range slices.Chunk(old, 500) {
			check(s, s.store.Apply(s.Context(), storage.Change{TenantID: "acme", UserID: jo, Now: now, Events: part}))
		}
		got = s.as("acme", storage.RoleAuditor).do("GET", "/stats?days=100", nil).is(200)
		at, want := until("acme"), old[9_999].At.Truncate(time.Millisecond)
		if !at.Equal(want) || got.get("sign_ins.") != 10_000.0 || got.get("active.month") != 0.0 {
			s.Errorf("got %.300s until %v, want the first ten thousand sign-ins, until %v", got.raw, at, want)
		}
		check(s, s.store.Tally(s.Context(), now))
		got = s.as("acme", storage.RoleAuditor).do("GET", "/stats?days=100", nil).is(200)
		if until("acme").Before(now) || got.get("sign_ins.") != 10_500.0 || got.get("active.month") != 2.0 {
			s.Errorf("got %.300s, want all counted", got.raw)
		}
	})
}

func TestMessagesAreListedAndRetried(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleAdministrator)
		a.do("POST", "/invitations", fields{"email": "new@example.com"}).is(201)
		waiting := a.do("GET", "/mail/waiting", nil).is(200)
		if all := waiting.items(); len(all) != 1 || all[0]["to"] != "new@example.com" || all[0]["data"] != nil {
			s.Errorf("got %s, want the invitation without its content", waiting.raw)
		}
		claimed, err := s.store.ClaimDeliveries(s.Context(), time.Now().Add(time.Second), time.Now().Add(time.Hour), 1)
		check(s, err)
		check(s, s.store.DeliveryFailed(s.Context(), claimed[0], time.Now(), time.Now(), "550 no such mailbox"))
		dead := a.do("GET", "/mail/dead", nil).is(200).items()
		if len(dead) != 1 || dead[0]["error"] != "550 no such mailbox" {
			s.Fatalf("got %v, want the message and why it was given up", dead)
		}
		path := "/mail/dead/" + dead[0]["id"].(string) + ":retry"
		s.as("", storage.RoleOwner).do("POST", path, nil).is(404)
		a.do("POST", path, nil).is(204)
		a.do("POST", path, nil).is(404)
		a.do("POST", "/mail:test", fields{"to": "x@example.com"}).is(409, "not_offered")
	})
}

// TestTestMailsAreFew: an administrator's token can't flood a mailbox, and other tenants go on.
func TestTestMailsAreFew(t *testing.T) {
	t.Parallel()
	s := start(t, "sqlite::memory:")
	sent := 0
	s.api.TestMail = func(context.Context, *issuer.Tenant, string, func(string)) error { sent++; return nil }
	body := fields{"to": "x@example.com"}
	for range 20 {
		s.owner("acme").do("POST", "/mail:test", body).is(200)
	}
	s.owner("acme").do("POST", "/mail:test", body).is(429, "too_many_attempts")
	s.owner("").do("POST", "/mail:test", body).is(200)
	if sent != 21 {
		t.Errorf("sent %d emails, want 20 of one tenant and one of another", sent)
	}
}
