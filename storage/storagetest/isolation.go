package storagetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// writes returns all the changes that can be made in the world, in an order in which each
// finds something to change.
func (w *world) writes() []func(context.Context) error {
	s, tenant := w.s, w.tenant
	later := now.Add(time.Minute)
	role, reader := storage.RoleName{Client: w.client, Name: "editor"}, storage.RoleName{Client: w.client, Name: "reader"}
	second := aSession(tenant, "second", w.user)
	return []func(context.Context) error{
		func(ctx context.Context) error { return s.PutClient(ctx, aClient(tenant, w.other)) },
		func(ctx context.Context) error {
			u := aUser(tenant, "ed")
			u.EmailKey, u.UsernameKey = "ed@example.com", "ed"
			once := &storage.Spent{TenantID: tenant, Purpose: storage.SpentSetup, Value: "link", ExpiresAt: later}
			return AddUser(ctx, s, u, []storage.Credential{aPassword(tenant, "ed", "hash")}, once)
		},
		func(ctx context.Context) error {
			u := aUser(tenant, w.user)
			u.Username, u.UsernameKey, u.EmailKey = "changed", "jo", "jo@example.com"
			return UpdateUser(ctx, s, u)
		},
		func(ctx context.Context) error {
			return s.PutCredential(ctx, aPassword(tenant, w.user, "stronger"), []byte("hash"))
		},
		func(ctx context.Context) error { return ChangeCredential(ctx, s, aPassword(tenant, "ed", "new")) },
		func(ctx context.Context) error {
			return AddIdentity(ctx, s, storage.Identity{TenantID: tenant, Provider: "google", Subject: "2", UserID: w.user})
		},
		func(ctx context.Context) error { return AddSession(ctx, s, second) },
		func(ctx context.Context) error { return RenewSession(ctx, s, second, second.SecretHash) },
		func(ctx context.Context) error { return s.SeenSession(ctx, tenant, w.session, later) },
		func(ctx context.Context) error {
			return redeem(ctx, s, aGrant(tenant, "second", w.user, w.client, "second"))
		},
		func(ctx context.Context) error {
			_, _, err := s.Rotate(ctx, tenant, w.grant, w.client, 1, later, now, nil)
			return err
		},
		func(ctx context.Context) error {
			_, _, err := s.Touch(ctx, tenant, w.grant, w.client, 2, later, now, nil)
			return err
		},
		func(ctx context.Context) error {
			return PutConsent(ctx, s, storage.Consent{TenantID: tenant, UserID: w.user, ClientID: w.client, GrantedAt: later})
		},
		func(ctx context.Context) error {
			return s.Spend(ctx, storage.Spent{TenantID: tenant, Purpose: storage.SpentAccessToken, Value: "x", ExpiresAt: later})
		},
		func(ctx context.Context) error {
			return s.AddKeys(ctx, []storage.Key{storage.Key{TenantID: tenant, ID: "kid 2",
				Algorithm: "ES256", Sequence: 2}}, later)
		},
		func(ctx context.Context) error { return s.Record(ctx, storage.Event{TenantID: tenant, ID: "zevent"}) },
		func(ctx context.Context) error {
			_, err := s.TryCode(ctx, tenant, "code", 5, now)
			return err
		},
		func(ctx context.Context) error { return PutCode(ctx, s, aCode(tenant, "second", "ed", w.user)) },
		func(ctx context.Context) error {
			u := aUser(tenant, w.user)
			u.Username, u.UsernameKey, u.EmailKey = "changed again", "jo", "jo@example.com"
			return s.Apply(ctx, storage.Change{
				TenantID: tenant, UserID: w.user, Now: now, Code: "code", Update: &u,
				RemoveCredentials: []storage.CredentialKey{{Kind: storage.PasskeyCredential, ID: storage.AllIDs}},
				Credentials:       []storage.Credential{aPassword(tenant, w.user, "third")},
			})
		},
		func(ctx context.Context) error {
			return s.UpdateTenant(ctx, storage.Tenant{ID: tenant, Name: "changed"})
		},
		func(ctx context.Context) error { return s.AddGroup(ctx, storage.Group{TenantID: tenant, ID: "guests"}) },
		func(ctx context.Context) error {
			return s.UpdateGroup(ctx, storage.Group{TenantID: tenant, ID: "staff", Title: "changed"}, time.Time{})
		},
		func(ctx context.Context) error {
			return s.AddRole(ctx, storage.Role{TenantID: tenant, RoleName: reader})
		},
		func(ctx context.Context) error {
			return s.UpdateRole(ctx, storage.Role{TenantID: tenant, RoleName: role, Title: "changed"}, time.Time{})
		},
		func(ctx context.Context) error {
			return s.GiveRole(ctx, tenant, reader, storage.RoleHolder{User: w.user}, now)
		},
		func(ctx context.Context) error {
			return s.TakeRole(ctx, tenant, role, storage.RoleHolder{Client: w.other})
		},
		func(ctx context.Context) error {
			return s.Apply(ctx, storage.Change{
				TenantID: tenant, UserID: w.user, Now: now, Leave: []storage.Membership{{GroupID: "staff"}},
				Join: []storage.Membership{{GroupID: "guests"}}, TakeRoles: []storage.RoleName{role},
				GiveRoles: []storage.RoleName{reader}, Unique: map[string]string{"number": "2"},
			})
		},
		func(ctx context.Context) error {
			return s.RemoveRole(ctx, storage.Role{TenantID: tenant, RoleName: role}, now)
		},
		func(ctx context.Context) error {
			return s.RemoveGroup(ctx, storage.Group{TenantID: tenant, ID: "staff"}, now)
		},
		func(ctx context.Context) error { return s.UsedAPIKey(ctx, tenant, "api key", later, now) },
		func(ctx context.Context) error { return addAPIKey(ctx, s, w.user, anAPIKey(tenant, "second key", "")) },
		// From here on, what ends something.
		func(ctx context.Context) error {
			return s.Apply(ctx, storage.Change{TenantID: tenant, UserID: w.user, Now: now,
				RemoveAPIKey: &storage.APIKeyName{ID: "api key"}})
		},
		func(ctx context.Context) error {
			_, err := revoke(ctx, s, tenant, storage.GrantFilter{UserID: w.user}, "test", now)
			return err
		},
		func(ctx context.Context) error {
			return s.Apply(ctx, storage.Change{TenantID: tenant, UserID: w.user, Now: now, Raise: true})
		},
		func(ctx context.Context) error { return endSession(ctx, s, tenant, w.session) },
		func(ctx context.Context) error { return endSessions(ctx, s, tenant, w.user, "") },
		func(ctx context.Context) error { return withdraw(ctx, s, tenant, w.user, w.client) },
		func(ctx context.Context) error {
			return RemoveIdentity(ctx, s, storage.Identity{TenantID: tenant, Provider: "google", Subject: "1", UserID: w.user})
		},
		func(ctx context.Context) error { return s.RemoveKey(ctx, tenant, "kid") },
		func(ctx context.Context) error { return s.RemoveClient(ctx, tenant, w.client, now) },
		func(ctx context.Context) error { return RemoveUser(ctx, s, tenant, w.user, now) },
		func(ctx context.Context) error { return s.RemoveTenant(ctx, tenant, now) },
	}
}

// testIsolation makes worlds whose ids are the same.
func testIsolation(t *testing.T, s Store) {
	ctx := t.Context()
	a, b := newWorld(t, s), newWorld(t, s)
	before := b.snapshot(t)
	for i, write := range a.writes() {
		if err := write(ctx); err != nil {
			t.Fatalf("write %d: %v", i, err)
		}
	}
	same(t, b.snapshot(t), nil, before)

	t.Run("nothing is read through another tenant", func(t *testing.T) {
		empty := *b
		empty.tenant = newTenant(t, s)
		for name, read := range empty.reads() {
			if got, err := read(ctx); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("%s: got %+v, %v, want %v", name, got, err, storage.ErrNotFound)
			}
		}
	})

	t.Run("nothing is changed through another tenant", func(t *testing.T) {
		empty := *b
		empty.tenant = newTenant(t, s)
		for i, write := range empty.writes() {
			if err := write(ctx); errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("write %d: %v", i, err)
			}
		}
		same(t, b.snapshot(t), nil, before)
	})
}

// testRemoval looks for what a removed tenant leaves behind.
func testRemoval(t *testing.T, s Store) {
	ctx := t.Context()
	w := newWorld(t, s)
	must(t, s.RemoveTenant(ctx, w.tenant, now))
	w.finish(t, storage.RemovalTenant, "")
	for name, read := range w.reads() {
		if got, err := read(ctx); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s: got %+v, %v of a removed tenant, want %v", name, got, err, storage.ErrNotFound)
		}
	}
	want(t, AddUser(ctx, s, aUser(w.tenant, newID()), nil, nil), storage.ErrNotFound)
}

// testHostileText passes what forms and headers may hold.
func testHostileText(t *testing.T, s Store) {
	ctx := t.Context()
	w := newWorld(t, s)
	for _, bad := range []string{"jo\x00", "\x00", "jo\xff", "\xff\xfe", "' OR '1'='1", "jo%", "JO", "jo ", "$1", "😀"} {
		_, _, err := s.UserPassword(ctx, w.tenant, bad)
		want(t, err, storage.ErrNotFound)
		_, err = s.UserByEmail(ctx, w.tenant, bad)
		want(t, err, storage.ErrNotFound)
		_, err = s.Client(ctx, w.tenant, bad)
		want(t, err, storage.ErrNotFound)
		_, err = s.Client(ctx, bad, w.client)
		want(t, err, storage.ErrNotFound)
		_, _, err = s.Session(ctx, w.tenant, bad, now)
		want(t, err, storage.ErrNotFound)
		_, err = s.TenantByHost(ctx, bad)
		want(t, err, storage.ErrNotFound)
		_, _, err = s.Rotate(ctx, w.tenant, bad, w.client, 1, now, now, nil)
		want(t, err, storage.ErrStale)
		if ok, err := s.AllowsOrigin(ctx, w.tenant, bad); ok || err != nil {
			t.Errorf("%q: got %v, %v, want false", bad, ok, err)
		}
		session := aSession(w.tenant, newID(), w.user)
		session.UserAgent, session.IP = bad, bad
		must(t, AddSession(ctx, s, session))
		_, _, err = s.Session(ctx, w.tenant, session.ID, now)
		must(t, err)
		event := storage.Event{TenantID: w.tenant, ID: newID(), Kind: bad, Detail: map[string]string{bad: bad}}
		must(t, s.Record(ctx, event))
	}
	_, err := s.Events(ctx, w.tenant, "", 100)
	must(t, err)
}

// testContexts asks with a context that has ended: nothing was decided.
func testContexts(t *testing.T, s Store) {
	w := newWorld(t, s)
	before := w.snapshot(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, read := range w.reads() {
		if _, err := read(ended); !errors.Is(err, storage.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want %v and %v", name, err, storage.ErrUnavailable, context.Canceled)
		}
	}
	for i, write := range w.writes() {
		if err := write(ended); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("write %d: got %v, want %v", i, err, storage.ErrUnavailable)
		}
	}
	same(t, w.snapshot(t), nil, before)
}
