package sqldb

import (
	"bytes"
	"context"
	"math"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/apps"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/numbers"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/outbox"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/parts"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
)

const (
	hangsOnUser = `
		SELECT (SELECT COUNT(*) FROM (
			SELECT 1 FROM sessions WHERE tenant_id = $1 AND user_id = $2 LIMIT $3) AS found)
		+ (SELECT COUNT(*) FROM (
			SELECT 1 FROM grants WHERE tenant_id = $1 AND user_id = $2 LIMIT $3) AS found)
		+ (SELECT COUNT(*) FROM (
			SELECT 1 FROM consents WHERE tenant_id = $1 AND user_id = $2 LIMIT $3) AS found)`
	// Foreign keys take along credentials, identities, memberships, roles, search terms, sessions, consents and grants.
	removeUser = `DELETE FROM users WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`
	// The id of the user is left, to which sessions and grants belong; the version ends them. The
	// address and the name are free at once.
	markUser = `
		UPDATE users SET removed_at = $3, username = '', username_key = '', username_skeleton = '',
			email = '', email_key = '', external_id = '',
			email_verified = FALSE, phone = '', phone_verified = FALSE, profile = '{}', searched = '{}', roles = '[]',
			attributes = '{}', disabled = TRUE, credential_version = credential_version + 1, updated_at = $3
		WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`
	removeAllCredentials = `DELETE FROM credentials WHERE tenant_id = $1 AND user_id = $2`
	leaveGroups          = `DELETE FROM memberships WHERE tenant_id = $1 AND user_id = $2`
	takeRoles            = `DELETE FROM user_roles WHERE tenant_id = $1 AND user_id = $2`
	buryUser             = `INSERT INTO removed_users (tenant_id, id, removed_at) VALUES ($1, $2, $3)`
)

// bury removes the user, and stores that the id was used.
func (s *Store) bury(c conn, tenant, id string, now time.Time) error {
	n, err := engine.ScanCount(c.Row(hangsOnUser, tenant, id, s.atOnce+1))
	if err != nil {
		return err
	}
	if n <= int64(s.atOnce) {
		err = engine.Must(c, storage.ErrNotFound, removeUser, tenant, id)
	} else {
		err = markUserRemoved(c, tenant, id, now)
	}
	if err != nil {
		return err
	}
	_, err = c.Exec(buryUser, tenant, id, column.Micros(now))
	return err
}

// markUserRemoved removes a user with many sessions or grants: the user and the credentials go at once, the rest
// by a removal.
func markUserRemoved(c conn, tenant, id string, now time.Time) error {
	if err := engine.Must(c, storage.ErrNotFound, markUser, tenant, id, column.Micros(now)); err != nil {
		return err
	}
	for _, query := range []string{removeAllCredentials, unlinkIdentities, leaveGroups, takeRoles, forgetUnique,
		forgetTerms, apps.RemoveUser} {
		if _, err := c.Exec(query, tenant, id); err != nil {
			return err
		}
	}
	return begin(c, removal{Removal: storage.Removal{TenantID: tenant, Kind: storage.RemovalUser, ID: id, Since: now}})
}

const (
	removeUserSessions = `
		DELETE FROM sessions
		WHERE tenant_id = $1 AND user_id = $2 AND id > $3 AND id <= $4`
	removeUserGrants = `
		DELETE FROM grants
		WHERE tenant_id = $1 AND user_id = $2 AND id > $3 AND id <= $4`
	edgeOfUserConsents = `
		SELECT client_id FROM consents
		WHERE tenant_id = $1 AND user_id = $2 AND client_id > $3
		ORDER BY client_id LIMIT 1 OFFSET $4`
	removeUserConsents = `
		DELETE FROM consents
		WHERE tenant_id = $1 AND user_id = $2 AND client_id > $3 AND client_id <= $4`
	removeMarkedUser = `DELETE FROM users WHERE tenant_id = $1 AND id = $2 AND removed_at <> 0`
)

// removeRestOfUser deletes the sessions, grants and consents of a removed user, and then the user's row.
func (s *Store) removeRestOfUser(ctx context.Context, r removal, told func(rows int64)) error {
	args := []any{r.TenantID, r.ID}
	tells, err := s.hearsLogouts(ctx, r.TenantID)
	if err != nil {
		return err
	}
	if r.onEnd != nil || tells { // report the sessions that the change has left, before they are deleted
		err := s.worker.Walk(ctx, parts.Walk{
			Edge: edgeOfUserSessions, Do: endRestOfUserSessions, Args: args, More: []any{column.Micros(r.Since), ""},
			Run: s.tellSessions(r, ending{raised: true},
				s.text(endRestOfSessionsSQLite, endRestOfSessionsPostgres)),
		}, told)
		if err != nil {
			return err
		}
	}
	err = s.worker.WalkAll(ctx, told,
		parts.Walk{Edge: edgeOfUserSessions, Do: removeUserSessions, Args: args},
		parts.Walk{Edge: edgeOfUserGrants, Do: removeUserGrants, Args: args},
		parts.Walk{Edge: edgeOfUserConsents, Do: removeUserConsents, Args: args},
	)
	if err != nil {
		return err
	}
	_, err = s.put(ctx, removeMarkedUser, args...)
	return err
}

const (
	hangsOnClient = `
		SELECT (SELECT COUNT(*) FROM (
			SELECT 1 FROM grants WHERE tenant_id = $1 AND client_id = $2 LIMIT $3) AS found)
		+ (SELECT COUNT(*) FROM (
			SELECT 1 FROM consents WHERE tenant_id = $1 AND client_id = $2 LIMIT $3) AS found)
		+ (SELECT COUNT(*) FROM (
			SELECT 1 FROM logouts WHERE tenant_id = $1 AND client_id = $2 LIMIT $3) AS found)`
	// Foreign keys take along origins, consents, grants and the roles that the client was given.
	removeClient = `DELETE FROM clients WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`
	// The epoch ends all grants and consents.
	takeClientRoles = `DELETE FROM client_roles WHERE tenant_id = $1 AND client_id = $2`
	markClient      = `
		UPDATE clients SET removed_at = $3, epoch = epoch + 1, disabled = TRUE, declared = FALSE, secret_hashes = '[]',
			hears_logouts = FALSE
		WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`
)

// RemoveClient implements storage.Clients.
func (s *Store) RemoveClient(ctx context.Context, tenant, id string, now time.Time, events ...storage.Event) error {
	err := s.engine.Transact(ctx, func(c conn) error {
		if err := s.buryClient(c, tenant, id, now); err != nil {
			return err
		}
		return trail.RecordAll(c, events)
	})
	return engine.Named(err, "remove client", id)
}

// buryClient removes the client, or marks it as one that is being removed.
func (s *Store) buryClient(c conn, tenant, id string, now time.Time) error {
	if err := engine.Must(c, storage.ErrNotFound, holdClient, tenant, id); err != nil {
		return err
	}
	if err := s.removeAllRolesOf(c, tenant, ofClient, id, now); err != nil {
		return err
	}
	n, err := engine.ScanCount(c.Row(hangsOnClient, tenant, id, s.atOnce+1))
	if err != nil {
		return err
	}
	if n <= int64(s.atOnce) {
		return engine.Must(c, storage.ErrNotFound, removeClient, tenant, id)
	}
	if err := engine.Must(c, storage.ErrNotFound, markClient, tenant, id, column.Micros(now)); err != nil {
		return err
	}
	for _, query := range []string{removeOrigins, takeClientRoles} {
		if _, err := c.Exec(query, tenant, id); err != nil {
			return err
		}
	}
	return begin(c, removal{Removal: storage.Removal{TenantID: tenant, Kind: storage.RemovalClient, ID: id, Since: now}})
}

const (
	removeClientGrants = `
		DELETE FROM grants
		WHERE tenant_id = $1 AND client_id = $2 AND id > $3 AND id <= $4
			AND client_epoch < (SELECT epoch FROM clients WHERE tenant_id = $1 AND id = $2)`
	edgeOfClientConsents = `
		SELECT user_id FROM consents
		WHERE tenant_id = $1 AND client_id = $2 AND user_id > $3
		ORDER BY user_id LIMIT 1 OFFSET $4`
	removeClientConsents = `
		DELETE FROM consents
		WHERE tenant_id = $1 AND client_id = $2 AND user_id > $3 AND user_id <= $4
			AND client_epoch < (SELECT epoch FROM clients WHERE tenant_id = $1 AND id = $2)`
	// Not one that was stored anew meanwhile.
	removeMarkedClient = `DELETE FROM clients WHERE tenant_id = $1 AND id = $2 AND removed_at <> 0`
)

// logoutsOf returns the walk that deletes what a client was told of, or is to be told of.
func logoutsOf(tenant, client string) parts.Walk {
	return parts.Walk{Edge: outbox.EdgeOfLogouts, Do: outbox.RemoveLogouts, Args: []any{tenant, client}, From: int64(-1),
		End: int64(math.MaxInt64)}
}

// removeRestOfClient deletes the grants and consents of a removed client, and then its row.
func (s *Store) removeRestOfClient(ctx context.Context, r removal, told func(rows int64)) error {
	args := []any{r.TenantID, r.ID}
	err := s.worker.WalkAll(ctx, told,
		parts.Walk{Edge: edgeOfClientGrants, Do: removeClientGrants, Args: args},
		parts.Walk{Edge: edgeOfClientConsents, Do: removeClientConsents, Args: args},
		logoutsOf(r.TenantID, r.ID),
	)
	if err != nil {
		return err
	}
	_, err = s.put(ctx, removeMarkedClient, args...)
	return err
}

const (
	hangsOnWebhook = `
		SELECT COUNT(*) FROM (
			SELECT 1 FROM webhook_deliveries WHERE tenant_id = $1 AND webhook = $2 LIMIT $3) AS found`
	// A foreign key takes along its deliveries.
	removeWebhook = `DELETE FROM webhooks WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`
	// A replica of an earlier release sends nothing there, because it is disabled.
	markWebhook = `
		UPDATE webhooks SET removed_at = $3, disabled = TRUE, url = '', description = '', data = ''
		WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`
	edgeOfDeliveries = `
		SELECT seq FROM webhook_deliveries
		WHERE tenant_id = $1 AND webhook = $2 AND seq > $3
		ORDER BY seq LIMIT 1 OFFSET $4`
	removeDeliveries = `
		DELETE FROM webhook_deliveries
		WHERE tenant_id = $1 AND webhook = $2 AND seq > $3 AND seq <= $4`
	removeMarkedWebhook = `DELETE FROM webhooks WHERE tenant_id = $1 AND id = $2 AND removed_at <> 0`
)

// RemoveWebhook implements storage.Webhooks.
func (s *Store) RemoveWebhook(ctx context.Context, tenant, id string, now time.Time, events ...storage.Event) error {
	r := removal{Removal: storage.Removal{TenantID: tenant, Kind: storage.RemovalWebhook, ID: id, Since: now}}
	large := false
	err := trail.Transact(ctx, s.engine, events, func(c conn) error {
		n, err := engine.ScanCount(c.Row(hangsOnWebhook, tenant, id, s.atOnce+1))
		if err != nil {
			return err
		}
		if large = n > int64(s.atOnce); !large {
			return engine.Must(c, storage.ErrNotFound, removeWebhook, tenant, id)
		}
		if err := engine.Must(c, storage.ErrNotFound, markWebhook, tenant, id, column.Micros(now)); err != nil {
			return err
		}
		return begin(c, r)
	})
	if err == nil && large {
		err = s.goOn(ctx, r.Removal, nil)
	}
	return engine.Named(err, "remove webhook", id)
}

// removeRestOfWebhook deletes the deliveries of a webhook, and then its row if it was removed.
func (s *Store) removeRestOfWebhook(ctx context.Context, r removal, told func(rows int64)) error {
	args := []any{r.TenantID, r.ID}
	err := s.worker.Walk(ctx, parts.Walk{Edge: edgeOfDeliveries, Do: removeDeliveries, Args: args, From: int64(0),
		End: int64(math.MaxInt64)}, told)
	if err != nil {
		return err
	}
	_, err = s.put(ctx, removeMarkedWebhook, args...)
	return err
}

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
	err := s.engine.Transact(ctx, func(c conn) error {
		var host string
		if err := c.Row(tenantHost, id).Scan(&host); err != nil {
			return err
		}
		if err := engine.Must(c, storage.ErrNotFound, markTenant, id, column.Micros(now)); err != nil {
			return err
		}
		if _, err := c.Exec(buryTenant, id, host, column.Micros(now)); err != nil {
			return err
		}
		if _, err := c.Exec(apps.RemoveLogin, id); err != nil {
			return err
		}
		if err := begin(c, removal{Removal: storage.Removal{TenantID: id, Kind: storage.RemovalTenant,
			Since: now}}); err != nil {
			return err
		}
		return trail.RecordAll(c, events)
	})
	return engine.Named(err, "remove tenant", id)
}

const (
	removeMail     = `DELETE FROM mail WHERE tenant_id = $1 AND id > $2 AND id <= $3`
	removeCodes    = `DELETE FROM codes WHERE tenant_id = $1 AND id > $2 AND id <= $3`
	removeSessions = `DELETE FROM sessions WHERE tenant_id = $1 AND id > $2 AND id <= $3`
	removeGrants   = `DELETE FROM grants WHERE tenant_id = $1 AND id > $2 AND id <= $3`
	// Foreign keys take along what is left, which is little for each of these.
	removeUsers     = `DELETE FROM users WHERE tenant_id = $1 AND id > $2 AND id <= $3`
	edgeOfClients   = `SELECT id FROM clients WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
	removeClients   = `DELETE FROM clients WHERE tenant_id = $1 AND id > $2 AND id <= $3`
	edgeOfTombs     = `SELECT id FROM removed_users WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
	removeTombs     = `DELETE FROM removed_users WHERE tenant_id = $1 AND id > $2 AND id <= $3`
	removeAudit     = `DELETE FROM audit WHERE tenant_id = $1 AND id > $2 AND id <= $3`
	removeOtherWork = `DELETE FROM removals WHERE tenant_id = $1 AND kind <> $2`
	webhooksOf      = `SELECT id FROM webhooks WHERE tenant_id = $1`
	hearingOf       = `SELECT id FROM clients WHERE tenant_id = $1 AND hears_logouts ORDER BY id`
	edgeOfFeed      = `SELECT seq FROM feed_events WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT 1 OFFSET $3`
	removeFeed      = `DELETE FROM feed_events WHERE tenant_id = $1 AND seq > $2 AND seq <= $3`
	edgeOfLastDays  = `
		SELECT user_id FROM last_days WHERE tenant_id = $1 AND user_id > $2
		ORDER BY user_id LIMIT 1 OFFSET $3`
	removeLastDays   = `DELETE FROM last_days WHERE tenant_id = $1 AND user_id > $2 AND user_id <= $3`
	removeDayCounts  = `DELETE FROM day_counts WHERE tenant_id = $1`
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
	hooks, err := list(ctx, s, webhooksOf, args, engine.ScanText)
	for _, id := range hooks {
		if err == nil {
			err = s.removeRestOfWebhook(ctx, removal{Removal: storage.Removal{TenantID: r.TenantID, ID: id}}, told)
		}
	}
	if err != nil {
		return false, err
	}
	hearing, err := list(ctx, s, hearingOf, args, engine.ScanText)
	for _, id := range hearing {
		if err == nil {
			err = s.worker.Walk(ctx, logoutsOf(r.TenantID, id), told)
		}
	}
	if err != nil {
		return false, err
	}
	err = s.worker.WalkAll(ctx, told,
		parts.Walk{Edge: edgeOfFeed, Do: removeFeed, Args: args, From: int64(0), End: int64(math.MaxInt64)},
		parts.Walk{Edge: edgeOfMail, Do: removeMail, Args: args},
		parts.Walk{Edge: edgeOfCodes, Do: removeCodes, Args: args},
		parts.Walk{Edge: edgeOfSessions, Do: removeSessions, Args: args},
		parts.Walk{Edge: edgeOfGrants, Do: removeGrants, Args: args},
		parts.Walk{Edge: edgeOfUsers, Do: removeUsers, Args: args},
		parts.Walk{Edge: edgeOfClients, Do: removeClients, Args: args},
		parts.Walk{Edge: edgeOfTombs, Do: removeTombs, Args: args},
		parts.Walk{Edge: trail.EdgeOfAudit, Do: removeAudit, Args: args},
		parts.Walk{Edge: edgeOfLastDays, Do: removeLastDays, Args: args},
		parts.Walk{Edge: numbers.EdgeOfNumbers, Do: numbers.RemoveNumbers, Args: args},
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
	for _, query := range []string{removeMarks, trail.RemoveAnswers, removeDayCounts,
		numbers.RemoveActives, removeTenant} {
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
		next, err := list(ctx, s, nextSpentPurpose, []any{tenant, purpose}, engine.ScanText)
		if err != nil || len(next) == 0 {
			return err
		}
		purpose = next[0]
		err = s.worker.Walk(ctx, parts.Walk{
			Edge: edgeOfSpent, Do: removeSpent, Args: []any{tenant, purpose}, From: []byte{}, End: afterHashes,
		}, told)
		if err != nil {
			return err
		}
	}
}

// What users and others lose with a group or a role that is removed.
const (
	removeRolesOf       = `DELETE FROM roles WHERE tenant_id = $1 AND owner_kind = $2 AND owner = $3 RETURNING key`
	takeRoleFromGroups  = `DELETE FROM group_roles WHERE tenant_id = $1 AND role_key = $2`
	takeRoleFromClients = `DELETE FROM client_roles WHERE tenant_id = $1 AND role_key = $2`
	// So many at a time, $3.
	removeSomeHolders = `
		DELETE FROM user_roles WHERE tenant_id = $1 AND (tenant_id, user_id, role_key) IN (
			SELECT tenant_id, user_id, role_key FROM user_roles WHERE tenant_id = $1 AND role_key = $2 LIMIT $3)`
	edgeOfHolders = `
		SELECT user_id FROM user_roles
		WHERE tenant_id = $1 AND role_key = $2 AND user_id > $3
		ORDER BY user_id LIMIT 1 OFFSET $4`
	removeHolders = `
		DELETE FROM user_roles
		WHERE tenant_id = $1 AND role_key = $2 AND user_id > $3 AND user_id <= $4`
	edgeOfMembers = `
		SELECT user_id FROM memberships
		WHERE tenant_id = $1 AND group_key = $2 AND user_id > $3
		ORDER BY user_id LIMIT 1 OFFSET $4`
	removeMembers = `
		DELETE FROM memberships
		WHERE tenant_id = $1 AND group_key = $2 AND user_id > $3 AND user_id <= $4`
)

// takeFromAll takes a removed role from all that have it, or from as many as go in one transaction.
func (s *Store) takeFromAll(c conn, tenant, key string, now time.Time) ([]storage.Removal, error) {
	for _, query := range []string{takeRoleFromGroups, takeRoleFromClients} {
		if _, err := c.Exec(query, tenant, key); err != nil {
			return nil, err
		}
	}
	return s.removeSome(c, removeSomeHolders, storage.Removal{
		TenantID: tenant, Kind: storage.RemovalRole, ID: key, Since: now,
	})
}

// removeAllRolesOf removes the roles that belong to a client or an API. What is left of them is removed later.
func (s *Store) removeAllRolesOf(c conn, tenant, kind, owner string, now time.Time) error {
	var keys []string
	err := c.Each(removeRolesOf, []any{tenant, kind, owner}, func(row scanner) error {
		key, err := engine.ScanText(row)
		keys = append(keys, key)
		return err
	})
	for i := 0; err == nil && i < len(keys); i++ {
		_, err = s.takeFromAll(c, tenant, keys[i], now)
	}
	return err
}

// removeRestOfRole takes a removed role from the users who had it.
func (s *Store) removeRestOfRole(ctx context.Context, r removal, told func(rows int64)) error {
	return s.worker.Walk(ctx, parts.Walk{Edge: edgeOfHolders, Do: removeHolders, Args: []any{r.TenantID, r.ID}}, told)
}

// removeRestOfGroup deletes the memberships of a removed group.
func (s *Store) removeRestOfGroup(ctx context.Context, r removal, told func(rows int64)) error {
	return s.worker.Walk(ctx, parts.Walk{Edge: edgeOfMembers, Do: removeMembers, Args: []any{r.TenantID, r.ID}}, told)
}
