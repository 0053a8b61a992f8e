package storagetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// aCode returns a code of one hour for the target. user is the id of the user that it is about, or "".
func aCode(tenant, id, target, user string) storage.Code {
	return storage.Code{
		TenantID: tenant, ID: id, Purpose: storage.CodeReset, Target: target, UserID: user,
		CodeHash: []byte("typed"), LinkHash: []byte("link"), Data: []byte{1}, CreatedAt: now, ExpiresAt: now.Add(time.Minute),
	}
}

// testCodes stores codes, tries them and uses them up. For one purpose, target and asker there is one code at a time;
// tries are counted; a code that was used is gone.
func testCodes(t *testing.T, s Store) {
	ctx, tenant := t.Context(), newTenant(t, s)
	full := filled[storage.Code]()
	full.TenantID, full.CreatedAt = tenant, now.Add(-time.Hour) // ahead of time it would not live
	mail := storage.Delivery{TenantID: tenant, ID: newID(), To: "jo@example.com", CreatedAt: now, NextAt: now}
	must(t, PutCode(ctx, s, full, mail))
	got, err := s.Code(ctx, tenant, full.ID, now)
	same(t, got, err, full)
	claimed, err := s.ClaimDeliveries(ctx, now, now.Add(time.Minute), 9)
	if must(t, err); len(claimed) != 1 || claimed[0].ID != mail.ID {
		t.Errorf("got %+v, want the code's mail", claimed)
	}
	must(t, s.Delivered(ctx, tenant, mail.ID))

	t.Run("a new one replaces the old", func(t *testing.T) {
		must(t, PutCode(ctx, s, aCode(tenant, "1", "jo", "")))
		_, err := s.TryCode(ctx, tenant, "1", 5, now)
		must(t, err)
		other := aCode(tenant, "3", "jo", "")
		other.Purpose = storage.CodeSignIn
		must(t, PutCode(ctx, s, other))
		must(t, PutCode(ctx, s, aCode(tenant, "2", "jo", "")))
		_, err = s.Code(ctx, tenant, "1", now)
		want(t, err, storage.ErrNotFound)
		got, err := s.Code(ctx, tenant, "2", now)
		same(t, got, err, aCode(tenant, "2", "jo", ""))
		_, err = s.Code(ctx, tenant, "3", now)
		must(t, err)
	})

	t.Run("listed by target", func(t *testing.T) {
		tenant := newTenant(t, s)
		for _, target := range []string{"b", "a", "c", "d"} {
			must(t, PutCode(ctx, s, aCode(tenant, "at "+target, target, "")))
		}
		late, own := aCode(tenant, "late", "e", ""), aCode(tenant, "own", "f", "")
		late.ExpiresAt, own.Asker = now, "browser"
		must(t, PutCode(ctx, s, late))
		must(t, PutCode(ctx, s, own))
		seen := pages(t, func(after string, limit int) ([]storage.Code, error) {
			return s.CodesFor(ctx, tenant, storage.CodeReset, after, limit, now)
		}, func(c storage.Code) string { return c.Target })
		if len(seen) != 4 || seen["e"] || seen["f"] {
			t.Errorf("got %v, want a to d", seen)
		}
		for _, target := range []string{"e", "f", "missing"} {
			_, err := s.CodeFor(ctx, tenant, storage.CodeReset, target, now)
			want(t, err, storage.ErrNotFound)
		}
		_, err := s.CodeFor(ctx, tenant, storage.CodeInvite, "a", now)
		want(t, err, storage.ErrNotFound)
	})

	t.Run("askers have one each", func(t *testing.T) {
		of := func(id, asker string) storage.Code {
			c := aCode(tenant, id, "asked", "")
			c.Asker = asker
			return c
		}
		for _, c := range []storage.Code{of("of nobody", ""), of("of a", "a"), of("of b", "b"), of("of b too", "b")} {
			must(t, PutCode(ctx, s, c))
		}
		_, err := s.Code(ctx, tenant, "of b", now)
		want(t, err, storage.ErrNotFound)
		got, err := s.CodeFor(ctx, tenant, storage.CodeReset, "asked", now)
		same(t, got, err, of("of nobody", ""))
		for id, asker := range map[string]string{"of nobody": "", "of a": "a", "of b too": "b"} {
			got, err := s.TryCode(ctx, tenant, id, 5, now)
			tried := of(id, asker)
			tried.Tries = 1
			same(t, got, err, tried)
		}
	})

	t.Run("tries in parallel", func(t *testing.T) {
		must(t, PutCode(ctx, s, aCode(tenant, "many", "many", "")))
		var allowed atomic.Int64
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if _, err := s.TryCode(ctx, tenant, "many", 5, now); err == nil {
					allowed.Add(1)
				}
			})
		}
		wg.Wait()
		if n := allowed.Load(); n != 5 {
			t.Errorf("got %d tries, want 5", n)
		}
	})

	t.Run("expired", func(t *testing.T) {
		must(t, PutCode(ctx, s, aCode(tenant, "old", "old", "")))
		_, err := s.Code(ctx, tenant, "old", now.Add(time.Minute))
		want(t, err, storage.ErrNotFound)
		_, err = s.TryCode(ctx, tenant, "old", 5, now.Add(time.Minute))
		want(t, err, storage.ErrNotFound)
		want(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: "u", Now: now.Add(time.Minute), Code: "old"}),
			storage.ErrStale)
	})
}

// testChanges makes changes of many parts. A change happens whole or not at all: what its last part refuses undoes the
// first.
func testChanges(t *testing.T, s Store) {
	ctx, tenant := t.Context(), newTenant(t, s)
	u := aUser(tenant, newID())
	u.EmailKey = "jo@example.com"
	passkey := storage.Credential{TenantID: tenant, UserID: u.ID, Kind: storage.PasskeyCredential, ID: "k",
		Data: []byte("1"), CreatedAt: now, UpdatedAt: now}
	google := storage.Identity{TenantID: tenant, Provider: "google", Subject: "1", UserID: u.ID,
		Email: "g", CreatedAt: now}
	event := storage.Event{TenantID: tenant, ID: newID(), At: now, Kind: "x", UserID: u.ID}
	must(t, PutCode(ctx, s, aCode(tenant, "sign-up", "jo", "")))
	add := storage.Change{
		TenantID: tenant, UserID: u.ID, Now: now, Code: "sign-up", Add: &u,
		Credentials: []storage.Credential{aPassword("", "", "hash"), passkey},
		Link:        []storage.Identity{google}, Codes: []storage.Code{aCode(tenant, "next", "jo", u.ID)},
		Deliveries: []storage.Delivery{{TenantID: tenant, ID: newID(), CreatedAt: now, NextAt: now}},
		Events:     []storage.Event{event},
	}
	must(t, s.Apply(ctx, add))
	got, err := s.User(ctx, tenant, u.ID)
	same(t, got, err, u)
	creds, err := s.CredentialsOf(ctx, tenant, u.ID)
	same(t, creds, err, []storage.Credential{passkey, aPassword(tenant, u.ID, "hash")})
	ident, err := s.Identity(ctx, tenant, "google", "1")
	same(t, ident, err, google)
	events, err := s.EventsOf(ctx, tenant, u.ID, "", 9)
	same(t, events, err, []storage.Event{event})
	events, err = s.EventsOf(ctx, tenant, "", "", 9)
	same(t, events, err, nil)
	_, err = s.Code(ctx, tenant, "next", now)
	must(t, err)

	t.Run("whole or not at all", func(t *testing.T) {
		version, changed := int64(7), u
		changed.Username, changed.UsernameKey = "Ed", "ed"
		rename := storage.Change{TenantID: tenant, UserID: u.ID, Now: now, Update: &changed,
			Events: []storage.Event{{TenantID: tenant, ID: newID(), Kind: "y", UserID: u.ID}}}
		for name, c := range map[string]struct {
			spoil func(*storage.Change)
			err   error
		}{
			"code used": {func(c *storage.Change) { c.Code = "sign-up" }, storage.ErrStale},
			"version":   {func(c *storage.Change) { c.Version = &version }, storage.ErrStale},
			"changed since": {func(c *storage.Change) { c.UpdateOf = u.UpdatedAt.Add(-time.Second) },
				storage.ErrStale},
			"swap": {func(c *storage.Change) {
				c.Swap = []storage.CredentialSwap{{Credential: passkey, Was: []byte("0")}}
			}, storage.ErrStale},
			"identity taken": {func(c *storage.Change) { c.Link = []storage.Identity{google} }, storage.ErrExists},
			"no identity": {func(c *storage.Change) {
				c.Unlink = []storage.Identity{{Provider: "google", Subject: "2"}}
			}, storage.ErrNotFound},
			"event twice": {func(c *storage.Change) { c.Events = append(c.Events, event) }, storage.ErrExists},
			"user there": {func(c *storage.Change) {
				other := aUser(tenant, newID())
				other.EmailKey = u.EmailKey
				c.Add = &other
			}, storage.ErrExists},
		} {
			change := rename
			c.spoil(&change)
			if err := s.Apply(ctx, change); err == nil {
				t.Errorf("%s: applied, want %v", name, c.err)
			} else {
				want(t, err, c.err)
			}
			got, err := s.User(ctx, tenant, u.ID)
			same(t, got, err, u)
		}
		stranger := rename
		stranger.UserID, stranger.Raise = "nobody", true
		want(t, s.Apply(ctx, stranger), storage.ErrNotFound)
	})

	t.Run("credentials", func(t *testing.T) {
		swapped := passkey
		swapped.Data = []byte("2")
		version := u.CredentialVersion
		swap := storage.Change{TenantID: tenant, UserID: u.ID, Now: now, Version: &version,
			Swap: []storage.CredentialSwap{{Credential: swapped, Was: []byte("1")}}}
		must(t, s.Apply(ctx, swap))
		want(t, s.Apply(ctx, swap), storage.ErrStale)
		must(t, s.Apply(ctx, storage.Change{
			TenantID: tenant, UserID: u.ID, Now: now,
			RemoveCredentials: []storage.CredentialKey{{Kind: storage.PasskeyCredential, ID: storage.AllIDs},
				{Kind: storage.PasswordCredential}},
			Credentials: []storage.Credential{aPassword("other", "other", "new")}, Unlink: []storage.Identity{google},
		}))
		creds, err := s.CredentialsOf(ctx, tenant, u.ID)
		same(t, creds, err, []storage.Credential{aPassword(tenant, u.ID, "new")})
		ids, err := s.IdentitiesOf(ctx, tenant, u.ID)
		same(t, ids, err, nil)
	})

	t.Run("what was added since", func(t *testing.T) {
		then := now.Add(-time.Hour)
		older := storage.Credential{TenantID: tenant, UserID: u.ID, Kind: storage.PasskeyCredential, ID: "older",
			Data: []byte("1"), CreatedAt: then, UpdatedAt: now}
		newer, totp := older, older
		newer.ID, newer.CreatedAt = "newer", now
		totp.Kind, totp.ID, totp.CreatedAt = storage.TOTPCredential, "", now
		before := storage.Identity{TenantID: tenant, Provider: "google", Subject: "before", UserID: u.ID, CreatedAt: then}
		client := storage.Client{TenantID: tenant, ClientID: "added"}
		must(t, s.PutClient(ctx, client))
		must(t, PutConsent(ctx, s, storage.Consent{TenantID: tenant, UserID: u.ID, ClientID: client.ClientID,
			GrantedAt: now}))
		must(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: u.ID, Now: now,
			Credentials: []storage.Credential{older, newer, totp}, Link: []storage.Identity{google, before}}))
		must(t, s.Apply(ctx, storage.Change{
			TenantID: tenant, UserID: u.ID, Now: now, Credentials: []storage.Credential{totp},
			RemoveAdded: &storage.Added{Since: now, Kinds: []string{storage.PasskeyCredential, storage.TOTPCredential}},
		}))
		creds, err := s.CredentialsOf(ctx, tenant, u.ID)
		same(t, creds, err, []storage.Credential{older, aPassword(tenant, u.ID, "new"), totp})
		ids, err := s.IdentitiesOf(ctx, tenant, u.ID)
		same(t, ids, err, []storage.Identity{before})
		consents, err := s.ConsentsOf(ctx, tenant, u.ID)
		same(t, consents, err, nil)
		must(t, s.Apply(ctx, storage.Change{
			TenantID: tenant, UserID: u.ID, Now: now, Unlink: []storage.Identity{before},
			RemoveCredentials: []storage.CredentialKey{{Kind: storage.PasskeyCredential, ID: storage.AllIDs},
				{Kind: storage.TOTPCredential}},
		}))
	})

	t.Run("secured", func(t *testing.T) {
		version, secured := u.CredentialVersion, u
		change := storage.Change{TenantID: tenant, UserID: u.ID, Now: now, Version: &version, Secured: true}
		must(t, s.Apply(ctx, change))
		secured.Disabled = true
		must(t, UpdateUser(ctx, s, secured))
		want(t, s.Apply(ctx, change), storage.ErrStale)
		secured.SecuredAt = now
		must(t, UpdateUser(ctx, s, secured))
		got, err := s.User(ctx, tenant, u.ID)
		same(t, got, err, secured)
		must(t, s.Apply(ctx, change))
		change.Secured = false
		want(t, s.Apply(ctx, change), storage.ErrStale)
		must(t, UpdateUser(ctx, s, u))
	})

	t.Run("all identities of one user", func(t *testing.T) {
		mine := []storage.Identity{google, {TenantID: tenant, Provider: "other", Subject: "2", UserID: u.ID, CreatedAt: now}}
		must(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: u.ID, Now: now, Link: mine}))
		must(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: "nobody", Now: now,
			Unlink: []storage.Identity{{Provider: storage.AllIDs}}}))
		_, err := s.Identity(ctx, tenant, "other", "2")
		must(t, err)
		must(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: u.ID, Now: now,
			Unlink: []storage.Identity{{Provider: storage.AllIDs}}, Link: mine[1:]}))
		ids, err := s.IdentitiesOf(ctx, tenant, u.ID)
		same(t, ids, err, mine[1:])
		must(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: u.ID, Now: now, Unlink: mine[1:]}))
	})

	t.Run("raise", func(t *testing.T) {
		must(t, AddSession(ctx, s, aSession(tenant, "session", u.ID)))
		must(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: u.ID, Now: now, Raise: true}))
		_, _, err := s.Session(ctx, tenant, "session", now)
		want(t, err, storage.ErrNotFound)
		_, err = s.Code(ctx, tenant, "next", now)
		want(t, err, storage.ErrNotFound)
		got, err := s.User(ctx, tenant, u.ID)
		if must(t, err); got.CredentialVersion != u.CredentialVersion+1 {
			t.Errorf("got version %d, want %d", got.CredentialVersion, u.CredentialVersion+1)
		}
	})

	t.Run("forget codes", func(t *testing.T) {
		must(t, PutCode(ctx, s, aCode(tenant, "forgotten", "forgotten", u.ID)))
		must(t, PutCode(ctx, s, aCode(tenant, "another's", "another's", "other")))
		must(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: u.ID, Now: now, ForgetCodes: true}))
		_, err := s.Code(ctx, tenant, "forgotten", now)
		want(t, err, storage.ErrNotFound)
		_, err = s.Code(ctx, tenant, "another's", now)
		must(t, err)
	})

	t.Run("forget devices", func(t *testing.T) {
		allowed := aCode(tenant, "allowed", "allowed", u.ID)
		allowed.Purpose = storage.CodeDeviceSettled
		must(t, PutCode(ctx, s, allowed))
		must(t, PutCode(ctx, s, aCode(tenant, "another purpose", "another purpose", u.ID)))
		must(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: u.ID, Now: now, ForgetDevices: true}))
		_, err := s.Code(ctx, tenant, "allowed", now)
		want(t, err, storage.ErrNotFound)
		_, err = s.Code(ctx, tenant, "another purpose", now)
		must(t, err)
	})

	t.Run("one of many uses up a code", func(t *testing.T) {
		must(t, PutCode(ctx, s, aCode(tenant, "race", "race", u.ID)))
		var won atomic.Int64
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if s.Apply(ctx, storage.Change{TenantID: tenant, UserID: u.ID, Now: now, Code: "race"}) == nil {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		if n := won.Load(); n != 1 {
			t.Errorf("%d used it up, want one", n)
		}
	})

	t.Run("remove", func(t *testing.T) {
		must(t, PutCode(ctx, s, aCode(tenant, "last", "last", u.ID)))
		once := []storage.Spent{{TenantID: tenant, Purpose: "p", Value: "v", ExpiresAt: now.Add(time.Hour)}}
		must(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: u.ID, Now: now, Spend: once, Remove: true}))
		_, err := s.User(ctx, tenant, u.ID)
		want(t, err, storage.ErrNotFound)
		_, err = s.Code(ctx, tenant, "last", now)
		want(t, err, storage.ErrNotFound)
		want(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: u.ID, Now: now, Add: &u}), storage.ErrExists)
		want(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: u.ID, Now: now, Spend: once}), storage.ErrStale)
	})
}
