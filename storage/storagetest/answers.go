package storagetest

import (
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

func testAnswers(t *testing.T, s Store) {
	ctx, tenant, other := t.Context(), newTenant(t, s), newTenant(t, s)
	a := storage.Answer{TenantID: tenant, Key: "service\x00key", Request: []byte("hash"), ExpiresAt: now.Add(time.Hour)}
	oneWinner(t, race(racers, func(int) error { return s.ReserveAnswer(ctx, a, now) }), storage.ErrExists)
	got, err := s.Answer(ctx, tenant, a.Key, now)
	same(t, got, err, a)
	done := a
	done.Status, done.Location, done.Body = 201, "/made", []byte(`{}`)
	must(t, s.KeepAnswer(ctx, done))
	must(t, s.DropAnswer(ctx, tenant, a.Key)) // too late: it has been carried out
	got, err = s.Answer(ctx, tenant, a.Key, now)
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
	must(t, s.DropAnswer(ctx, other, a.Key))
	must(t, s.ReserveAnswer(ctx, elsewhere, now))

	later := a
	later.ExpiresAt = now.Add(2 * time.Hour)
	want(t, s.ReserveAnswer(ctx, later, now), storage.ErrExists)
	must(t, s.ReserveAnswer(ctx, later, a.ExpiresAt)) // the key may be used again
	got, err = s.Answer(ctx, tenant, a.Key, a.ExpiresAt)
	same(t, got, err, later)
}
