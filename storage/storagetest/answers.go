package storagetest

import (
	"context"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// testAnswers reserves, keeps and drops answers to requests. Of many requests with one key, one is carried out.
func testAnswers(t *testing.T, s Store) {
	ctx, tenant, other := t.Context(), newTenant(t, s), newTenant(t, s)
	a := storage.Answer{TenantID: tenant, Key: "service\x00key", Request: []byte("hash"), LeaseEnds: now.Add(time.Minute),
		ExpiresAt: now.Add(time.Hour)}
	oneWinner(t, race(racers, func(int) error { return s.ReserveAnswer(ctx, a, now) }), storage.ErrExists)
	got, err := s.Answer(ctx, tenant, a.Key, now)
	same(t, got, err, storage.Answer{TenantID: tenant, Key: a.Key, Request: a.Request, ExpiresAt: a.LeaseEnds})
	done := a
	done.Status, done.Location, done.Body = 201, "/made", []byte(`{}`)
	must(t, s.KeepAnswer(ctx, done))
	must(t, s.DropAnswer(ctx, a)) // too late: it has been carried out
	got, err = s.Answer(ctx, tenant, a.Key, now)
	done.LeaseEnds = time.Time{}
	same(t, got, err, done)
	for _, c := range []struct {
		tenant, key string
		at          time.Time
	}{{other, a.Key, now}, {tenant, "another", now}, {tenant, a.Key, a.ExpiresAt}} {
		_, err := s.Answer(ctx, c.tenant, c.key, c.at)
		want(t, err, storage.ErrNotFound)
	}
	elsewhere := a
	elsewhere.TenantID = other
	must(t, s.ReserveAnswer(ctx, elsewhere, now))
	must(t, s.DropAnswer(ctx, elsewhere))
	must(t, s.ReserveAnswer(ctx, elsewhere, now))

	later := a
	later.LeaseEnds, later.ExpiresAt = a.ExpiresAt.Add(time.Minute), now.Add(2*time.Hour)
	want(t, s.ReserveAnswer(ctx, later, now), storage.ErrExists)
	must(t, s.ReserveAnswer(ctx, later, a.ExpiresAt)) // the key may be used again
	got, err = s.Answer(ctx, tenant, a.Key, a.ExpiresAt)
	same(t, got.ExpiresAt, err, later.LeaseEnds)
}

// testLeases carries out a request, of which the first reservation is taken over before it has changed anything, or
// afterwards.
func testLeases(t *testing.T, s Store) {
	w := newWorld(t, s)
	reserved := func(key string) storage.Answer {
		return storage.Answer{TenantID: w.tenant, Key: key, Request: []byte("hash"), LeaseEnds: now.Add(time.Minute),
			ExpiresAt: now.Add(time.Hour)}
	}
	change := func(a storage.Answer, group string) error {
		return s.AddGroup(storage.WithReserved(t.Context(), a), storage.Group{TenantID: w.tenant, ID: group})
	}
	ctx := t.Context()
	slow := reserved("slow")
	must(t, s.ReserveAnswer(ctx, slow, now))
	next := slow
	next.LeaseEnds, next.ExpiresAt = now.Add(2*time.Minute), now.Add(2*time.Hour)
	want(t, s.ReserveAnswer(ctx, next, slow.LeaseEnds.Add(-1)), storage.ErrExists)
	must(t, s.ReserveAnswer(ctx, next, slow.LeaseEnds))
	want(t, change(slow, "slow"), storage.ErrUnavailable)
	_, err := s.Group(ctx, w.tenant, "slow")
	want(t, err, storage.ErrNotFound)
	slow.Status = 201
	must(t, s.KeepAnswer(ctx, slow))
	must(t, s.DropAnswer(ctx, slow))
	for _, group := range []string{"one", "two"} { // a request may make several changes
		must(t, change(next, group))
	}
	must(t, s.DropAnswer(ctx, next))
	got, err := s.Answer(ctx, w.tenant, "slow", next.LeaseEnds)
	same(t, got, err, storage.Answer{TenantID: w.tenant, Key: "slow", Request: slow.Request, ExpiresAt: next.ExpiresAt,
		CarriedOut: true})
	last := next
	last.LeaseEnds, last.ExpiresAt = now.Add(30*time.Minute), now.Add(3*time.Hour)
	want(t, s.ReserveAnswer(ctx, last, now.Add(20*time.Minute)), storage.ErrExists)
	next.Status, next.Location = 204, "/somewhere"
	must(t, s.KeepAnswer(ctx, next))
	got, err = s.Answer(ctx, w.tenant, "slow", now.Add(time.Hour))
	next.LeaseEnds = time.Time{}
	same(t, got, err, next)

	// What fails marks nothing.
	failed := reserved("failed")
	must(t, s.ReserveAnswer(ctx, failed, now))
	want(t, change(failed, "one"), storage.ErrExists)
	got, err = s.Answer(ctx, w.tenant, "failed", now)
	same(t, got.CarriedOut, err, false)
	// All ways to change something do.
	for what, do := range map[string]func(ctx context.Context) error{
		"user":   func(ctx context.Context) error { return AddUser(ctx, s, aUser(w.tenant, newID()), nil, nil) },
		"client": func(ctx context.Context) error { return s.PutClient(ctx, aClient(w.tenant, "made")) },
		"key": func(ctx context.Context) error {
			k := storage.Key{TenantID: w.tenant, ID: "made", Algorithm: "RS512", Sequence: 9, ActiveAt: now, CreatedAt: now}
			return s.AddKeys(ctx, []storage.Key{k}, now)
		},
		"tenant": func(ctx context.Context) error {
			return s.AddTenant(ctx, storage.Tenant{ID: w.tenant + "-made", CreatedAt: now})
		},
		"mail": func(ctx context.Context) error { return s.ReviveDelivery(ctx, w.tenant, "missing", now) },
	} {
		a := reserved(what)
		want(t, do(storage.WithReserved(ctx, a)), storage.ErrUnavailable) // not reserved
		must(t, s.ReserveAnswer(ctx, a, now))
		if what == "mail" { // there is none
			want(t, do(storage.WithReserved(ctx, a)), storage.ErrNotFound)
			continue
		}
		must(t, do(storage.WithReserved(ctx, a)))
		got, err = s.Answer(ctx, w.tenant, what, now)
		same(t, got.CarriedOut, err, true)
	}
}
