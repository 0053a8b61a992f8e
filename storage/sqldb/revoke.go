package sqldb

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/parts"
)

const (
	// revokeGrants is what every text of revokeQueries begins with.
	revokeGrants = `
	UPDATE grants SET revoked_at = $2, revoked_why = $3
	WHERE tenant_id = $1 AND revoked_at = 0`
	// Of what may be many so many at a time, $4.
	revokeSome = ` AND (tenant_id, id) IN (
		SELECT tenant_id, id FROM grants
		WHERE tenant_id = $1 AND revoked_at = 0`
)

// filterColumns are the columns of a GrantFilter, in the order of its fields. Two
// indices leave ” out. The first two name one grant at most.
var filterColumns = [...]string{"id", "code_id", "user_id", "client_id", "session_id"}

// oneGrantAtMost are the bits of the columns that name one grant at most. A filter with one of them leaves nothing to
// be revoked later.
const oneGrantAtMost = 1<<0 | 1<<1

// andTellGrants lets a statement that revokes grants return what endedGrants reads.
const andTellGrants = ` RETURNING id, user_id, client_id, session_id`

// revokeQueries holds one text for each set of fields that a filter may give, by the
// bits of the fields: one text for all sets could use no index.
var revokeQueries = func() (queries [1 << len(filterColumns)]string) {
	for set := 1; set < len(queries); set++ {
		text, n := revokeGrants, 3
		if set&oneGrantAtMost == 0 {
			text, n = revokeGrants+revokeSome, 4
		}
		for i, column := range filterColumns {
			if set&(1<<i) == 0 {
				continue
			}
			n++
			text += ` AND ` + column + ` = $` + strconv.Itoa(n)
			if column == "code_id" || column == "session_id" {
				text += ` AND ` + column + ` <> ''`
			}
		}
		if set&oneGrantAtMost == 0 {
			text += ` LIMIT $4)`
		}
		queries[set] = text + andTellGrants
	}
	return queries
}()

// revoke revokes what goes in one transaction. If there may be more, it notes what is left,
// to be gone on with when the transaction is committed.
func (s *Store) revoke(c conn, tenant string, which storage.GrantFilter, why string,
	now time.Time,
) (revoked []storage.EndedGrant, more bool, err error) {
	set, args := 0, []any{tenant, column.Micros(now), why}
	values := [...]string{which.ID, which.CodeID, which.UserID, which.ClientID, which.SessionID}
	if which.ID == "" && which.CodeID == "" {
		args = append(args, s.atOnce)
	}
	for i, value := range values {
		if value != "" {
			set |= 1 << i
			args = append(args, value)
		}
	}
	if set == 0 {
		return nil, false, nil // the empty filter names none
	}
	revoked, err = endedGrants(c, revokeQueries[set], args)
	if err != nil || set&oneGrantAtMost != 0 || len(revoked) < s.atOnce {
		return revoked, false, err
	}
	r := removal{Removal: grantsLeft(tenant, which), why: why}
	r.Since = now
	if r.bound, err = lastGrant(c, tenant, which); err == nil {
		err = begin(c, r)
	}
	return revoked, true, err
}

// endedGrants runs a statement that revokes grants.
func endedGrants(c conn, query string, args []any) (all []storage.EndedGrant, err error) {
	err = c.Each(query, args, func(row scanner) error {
		var g storage.EndedGrant
		err := row.Scan(&g.ID, &g.UserID, &g.ClientID, &g.SessionID)
		all = append(all, g)
		return err
	})
	return all, err
}

// grantsLeft returns the removal that goes on with a revocation.
func grantsLeft(tenant string, which storage.GrantFilter) storage.Removal {
	return storage.Removal{TenantID: tenant, Kind: storage.RemovalGrants, ID: column.Encode(which)}
}

const (
	lastGrantOfUser   = `SELECT id FROM grants WHERE tenant_id = $1 AND user_id = $2 ORDER BY id DESC LIMIT 1`
	lastGrantOfClient = `SELECT id FROM grants WHERE tenant_id = $1 AND client_id = $2 ORDER BY id DESC LIMIT 1`
)

// lastGrant returns the last id that is meant: what is granted later is not.
func lastGrant(c conn, tenant string, which storage.GrantFilter) (string, error) {
	switch {
	case which.UserID != "":
		return engine.ScanText(c.Row(lastGrantOfUser, tenant, which.UserID))
	case which.ClientID != "":
		return engine.ScanText(c.Row(lastGrantOfClient, tenant, which.ClientID))
	}
	return parts.AfterAll, nil
}

const (
	revokeRestOfUser = `
		UPDATE grants SET revoked_at = $5, revoked_why = $6
		WHERE tenant_id = $1 AND user_id = $2 AND id > $3 AND id <= $4 AND revoked_at = 0
			AND ($7 = '' OR client_id = $7) AND ($8 = '' OR session_id = $8)`
	revokeRestOfClient = `
		UPDATE grants SET revoked_at = $5, revoked_why = $6
		WHERE tenant_id = $1 AND client_id = $2 AND id > $3 AND id <= $4 AND revoked_at = 0
			AND ($7 = '' OR session_id = $7)`
	tellRestOfUser   = revokeRestOfUser + andTellGrants
	tellRestOfClient = revokeRestOfClient + andTellGrants
)

// revokeRest walks over the user's or the client's grants. A session has too few of them for a walk.
func (s *Store) revokeRest(ctx context.Context, r removal, told func(rows int64)) error {
	var which storage.GrantFilter
	if err := json.Unmarshal([]byte(r.ID), &which); err != nil {
		return err
	}
	since := column.Micros(r.Since)
	switch {
	case which.UserID != "":
		return s.worker.Walk(ctx, parts.Walk{
			Edge: edgeOfUserGrants, Do: revokeRestOfUser, Args: []any{r.TenantID, which.UserID},
			More: []any{since, r.why, which.ClientID, which.SessionID}, End: r.bound,
			Run: r.tellGrants(tellRestOfUser),
		}, told)
	case which.ClientID != "":
		return s.worker.Walk(ctx, parts.Walk{
			Edge: edgeOfClientGrants, Do: revokeRestOfClient, Args: []any{r.TenantID, which.ClientID},
			More: []any{since, r.why, which.SessionID}, End: r.bound,
			Run: r.tellGrants(tellRestOfClient),
		}, told)
	}
	return s.worker.InParts(ctx, func(int) (more bool, held time.Duration, err error) {
		var part []storage.EndedGrant
		err = s.engine.Transact(ctx, func(c conn) error {
			began := time.Now()
			defer func() { held = time.Since(began) }()
			if part, more, err = s.revoke(c, r.TenantID, which, r.why, r.Since); err != nil {
				return err
			}
			return r.tell(c, storage.Ended{Grants: part})
		})
		if err == nil {
			told(int64(len(part)))
		}
		return more, held, err
	})
}

// tellGrants returns the run of a walk that revokes grants by a query and reports them. It returns nil if
// there is no OnEnd.
func (r removal) tellGrants(query string) func(conn, []any) (int64, error) {
	if r.onEnd == nil {
		return nil
	}
	return func(c conn, args []any) (int64, error) {
		revoked, err := endedGrants(c, query, args)
		if err != nil {
			return 0, err
		}
		return int64(len(revoked)), r.tell(c, storage.Ended{Grants: revoked})
	}
}
