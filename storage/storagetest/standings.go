package storagetest

import (
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

func testStandings(t *testing.T, s Store) {
	ctx, tenant := t.Context(), newTenant(t, s)
	credential := func(id, kind string) storage.Credential {
		return storage.Credential{TenantID: tenant, UserID: id, Kind: kind, Data: []byte("x"), CreatedAt: now, UpdatedAt: now}
	}
	var ids []string
	for i, kinds := range [][]string{
		{storage.PasswordCredential, storage.TOTPCredential}, {storage.PasskeyCredential},
		{storage.PasskeyCredential, storage.RecoveryCredential}, {storage.TOTPCredential},
	} {
		u := aUser(tenant, newID())
		name := []string{"ann", "anna", "bob", "cleo"}[i]
		u.Email, u.EmailKey, u.Username, u.UsernameKey, u.UsernameSkeleton = "", "", name, name, name
		if i == 1 {
			u.Email, u.EmailKey = "andy@example.com", "andy@example.com"
		}
		ids = append(ids, u.ID)
		var all []storage.Credential
		for _, kind := range kinds {
			all = append(all, credential(u.ID, kind))
		}
		must(t, AddUser(ctx, s, u, all, nil))
		if i == 0 {
			continue
		}
		for _, e := range []storage.Event{
			{Kind: storage.EventLoginSucceeded, At: now.Add(-time.Hour)}, {Kind: storage.EventLoginSucceeded, At: now},
			{Kind: storage.EventLoginFailed, At: now.Add(time.Hour)},
		} {
			e.TenantID, e.UserID, e.ID = tenant, u.ID, newID()
			must(t, s.Record(ctx, e))
		}
	}
	got, err := s.Standings(ctx, tenant, ids[0], ids[2])
	same(t, got, err, map[string]storage.Standing{
		ids[0]: {UserID: ids[0], SecondFactor: true},
		ids[1]: {UserID: ids[1], LastSignIn: now, LastActivity: now},
		ids[2]: {UserID: ids[2], SecondFactor: true, LastSignIn: now, LastActivity: now},
	})
	for beginning, want := range map[string][]string{
		"an": {"andy@example.com", "ann", "anna"}, "ann": {"ann", "anna"}, "andy@": {"andy@example.com"}, "x": nil,
		"%": nil, "cleo": {"cleo"},
	} {
		names, err := s.NamesFrom(ctx, tenant, beginning, 10)
		same(t, names, err, want)
	}
	names, err := s.NamesFrom(ctx, tenant, "", 1)
	same(t, names, err, []string{"andy@example.com", "ann"})
	got, err = s.Standings(ctx, newTenant(t, s), ids[0], ids[3])
	same(t, got, err, map[string]storage.Standing{})
}
