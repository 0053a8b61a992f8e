package apis_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/console/consoletest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestAnAPIFromItsBeginningToItsEnd: it is added, gets a scope with sentences, token settings and a role, and is
// removed.
func TestAnAPIFromItsBeginningToItsEnd(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t)
	b := s.Browser(s.User(storage.DefaultTenant, "owner", storage.RoleOwner), time.Time{})
	const id = "https://api.example/orders"
	api := func() *storage.API {
		tenant, err := s.Store.Tenant(t.Context(), storage.DefaultTenant)
		if err != nil {
			t.Fatal(err)
		}
		return tenant.Settings.API(id)
	}
	b.Open("/admin/apis")
	b.Says("No APIs yet.")
	b.Open("/admin/apis/add")
	if p := b.Follow(b.Send("/admin/apis/add", "identifier", "orders")); p.Status != http.StatusUnprocessableEntity {
		t.Errorf("no address: got %s", p)
	}
	b.Says("Enter a full address")
	b.Follow(b.Send("/admin/apis/add", "identifier", id, "name", "<i>Orders</i>"))
	b.Says("<i>Orders</i> was added.", "No scopes yet.")
	b.Open("/admin/apis/add")
	b.Follow(b.Send("/admin/apis/add", "identifier", id))
	b.Says("There’s an API with this identifier already.")

	b.Open("/admin/apis/scope?id=" + id)
	b.Follow(b.Send("/admin/apis/scope", "name", "orders:read", "consent.en", "Read your orders", "consent.de",
		"Bestellungen lesen"))
	b.Says("Saved.", "orders:read", "Read your orders", "Bestellungen lesen")
	b.Open("/admin/apis/scope?id=" + id + "&scope=orders:read")
	b.Follow(b.Send("/admin/apis/scope", "consent.de", ""))
	if a := api(); a == nil || len(a.Scopes) != 1 || len(a.Scopes[0].Consent) != 1 {
		t.Errorf("got %+v", a)
	}

	b.Open("/admin/apis/edit?id=" + id)
	stale := b.Fields("/admin/apis/edit")
	b.Follow(b.Send("/admin/apis/edit", "name", "Orders", "access_token_lifetime", "soon"))
	b.Says("Enter whole seconds, minutes or hours")
	b.Open("/admin/apis/edit?id=" + id)
	b.Follow(b.Send("/admin/apis/edit", "name", "Orders", "access_token_format", "opaque", "access_token_lifetime", "10m",
		"clients", "shop\r\nwiki"))
	b.Says("Saved.", "Opaque", "10m", "shop", "wiki")
	stale.Set("name", "Bills")
	b.Follow(b.Post("/admin/apis/edit", stale))
	b.Says("Another administrator has changed this to “Orders”")

	b.Open("/admin/groups/roles?api=" + id)
	b.Follow(b.Send("/admin/groups/roles", "name", "clerk"))
	b.Says("The role clerk was added.")
	b.Open("/admin/apis/api?id=" + id)
	b.Says("clerk")
	b.Follow(b.Send("/admin/apis/remove-scope"))
	b.Says("The scope orders:read was removed.")
	b.Open("/admin/apis/remove?id=" + id)
	b.Says("Its roles are removed")
	b.Follow(b.Send("/admin/apis/remove"))
	b.Says("The API Orders was removed.")
	if api() != nil {
		t.Error("the API is still there")
	}
}
