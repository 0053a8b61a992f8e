package upkeep

import (
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// tenantsWithSessions returns a database with two tenants, each with a user who has a session of before.
func tenantsWithSessions(t *testing.T, before time.Time) (s *sqldb.Store, tenants []storage.Tenant) {
	t.Helper()
	s, err := sqldb.Open(t.Context(), "sqlite::memory:")
	if err == nil {
		err = s.Migrate(t.Context())
	}
	if err == nil {
		err = s.AddTenant(t.Context(), storage.Tenant{ID: "other", Name: "Other"})
	}
	if err == nil {
		tenants, err = s.Tenants(t.Context(), "", 10)
	}
	for _, tenant := range tenants {
		u := storage.User{TenantID: tenant.ID, ID: "jo", CreatedAt: before, UpdatedAt: before}
		err = errors.Join(err, storagetest.AddUser(t.Context(), s, u, nil, nil), s.Apply(t.Context(), storage.Change{
			TenantID: tenant.ID, UserID: "jo", Now: before, AddSession: &storage.Session{
				ID: "session", SecretHash: []byte(tenant.ID), AuthTime: before, CreatedAt: before, SeenAt: before,
				ExpiresAt: before.Add(24 * time.Hour),
			},
		}))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, tenants
}

// each returns the tenants, and the error behind them unless it is nil.
func each(tenants []storage.Tenant, err error) iter.Seq2[storage.Tenant, error] {
	return func(yield func(storage.Tenant, error) bool) {
		for _, t := range tenants {
			if !yield(t, nil) {
				return
			}
		}
		if err != nil {
			yield(storage.Tenant{}, err)
		}
	}
}

// restoredAt returns the event that is recorded once.
func restoredAt(now time.Time) storage.Event {
	return storage.Event{
		TenantID: storage.DefaultTenant, ID: uuid.Must(uuid.NewV7()).String(), At: now, Kind: storage.EventDatabaseRestored,
	}
}

// TestRestored ends the sessions of all tenants, records that once, and shows how far it is.
func TestRestored(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s, tenants := tenantsWithSessions(t, now.Add(-time.Hour))
	var shown []int
	r := &Restored{Store: s, Before: now.Add(-time.Minute), Now: now,
		Progress: func(tenant int, _ int64) { shown = append(shown, tenant) }}
	event := restoredAt(now)
	ids, err := r.Begin(t.Context(), each(tenants, nil), event)
	if err != nil || !slices.Equal(ids, []string{"default", "other"}) {
		t.Fatalf("got %v, %v", ids, err)
	}
	rows, err := r.Finish(t.Context(), ids)
	if err != nil || rows != 2 || !slices.Equal(slices.Compact(shown), []int{1, 2}) {
		t.Errorf("got %d rows, %v, and of the tenants %v, want a session of each", rows, err, shown)
	}
	for _, id := range ids {
		if left, err := s.SessionsOf(t.Context(), id, "jo", now); err != nil || len(left) > 0 {
			t.Errorf("%s: got the sessions %v, %v, want none", id, left, err)
		}
	}
	events, err := s.EventsAfter(t.Context(), storage.DefaultTenant, "", now.Add(time.Hour), 10)
	if err != nil || len(events) != 1 || events[0].Kind != event.Kind {
		t.Errorf("got the events %v, %v, want one", events, err)
	}
	if rows, err := r.Finish(t.Context(), ids); err != nil || rows != 0 {
		t.Errorf("again: got %d rows, %v, want none", rows, err)
	}
}

// TestRestoredStopsAtATenantThatCannotBeRead begins nothing behind it, and returns the error.
func TestRestoredStopsAtATenantThatCannotBeRead(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s, tenants := tenantsWithSessions(t, now.Add(-time.Hour))
	r := &Restored{Store: s, Before: now, Now: now}
	broken := errors.New("broken")
	event := restoredAt(now)
	if ids, err := r.Begin(t.Context(), each(tenants[:1], broken), event); !errors.Is(err, broken) || ids != nil {
		t.Errorf("got %v, %v, want %v", ids, err, broken)
	}
}
