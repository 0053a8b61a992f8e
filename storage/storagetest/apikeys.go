package storagetest

import (
	"context"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// anAPIKey returns a key of the client, or of a change's user if client is "". Its hash is "hash of ID".
func anAPIKey(tenant, id, client string) *storage.APIKey {
	return &storage.APIKey{
		TenantID: tenant, ID: id, Hash: []byte("hash of " + id), Start: "vs_user_Ab", Name: "backup", ClientID: client,
		Scopes: []string{"orders:read", "profile"}, CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour),
	}
}

// addAPIKey stores a key of the user, or of the client.
func addAPIKey(ctx context.Context, s Store, user string, k *storage.APIKey) error {
	return s.Apply(ctx, storage.Change{TenantID: k.TenantID, UserID: user, Now: now, AddAPIKey: k})
}

// testAPIKeys adds, finds, replaces and removes keys of both kinds of owners.
func testAPIKeys(t *testing.T, s Store) {
	ctx, w, person := t.Context(), newWorld(t, s), aUser("", newID())
	person.TenantID = w.tenant
	must(t, AddUser(ctx, s, person, nil, nil))
	for _, client := range []string{"", w.other} {
		user := person.ID
		if client != "" {
			user = ""
		}
		k := anAPIKey(w.tenant, newID(), client)
		must(t, addAPIKey(ctx, s, user, k))
		want(t, addAPIKey(ctx, s, user, k), storage.ErrExists)
		twin := *k
		twin.ID = newID()
		want(t, addAPIKey(ctx, s, user, &twin), storage.ErrExists)
		stored := *k
		stored.UserID = user
		got, owner, err := s.LiveAPIKey(ctx, w.tenant, client != "", k.Hash, now)
		same(t, got, err, stored)
		if client == "" && (owner.User == nil || owner.User.ID != user || owner.Client != nil) ||
			client != "" && (owner.Client == nil || owner.Client.ClientID != client || owner.User != nil) {
			t.Errorf("got the owner %+v", owner)
		}
		got, _, err = s.LiveAPIKeyByID(ctx, w.tenant, client != "", k.ID, now)
		same(t, got, err, stored)
		_, _, err = s.LiveAPIKey(ctx, w.tenant, client == "", k.Hash, now)
		want(t, err, storage.ErrNotFound)
		_, _, err = s.LiveAPIKey(ctx, w.tenant, client != "", k.Hash, k.ExpiresAt)
		want(t, err, storage.ErrNotFound)
		testUseOfAPIKey(t, s, stored)
		testRotation(t, s, user, stored)
	}
	want(t, addAPIKey(ctx, s, newID(), anAPIKey(w.tenant, newID(), "")), storage.ErrNotFound)
	want(t, addAPIKey(ctx, s, "", anAPIKey(w.tenant, newID(), "missing")), storage.ErrNotFound)
}

// testUseOfAPIKey stores uses of the key, which is stored unused.
func testUseOfAPIKey(t *testing.T, s Store, k storage.APIKey) {
	ctx := t.Context()
	for _, use := range []struct{ at, want time.Duration }{
		{2 * time.Hour, 2}, {150 * time.Minute, 2}, {3 * time.Hour, 3},
	} {
		at := now.Add(use.at)
		must(t, s.UsedAPIKey(ctx, k.TenantID, k.ID, at, at.Add(-time.Hour)))
		all, err := s.APIKeysOf(ctx, k.TenantID, k.UserID, k.ClientID)
		if must(t, err); len(all) != 1 || !all[0].UsedAt.Equal(now.Add(use.want*time.Hour)) {
			t.Errorf("after a use at %v: got %+v", at, all)
		}
	}
}

// testRotation replaces the key, and removes it.
func testRotation(t *testing.T, s Store, user string, k storage.APIKey) {
	ctx := t.Context()
	next := anAPIKey(k.TenantID, newID(), k.ClientID)
	rotate := storage.Change{TenantID: k.TenantID, UserID: user, Now: now, AddAPIKey: next,
		ReplaceAPIKey: &storage.APIKeyReplacement{APIKeyName: storage.APIKeyName{ID: k.ID, ClientID: k.ClientID},
			By: next.ID, ExpiresAt: now.Add(time.Hour)}}
	must(t, s.Apply(ctx, rotate))
	rotate.AddAPIKey = anAPIKey(k.TenantID, newID(), k.ClientID)
	want(t, s.Apply(ctx, rotate), storage.ErrStale)
	lives := func(id string, at time.Duration, lives error) {
		t.Helper()
		_, _, err := s.LiveAPIKeyByID(ctx, k.TenantID, k.ClientID != "", id, now.Add(at))
		want(t, err, lives)
	}
	lives(k.ID, 59*time.Minute, nil)
	lives(k.ID, time.Hour, storage.ErrNotFound)
	lives(next.ID, time.Hour, nil)
	remove := storage.Change{TenantID: k.TenantID, UserID: newID(), Now: now,
		RemoveAPIKey: &storage.APIKeyName{ID: next.ID}}
	want(t, s.Apply(ctx, remove), storage.ErrNotFound)
	remove.UserID, remove.RemoveAPIKey.ClientID = user, k.ClientID
	must(t, s.Apply(ctx, remove))
	lives(next.ID, 0, storage.ErrNotFound)
	want(t, s.Apply(ctx, remove), storage.ErrNotFound)
}

// testEndAPIKeys ends the keys of one tenant that are older than a point in time.
func testEndAPIKeys(t *testing.T, s Store) {
	ctx, w, other := t.Context(), newWorld(t, s), newWorld(t, s)
	for id, made := range map[string]time.Duration{"old": -time.Hour, "new": time.Hour} {
		k := anAPIKey(w.tenant, id, "")
		k.CreatedAt = now.Add(made)
		must(t, addAPIKey(ctx, s, w.user, k))
	}
	must(t, addAPIKey(ctx, s, "", anAPIKey(other.tenant, "other", other.other)))
	n, err := s.EndAPIKeys(ctx, w.tenant, now, now.Add(2*time.Hour))
	same(t, n, err, int64(2)) // and the one of every world
	_, _, err = s.LiveAPIKeyByID(ctx, w.tenant, false, "old", now.Add(2*time.Hour))
	want(t, err, storage.ErrNotFound)
	_, _, err = s.LiveAPIKeyByID(ctx, w.tenant, false, "new", now.Add(2*time.Hour))
	must(t, err)
	_, _, err = s.LiveAPIKeyByID(ctx, other.tenant, true, "other", now)
	must(t, err)
	n, err = s.EndAPIKeys(ctx, w.tenant, now, now.Add(2*time.Hour))
	same(t, n, err, int64(0))
}

// testAPIKeysDie changes the owners of keys.
func testAPIKeysDie(t *testing.T, s Store) {
	ctx := t.Context()
	for name, end := range map[string]func(w *world) error{
		"credentials changed": func(w *world) error {
			return s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: w.user, Now: now, Raise: true})
		},
		"user disabled": func(w *world) error {
			u, err := s.User(ctx, w.tenant, w.user)
			must(t, err)
			u.Disabled = true
			return UpdateUser(ctx, s, u)
		},
		"all removed": func(w *world) error {
			return s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: w.user, Now: now,
				RemoveAPIKey: &storage.APIKeyName{ID: storage.AllIDs}})
		},
		"user removed":    func(w *world) error { return RemoveUser(ctx, s, w.tenant, w.user, now) },
		"client disabled": func(w *world) error { return putDisabled(ctx, s, w) },
		"client removed": func(w *world) error {
			must(t, s.RemoveClient(ctx, w.tenant, w.other, now))
			return s.PutClient(ctx, aClient(w.tenant, w.other))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, s)
			must(t, addAPIKey(ctx, s, w.user, anAPIKey(w.tenant, "u", "")))
			must(t, addAPIKey(ctx, s, "", anAPIKey(w.tenant, "c", w.other)))
			must(t, end(w))
			ofClient := name[0] == 'c' && name != "credentials changed"
			_, _, err := s.LiveAPIKeyByID(ctx, w.tenant, ofClient, map[bool]string{true: "c", false: "u"}[ofClient], now)
			want(t, err, storage.ErrNotFound)
			_, _, err = s.LiveAPIKeyByID(ctx, w.tenant, !ofClient, map[bool]string{true: "u", false: "c"}[ofClient], now)
			must(t, err)
		})
	}
}

// putDisabled disables the second client of the world.
func putDisabled(ctx context.Context, s Store, w *world) error {
	c := aClient(w.tenant, w.other)
	c.Disabled = true
	return s.PutClient(ctx, c)
}
