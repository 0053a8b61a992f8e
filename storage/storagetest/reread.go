package storagetest

import (
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

func testReread(t *testing.T, s Store) {
	ctx, tenant, other := t.Context(), newTenant(t, s), newTenant(t, s)
	add := func(tenant, username, skeleton, email string) storage.User {
		t.Helper()
		u := aUser(tenant, newID())
		u.Username, u.UsernameKey, u.UsernameSkeleton, u.Email, u.EmailKey, u.EmailVerified = username, username, skeleton,
			email, email, email != ""
		must(t, AddUser(ctx, s, u, nil, nil))
		return u
	}
	add(tenant, "", "", "ascii@example.com")
	add(tenant, "fine", "fine", "fine@example.com")
	named, beyond, both := add(tenant, "name", "", ""), add(other, "", "", "jo@b\u00fccher.example"),
		add(tenant, "both", "", "jo@b\u00fccher.example")
	listed := func(limit int) map[string]bool {
		t.Helper()
		seen, after, last := map[string]bool{}, "", ""
		for {
			page, err := s.UsersToReread(ctx, last, after, limit)
			must(t, err)
			for _, u := range page {
				if u.TenantID < last || u.TenantID == last && u.ID <= after || seen[u.ID] {
					t.Errorf("%s of %s comes after %s of %s", u.ID, u.TenantID, after, last)
				}
				seen[u.ID], last, after = u.TenantID == tenant || u.TenantID == other, u.TenantID, u.ID
			}
			if len(page) < limit {
				return seen
			}
		}
	}
	for _, limit := range []int{1, 2, 100} {
		got, ours := listed(limit), 0
		for _, is := range got {
			if is {
				ours++
			}
		}
		if ours != 3 || !got[named.ID] || !got[beyond.ID] || !got[both.ID] {
			t.Errorf("%d at a time: got %v, want those three", limit, got)
		}
	}

	now := both
	now.Email, now.EmailKey, now.EmailVerified, now.UsernameSkeleton = "jo@xn--bcher-kva.example",
		"jo@xn--bcher-kva.example", false, "both"
	must(t, s.Reread(ctx, both, now))
	got, err := s.User(ctx, tenant, both.ID)
	same(t, got, err, now)
	want(t, s.Reread(ctx, both, now), storage.ErrStale) // it is not as it was
	if listed(100)[both.ID] {
		t.Error("what was read anew is listed still")
	}
	clash := named
	clash.UsernameSkeleton = "fine"
	want(t, s.Reread(ctx, named, clash), storage.ErrExists)
	clash.UsernameSkeleton, clash.EmailKey = "", "fine@example.com"
	want(t, s.Reread(ctx, named, clash), storage.ErrExists)
	want(t, s.Reread(ctx, aUser(tenant, "nobody"), clash), storage.ErrStale)
}
