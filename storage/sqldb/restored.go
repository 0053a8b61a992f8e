package sqldb

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/apps"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/parts"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
)

// BeginRestored implements storage.Removals.
func (s *Store) BeginRestored(ctx context.Context, tenant string, before, now time.Time,
	events ...storage.Event,
) error {
	r := removal{Removal: storage.Removal{TenantID: tenant, Kind: storage.RemovalRestored, Since: before}}
	r.bound = strconv.FormatInt(column.Micros(now.Add(storage.ClockSkew)), 10)
	err := s.engine.Transact(ctx, func(c conn) error {
		if err := begin(c, r); err != nil {
			return err
		}
		return trail.RecordAll(c, events)
	})
	return engine.Named(err, "end what was restored of", tenant)
}

// What is younger than $5 was issued while a clock was ahead, and so before the restore, too.
const (
	endRestoredSessions = `
		UPDATE sessions SET ended_at = $4
		WHERE tenant_id = $1 AND id > $2 AND id <= $3 AND ended_at = 0 AND (created_at <= $4 OR created_at > $5)`
	revokeRestoredGrants = `
		UPDATE grants SET revoked_at = $4, revoked_why = 'database restored'
		WHERE tenant_id = $1 AND id > $2 AND id <= $3 AND revoked_at = 0 AND (created_at <= $4 OR created_at > $5)`
	forgetRestoredCodes = `
		DELETE FROM codes
		WHERE tenant_id = $1 AND id > $2 AND id <= $3 AND (created_at <= $4 OR created_at > $5)`
	forgetRestoredMail = `
		DELETE FROM mail
		WHERE tenant_id = $1 AND id > $2 AND id <= $3 AND dead_at = 0 AND (created_at <= $4 OR created_at > $5)`
	// So many users at a time.
	forgetRestoredDevices = `
		DELETE FROM credentials
		WHERE tenant_id = $1 AND user_id > $2 AND user_id <= $3 AND kind = 'device' AND (created_at <= $4 OR created_at > $5)`
)

const (
	endRestoredSessionsSQLite   = endRestoredSessions + andTellSQLite
	endRestoredSessionsPostgres = endRestoredSessions + andTellPostgres
	tellRestored                = revokeRestoredGrants + andTellGrants
)

// endRestored ends what a restored backup has brought back to a tenant.
func (s *Store) endRestored(ctx context.Context, r removal, told func(rows int64)) error {
	ahead := int64(math.MaxInt64) // of a removal that an older program began
	if r.bound != "" {
		var err error
		if ahead, err = strconv.ParseInt(r.bound, 10, 64); err != nil {
			return err
		}
	}
	args, more := []any{r.TenantID}, []any{column.Micros(r.Since), ahead}
	if _, err := s.put(ctx, apps.ForgetRestored, append(args, more...)...); err != nil {
		return err
	}
	sessions := parts.Walk{Edge: edgeOfSessions, Do: endRestoredSessions, Args: args, More: more}
	tells, err := s.hearsLogouts(ctx, r.TenantID)
	if err != nil {
		return err
	}
	if r.onEnd != nil || tells {
		sessions.Run = s.tellSessions(r, ending{}, s.text(endRestoredSessionsSQLite, endRestoredSessionsPostgres))
	}
	return s.worker.WalkAll(ctx, told,
		parts.Walk{Edge: edgeOfGrants, Do: revokeRestoredGrants, Args: args, More: more, Run: r.tellGrants(tellRestored)},
		sessions,
		parts.Walk{Edge: edgeOfCodes, Do: forgetRestoredCodes, Args: args, More: more},
		parts.Walk{Edge: edgeOfMail, Do: forgetRestoredMail, Args: args, More: more},
		parts.Walk{Edge: edgeOfUsers, Do: forgetRestoredDevices, Args: args, More: more},
	)
}
