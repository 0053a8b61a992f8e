package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// RemoveEvery is how often a server looks for removals that wait.
	RemoveEvery = 20 * time.Second
	// lease is how long a process may work on a removal. It works for the shorter spell, so that it
	// has stopped before another process may begin.
	lease = time.Minute
	spell = 45 * time.Second
)

// Removals finishes removals, whichever replica began them.
type Removals struct {
	Store storage.Removals
	Log   *slog.Logger
}

// FinishClients finishes the removal of clients of the default tenant that this process has just removed,
// before another replica does.
func (r *Removals) FinishClients(ctx context.Context, ids []string) {
	for _, id := range ids {
		held, err := r.Store.HoldRemoval(ctx, storage.DefaultTenant, storage.RemovalClient, id, time.Now().Add(lease))
		if err == nil {
			err = r.finish(ctx, held)
		}
		if err != nil && !errors.Is(err, storage.ErrNotFound) && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "remove", "error", err)
		}
	}
}

// FinishWaiting finishes all removals that no other process works on.
func (r *Removals) FinishWaiting(ctx context.Context) error {
	for {
		now := time.Now()
		claimed, err := r.Store.ClaimRemoval(ctx, now, now.Add(lease))
		if errors.Is(err, storage.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.finish(ctx, claimed); err != nil {
			return err
		}
	}
}

// finish finishes a removal that this process holds, and logs the number of rows.
func (r *Removals) finish(ctx context.Context, held storage.Removal) error {
	rows, err := finish(ctx, r.Store, held, func(int64) {})
	if rows > 0 {
		r.Log.InfoContext(ctx, "removed what hung on something", "kind", held.Kind, "tenant", held.TenantID, "id", held.ID,
			"rows", rows, "done", err == nil)
	}
	return err
}

// Finish finishes one removal: of the kind, such as storage.RemovalClient, and the id. told hears how many
// rows are gone so far. Finish returns their number, also with an error: then servers go on with the rest.
// It does nothing when nothing is left, or when another process finishes the removal.
func Finish(ctx context.Context, store storage.Removals, tenant, kind, id string,
	told func(rows int64),
) (rows int64, err error) {
	held, err := store.HoldRemoval(ctx, tenant, kind, id, time.Now().Add(lease))
	if errors.Is(err, storage.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return finish(ctx, store, held, told)
}

// finish works on a removal that this process holds, and holds it anew after each spell.
func finish(ctx context.Context, store storage.Removals, held storage.Removal,
	told func(rows int64),
) (rows int64, err error) {
	for {
		working, cancel := context.WithTimeout(ctx, spell)
		err := store.CarryOn(working, held, func(n int64) { rows += n; told(rows) }, nil)
		over := working.Err() != nil && ctx.Err() == nil
		cancel()
		if err == nil || !over {
			return rows, err
		}
		_, err = store.HoldRemoval(ctx, held.TenantID, held.Kind, held.ID, time.Now().Add(lease))
		if errors.Is(err, storage.ErrNotFound) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
	}
}
