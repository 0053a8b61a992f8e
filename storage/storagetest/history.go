package storagetest

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/storage"
)

const day = 24 * time.Hour

// happened records an event of so long ago, and gives its id.
func (w *world) happened(t *testing.T, ago time.Duration, e storage.Event) string {
	t.Helper()
	at, id := now.Add(-ago), uuid.Must(uuid.NewV7())
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(id[:6], ms[2:])
	e.TenantID, e.ID, e.At = w.tenant, id.String(), at
	must(t, w.s.Record(t.Context(), e))
	return e.ID
}

// history returns what is left of the world's events, oldest first, but for the world's own.
func (w *world) history(t *testing.T) []storage.Event {
	t.Helper()
	all, err := w.s.EventsAfter(t.Context(), w.tenant, "", now.Add(day), 10_000)
	must(t, err)
	return slices.DeleteFunc(all, func(e storage.Event) bool { return e.Kind == "test" })
}

// wantHistory fails the test unless the events with these ids are left, oldest first, and no others.
func (w *world) wantHistory(t *testing.T, wanted ...string) {
	t.Helper()
	got := ids(w.history(t), func(e storage.Event) string { return e.ID })
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("got (+), want (-) of the history:\n%s", diff)
	}
}

// prune deletes the past as keep says. at is the time of the deletion.
func (w *world) prune(t *testing.T, keep storage.Retention, at time.Time) {
	t.Helper()
	_, err := w.s.Prune(t.Context(), keep, at)
	must(t, err)
}

// testHistory deletes events by age and kind, shortens addresses, forgets removed users, and keeps what was not
// exported yet.
func testHistory(t *testing.T, s Store) {
	ctx := t.Context()
	t.Run("by age and kind", func(t *testing.T) {
		w := newWorld(t, s)
		w.prune(t, storage.Retention{}, now)
		old := w.happened(t, 400*day, storage.Event{Kind: "a"})
		special := w.happened(t, 300*day, storage.Event{Kind: "login.failed"})
		w.happened(t, 40*day, storage.Event{Kind: "login.failed"})
		kept := w.happened(t, 30*day, storage.Event{Kind: "a"})
		recent := w.happened(t, 20*day, storage.Event{Kind: "login.failed"})
		w.prune(t, storage.Retention{}, now)
		if n := len(w.history(t)); n != 5 {
			t.Errorf("got %d events where all are kept, want 5", n)
		}
		w.prune(t, storage.Retention{Events: 365 * day,
			EventsOf: map[string]time.Duration{"login.failed": 30 * day, "b": 500 * day}}, now)
		w.wantHistory(t, kept, recent)
		// A kind that is named no more is kept as long as others.
		w.prune(t, storage.Retention{Events: 25 * day}, now)
		w.wantHistory(t, recent)
		_, _ = old, special
	})

	t.Run("many", func(t *testing.T) {
		w := newWorld(t, s)
		for _, err := range race(600, func(i int) error {
			w.happened(t, 100*day+time.Duration(i)*time.Second,
				storage.Event{Kind: "many", IP: fmt.Sprintf("192.0.%d.%d", i%3, i%200)})
			return nil
		}) {
			must(t, err)
		}
		w.prune(t, storage.Retention{Addresses: 90 * day}, now)
		left := map[string]int{}
		for _, e := range w.history(t) {
			left[e.IP]++
		}
		same(t, left, nil, map[string]int{"192.0.0.0/24": 200, "192.0.1.0/24": 200, "192.0.2.0/24": 200})
		w.prune(t, storage.Retention{Events: 90 * day}, now)
		w.wantHistory(t)
	})

	t.Run("addresses", func(t *testing.T) {
		w := newWorld(t, s)
		for _, ip := range []string{"203.0.113.77", "2001:db8:1:2::7", "::ffff:203.0.113.77", "",
			"not an address", "10.0.0.0/24"} {
			w.happened(t, 100*day, storage.Event{Kind: "x", IP: ip})
		}
		young := w.happened(t, 10*day, storage.Event{Kind: "x", IP: "203.0.113.78"})
		w.prune(t, storage.Retention{Addresses: 90 * day}, now)
		got := ids(w.history(t), func(e storage.Event) string { return e.IP })
		slices.Sort(got)
		same(t, got, nil, []string{"", "", "10.0.0.0/24", "2001:db8:1::/48", "203.0.113.0/24", "203.0.113.0/24",
			"203.0.113.78"})
		w.prune(t, storage.Retention{Addresses: 90 * day}, now.Add(85*day))
		if e := w.history(t); e[len(e)-1].ID != young || e[len(e)-1].IP != "203.0.113.0/24" {
			t.Errorf("got %+v, want the address shortened in its time", e[len(e)-1])
		}
	})

	t.Run("removed users", func(t *testing.T) {
		w := newWorld(t, s)
		about := w.happened(t, 5*day, storage.Event{Kind: "x", UserID: w.user})
		others := w.happened(t, 4*day, storage.Event{Kind: "x", UserID: "other", Actor: w.user})
		keep := storage.Retention{Removed: 30 * day}
		w.prune(t, keep, now.Add(100*day))
		w.wantHistory(t, about, others)
		must(t, RemoveUser(ctx, s, w.tenant, w.user, now.Add(100*day)))
		w.prune(t, keep, now.Add(129*day))
		w.wantHistory(t, about, others)
		w.prune(t, keep, now.Add(131*day))
		w.wantHistory(t, others)
		want(t, AddUser(ctx, s, aUser(w.tenant, w.user), nil, nil), storage.ErrExists)
	})

	t.Run("after a clock was ahead", func(t *testing.T) {
		w := newWorld(t, s)
		keep := storage.Retention{Events: 30 * day, Addresses: 20 * day}
		w.prune(t, keep, now.Add(5*day))
		w.happened(t, 31*day, storage.Event{Kind: "x"})
		shortened := w.happened(t, 21*day, storage.Event{Kind: "x", IP: "203.0.113.77"})
		w.prune(t, keep, now)
		w.wantHistory(t, shortened)
		same(t, w.history(t)[0].IP, nil, "203.0.113.0/24")
	})

	t.Run("not before the export", func(t *testing.T) {
		w := newWorld(t, s)
		first := w.happened(t, 100*day, storage.Event{Kind: "x"})
		second := w.happened(t, 99*day, storage.Event{Kind: "x"})
		keep := storage.Retention{Events: 30 * day, Exported: true}
		w.prune(t, keep, now)
		w.wantHistory(t, first, second)
		must(t, s.MarkExported(ctx, w.tenant, first, now))
		id, err := s.Exported(ctx, w.tenant)
		same(t, id, err, first)
		w.prune(t, keep, now)
		w.wantHistory(t, second)
		page, err := s.EventsAfter(ctx, w.tenant, first, now.Add(-100*day), 10)
		same(t, page, err, nil)
	})

	t.Run("revoked grants", func(t *testing.T) {
		w := newWorld(t, s)
		_, err := revoke(ctx, s, w.tenant, storage.GrantFilter{ID: w.grant}, "test", now)
		must(t, err)
		w.prune(t, storage.Retention{Revoked: time.Second}, now.Add(14*time.Minute))
		want(t, redeem(ctx, s, aGrant(w.tenant, "twice", w.user, w.client, w.session)), nil)
		again := aGrant(w.tenant, w.grant, w.user, w.client, w.session)
		again.ID = "again"
		want(t, redeem(ctx, s, again), storage.ErrExists) // its code is known still
		w.prune(t, storage.Retention{Revoked: 30 * day}, now.Add(29*day))
		_, err = s.Grant(ctx, w.tenant, w.grant)
		must(t, err)
		w.prune(t, storage.Retention{Revoked: 30 * day}, now.Add(31*day))
		_, err = s.Grant(ctx, w.tenant, w.grant)
		want(t, err, storage.ErrNotFound)
	})
}
