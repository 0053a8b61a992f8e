package admin_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Administrators list the clients that connected by themselves, allow and deny them, and have documents read again.
func TestOutsideClientsAreAllowedAndDenied(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleAdministrator)
		const id = "https://editor.example/client.json"
		now := time.Now().UTC().Truncate(time.Microsecond)
		for _, c := range []storage.Client{
			{ClientID: id, Outside: &storage.Outside{Origin: storage.OriginDocument, ReadAt: now,
				FreshUntil: now.Add(time.Hour), Fault: "status 500"}},
			{ClientID: "reg-1", Outside: &storage.Outside{Origin: storage.OriginRegistration, TokenHash: []byte("secret")}},
			{ClientID: "ours"},
		} {
			c.TenantID, c.CreatedAt, c.UpdatedAt = "acme", now, now
			if err := s.store.PutClient(t.Context(), c); err != nil {
				s.Fatal(err)
			}
		}
		listed := a.do("GET", "/clients?filter="+url.QueryEscape(`status.origin eq "document"`), nil).is(200)
		if !strings.Contains(listed.raw, id) || strings.Contains(listed.raw, "reg-1") ||
			!strings.Contains(listed.raw, "status 500") || strings.Contains(listed.raw, "token_hash") {
			s.Errorf("got %s", listed.raw)
		}
		path := "/clients/" + strings.NewReplacer(":", "%3A", "/", "%2F").Replace(id)
		denied := a.do("POST", path+":deny", nil).is(200)
		if denied.text("status.verdict") != storage.VerdictDenied || denied.get("disabled") != true {
			s.Errorf("got %s", denied.raw)
		}
		allowed := a.do("POST", path+":allow", nil).is(200)
		if allowed.text("status.verdict") != storage.VerdictAllowed || allowed.get("disabled") != nil {
			s.Errorf("got %s", allowed.raw)
		}
		again := a.do("POST", path+":refresh", nil).is(200)
		if again.get("status.fresh_until") != nil {
			s.Errorf("got %s, want a document that is read at its next use", again.raw)
		}
		a.do("POST", "/clients/reg-1:refresh", nil).is(409, "not_outside")
		a.do("POST", "/clients/reg-1:deny", nil).is(200)
		a.do("POST", "/clients/ours:allow", nil).is(409, "not_outside")
		a.do("POST", "/clients/none:deny", nil).is(404)
	})
}
