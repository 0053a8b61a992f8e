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
	got, err := s.Standings(ctx, tenant, append([]string{newID()}, ids[:3]...))
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
	got, err = s.Standings(ctx, newTenant(t, s), ids)
	same(t, got, err, map[string]storage.Standing{})
	got, err = s.Standings(ctx, tenant, []string{ids[3], `"]`, "%", ids[0], ids[0]})
	same(t, len(got), err, 2)
}

// testLastActivity deletes the sessions and grants that say when a user was active last.
func testLastActivity(t *testing.T, s Store) {
	ctx := t.Context()
	w := newWorld(t, s)
	standing := func(want storage.Standing) {
		t.Helper()
		all, err := s.Standings(ctx, w.tenant, []string{w.user})
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
	if all, err := s.Standings(ctx, w.tenant, []string{w.user}); err != nil || len(all) > 0 {
		t.Errorf("got %v, %v of a removed user", all, err)
	}
}

// testStatisticsOfZones counts days, weeks and months of New York, where 14 March 2021 had 23 hours: before and after
// the events are tallied, and when old periods are deleted.
func testStatisticsOfZones(t *testing.T, s Store) {
	ctx, tenant := t.Context(), newTenant(t, s)
	zone, err := time.LoadLocation("America/New_York")
	must(t, err)
	at := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2021, month, day, hour, minute, 0, 0, zone)
	}
	for _, e := range []storage.Event{
		{At: at(2, 28, 23, 59), UserID: "ann"}, {At: at(3, 1, 0, 0), UserID: "ann"}, {At: at(3, 13, 23, 59), UserID: "ann"},
		{At: at(3, 14, 0, 1), UserID: "ann"}, {At: at(3, 14, 23, 59), UserID: "bob"}, {At: at(3, 15, 0, 1), UserID: "bob"},
		{At: at(3, 31, 23, 59), UserID: "cleo"}, {At: at(4, 1, 0, 1), UserID: "cleo"},
	} {
		e.TenantID, e.ID, e.Kind = tenant, timedID(e.At), storage.EventSessionRefreshed
		must(t, s.Record(ctx, e))
	}
	date := func(month time.Month, day int, users int64) storage.Active {
		return storage.Active{First: time.Date(2021, month, day, 0, 0, 0, 0, time.UTC), Users: users}
	}
	want := map[storage.Period][]storage.Active{
		storage.Day: {date(2, 28, 1), date(3, 1, 1), date(3, 13, 1), date(3, 14, 2), date(3, 15, 1), date(3, 31, 1),
			date(4, 1, 1)},
		storage.Week:  {date(2, 22, 1), date(3, 1, 1), date(3, 8, 2), date(3, 15, 1), date(3, 29, 1)},
		storage.Month: {date(2, 1, 1), date(3, 1, 3), date(4, 1, 1)},
	}
	counted := func() {
		t.Helper()
		for period, want := range want {
			got, err := s.ActiveBy(ctx, tenant, period, at(2, 1, 0, 0), storage.Counted{})
			same(t, got, err, want)
		}
		n, err := s.ActiveUsers(ctx, tenant, at(3, 14, 0, 0), storage.Counted{})
		same(t, n, err, int64(3))
	}
	counted()
	for _, moment := range []time.Time{at(3, 14, 12, 0), at(3, 14, 23, 59), at(4, 2, 0, 0)} {
		must(t, s.Tally(ctx, moment))
		counted()
	}
	_, err = s.Prune(ctx, storage.Retention{Days: 3, Weeks: 4, Months: 2}, at(4, 1, 1, 0))
	must(t, err)
	want[storage.Day], want[storage.Week] = want[storage.Day][5:], want[storage.Week][2:]
	want[storage.Month] = want[storage.Month][1:]
	counted()
}

// testStatistics counts sign-ins and active users by day: from the events alone, after each part of them was tallied,
// and when they are deleted. Events of another tenant are not counted.
func testStatistics(t *testing.T, s Store) {
	ctx, tenant, other := t.Context(), newTenant(t, s), newTenant(t, s)
	today := now.UTC().Truncate(24 * time.Hour)
	at := func(days, hours int) time.Time {
		return today.Add(time.Duration(24*days+hours) * time.Hour)
	}
	record := func(tenant, kind, user, how string, at time.Time) {
		t.Helper()
		e := storage.Event{TenantID: tenant, ID: timedID(at), At: at, Kind: kind, UserID: user, Detail: map[string]string{}}
		switch {
		case kind == storage.EventLoginFailed:
			e.Detail["reason"] = how
		case how != "":
			e.Detail["amr"] = how
		}
		must(t, s.Record(ctx, e))
	}
	const signedIn = storage.EventLoginSucceeded
	record(tenant, signedIn, "ann", "pwd", at(0, 1))
	record(tenant, signedIn, "ann", "pwd otp", at(0, 2))
	record(tenant, storage.EventLoginFailed, "", "password", at(0, 3))
	record(tenant, storage.EventLoginRaised, "ann", "otp", at(0, 3))
	record(tenant, signedIn, "eve", "", at(0, 4))
	record(tenant, signedIn, "bob", "pwd", at(1, 1))
	record(tenant, signedIn, "ann", "pwd", at(1, 1))
	record(tenant, signedIn, "ann", "pwd", at(1, 2))
	record(tenant, signedIn, "cleo", "pwd", at(2, 1))
	record(tenant, signedIn, "bob", "pwd", at(3, 1))
	record(other, signedIn, "dan", "pwd", at(0, 1))
	added := func(tenant string, when time.Time, by string) {
		e := storage.Event{TenantID: tenant, ID: timedID(when), At: when, Kind: storage.EventUserAdded, UserID: "new"}
		if by != "" {
			e.Detail = map[string]string{"by": by}
		}
		must(t, s.Record(ctx, e))
	}
	added(tenant, at(0, 5), "")
	added(tenant, at(2, 2), "")
	added(tenant, at(2, 3), "invitation")
	added(tenant, at(2, 4), "import")
	added(other, at(2, 5), "")

	var all storage.Counted
	counted := func(when string) {
		t.Helper()
		signUps, err := s.SignUps(ctx, tenant, today, at(9, 0))
		same(t, signUps, err, []storage.Active{{First: at(0, 0), Users: 1}, {First: at(2, 0), Users: 2}})
		signUps, err = s.SignUps(ctx, tenant, at(1, 0), at(9, 0))
		same(t, signUps, err, []storage.Active{{First: at(2, 0), Users: 2}})
		signIns, err := s.SignIns(ctx, tenant, today, all)
		same(t, signIns, err, []storage.SignIns{
			{Day: at(0, 0), Failed: true, How: "password", Count: 1}, {Day: at(0, 0), Count: 1},
			{Day: at(0, 0), How: "pwd", Count: 1}, {Day: at(0, 0), How: "pwd otp", Count: 1},
			{Day: at(1, 0), How: "pwd", Count: 3}, {Day: at(2, 0), How: "pwd", Count: 1}, {Day: at(3, 0), How: "pwd", Count: 1},
		})
		active, err := s.ActiveBy(ctx, tenant, storage.Day, at(1, 0), all)
		same(t, active, err, []storage.Active{
			{First: at(1, 0), Users: 2}, {First: at(2, 0), Users: 1}, {First: at(3, 0), Users: 1},
		})
		for days, want := range []int64{4, 3, 2, 1, 0} {
			if n, err := s.ActiveUsers(ctx, tenant, at(days, 0), all); err != nil || n != want {
				t.Errorf("%s: got %d users from day %d on, %v, want %d", when, n, days, err, want)
			}
		}
		n, err := s.ActiveUsers(ctx, other, today, all)
		same(t, n, err, int64(1))
	}
	counted("nothing tallied")
	countedTo := func(most int, until time.Time, signIns, users int64) {
		t.Helper()
		to, err := s.Counted(ctx, tenant, most, at(9, 0))
		must(t, err)
		found, err := s.SignIns(ctx, tenant, today, to)
		must(t, err)
		sum := int64(0)
		for _, v := range found {
			sum += v.Count
		}
		n, err := s.ActiveUsers(ctx, tenant, today, to)
		must(t, err)
		if !to.Until.Equal(until) || sum != signIns || n != users {
			t.Errorf("got %d sign-ins of %d users until %v, want %d of %d until %v", sum, n, to.Until, signIns, users, until)
		}
	}
	countedTo(2, at(0, 2), 2, 1)
	countedTo(5, at(0, 4), 4, 2)
	countedTo(100, at(9, 0), 9, 4)
	for _, moment := range []time.Time{at(0, 1).Add(3 * time.Minute), at(1, 1), at(1, 1).Add(3 * time.Minute), at(2, 0),
		at(9, 0), at(9, 0), at(4, 0)} {
		must(t, s.Tally(ctx, moment))
		counted(moment.String())
		if moment.Equal(at(2, 0)) {
			countedTo(1, at(2, 1), 8, 4)
		}
	}
	errs := race(3, func(int) error { return s.Tally(ctx, at(10, 0)) })
	for _, err := range errs {
		must(t, err)
	}
	counted("replicas")
	_, err := s.Prune(ctx, storage.Retention{Events: time.Hour}, at(20, 0))
	must(t, err)
	counted("the events are deleted")
	record(tenant, signedIn, "ann", "pwd", at(10, 1))
	for _, moment := range []time.Time{at(10, 0), at(11, 0)} {
		must(t, s.Tally(ctx, moment))
		for days, want := range map[int]int64{0: 4, 3: 2, 4: 1, 11: 0} {
			n, err := s.ActiveUsers(ctx, tenant, at(days, 0), all)
			same(t, n, err, want)
		}
	}
	must(t, s.RemoveTenant(ctx, tenant, at(11, 0)))
	(&world{s: s, tenant: tenant}).finish(t, storage.RemovalTenant, "")
	n, err := s.ActiveUsers(ctx, tenant, today, all)
	same(t, n, err, int64(0))
}

// timedID returns a UUIDv7 of that time.
func timedID(at time.Time) string {
	id := uuid.Must(uuid.NewV7())
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(id[:6], ms[2:])
	return id.String()
}
