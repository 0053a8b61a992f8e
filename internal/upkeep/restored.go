package upkeep

import (
	"context"
	"iter"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Restored ends what a restored backup has brought back: sessions, grants, codes, mails and remembered devices.
type Restored struct {
	Store storage.Removals
	// Before is the time before which they were made, and Now the present.
	Before, Now time.Time
	// Progress, unless nil, is called after each part, with the number of rows so far in all tenants.
	Progress func(tenant int, rows int64)
}

// Begin records for each tenant that it is to be done, and returns their ids. The event is recorded once. If
// the caller is interrupted afterwards, servers do the work.
func (r *Restored) Begin(
	ctx context.Context, tenants iter.Seq2[storage.Tenant, error], event storage.Event,
) (ids []string, err error) {
	events := []storage.Event{event}
	for t, err := range tenants {
		if err == nil {
			err = r.Store.BeginRestored(ctx, t.ID, r.Before, r.Now, events...)
		}
		if err != nil {
			return nil, err
		}
		ids, events = append(ids, t.ID), nil // recorded with the first
	}
	return ids, nil
}

// Finish does the work for the tenants, and returns how many rows were ended, also with an error.
func (r *Restored) Finish(ctx context.Context, tenants []string) (rows int64, err error) {
	for i, tenant := range tenants {
		n, err := Finish(ctx, r.Store, tenant, storage.RemovalRestored, "", func(n int64) {
			if r.Progress != nil {
				r.Progress(i+1, rows+n)
			}
		})
		rows += n
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}
