package storagetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// testCredentials reads credentials by their key, by their user, and passkeys by the id that browsers know, which
// several users may claim.
func testCredentials(t *testing.T, s Store) {
	ctx, tenant := t.Context(), newTenant(t, s)
	u := aUser(tenant, newID())
	u.EmailKey, u.UsernameKey = "jo@example.com", "jo"
	full := filled[storage.Credential]()
	full.TenantID, full.UserID = tenant, u.ID
	must(t, AddUser(ctx, s, u, []storage.Credential{full}, nil))
	got, err := s.Credential(ctx, tenant, u.ID, full.Kind, full.ID)
	same(t, got, err, full)
	_, err = s.Credential(ctx, tenant, u.ID, storage.PasswordCredential, "")
	want(t, err, storage.ErrNotFound)

	t.Run("a user without a password", func(t *testing.T) {
		got, c, err := s.UserPassword(ctx, tenant, "jo")
		same(t, got, err, u)
		if c.Data != nil {
			t.Errorf("got %q, want nil", c.Data)
		}
	})

	t.Run("passkeys by id", func(t *testing.T) {
		jo, mo := aUser(tenant, newID()), aUser(tenant, newID())
		key := func(user, id string) storage.Credential {
			return storage.Credential{TenantID: tenant, UserID: user, Kind: storage.PasskeyCredential, ID: id,
				Data: []byte("key of " + user), CreatedAt: now, UpdatedAt: now}
		}
		totp := key(mo.ID, "k1")
		totp.Kind = storage.TOTPCredential
		must(t, AddUser(ctx, s, jo, []storage.Credential{key(jo.ID, "k1")}, nil))
		must(t, AddUser(ctx, s, mo, []storage.Credential{key(mo.ID, "k1"), key(mo.ID, "k2"), totp}, nil))
		for id, want := range map[string][]storage.Credential{
			"k1": {key(jo.ID, "k1"), key(mo.ID, "k1")}, "k2": {key(mo.ID, "k2")}, "k3": nil,
		} {
			got, err := s.PasskeysByID(ctx, tenant, id)
			slices.SortFunc(got, func(a, b storage.Credential) int { return strings.Compare(a.UserID, b.UserID) })
			same(t, got, err, want)
		}
		if got, err := s.PasskeysByID(ctx, newTenant(t, s), "k1"); err != nil || len(got) > 0 {
			t.Errorf("in another tenant: got %v, %v", got, err)
		}
	})

	t.Run("put", func(t *testing.T) {
		pw := aPassword(tenant, u.ID, "one")
		want(t, s.PutCredential(ctx, pw, []byte("zero")), storage.ErrStale)
		must(t, s.PutCredential(ctx, pw, nil))
		want(t, s.PutCredential(ctx, pw, nil), storage.ErrStale)
		better := aPassword(tenant, u.ID, "two")
		better.CreatedAt, better.UpdatedAt = now.Add(time.Hour), now.Add(time.Hour)
		must(t, s.PutCredential(ctx, better, []byte("one")))
		want(t, s.PutCredential(ctx, better, []byte("one")), storage.ErrStale)
		better.CreatedAt = pw.CreatedAt
		for _, key := range []string{"jo", "jo@example.com"} {
			got, c, err := s.UserPassword(ctx, tenant, key)
			same(t, got, err, u) // with the same CredentialVersion
			same(t, c, err, better)
		}
		_, _, err := s.UserPassword(ctx, tenant, "ed")
		want(t, err, storage.ErrNotFound)
		want(t, s.PutCredential(ctx, aPassword(tenant, "nobody", "x"), nil), storage.ErrNotFound)
	})

	t.Run("change", func(t *testing.T) {
		w := newWorld(t, s)
		pw := aPassword(w.tenant, w.user, "new")
		pw.CreatedAt, pw.UpdatedAt = now.Add(time.Hour), now.Add(time.Hour)
		must(t, ChangeCredential(ctx, s, pw))
		got, c, err := s.UserPassword(ctx, w.tenant, "jo")
		must(t, err)
		if got.CredentialVersion != 2 || string(c.Data) != "new" || !c.CreatedAt.Equal(now) {
			t.Errorf("got version %d, password %q of %v, want 2, new, %v", got.CredentialVersion, c.Data, c.CreatedAt, now)
		}
		_, _, err = s.Session(ctx, w.tenant, w.session, now)
		want(t, err, storage.ErrNotFound)
		_, _, err = s.LiveGrant(ctx, w.tenant, w.grant, "", now, nil)
		want(t, err, storage.ErrNotFound)
		want(t, ChangeCredential(ctx, s, aPassword(w.tenant, "nobody", "x")), storage.ErrNotFound)
	})
}

// testIdentities links and unlinks accounts at upstream providers. An account belongs to one user of the tenant at
// most.
func testIdentities(t *testing.T, s Store) {
	ctx, tenant := t.Context(), newTenant(t, s)
	u := aUser(tenant, newID())
	must(t, AddUser(ctx, s, u, nil, nil))
	a := filled[storage.Identity]()
	a.TenantID, a.UserID = tenant, u.ID
	must(t, AddIdentity(ctx, s, a))
	got, err := s.Identity(ctx, tenant, a.Provider, a.Subject)
	same(t, got, err, a)
	want(t, AddIdentity(ctx, s, a), storage.ErrExists)
	b := storage.Identity{TenantID: tenant, Provider: "z", Subject: a.Subject, UserID: u.ID}
	must(t, AddIdentity(ctx, s, b))
	all, err := s.IdentitiesOf(ctx, tenant, u.ID)
	same(t, all, err, []storage.Identity{a, b})
	must(t, s.SetIdentityEmail(ctx, tenant, b.Provider, b.Subject, "new@example.com"))
	b.Email = "new@example.com"
	all, err = s.IdentitiesOf(ctx, tenant, u.ID)
	same(t, all, err, []storage.Identity{a, b})
	want(t, s.SetIdentityEmail(ctx, tenant, b.Provider, "other", "x"), storage.ErrNotFound)
	must(t, RemoveIdentity(ctx, s, a))
	want(t, RemoveIdentity(ctx, s, a), storage.ErrNotFound)
	_, err = s.Identity(ctx, tenant, a.Provider, a.Subject)
	want(t, err, storage.ErrNotFound)
	want(t, AddIdentity(ctx, s, storage.Identity{TenantID: tenant, Provider: "p", Subject: "s", UserID: "nobody"}),
		storage.ErrNotFound)
}
