package storagetest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// testSpent marks values as used up. Of two callers with one value, one succeeds; another tenant and another purpose
// have values of their own.
func testSpent(t *testing.T, s Store) {
	ctx := t.Context()
	w := newWorld(t, s)
	v := storage.Spent{TenantID: w.tenant, Purpose: storage.SpentAccessToken, Value: "token",
		ExpiresAt: now.Add(time.Hour)}
	spent := func(purpose, value string, wanted bool) {
		t.Helper()
		got, err := s.IsSpent(ctx, w.tenant, purpose, value)
		same(t, got, err, wanted)
	}
	spent(v.Purpose, v.Value, false)
	_, _, err := s.LiveGrant(ctx, w.tenant, w.grant, "token", now, nil)
	must(t, err)
	must(t, s.Spend(ctx, v))
	want(t, s.Spend(ctx, v), storage.ErrExists)
	spent(v.Purpose, v.Value, true)
	spent(storage.SpentAssertion, v.Value, false)
	spent(v.Purpose, "Token", false)

	// One token is dead, its grant is not.
	_, _, err = s.LiveGrant(ctx, w.tenant, w.grant, "token", now, nil)
	want(t, err, storage.ErrNotFound)
	_, _, err = s.LiveGrant(ctx, w.tenant, w.grant, "another", now, nil)
	must(t, err)

	// Clients choose the value.
	long := v
	long.Value = strings.Repeat("\x00\xff'", 100_000)
	must(t, s.Spend(ctx, long))
	want(t, s.Spend(ctx, long), storage.ErrExists)
}

// testKeys stores signing keys. A sequence is taken once, so that one of many replicas that rotate at the same time
// succeeds; an end once given stays.
func testKeys(t *testing.T, s Store) {
	ctx, tenant := t.Context(), newTenant(t, s)
	all, err := s.Keys(ctx, tenant, time.Time{})
	same(t, all, err, nil)

	full := filled[storage.Key]()
	full.TenantID, full.Algorithm, full.Sequence = tenant, "RS256", 1
	must(t, s.AddKeys(ctx, []storage.Key{full}, now))
	a := storage.Key{TenantID: tenant, ID: "z", Algorithm: "ES256", Sequence: 1, ActiveAt: now, CreatedAt: now}
	b := storage.Key{TenantID: tenant, ID: "a", Algorithm: "ES256", Sequence: 2, ActiveAt: now, CreatedAt: now}
	must(t, s.AddKeys(ctx, []storage.Key{a}, now))
	must(t, s.AddKeys(ctx, []storage.Key{b}, now.Add(time.Hour)))
	a.ExpiresAt = now.Add(time.Hour)
	all, err = s.Keys(ctx, tenant, time.Time{})
	same(t, all, err, []storage.Key{a, b, full})

	taken := b
	taken.ID = "b"
	want(t, s.AddKeys(ctx, []storage.Key{taken}, now), storage.ErrExists)
	c := storage.Key{TenantID: tenant, ID: "c", Algorithm: "ES256", Sequence: 3, ActiveAt: now, CreatedAt: now}
	must(t, s.AddKeys(ctx, []storage.Key{c}, now.Add(2*time.Hour)))
	b.ExpiresAt = now.Add(2 * time.Hour)
	all, err = s.Keys(ctx, tenant, time.Time{})
	same(t, all, err, []storage.Key{a, b, c, full}) // an end once given stays

	// Those that are published, and of each algorithm the newest, whatever became of it.
	for since, want := range map[time.Time][]storage.Key{now.Add(-time.Hour): {a, b, c, full},
		now.Add(time.Hour): {b, c, full}, now.Add(1000 * 24 * time.Hour): {c, full}} {
		all, err = s.Keys(ctx, tenant, since)
		same(t, all, err, want)
	}
	for _, k := range []storage.Key{a, c} {
		got, err := s.Key(ctx, tenant, k.ID)
		same(t, got, err, k)
	}
	_, err = s.PairwiseKey(ctx, tenant)
	want(t, err, storage.ErrNotFound)
	must(t, s.AddPairwiseKey(ctx, tenant, []byte("first"), now))
	want(t, s.AddPairwiseKey(ctx, tenant, []byte("second"), now), storage.ErrExists)
	sealed, err := s.PairwiseKey(ctx, tenant)
	same(t, string(sealed), err, "first")
	_, err = s.PairwiseKey(ctx, newTenant(t, s))
	want(t, err, storage.ErrNotFound)
	want(t, s.AddPairwiseKey(ctx, "no-such-tenant", []byte("first"), now), storage.ErrNotFound)
	_, err = s.Key(ctx, newTenant(t, s), "a")
	want(t, err, storage.ErrNotFound)

	must(t, s.RemoveKey(ctx, tenant, "a"))
	want(t, s.RemoveKey(ctx, tenant, "a"), storage.ErrNotFound)
	all, err = s.Keys(ctx, tenant, time.Time{})
	same(t, all, err, []storage.Key{a, c, full})
	d := storage.Key{TenantID: "no-such-tenant", ID: "d", Algorithm: "ES256", Sequence: 1}
	want(t, s.AddKeys(ctx, []storage.Key{d}, now), storage.ErrNotFound)
}

// testAudit records events, and lists them in pages, newest first.
func testAudit(t *testing.T, s Store) {
	ctx, tenant := t.Context(), newTenant(t, s)
	full := filled[storage.Event]()
	full.TenantID, full.ID = tenant, newID()
	must(t, s.Record(ctx, full))
	bare := storage.Event{TenantID: tenant, ID: newID()}
	must(t, s.Record(ctx, bare))
	all, err := s.Events(ctx, tenant, "", 10)
	same(t, all, err, []storage.Event{bare, full})

	wanted := []string{bare.ID, full.ID}
	for range 5 {
		e := storage.Event{TenantID: tenant, ID: newID(), At: now, Kind: "test"}
		must(t, s.Record(ctx, e))
		wanted = slices.Insert(wanted, 0, e.ID)
	}
	var seen []string
	for before := ""; ; {
		page, err := s.Events(ctx, tenant, before, 3)
		must(t, err)
		if len(page) == 0 {
			break
		}
		seen = append(seen, ids(page, func(e storage.Event) string { return e.ID })...)
		before = seen[len(seen)-1]
	}
	same(t, seen, nil, wanted)
}

// testSweep deletes what has expired, in several batches, and nothing that still counts.
func testSweep(t *testing.T, s Store) {
	ctx := t.Context()
	w := newWorld(t, s)
	_, err := s.Sweep(ctx, now) // of what other tests have left
	must(t, err)
	must(t, s.AddKeys(ctx, []storage.Key{storage.Key{TenantID: w.tenant, ID: "kid 2", Algorithm: "ES256", Sequence: 2}},
		now.Add(24*time.Hour)))
	must(t, AddSession(ctx, s, aSession(w.tenant, "ended", w.user)))
	must(t, endSession(ctx, s, w.tenant, "ended"))
	// More than one batch.
	for i := range 1100 {
		value := strings.Repeat("x", i)
		must(t, s.Spend(ctx, storage.Spent{TenantID: w.tenant, Purpose: "batch", Value: value,
			ExpiresAt: now.Add(time.Minute)}))
	}
	before := w.snapshot(t)
	_, err = s.Sweep(ctx, now)
	must(t, err)
	same(t, w.snapshot(t), nil, before) // nothing that counts

	n, err := s.Sweep(ctx, now.Add(2*time.Hour))
	must(t, err)
	if n < 1101 { // and the assertion's
		t.Errorf("got %d rows, want 1101 at least", n)
	}
	if got, err := s.IsSpent(ctx, w.tenant, "batch", "x"); got || err != nil {
		t.Errorf("got %v, %v for an expired value, want it gone", got, err)
	}
	_, _, err = s.Session(ctx, w.tenant, w.session, now)
	must(t, err)
	_, err = s.Sweep(ctx, now.Add(48*time.Hour))
	must(t, err)
	_, err = s.Grant(ctx, w.tenant, w.grant) // has just expired; its code may be young
	must(t, err)
	_, err = s.Sweep(ctx, now.Add(49*time.Hour))
	must(t, err)
	_, err = s.Grant(ctx, w.tenant, w.grant)
	want(t, err, storage.ErrNotFound)
	_, _, err = s.Session(ctx, w.tenant, w.session, now)
	want(t, err, storage.ErrNotFound)
	// The expired key says for long which user an old ID token means.
	keys, err := s.Keys(ctx, w.tenant, time.Time{})
	must(t, err)
	if len(keys) != 2 {
		t.Errorf("got %d keys, want the one that has ended, too", len(keys))
	}
	_, err = s.Sweep(ctx, now.Add(24*time.Hour+storage.KeepKeys))
	must(t, err)
	keys, err = s.Keys(ctx, w.tenant, time.Time{})
	must(t, err)
	if got := ids(keys, func(k storage.Key) string { return k.ID }); !slices.Equal(got, []string{"kid 2"}) {
		t.Errorf("got keys %q, want the one without an end", got)
	}
	events, err := s.Events(ctx, w.tenant, "", 10)
	must(t, err)
	if len(events) != 1 {
		t.Errorf("got %d events, want the audit trail kept", len(events))
	}
	must(t, s.Ping(ctx))
}

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
	must(t, s.AddWebhook(ctx, storage.Webhook{TenantID: w.tenant, ID: newID(), Data: []byte("hook"), CreatedAt: now}))
	must(t, s.PutTenantLogin(ctx, storage.TenantLogin{TenantID: w.tenant, EmailKey: w.tenant, CreatedAt: now}))
	must(t, s.AddTenantSession(ctx, storage.TenantSession{TenantID: w.tenant, ID: newID(), Data: []byte("app")}))
	must(t, s.AddPairwiseKey(ctx, w.tenant, []byte("pairs"), now))
	tenant, err := s.Tenant(ctx, w.tenant)
	must(t, err)
	tenant.Settings.Upstreams = []storage.Upstream{{ID: "x", ClientID: "c", ClientSecret: []byte("settings")}}
	must(t, s.UpdateTenant(ctx, tenant))

	for kind, data := range map[storage.SealedKind]string{
		storage.SealedKeys: "key", storage.SealedSettings: "upstreams", storage.SealedCredentials: "totp",
		storage.SealedMails: "mail", storage.SealedCodes: "code",
		storage.SealedWebhooks: "hook", storage.SealedApps: "app",
		storage.SealedPairwise: "pairs",
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

// testImports keeps the file of an import and its lines, gives the work to one process at a time, and deletes all of it
// with the import.
func testImports(t *testing.T, s Store) {
	ctx, tenant, other := t.Context(), newTenant(t, s), newTenant(t, s)
	im := storage.Import{TenantID: tenant, ID: "i1", State: storage.ImportReceiving, Runner: "r0",
		LeaseEnds: now.Add(time.Minute), CreatedAt: now, ExpiresAt: now.Add(time.Hour), Data: []byte(`{}`)}
	open := func(at time.Time, want int64) {
		t.Helper()
		n, err := s.CountOpenImports(ctx, tenant, at)
		same(t, n, err, want)
	}
	open(now, 0)
	must(t, s.AddImport(ctx, im))
	want(t, s.AddImport(ctx, im), storage.ErrExists)
	open(now, 1)
	open(im.LeaseEnds, 0) // its file stopped coming
	got, err := s.Import(ctx, tenant, im.ID)
	same(t, got, err, im)
	for n, data := range []string{"first", "second"} {
		must(t, s.AddImportPart(ctx, tenant, im.ID, int64(n), []byte(data)))
	}
	data, err := s.ImportPart(ctx, tenant, im.ID, 1)
	same(t, string(data), err, "second")
	_, err = s.ImportPart(ctx, tenant, im.ID, 2)
	want(t, err, storage.ErrNotFound)
	_, err = s.ImportPart(ctx, other, im.ID, 0)
	want(t, err, storage.ErrNotFound)

	checking := im
	checking.State, checking.Runner, checking.LeaseEnds, checking.Data = storage.ImportChecking, "", time.Time{},
		[]byte(`1`)
	must(t, s.ChangeImport(ctx, im, checking))
	want(t, s.ChangeImport(ctx, im, checking), storage.ErrStale)
	open(im.LeaseEnds, 1)
	open(im.ExpiresAt, 0)
	oneWinner(t, race(racers, func(int) error {
		for {
			got, err := s.ClaimImport(ctx, "r1", now, now.Add(time.Minute))
			if err != nil || got.TenantID == tenant {
				return err
			}
		}
	}), storage.ErrNotFound)
	got, err = s.Import(ctx, tenant, im.ID)
	claimed := checking
	claimed.Runner, claimed.LeaseEnds = "r1", now.Add(time.Minute)
	same(t, got, err, claimed)
	for { // a process that ends leaves it to another one
		got, err = s.ClaimImport(ctx, "r2", now.Add(2*time.Minute), now.Add(3*time.Minute))
		if err != nil || got.TenantID == tenant {
			break
		}
	}
	claimed.Runner, claimed.LeaseEnds = "r2", now.Add(3*time.Minute)
	same(t, got, err, claimed)
	late := claimed
	late.Runner = "r1"
	want(t, s.ChangeImport(ctx, late, claimed), storage.ErrStale)

	first := []storage.ImportLine{{N: 1, Data: []byte("a")}, {N: 2, Data: []byte("b")}}
	must(t, s.AddImportLines(ctx, tenant, im.ID, first))
	then := []storage.ImportLine{{N: 2, Data: []byte("B")}, {N: 3, Data: []byte("c")}}
	must(t, s.AddImportLines(ctx, tenant, im.ID, then))
	lines, err := s.ImportLines(ctx, tenant, im.ID, 1, 5)
	same(t, lines, err, then)
	must(t, s.RemoveImportLines(ctx, tenant, im.ID))
	lines, err = s.ImportLines(ctx, tenant, im.ID, 0, 5)
	same(t, len(lines), err, 0)

	second := im
	second.ID = "i2"
	must(t, s.AddImport(ctx, second))
	all, err := s.ImportsOf(ctx, tenant, 5)
	same(t, all, err, []storage.Import{second, claimed})
	must(t, s.AddImportPart(ctx, tenant, second.ID, 0, []byte("x")))
	must(t, s.RemoveImportParts(ctx, tenant, second.ID))
	_, err = s.ImportPart(ctx, tenant, second.ID, 0)
	want(t, err, storage.ErrNotFound)
	done := claimed
	done.State = storage.ImportDone
	open(now, 2)
	must(t, s.ChangeImport(ctx, claimed, done)) // its file goes with it
	open(now, 1)
	_, err = s.ImportPart(ctx, tenant, im.ID, 0)
	want(t, err, storage.ErrNotFound)
	_, err = s.Sweep(ctx, im.ExpiresAt.Add(-time.Second))
	must(t, err)
	_, err = s.Import(ctx, tenant, im.ID)
	must(t, err)
	_, err = s.Sweep(ctx, im.ExpiresAt)
	must(t, err)
	_, err = s.Import(ctx, tenant, im.ID)
	want(t, err, storage.ErrNotFound)
}
