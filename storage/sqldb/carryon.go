package sqldb

import (
	"context"
	"errors"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

const (
	removalByKey = `
		SELECT ` + removalColumns + ` FROM removals
		WHERE tenant_id = $1 AND kind = $2 AND id = $3`
	endRemoval = `
		DELETE FROM removals
		WHERE tenant_id = $1 AND kind = $2 AND id = $3 AND since = $4`
)

// CarryOn implements storage.Removals.
func (s *Store) CarryOn(ctx context.Context, r storage.Removal, told func(rows int64), onEnd storage.OnEnd) error {
	if told == nil {
		told = func(int64) {}
	}
	return engine.Named(s.carryOn(ctx, r, told, onEnd), "remove the rest of "+r.Kind, r.ID)
}

// carryOn is CarryOn without the name of the removal in its errors.
func (s *Store) carryOn(ctx context.Context, r storage.Removal, told func(rows int64), onEnd storage.OnEnd) error {
	for {
		row, err := one(ctx, s, removalByKey, []any{r.TenantID, r.Kind, r.ID}, scanRemoval)
		if errors.Is(err, storage.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		row.onEnd = onEnd
		if again, err := s.removeRest(ctx, row, told); err != nil || again {
			return err
		}
		// One that began anew meanwhile has another date, and is carried out, too.
		if _, err := s.put(ctx, endRemoval, r.TenantID, r.Kind, r.ID, column.Micros(row.Since)); err != nil {
			return err
		}
	}
}

// removeRest does the work of one kind. again says that there is to be another round, later.
func (s *Store) removeRest(ctx context.Context, r removal, told func(rows int64)) (again bool, err error) {
	switch r.Kind {
	case storage.RemovalClient:
		return false, s.removeRestOfClient(ctx, r, told)
	case storage.RemovalUser:
		return false, s.removeRestOfUser(ctx, r, told)
	case storage.RemovalTenant:
		return s.removeRestOfTenant(ctx, r, told)
	case storage.RemovalGroup:
		return false, s.removeRestOfGroup(ctx, r, told)
	case storage.RemovalRole:
		return false, s.removeRestOfRole(ctx, r, told)
	case storage.RemovalSessions:
		return false, s.endRestOfSessions(ctx, r, told)
	case storage.RemovalGrants:
		return false, s.revokeRest(ctx, r, told)
	case storage.RemovalRestored:
		return false, s.endRestored(ctx, r, told)
	}
	return false, errors.New("this program does not know how: a newer one began it")
}

// goOn carries on with what was begun just now, as long as the caller has time. What is left
// then is done by the replica that claims it: no error.
func (s *Store) goOn(ctx context.Context, r storage.Removal, onEnd storage.OnEnd) error {
	if err := s.carryOn(ctx, r, func(int64) {}, onEnd); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// finish carries on with what a change has left, unless the change failed.
func (s *Store) finish(ctx context.Context, err error, left []storage.Removal) error {
	for i := 0; err == nil && i < len(left); i++ {
		err = s.goOn(ctx, left[i], nil)
	}
	return err
}
