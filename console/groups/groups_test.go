package groups_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/console/consoletest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestAGroupFromItsBeginningToItsEnd: it is added, gets a member and a role, is renamed and removed.
func TestAGroupFromItsBeginningToItsEnd(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t)
	b := s.Browser(s.User(storage.DefaultTenant, "owner", storage.RoleOwner), time.Time{})
	grace := s.User(storage.DefaultTenant, "grace", "")
	app := storage.Client{TenantID: storage.DefaultTenant, ClientID: "shop", ClientName: "Shop",
		TokenEndpointAuthMethod: "none",
		Allow:                   storage.ClientAllow{Groups: []string{"crew"}}, CreatedAt: time.Now(), UpdatedAt: time.Now()}
	if err := s.Store.PutClient(t.Context(), app); err != nil {
		t.Fatal(err)
	}

	b.Open("/admin/groups")
	b.Says("No groups yet.")
	b.Open("/admin/groups/add")
	if p := b.Follow(b.Send("/admin/groups/add", "id", "Crew!")); p.Status != http.StatusUnprocessableEntity {
		t.Errorf("an id that is none: got %s", p)
	}
	b.Says("Please check these fields", "Use lowercase letters")
	b.Follow(b.Send("/admin/groups/add", "id", "crew", "title", "The <b>crew</b>"))
	b.Says("was added.", "The <b>crew</b>", "Shop")

	b.Follow(b.Send("/admin/groups/join", "user", "nobody@default.example"))
	b.Says("No user has this email address")
	b.Follow(b.Send("/admin/groups/join", "user", "grace@default.example"))
	b.Says("Name of grace is in the group.")
	b.Follow(b.Send("/admin/groups/leave"))
	b.Says("Name of grace left the group.", "Undo")
	b.Follow(b.Send("/admin/groups/join?id=crew&user=" + grace.ID))
	b.Says("Name of grace is in the group.")

	b.Open("/admin/groups/roles?client=shop")
	b.Follow(b.Send("/admin/groups/roles", "name", "editor", "title", "Edits"))
	b.Says("The role editor was added.")
	b.Follow(b.Send("/admin/groups/give", "kind", "group", "holder", "crew"))
	b.Says("has the role editor.")
	belongs, err := s.Store.Belonging(t.Context(), storage.DefaultTenant, grace.ID)
	if err != nil || len(belongs.RolesAt("shop")) != 1 {
		t.Errorf("got %+v, %v; want the role by the group", belongs, err)
	}
	b.Open("/admin/groups/group?id=crew")
	b.Says("editor")
	b.Follow(b.Send("/admin/groups/take"))
	b.Says("no longer has the role editor.")

	b.Open("/admin/groups/edit?id=crew")
	stale := b.Fields("/admin/groups/edit")
	b.Follow(b.Send("/admin/groups/edit", "title", "Sailors"))
	b.Says("Saved.", "Sailors")
	stale.Set("title", "Pirates")
	b.Follow(b.Post("/admin/groups/edit", stale))
	b.Says("Another administrator has changed this to “Sailors”")

	b.Open("/admin/groups?q=sail")
	b.Says("Sailors")
	b.Open("/admin/groups?q=none")
	b.Says("No group matches.")
	b.Open("/admin/groups/remove?id=crew")
	b.Says("All members leave the group.")
	b.Follow(b.Send("/admin/groups/remove"))
	b.Says("The group Sailors was removed.")
	if _, err := s.Store.Group(t.Context(), storage.DefaultTenant, "crew"); err == nil {
		t.Error("the group is still there")
	}
}

// TestSupportOnlyLooksAtGroups: the role may read groups, and finds no button that would be refused.
func TestSupportOnlyLooksAtGroups(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t)
	if _, err := s.Accounts.AddGroup(t.Context(), s.Asker(storage.DefaultTenant), "crew", "Crew"); err != nil {
		t.Fatal(err)
	}
	app := storage.Client{TenantID: storage.DefaultTenant, ClientID: "shop", CreatedAt: time.Now(), UpdatedAt: time.Now()}
	if err := s.Store.PutClient(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	b := s.Browser(s.User(storage.DefaultTenant, "help", storage.RoleSupport), time.Time{})
	b.Open("/admin/groups/group?id=crew")
	b.Says("Members")
	b.SaysNot("Rename", "Remove the group", "Add to the group")
	for _, page := range []string{"/admin/groups/group?id=crew", "/admin/groups/roles?client=shop"} {
		b.Open(page)
		for _, link := range b.Links() {
			if p := b.Get(link); p.Status == http.StatusForbidden {
				t.Errorf("%s links to %s, which is refused", page, link)
			}
		}
	}
}
