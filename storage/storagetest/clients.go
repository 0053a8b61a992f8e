package storagetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/storage"
)

// testClients stores, lists and removes clients. Ids are compared exactly, and a client that is saved in place of what
// was read fails if it has changed meanwhile.
func testClients(t *testing.T, s Store) {
	ctx, tenant := t.Context(), newTenant(t, s)
	full := filled[storage.Client]()
	full.TenantID = tenant
	must(t, s.PutClient(ctx, full))
	got, err := s.Client(ctx, tenant, full.ClientID)
	same(t, got, err, full)

	bare := storage.Client{TenantID: tenant, ClientID: "Bare"}
	must(t, s.PutClient(ctx, bare))
	got, err = s.Client(ctx, tenant, "Bare")
	same(t, got, err, bare)
	_, err = s.Client(ctx, tenant, "bare")
	want(t, err, storage.ErrNotFound)
	want(t, s.PutClient(ctx, storage.Client{TenantID: "no-such-tenant", ClientID: "x"}), storage.ErrNotFound)

	t.Run("no client has a user's id", func(t *testing.T) {
		tenant := newTenant(t, s)
		for i, id := range []string{uuid.NewString(), uuid.NewString(), uuid.NewString()} {
			add := func() error { return AddUser(ctx, s, aUser(tenant, id), nil, nil) }
			if i == 1 {
				add = func() error {
					return s.Apply(ctx, storage.Change{TenantID: tenant, Now: now,
						AddAll: []storage.NewUser{{User: aUser(tenant, id)}}})
				}
			}
			must(t, add())
			if i == 2 {
				must(t, RemoveUser(ctx, s, tenant, id, now))
			}
			want(t, s.SaveClient(ctx, storage.Client{TenantID: tenant, ClientID: id}, nil), storage.ErrExists)
			want(t, s.PutClient(ctx, storage.Client{TenantID: tenant, ClientID: id}), storage.ErrExists)
			other := uuid.NewString()
			must(t, s.PutClient(ctx, storage.Client{TenantID: tenant, ClientID: other}))
			id = other
			want(t, add(), storage.ErrExists)
		}
	})
	t.Run("saved in place of what was read", func(t *testing.T) {
		c := storage.Client{TenantID: tenant, ClientID: "saved", UpdatedAt: now, CreatedAt: now}
		must(t, s.SaveClient(ctx, c, nil))
		want(t, s.SaveClient(ctx, c, nil), storage.ErrExists)
		next := c
		next.ClientName, next.UpdatedAt = "new", now.Add(time.Second)
		must(t, s.SaveClient(ctx, next, &c))
		want(t, s.SaveClient(ctx, next, &c), storage.ErrStale)
		got, err := s.Client(ctx, tenant, "saved")
		same(t, got, err, next)
		must(t, s.RemoveClient(ctx, tenant, "saved", now))
		want(t, s.SaveClient(ctx, next, &next), storage.ErrStale)
	})

	t.Run("a stored one keeps when it was created", func(t *testing.T) {
		changed := full
		changed.ClientName, changed.SecretHashes, changed.Declared, changed.Disabled = "new", nil, false, false
		changed.CreatedAt, changed.UpdatedAt = now.Add(time.Hour*1000), now.Add(time.Hour*1000)
		must(t, s.PutClient(ctx, changed))
		changed.CreatedAt = full.CreatedAt
		got, err := s.Client(ctx, tenant, full.ClientID)
		same(t, got, err, changed)
	})

	t.Run("declared algorithms", func(t *testing.T) {
		tenant, other := newTenant(t, s), newTenant(t, s)
		declares := func(tenant, alg string, want bool) {
			t.Helper()
			if got, err := s.DeclaresAlgorithm(ctx, tenant, alg); err != nil || got != want {
				t.Errorf("%s: got %v, %v, want %v", alg, got, err, want)
			}
		}
		talks := aClient(tenant, "talks")
		talks.ClientName = `"id_token_signed_response_alg":"EdDSA"`
		talks.Scope = `id_token_signed_response_alg":"EdDSA`
		must(t, s.PutClient(ctx, talks))
		declares(tenant, "EdDSA", false)
		id, info := aClient(tenant, "id"), aClient(tenant, "info")
		id.IDTokenSignedResponseAlg, id.Disabled = "EdDSA", true
		info.UserinfoSignedResponseAlg = "ES256"
		must(t, s.PutClient(ctx, id))
		must(t, s.PutClient(ctx, info))
		declares(tenant, "EdDSA", true)
		declares(tenant, "ES256", true)
		declares(tenant, "RS256", false)
		declares(other, "EdDSA", false)
		must(t, s.RemoveClient(ctx, tenant, "id", now))
		declares(tenant, "EdDSA", false)
	})

	t.Run("pages", func(t *testing.T) {
		// Languages sort these otherwise than bytes do.
		names := []string{"a", "B", "a-b", "ab", "A", "_", "ä", "z"}
		for _, id := range names {
			must(t, s.PutClient(ctx, aClient(tenant, id)))
		}
		seen := pages(t, func(after string, limit int) ([]storage.Client, error) {
			return s.Clients(ctx, tenant, after, limit)
		},
			func(c storage.Client) string { return c.ClientID })
		if len(seen) != len(names)+2 {
			t.Errorf("got %d clients, want %d", len(seen), len(names)+2)
		}
	})

	t.Run("removal", func(t *testing.T) {
		w := newWorld(t, s)
		must(t, s.RemoveClient(ctx, w.tenant, w.client, now))
		want(t, s.RemoveClient(ctx, w.tenant, w.client, now), storage.ErrNotFound)
		must(t, s.PutClient(ctx, aClient(w.tenant, w.client)))
		_, err := s.Consent(ctx, w.tenant, w.user, w.client)
		want(t, err, storage.ErrNotFound)
		_, err = s.Grant(ctx, w.tenant, w.grant)
		want(t, err, storage.ErrNotFound)
		if ok, err := s.AllowsOrigin(ctx, w.tenant, "https://client.example.com"); ok || err != nil {
			t.Errorf("got %v, %v for the origin of a removed client, want false", ok, err)
		}
	})

	t.Run("origins", func(t *testing.T) {
		allows := func(origin string, wanted bool) {
			t.Helper()
			ok, err := s.AllowsOrigin(ctx, tenant, origin)
			same(t, ok, err, wanted)
		}
		spa := aClient(tenant, "spa")
		spa.AllowedCORSOrigins = []string{"https://a.example", "https://b.example", "https://a.example"}
		must(t, s.PutClient(ctx, spa))
		allows("https://a.example", true)
		allows("https://b.example", true)
		allows("https://c.example", false)
		allows("", false)
		twin := aClient(tenant, "twin")
		twin.AllowedCORSOrigins = []string{"https://a.example"}
		must(t, s.PutClient(ctx, twin))
		spa.AllowedCORSOrigins = []string{"https://c.example"}
		must(t, s.PutClient(ctx, spa))
		allows("https://a.example", true) // the twin's
		allows("https://b.example", false)
		allows("https://c.example", true)
		twin.Disabled = true
		must(t, s.PutClient(ctx, twin))
		allows("https://a.example", false)
	})
}

// testOutside keeps what is known of clients that no administrator added, and deletes those that nothing refers to.
func testOutside(t *testing.T, s Store) {
	w := newWorld(t, s)
	ctx := t.Context()
	add := func(id, origin, verdict string) storage.Client {
		t.Helper()
		c := aClient(w.tenant, id)
		c.CreatedAt, c.UpdatedAt = now, now
		c.Outside = &storage.Outside{Origin: origin, Verdict: verdict, ReadAt: now, TokenHash: []byte("hash of " + id)}
		must(t, s.SaveClient(ctx, c, nil))
		return c
	}
	c := add("https://a.example/client", storage.OriginDocument, "")
	noted := *c.Outside
	noted.Fault, noted.AskedAt = "404", now.Add(time.Hour)
	must(t, s.NoteOutside(ctx, w.tenant, c.ClientID, *c.Outside, noted))
	must(t, s.NoteOutside(ctx, w.tenant, c.ClientID, *c.Outside, storage.Outside{Origin: storage.OriginDocument}))
	must(t, s.NoteOutside(ctx, w.tenant, "unknown", *c.Outside, noted))
	was := c
	c.Outside = &noted
	got, err := s.Client(ctx, w.tenant, c.ClientID)
	same(t, got, err, c)
	denied := noted
	denied.Verdict = storage.VerdictDenied
	c.Outside, c.Disabled, c.UpdatedAt = &denied, true, now.Add(time.Second)
	must(t, s.SaveClient(ctx, c, &was))
	got, err = s.Client(ctx, w.tenant, c.ClientID)
	same(t, got, err, c)

	add("registered", storage.OriginRegistration, "")
	add("allowed", storage.OriginDocument, storage.VerdictAllowed)
	add("unused", storage.OriginRegistration, "")
	add("consented", storage.OriginDocument, "")
	add("granted", storage.OriginDocument, "")
	give := func(client string, at time.Time) {
		t.Helper()
		must(t, s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: w.user, Now: at,
			Consent: &storage.Consent{ClientID: client, GrantedAt: at, Scopes: []string{"openid"}}}))
	}
	give("granted", now)
	must(t, redeem(ctx, s, aGrant(w.tenant, newID(), w.user, "granted", "")))
	end := now.Add(storage.KeepOutside)
	give("consented", end.Add(time.Minute))
	give("registered", now)
	left := func(at time.Time, wanted ...string) {
		t.Helper()
		_, err := s.Prune(ctx, storage.Retention{}, at)
		must(t, err)
		all, err := s.Clients(ctx, w.tenant, "", 100)
		must(t, err)
		all = slices.DeleteFunc(all, func(c storage.Client) bool { return c.Outside == nil })
		same(t, ids(all, func(c storage.Client) string { return c.ClientID }), nil, wanted)
	}
	left(end.Add(-time.Minute), "allowed", "consented", "granted", c.ClientID, "registered", "unused")
	left(end.Add(time.Minute), "allowed", "consented", "granted", c.ClientID)
}

// testTenants adds, reads, lists, updates and removes tenants. Ids and hosts are unique, and no id is ever used again.
func testTenants(t *testing.T, s Store) {
	ctx := t.Context()
	if _, err := s.Tenant(ctx, storage.DefaultTenant); err != nil {
		t.Fatalf("the default tenant: %v", err)
	}
	want(t, s.AddTenant(ctx, storage.Tenant{ID: storage.DefaultTenant}), storage.ErrExists)

	a := filled[storage.Tenant]()
	must(t, s.AddTenant(ctx, a))
	got, err := s.Tenant(ctx, a.ID)
	same(t, got, err, a)
	got, err = s.TenantByHost(ctx, a.Host)
	same(t, got, err, a)
	want(t, s.AddTenant(ctx, a), storage.ErrExists)
	want(t, s.AddTenant(ctx, storage.Tenant{ID: "another", Host: a.Host}), storage.ErrExists)

	// Most tenants have no host of their own.
	b := storage.Tenant{ID: newTenant(t, s)}
	c := storage.Tenant{ID: newTenant(t, s)}
	_, err = s.TenantByHost(ctx, "")
	want(t, err, storage.ErrNotFound)
	_, err = s.Tenant(ctx, "nobody")
	want(t, err, storage.ErrNotFound)

	t.Run("pages", func(t *testing.T) {
		seen := pages(t, func(after string, limit int) ([]storage.Tenant, error) { return s.Tenants(ctx, after, limit) },
			func(t storage.Tenant) string { return t.ID })
		for _, id := range []string{a.ID, b.ID, c.ID, storage.DefaultTenant} {
			if !seen[id] {
				t.Errorf("%s was not listed", id)
			}
		}
	})

	t.Run("update", func(t *testing.T) {
		changed := filled[storage.Tenant]()
		changed.ID, changed.Host, changed.CreatedAt, changed.Disabled = b.ID, "b.example.com", now, false
		changed.Version = 1
		must(t, s.UpdateTenant(ctx, changed))
		got, err := s.Tenant(ctx, b.ID)
		same(t, got, err, changed)
		changed.Host = a.Host
		want(t, s.UpdateTenant(ctx, changed), storage.ErrExists)
		changed.Host = "b.example.com"
		stale := changed
		must(t, s.UpdateTenantOf(ctx, changed))
		want(t, s.UpdateTenantOf(ctx, stale), storage.ErrStale)
		got, err = s.Tenant(ctx, b.ID)
		changed.Version = 2
		same(t, got, err, changed)
		changed.ID, changed.Host = "nobody", ""
		want(t, s.UpdateTenant(ctx, changed), storage.ErrNotFound)
		want(t, s.UpdateTenantOf(ctx, changed), storage.ErrNotFound)
	})

	t.Run("removal is for ever", func(t *testing.T) {
		must(t, s.RemoveTenant(ctx, a.ID, now))
		want(t, s.RemoveTenant(ctx, a.ID, now), storage.ErrNotFound)
		_, err := s.Tenant(ctx, a.ID)
		want(t, err, storage.ErrNotFound)
		want(t, s.AddTenant(ctx, storage.Tenant{ID: a.ID}), storage.ErrExists)
		want(t, s.AddTenant(ctx, storage.Tenant{ID: "another", Host: a.Host}), storage.ErrExists)
		_, err = s.Tenant(ctx, "another")
		want(t, err, storage.ErrNotFound)
	})
}
