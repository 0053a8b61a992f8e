package storagetest

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/storage"
)

func testStatistics(t *testing.T, s Store) {
	ctx, tenant, other := t.Context(), newTenant(t, s), newTenant(t, s)
	day := now.UTC().Truncate(24 * time.Hour)
	record := func(tenant, kind, user, how string, at time.Time) {
		t.Helper()
		e := storage.Event{TenantID: tenant, ID: timedID(at), At: at, Kind: kind, UserID: user, Detail: map[string]string{}}
		if e.Detail["amr"] = how; kind == storage.EventLoginFailed {
			e.Detail = map[string]string{"reason": how}
		}
		must(t, s.Record(ctx, e))
	}
	at := day.Add(time.Hour)
	record(tenant, storage.EventLoginSucceeded, "ann", "pwd", at)
	record(tenant, storage.EventLoginSucceeded, "ann", "pwd otp", at)
	record(tenant, storage.EventLoginSucceeded, "bob", "pwd", at.Add(24*time.Hour))
	record(tenant, storage.EventLoginSucceeded, "ann", "pwd", at.Add(24*time.Hour))
	record(tenant, storage.EventLoginFailed, "", "password", at)
	record(tenant, storage.EventLoginRaised, "ann", "otp", at)
	record(tenant, storage.EventLoginSucceeded, "cleo", "pwd", at.Add(48*time.Hour)) // too late
	record(other, storage.EventLoginSucceeded, "dan", "pwd", at)

	end := day.Add(48 * time.Hour)
	signIns, err := s.SignIns(ctx, tenant, day, end)
	same(t, signIns, err, []storage.SignIns{
		{Day: day, Failed: true, How: "password", Count: 1}, {Day: day, How: "pwd", Count: 1},
		{Day: day, How: "pwd otp", Count: 1}, {Day: day.Add(24 * time.Hour), How: "pwd", Count: 2},
	})
	active, err := s.ActiveByDay(ctx, tenant, day, end)
	same(t, active, err, []storage.Active{{Day: day, Users: 1}, {Day: day.Add(24 * time.Hour), Users: 2}})
	users, err := s.ActiveUsers(ctx, tenant, day, end)
	same(t, users, err, int64(2))
}

// timedID returns a UUIDv7 of that time.
func timedID(at time.Time) string {
	id := uuid.Must(uuid.NewV7())
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(id[:6], ms[2:])
	return id.String()
}
