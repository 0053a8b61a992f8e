package storagetest

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// testSealed walks over the sealed values of each kind and replaces them, unless they have changed meanwhile.
func testSealed(t *testing.T, s Store) {
	ctx := t.Context()
	w := newWorld(t, s)
	cred := storage.Credential{TenantID: w.tenant, UserID: w.user, Kind: storage.TOTPCredential, Data: []byte("totp"),
		CreatedAt: now, UpdatedAt: now}
	must(t, s.PutCredential(ctx, cred, nil))
	key := storage.Key{TenantID: w.tenant, ID: newID(), Algorithm: "RS512", Sequence: 1, Private: []byte("key"),
		ActiveAt: now, CreatedAt: now}
	must(t, s.AddKeys(ctx, []storage.Key{key}, now))
	must(t, Enqueue(ctx, s, storage.Delivery{TenantID: w.tenant, ID: newID(), Channel: storage.ChannelMail,
		Data: []byte("mail"), CreatedAt: now, NextAt: now.Add(time.Hour)}))
	must(t, PutCode(ctx, s, storage.Code{TenantID: w.tenant, ID: newID(), Purpose: "p", Target: "t", Data: []byte("code"),
		CreatedAt: now, ExpiresAt: now.Add(time.Hour)}))
	tenant, err := s.Tenant(ctx, w.tenant)
	must(t, err)
	tenant.Settings.Upstreams = []storage.Upstream{{ID: "x", ClientID: "c", ClientSecret: []byte("settings")}}
	must(t, s.UpdateTenant(ctx, tenant))

	for kind, data := range map[storage.SealedKind]string{
		storage.SealedKeys: "key", storage.SealedSettings: "upstreams", storage.SealedCredentials: "totp",
		storage.SealedMails: "mail", storage.SealedCodes: "code",
	} {
		all := walkSealed(t, s, kind)
		mine := slices.DeleteFunc(slices.Clone(all), func(v storage.SealedValue) bool {
			return v.TenantID != w.tenant || !bytes.Contains(v.Data, []byte(data))
		})
		if len(mine) != 1 {
			t.Fatalf("%s: got %v, want one of this tenant", kind, mine)
		}
		v := mine[0]
		to := []byte("anew")
		if kind == storage.SealedSettings {
			changed := tenant.Settings
			changed.Upstreams = []storage.Upstream{{ID: "x", ClientID: "c", ClientSecret: to}}
			if to, err = json.Marshal(changed); err != nil {
				t.Fatal(err)
			}
		}
		stale := v
		stale.Data = []byte("something else")
		n, err := s.ReplaceSealed(ctx, kind,
			[]storage.SealedChange{{SealedValue: stale, To: []byte("{}")}, {SealedValue: v, To: to}})
		same(t, n, err, 1)
		v.Data = to
		if got := walkSealed(t, s, kind); !slices.ContainsFunc(got, func(o storage.SealedValue) bool {
			return o.TenantID == v.TenantID && o.UserID == v.UserID && o.Kind == v.Kind &&
				o.ID == v.ID && bytes.Equal(o.Data, to)
		}) || len(got) != len(all) {
			t.Errorf("%s: got %d values of %d, want %v among them", kind, len(got), len(all), v)
		}
	}
	tenant, err = s.Tenant(ctx, w.tenant)
	same(t, string(tenant.Settings.Upstreams[0].ClientSecret), err, "anew")
}

// walkSealed lists all values of a kind, two at a time.
func walkSealed(t *testing.T, s Store, kind storage.SealedKind) []storage.SealedValue {
	t.Helper()
	var all []storage.SealedValue
	var after storage.SealedValue
	for {
		some, err := s.SealedValues(t.Context(), kind, after, 2)
		must(t, err)
		all = append(all, some...)
		if len(some) < 2 {
			return all
		}
		after = some[1]
	}
}

// testMasterSecrets notes which secrets processes seal with. A secret is forgotten only if no process has begun to seal
// with it since.
func testMasterSecrets(t *testing.T, s Store) {
	ctx := t.Context()
	a, b := "a-"+newID(), "b-"+newID()
	must(t, s.UseMasterSecret(ctx, b, now))
	must(t, s.UseMasterSecret(ctx, a, now))
	must(t, s.UseMasterSecret(ctx, a, now.Add(time.Minute)))
	mine := func() []storage.MasterSecret {
		all, err := s.MasterSecrets(ctx)
		must(t, err)
		return slices.DeleteFunc(all, func(m storage.MasterSecret) bool { return m.Fingerprint != a && m.Fingerprint != b })
	}
	first, second := storage.MasterSecret{Fingerprint: a, SealedAt: now.Add(time.Minute)},
		storage.MasterSecret{Fingerprint: b, SealedAt: now}
	same(t, mine(), nil, []storage.MasterSecret{first, second})
	want(t, s.ForgetMasterSecret(ctx, storage.MasterSecret{Fingerprint: a, SealedAt: now}), storage.ErrStale)
	tenant := newTenant(t, s)
	replaced := storage.Event{TenantID: tenant, ID: newID(), At: now, Kind: storage.EventSecretReplaced}
	must(t, s.ForgetMasterSecret(ctx, first, replaced))
	replaced.ID = newID()
	want(t, s.ForgetMasterSecret(ctx, first, replaced), storage.ErrStale)
	events, err := s.Events(ctx, tenant, "", 9)
	if must(t, err); len(events) != 1 {
		t.Errorf("got %d events, want one: it was forgotten once", len(events))
	}
	same(t, mine(), nil, []storage.MasterSecret{second})
	must(t, s.ForgetMasterSecret(ctx, second))
}
