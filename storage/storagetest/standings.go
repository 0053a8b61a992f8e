package storagetest

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/storage"
)

// testStandings tells of several users what lists show: whether they have a second factor, and when they signed in
// last. It also finds names by their beginning.
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

// testStatistics counts sign-ins and active users by day. Neither another tenant nor what lies outside the span is
// counted.
func testStatistics(t *testing.T, s Store) {
	ctx, tenant, other := t.Context(), newTenant(t, s), newTenant(t, s)
	day := now.UTC().Truncate(24 * time.Hour)
	record := func(tenant, kind, user, how string, at time.Time) {
		t.Helper()
		e := storage.Event{TenantID: tenant, ID: timedID(at), At: at, Kind: kind, UserID: user, Detail: map[string]string{}}
		if e.Detail["amr"] = how; kind == storage.EventLoginFailed {
			e.Detail = map[string]string{"reason": how}
		}
		must(t, s.Record(ctx, e))
	}
	at := day.Add(time.Hour)
	record(tenant, storage.EventLoginSucceeded, "ann", "pwd", at)
	record(tenant, storage.EventLoginSucceeded, "ann", "pwd otp", at)
	record(tenant, storage.EventLoginSucceeded, "bob", "pwd", at.Add(24*time.Hour))
	record(tenant, storage.EventLoginSucceeded, "ann", "pwd", at.Add(24*time.Hour))
	record(tenant, storage.EventLoginFailed, "", "password", at)
	record(tenant, storage.EventLoginRaised, "ann", "otp", at)
	record(tenant, storage.EventLoginSucceeded, "cleo", "pwd", at.Add(48*time.Hour)) // too late
	record(other, storage.EventLoginSucceeded, "dan", "pwd", at)

	end := day.Add(48 * time.Hour)
	signIns, err := s.SignIns(ctx, tenant, day, end)
	same(t, signIns, err, []storage.SignIns{
		{Day: day, Failed: true, How: "password", Count: 1}, {Day: day, How: "pwd", Count: 1},
		{Day: day, How: "pwd otp", Count: 1}, {Day: day.Add(24 * time.Hour), How: "pwd", Count: 2},
	})
	active, err := s.ActiveByDay(ctx, tenant, day, end)
	same(t, active, err, []storage.Active{{Day: day, Users: 1}, {Day: day.Add(24 * time.Hour), Users: 2}})
	users, err := s.ActiveUsers(ctx, tenant, day, end)
	same(t, users, err, int64(2))
}

// timedID returns a UUIDv7 of that time.
func timedID(at time.Time) string {
	id := uuid.Must(uuid.NewV7())
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(id[:6], ms[2:])
	return id.String()
}

// testLastActivity deletes the sessions and grants that say when a user was active last.
func testLastActivity(t *testing.T, s Store) {
	ctx := t.Context()
	w := newWorld(t, s)
	standing := func(want storage.Standing) {
		t.Helper()
		all, err := s.Standings(ctx, w.tenant, "", "z")
		want.UserID = w.user
		same(t, all[w.user], err, want)
	}
	at := func(hours int) time.Time { return now.Add(time.Duration(hours) * time.Hour) }
	standing(storage.Standing{LastSignIn: now, LastActivity: now})
	must(t, s.SeenSession(ctx, w.tenant, w.session, at(1)))
	standing(storage.Standing{LastSignIn: now, LastActivity: at(1)})
	for i, id := range []string{"second", "third", "fourth"} {
		g := aGrant(w.tenant, id, w.user, w.client, "")
		g.ExpiresAt, g.IdleExpiresAt = now.Add(24*time.Hour), now.Add(24*time.Hour)
		must(t, redeem(ctx, s, g))
		_, _, err := s.Touch(ctx, w.tenant, id, w.client, 1, at(24), at(2+i), nil)
		must(t, err)
		standing(storage.Standing{LastSignIn: now, LastActivity: at(2 + i)})
	}
	session := aSession(w.tenant, "later", w.user)
	session.AuthTime, session.SeenAt = at(3), at(3)
	must(t, AddSession(ctx, s, session))
	must(t, endSession(ctx, s, w.tenant, session.ID))
	last := storage.Standing{LastSignIn: at(3), LastActivity: at(4)}
	standing(last)
	_, err := revoke(ctx, s, w.tenant, storage.GrantFilter{ID: "fourth"}, "test", now)
	must(t, err)
	_, err = s.Prune(ctx, storage.Retention{Revoked: time.Hour}, at(48))
	must(t, err)
	standing(last)
	_, err = s.Sweep(ctx, at(24*365))
	must(t, err)
	if all, err := s.GrantsOf(ctx, w.tenant, w.user, now); err != nil || len(all) > 0 {
		t.Fatalf("got %d grants, %v: nothing was swept", len(all), err)
	}
	standing(last)
	must(t, s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: w.user, Now: now, Remove: true}))
	if all, err := s.Standings(ctx, w.tenant, "", "z"); err != nil || len(all) > 0 {
		t.Errorf("got %v, %v of a removed user", all, err)
	}
}
