package login

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/storage"
)

// TestAttributesOnTheProfilePage: users edit those that are theirs, see others, and know nothing of the rest.
func TestAttributesOnTheProfilePage(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	tenant, err := s.store.Tenant(t.Context(), storage.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	owner := storage.ByOwner
	tenant.Settings.Attributes = []storage.Attribute{
		{Name: "nick", Title: "Call sign", See: owner, Edit: owner, Pattern: "[a-z]+", Unique: true},
		{Name: "team", See: owner}, {Name: "salary", Type: storage.AttributeNumber, Required: true, Unique: true},
	}
	if err := s.store.UpdateTenant(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	u := s.user("default", "jo@example.com", "", right)
	u.Attributes = map[string]any{"team": "blue", "salary": 77777.0}
	s.change(u, storage.Change{Update: &u, Unique: map[string]string{"salary": "77777"}})
	other := s.user("default", "kim@example.com", "", right)
	s.change(other, storage.Change{Unique: map[string]string{"nick": "ace"}})
	v := s.visitor()
	v.signIn("jo@example.com", right)
	page := v.get("/account/profile")
	for text, want := range map[string]bool{"Call sign": true, "team: blue": true, "salary": false, "77777": false} {
		if strings.Contains(page.body, text) != want {
			t.Errorf("the page has %q: %v", text, !want)
		}
	}
	for typed, text := range map[string]string{"A1": "profile.attribute_form", "ace": "profile.attribute_taken"} {
		v.get("/account/profile")
		p := v.post("/account/profile", "attribute.nick", typed)
		if p.status != http.StatusUnprocessableEntity || !strings.Contains(p.body, english[text]) {
			t.Errorf("%s: got %d to %q, want %q", typed, p.status, p.location(), english[text])
		}
	}
	v.get("/account/profile")
	v.post("/account/profile", "attribute.nick", "rook", "attribute.team", "red", "attribute.salary", "1")
	got, err := s.store.User(t.Context(), u.TenantID, u.ID)
	want := map[string]any{"nick": "rook", "team": "blue", "salary": 77777.0}
	if diff := cmp.Diff(want, got.Attributes); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if found, err := s.store.UserByUnique(t.Context(), u.TenantID, "salary", "77777"); err != nil || found.ID != u.ID {
		t.Errorf("by salary: got %v, %v: the value is unique no more", found.ID, err)
	}
}
