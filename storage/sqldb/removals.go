package sqldb

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/outbox"
)

// removal is a row of the table: what storage.Removal says, and what only the store needs.
type removal struct {
	storage.Removal
	bound string // the last id that is meant
	why   string
	onEnd storage.OnEnd // is told what each part ends; not stored
}

const removalColumns = `tenant_id, kind, id, bound, why, since`

// scanRemoval reads a row of removalColumns.
func scanRemoval(row scanner) (r removal, err error) {
	err = row.Scan(&r.TenantID, &r.Kind, &r.ID, &r.bound, &r.why, column.Time(&r.Since))
	return r, err
}

// claimFor is how long the process that begins a removal is let alone with it.
const claimFor = time.Minute

// Of two removals of one thing the later is carried out: it means all that the first did.
const addRemoval = `
	INSERT INTO removals (` + removalColumns + `, lease)
	VALUES ($1, $2, $3, $4, $5, $6, $7)
	ON CONFLICT (tenant_id, kind, id) DO UPDATE SET
		bound = excluded.bound, why = excluded.why, since = excluded.since, lease = excluded.lease`

// begin stores a removal, in the transaction after which nothing of it works any more. The process has the removal
// for claimFor.
func begin(c conn, r removal) error {
	_, err := c.Exec(addRemoval, r.TenantID, r.Kind, r.ID, r.bound, r.why, column.Micros(r.Since),
		column.Micros(r.Since.Add(claimFor)))
	return err
}

const (
	// The condition stands twice, as in claimMail.
	claimRemoval = `
		UPDATE removals SET lease = $2
		WHERE lease <= $1 AND (tenant_id, kind, id) IN (
			SELECT tenant_id, kind, id FROM removals
			WHERE lease <= $1 ORDER BY lease LIMIT 1)
		RETURNING ` + removalColumns
	// A lease that ends too late to be one ($1) was taken while a clock was ahead.
	claimFarRemoval = `
		UPDATE removals SET lease = $2
		WHERE lease > $1 AND (tenant_id, kind, id) IN (
			SELECT tenant_id, kind, id FROM removals
			WHERE lease > $1 ORDER BY lease LIMIT 1)
		RETURNING ` + removalColumns
)

// ClaimRemoval implements storage.Removals.
func (s *Store) ClaimRemoval(ctx context.Context, now, leaseUntil time.Time) (storage.Removal, error) {
	r, err := s.oneRemoval(ctx, claimRemoval, column.Micros(now), column.Micros(leaseUntil))
	if errors.Is(err, storage.ErrNotFound) {
		tooLate := now.Add(10 * max(claimFor, leaseUntil.Sub(now)))
		r, err = s.oneRemoval(ctx, claimFarRemoval, column.Micros(tooLate), column.Micros(leaseUntil))
	}
	return r.Removal, engine.Wrapped(err, "claim removal")
}

// holdRemoval reserves a removal whether or not another process has it: a command carries on with what it began itself.
const holdRemoval = `
	UPDATE removals SET lease = $4
	WHERE tenant_id = $1 AND kind = $2 AND id = $3
	RETURNING ` + removalColumns

// HoldRemoval implements storage.Removals.
func (s *Store) HoldRemoval(ctx context.Context, tenant, kind, id string,
	leaseUntil time.Time,
) (storage.Removal, error) {
	r, err := s.oneRemoval(ctx, holdRemoval, tenant, kind, id, column.Micros(leaseUntil))
	return r.Removal, engine.Named(err, "hold removal of "+kind, id)
}

// oneRemoval runs a statement that claims a removal and returns it.
func (s *Store) oneRemoval(ctx context.Context, query string, args ...any) (r removal, err error) {
	err = s.engine.Write(ctx, func(c conn) error {
		r, err = scanRemoval(c.Row(query, args...))
		return err
	})
	return r, err
}

// tell reports a part to OnEnd, and stores what that returns.
func (r removal) tell(c conn, part storage.Ended) error {
	if r.onEnd == nil || len(part.Sessions)+len(part.Grants) == 0 {
		return nil
	}
	part.Later = true
	deliveries, events := r.onEnd(part)
	return outbox.Tell(c, deliveries, events)
}

// removeSome deletes the rows that belong to a removed group or role, or begins a removal if there are too many.
// It returns what is left.
func (s *Store) removeSome(c conn, query string, of storage.Removal) ([]storage.Removal, error) {
	n, err := c.Exec(query, of.TenantID, of.ID, s.atOnce)
	if err != nil || n < int64(s.atOnce) {
		return nil, err
	}
	return []storage.Removal{of}, begin(c, removal{Removal: of})
}

// The edges of walks that several kinds of work have in common.
const (
	edgeOfUserSessions = `
		SELECT id FROM sessions
		WHERE tenant_id = $1 AND user_id = $2 AND id > $3
		ORDER BY id LIMIT 1 OFFSET $4`
	edgeOfUserGrants = `
		SELECT id FROM grants
		WHERE tenant_id = $1 AND user_id = $2 AND id > $3
		ORDER BY id LIMIT 1 OFFSET $4`
	edgeOfClientGrants = `
		SELECT id FROM grants
		WHERE tenant_id = $1 AND client_id = $2 AND id > $3
		ORDER BY id LIMIT 1 OFFSET $4`
	edgeOfMail     = `SELECT id FROM mail WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
	edgeOfCodes    = `SELECT id FROM codes WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
	edgeOfSessions = `SELECT id FROM sessions WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
	edgeOfGrants   = `SELECT id FROM grants WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
	edgeOfUsers    = `SELECT id FROM users WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
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
	case storage.RemovalWebhook:
		return false, s.removeRestOfWebhook(ctx, r, told)
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
