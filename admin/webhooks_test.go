package admin_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/storage"
)

// delivered gives events of a tenant their places, and notes that one of them was delivered and one given up.
func (a *api) delivered(id string, kinds ...string) (events []string) {
	a.Helper()
	for _, kind := range kinds {
		e := audit.Actor("cli")(storage.Event{TenantID: a.tenant.ID, Kind: kind, UserID: "user " + kind})
		check(a, a.store.Record(a.Context(), e))
		events = append(events, e.ID)
	}
	now := time.Now()
	_, err := a.store.BeginFeed(a.Context(), a.tenant.ID, now.Add(-time.Minute), now)
	check(a, err)
	_, err = a.store.Feed(a.Context(), a.tenant.ID, time.Minute, now, 100)
	check(a, err)
	h, err := a.store.Webhook(a.Context(), a.tenant.ID, id)
	check(a, err)
	all, err := a.store.ClaimWebhook(a.Context(), h, now, now.Add(time.Minute), 100)
	check(a, err)
	for _, d := range all {
		switch d.EventID {
		case events[0]:
			d.DoneAt, d.Status, d.Answer = now, 200, "thanks"
		case events[1]:
			d.DoneAt, d.Dead, d.Status, d.Answer = now, true, 500, "busy"
		}
		check(a, a.store.NoteWebhook(a.Context(), d))
	}
	return events
}

// TestWebhooksAreManaged adds, lists, changes, rotates, tests, replays and removes webhooks.
func TestWebhooksAreManaged(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleAdministrator)
		app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("hello"))
		}))
		defer app.Close()
		made := a.do("POST", "/webhooks", fields{"url": app.URL, "kinds": []string{"login.*", "user.added"}}).is(201)
		id, secret := made.text("id"), made.text("secret")
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) < 24 || len(key) > 64 { // Standard Webhooks: between 24 and 64 bytes
			t.Errorf("got the secret %q of %d bytes, %v", secret, len(key), err)
		}
		got := a.do("GET", "/webhooks/"+id, nil).is(200)
		if got.body["secret"] != nil || a.do("GET", "/webhooks", nil).is(200).items()[0]["secret"] != nil {
			t.Error("the secret is shown again")
		}
		tag := got.header.Get("ETag")
		a.do("PUT", "/webhooks/"+id, fields{"url": app.URL, "description": "Accounts"}, "If-Match: "+tag).is(200)
		a.do("PUT", "/webhooks/"+id, fields{"url": app.URL}, "If-Match: "+tag).is(412)
		if other := a.do("POST", "/webhooks/"+id+":rotate", nil).is(200).text("secret"); other == secret {
			t.Error("the secret is the same after a rotation")
		}
		r := a.do("POST", "/webhooks/"+id+":test", nil).is(200)
		if r.body["accepted"] != true || r.text("answer") != "hello" {
			t.Errorf("the test: got %s", r.raw)
		}

		events := a.delivered(id, storage.EventLoginSucceeded, storage.EventUserAdded, storage.EventUserDisabled)
		log := "/webhooks/" + id + "/deliveries"
		for query, want := range map[string]string{
			"": strings.Join(events, " "), "state=waiting": events[2], "state=dead": events[1], "state=delivered": events[0],
			"kind=user.*": events[1] + " " + events[2], "event=" + events[1]: events[1],
			"kind=login.*&state=dead": "", "event=none": "",
		} {
			var ids []string
			for _, id := range a.all(log+"?"+query, "event") {
				for _, e := range events { // and not those of the webhook itself
					if e == id {
						ids = append(ids, id)
					}
				}
			}
			if got := strings.Join(ids, " "); got != want {
				t.Errorf("deliveries with %q: got %s, want %s", query, got, want)
			}
		}
		a.do("GET", log+"?state=lost", nil).is(400)

		count := func(body fields) float64 {
			return a.do("POST", "/webhooks/"+id+":replay", body).is(200).body["count"].(float64)
		}
		if n := count(fields{"event": events[1]}); n != 1 {
			t.Errorf("got %v replayed, want one", n)
		}
		if n := count(fields{"since": time.Now().Add(-time.Hour).Format(time.RFC3339)}); n != 1 {
			t.Errorf("got %v replayed, want the other", n)
		}
		a.do("POST", "/webhooks/"+id+":replay", fields{}).is(422)
		a.do("DELETE", "/webhooks/"+id, nil).is(204)
		a.do("DELETE", "/webhooks/"+id, nil).is(404)
	})
}

// TestWebhooksThatCannotBe adds webhooks with addresses and kinds that they cannot have.
func TestWebhooksThatCannotBe(t *testing.T) {
	t.Parallel()
	a := start(t, "sqlite::memory:").as("acme", storage.RoleAdministrator)
	for name, c := range map[string]struct {
		body fields
		at   string
	}{
		"not https":         {fields{"url": "http://app.example/"}, "/url"},
		"a script":          {fields{"url": "javascript:alert(1)"}, "/url"},
		"a file":            {fields{"url": "file:///etc/passwd"}, "/url"},
		"a password":        {fields{"url": "https://jo:secret@app.example/"}, "/url"},
		"a fragment":        {fields{"url": "https://app.example/#x"}, "/url"},
		"no host":           {fields{"url": "https:///x"}, "/url"},
		"no kind of events": {fields{"url": "https://app.example/", "kinds": []string{"login.eaten"}}, "/kinds"},
		"every beginning":   {fields{"url": "https://app.example/", "kinds": []string{".*"}}, "/kinds"},
		"the operator's":    {fields{"url": "https://app.example/", "kinds": []string{"secret.replaced"}}, "/kinds"},
	} {
		if r := a.do("POST", "/webhooks", c.body); r.status != 422 {
			t.Errorf("%s: got %d %s", name, r.status, r.raw)
		} else {
			r.has(c.at, "invalid")
		}
	}
	for range storage.MostWebhooks {
		a.do("POST", "/webhooks", fields{"url": "https://app.example/"}).is(201)
	}
	a.do("POST", "/webhooks", fields{"url": "https://app.example/"}).is(409, "too_many")
}

// TestWebhooksOfOtherTenants asks for a webhook of another tenant by each operation, and reads events of none.
func TestWebhooksOfOtherTenants(t *testing.T) {
	t.Parallel()
	s := start(t, "sqlite::memory:")
	a, other := s.as("acme", storage.RoleOwner), s.as("", storage.RoleOwner)
	id := a.do("POST", "/webhooks", fields{"url": "https://app.example/"}).is(201).text("id")
	events := a.delivered(id, storage.EventLoginSucceeded, storage.EventUserAdded)
	one := "/webhooks/" + id
	for _, call := range []struct {
		method, path string
		body         any
	}{
		{"GET", one, nil}, {"PUT", one, fields{"url": "https://thief.example/"}}, {"DELETE", one, nil},
		{"POST", one + ":rotate", nil}, {"POST", one + ":test", nil}, {"GET", one + "/deliveries", nil},
		{"POST", one + ":replay", fields{"event": events[0]}},
	} {
		if r := other.do(call.method, call.path, call.body); r.status != 404 {
			t.Errorf("%s %s: got %d %s, want 404", call.method, call.path, r.status, r.raw)
		}
	}
	if r := other.do("GET", "/webhooks", nil).is(200); strings.Contains(r.raw, id) {
		t.Error("another tenant lists the webhook")
	}
	if r := other.do("GET", "/events", nil).is(200); strings.Contains(r.raw, events[0]) {
		t.Error("another tenant reads the event")
	}
	next := a.do("GET", "/events", nil).is(200).text("next")
	other.do("GET", "/events?after="+next, nil).is(400)
}

// TestAppsAreToldWhoComesAndGoes: the removal of a user, whose data is deleted, still reaches the app that keeps a
// profile of the user.
func TestAppsAreToldWhoComesAndGoes(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleAdministrator)
		hook := a.do("POST", "/webhooks", fields{"url": "https://app.example/", "kinds": []string{"user.added",
			"user.removed"}}).is(201).text("id")
		user := a.do("POST", "/users", fields{"email": "jo@example.com"}).is(201).text("id")
		a.do("POST", "/users/"+user+":disable", nil).is(200) // which the webhook does not want
		a.do("DELETE", "/users/"+user, nil).is(204)
		now := time.Now() // when a server reads the trail
		_, err := a.store.BeginFeed(a.Context(), a.tenant.ID, now.Add(-time.Minute), now)
		check(a, err)
		_, err = a.store.Feed(a.Context(), a.tenant.ID, time.Minute, now, 100)
		check(a, err)
		kinds := map[string]string{}
		for _, d := range a.do("GET", "/webhooks/"+hook+"/deliveries", nil).is(200).items() {
			kinds[d["kind"].(string)] = d["state"].(string)
		}
		if diff := cmp.Diff(map[string]string{"user.added": "waiting", "user.removed": "waiting"}, kinds); diff != "" {
			s.Error(diff)
		}
	})
}

// TestLogoutsAreListedAndReplayed: what a client was told, was not, and is to be told of sessions that have ended.
func TestLogoutsAreListedAndReplayed(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleAdministrator)
		a.do("POST", "/clients", fields{"client_id": "hears", "redirect_uris": []string{"https://app.example/callback"},
			"backchannel_logout_uri": "http://app.example/logout"}).is(422)
		a.do("POST", "/clients", fields{"client_id": "hears", "redirect_uris": []string{"https://app.example/callback"},
			"backchannel_logout_uri": "https://app.example/logout"}).is(201)
		now := time.Now()
		user := storage.User{TenantID: a.tenant.ID, ID: "someone", CredentialVersion: 1}
		check(a, a.store.Apply(a.Context(), storage.Change{TenantID: a.tenant.ID, UserID: user.ID, Now: now, Add: &user}))
		sessions := []string{"one", "two", "three"}
		for i, id := range sessions {
			sess := storage.Session{TenantID: a.tenant.ID, ID: id, SecretHash: []byte(id), UserID: user.ID,
				CredentialVersion: 1, ExpiresAt: now.Add(time.Hour)}
			at := now.Add(time.Duration(i-10) * time.Second)
			check(a, a.store.Apply(a.Context(), storage.Change{TenantID: a.tenant.ID, UserID: user.ID, Now: at,
				AddSession: &sess}))
			_, err := a.store.RedeemCode(a.Context(), storage.Grant{TenantID: a.tenant.ID, ID: id, CodeID: id,
				UserID: user.ID, ClientID: "hears", SessionID: id, CredentialVersion: 1, CreatedAt: at,
				ExpiresAt: now.Add(time.Hour)}, nil)
			check(a, err)
			check(a, a.store.Apply(a.Context(), storage.Change{TenantID: a.tenant.ID, UserID: user.ID, Now: at,
				EndSessions: &storage.SessionFilter{IDs: []string{id}}}))
		}
		of := storage.ClientOf{TenantID: a.tenant.ID, ClientID: "hears"}
		for _, status := range []int{204, 400} {
			l, err := a.store.ClaimLogout(a.Context(), of, now, now.Add(time.Minute))
			check(a, err)
			l.DoneAt, l.Status, l.Dead = now, status, status == 400
			check(a, a.store.NoteLogout(a.Context(), l))
		}
		for query, want := range map[string]string{
			"": "one three two", "state=waiting": "three", "state=dead": "two", "state=delivered": "one",
			"session=two": "two", "session=none": "",
		} {
			if got := strings.Join(a.all("/clients/hears/logouts?"+query, "session"), " "); got != want {
				t.Errorf("with %q: got %s, want %s", query, got, want)
			}
		}
		if newest := a.do("GET", "/clients/hears/logouts?limit=1", nil).is(200).items()[0]; newest["session"] != "three" {
			t.Errorf("got %v first, want the newest", newest)
		}
		a.do("GET", "/clients/hears/logouts?state=lost", nil).is(400)
		a.do("GET", "/clients/none/logouts", nil).is(404)
		count := func(body fields) float64 {
			return a.do("POST", "/clients/hears/logouts:replay", body).is(200).body["count"].(float64)
		}
		if n := count(fields{"session": "two"}); n != 1 {
			t.Errorf("got %v replayed, want one", n)
		}
		if n := count(fields{"since": now.Add(-time.Hour).Format(time.RFC3339)}); n != 1 {
			t.Errorf("got %v replayed, want the other one that is done", n)
		}
		a.do("POST", "/clients/hears/logouts:replay", fields{}).is(422)
		s.as("acme", storage.RoleAuditor).do("POST", "/clients/hears/logouts:replay", fields{"session": "two"}).is(403)
	})
}
