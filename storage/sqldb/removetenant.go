package sqldb

import (
	"bytes"
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	tenantHost = `SELECT host FROM tenants WHERE id = $1 AND removed_at = 0`
	// Its name, looks and upstreams' secrets go at once.
	markTenant = `
		UPDATE tenants SET removed_at = $2, disabled = TRUE, name = '', host = '', logo_uri = '', settings = '{}'
		WHERE id = $1 AND removed_at = 0`
	buryTenant = `INSERT INTO removed_tenants (id, host, removed_at) VALUES ($1, $2, $3)`
)

// RemoveTenant implements storage.Tenants.
func (s *Store) RemoveTenant(ctx context.Context, id string, now time.Time, events ...storage.Event) error {
	err := s.engine.transact(ctx, func(c conn) error {
		var host string
		if err := c.row(tenantHost, id).Scan(&host); err != nil {
			return err
		}
		if err := must(c, storage.ErrNotFound, markTenant, id, micros(now)); err != nil {
			return err
		}
		if _, err := c.exec(buryTenant, id, host, micros(now)); err != nil {
			return err
		}
		if err := begin(c, removal{Removal: storage.Removal{TenantID: id, Kind: storage.RemovalTenant,
			Since: now}}); err != nil {
			return err
		}
		return recordAll(c, events)
	})
	return named(err, "remove tenant", id)
}

const (
	edgeOfMail     = `SELECT id FROM mail WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
	removeMail     = `DELETE FROM mail WHERE tenant_id = $1 AND id > $2 AND id <= $3`
	edgeOfCodes    = `SELECT id FROM codes WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
	removeCodes    = `DELETE FROM codes WHERE tenant_id = $1 AND id > $2 AND id <= $3`
	edgeOfSessions = `SELECT id FROM sessions WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
	removeSessions = `DELETE FROM sessions WHERE tenant_id = $1 AND id > $2 AND id <= $3`
	edgeOfGrants   = `SELECT id FROM grants WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
	removeGrants   = `DELETE FROM grants WHERE tenant_id = $1 AND id > $2 AND id <= $3`
	// Foreign keys take along what is left, which is little for each of these.
	edgeOfUsers      = `SELECT id FROM users WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
	removeUsers      = `DELETE FROM users WHERE tenant_id = $1 AND id > $2 AND id <= $3`
	edgeOfClients    = `SELECT id FROM clients WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
	removeClients    = `DELETE FROM clients WHERE tenant_id = $1 AND id > $2 AND id <= $3`
	edgeOfTombs      = `SELECT id FROM removed_users WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
	removeTombs      = `DELETE FROM removed_users WHERE tenant_id = $1 AND id > $2 AND id <= $3`
	edgeOfAudit      = `SELECT id FROM audit WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
	removeAudit      = `DELETE FROM audit WHERE tenant_id = $1 AND id > $2 AND id <= $3`
	removeOtherWork  = `DELETE FROM removals WHERE tenant_id = $1 AND kind <> $2`
	removeMarks      = `DELETE FROM marks WHERE tenant_id = $1`
	removeTenant     = `DELETE FROM tenants WHERE id = $1 AND removed_at <> 0`
	nextSpentPurpose = `SELECT purpose FROM spent_values WHERE tenant_id = $1 AND purpose > $2 ORDER BY purpose LIMIT 1`
	edgeOfSpent      = `SELECT hash FROM spent_values WHERE tenant_id = $1 AND purpose = $2 AND hash > $3 ORDER BY ` +
		`hash LIMIT 1 OFFSET $4`
	removeSpent       = `DELETE FROM spent_values WHERE tenant_id = $1 AND purpose = $2 AND hash > $3 AND hash <= $4`
	removeTenantAgain = `
		UPDATE removals SET bound = 'again'
		WHERE tenant_id = $1 AND kind = $2 AND id = '' AND bound <> 'again'`
)

// removeRestOfTenant removes deliveries first, because their worker does not ask for the tenant. Replicas that
// have not read of the removal yet, and requests under way, may still write rows that depend on no
// other row: there is a second round when all of that is over, and again reports whether it is due.
func (s *Store) removeRestOfTenant(ctx context.Context, r removal, told func(rows int64)) (again bool, err error) {
	args := []any{r.TenantID}
	err = s.walkAll(ctx, told,
		walk{edge: edgeOfMail, do: removeMail, args: args},
		walk{edge: edgeOfCodes, do: removeCodes, args: args},
		walk{edge: edgeOfSessions, do: removeSessions, args: args},
		walk{edge: edgeOfGrants, do: removeGrants, args: args},
		walk{edge: edgeOfUsers, do: removeUsers, args: args},
		walk{edge: edgeOfClients, do: removeClients, args: args},
		walk{edge: edgeOfTombs, do: removeTombs, args: args},
		walk{edge: edgeOfAudit, do: removeAudit, args: args},
	)
	if err == nil {
		err = s.removeSpentOf(ctx, r.TenantID, told)
	}
	if err != nil {
		return false, err
	}
	if _, err := s.put(ctx, removeOtherWork, r.TenantID, storage.RemovalTenant); err != nil {
		return false, err
	}
	for _, query := range []string{removeMarks, removeTenant} {
		if _, err := s.put(ctx, query, r.TenantID); err != nil {
			return false, err
		}
	}
	n, err := s.put(ctx, removeTenantAgain, r.TenantID, storage.RemovalTenant)
	return n > 0, err
}

// afterHashes sorts after every hash.
var afterHashes = bytes.Repeat([]byte{0xff}, 33)

// removeSpentOf deletes the used-up values of a tenant, purpose by purpose.
func (s *Store) removeSpentOf(ctx context.Context, tenant string, told func(rows int64)) error {
	purpose := ""
	for {
		next, err := list(ctx, s, nextSpentPurpose, []any{tenant, purpose}, scanText)
		if err != nil || len(next) == 0 {
			return err
		}
		purpose = next[0]
		err = s.walk(ctx, walk{edge: edgeOfSpent, do: removeSpent, args: []any{tenant, purpose}, from: []byte{},
			end: afterHashes}, told)
		if err != nil {
			return err
		}
	}
}
