package login

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestGroupsFromAProvider: at every sign-in the user joins and leaves the groups that the provider says, and keeps
// those of an administrator.
func TestGroupsFromAProvider(t *testing.T) {
	t.Parallel()
	f := federate(t, func(s *storage.TenantSettings) {
		s.Upstreams[0].Groups = map[string]string{"eng": "engineers", "staff": "staff", "Staff": "staff", "gone": "missing"}
	}, fakeidp.OpenID)
	ctx := t.Context()
	for _, id := range []string{"engineers", "staff", "own"} {
		if err := f.store.AddGroup(ctx, storage.Group{TenantID: storage.DefaultTenant, ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	v := f.visitor()
	who := fedJo
	groups := func(said string) []string {
		t.Helper()
		who.Groups = said
		v.come(fakeidp.OpenID, "", who)
		u, err := f.store.UserByEmail(ctx, storage.DefaultTenant, fedJo.Email)
		if err != nil {
			t.Fatal(err)
		}
		b, err := f.store.Belonging(ctx, storage.DefaultTenant, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		return b.Groups
	}
	want := func(said string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, groups(said)); diff != "" {
			t.Errorf("the provider says %q:\n%s", said, diff)
		}
	}
	want("eng Staff gone other", "engineers", "staff")
	u, err := f.store.UserByEmail(ctx, storage.DefaultTenant, fedJo.Email)
	if err != nil {
		t.Fatal(err)
	}
	f.change(u, storage.Change{Join: []storage.Membership{{GroupID: "own"}, {GroupID: "engineers"}}})
	want("staff", "engineers", "own", "staff") // an administrator made jo an engineer, too
	want("none", "engineers", "own")
	want("eng staff", "engineers", "own", "staff")
	want("", "engineers", "own") // no claim at all: in no group
	events := 0
	for _, e := range f.events(storage.DefaultTenant) {
		if e.Kind == storage.EventGroupJoined || e.Kind == storage.EventGroupLeft {
			if events++; e.Detail["upstream"] == "" {
				t.Errorf("got %+v, want the upstream named", e)
			}
		}
	}
	if events != 8 {
		t.Errorf("got %d events, want one for each change", events)
	}
}
