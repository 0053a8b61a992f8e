package sqldb

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// atOnce is how many dependent rows may be removed in one transaction with what they belong to.
const atOnce = 200

const (
	hangsOnClient = `
		SELECT (SELECT COUNT(*) FROM (
			SELECT 1 FROM grants WHERE tenant_id = $1 AND client_id = $2 LIMIT $3) AS found)
		+ (SELECT COUNT(*) FROM (
			SELECT 1 FROM consents WHERE tenant_id = $1 AND client_id = $2 LIMIT $3) AS found)`
	// Foreign keys take along origins, consents and grants.
	removeClient = `DELETE FROM clients WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`
	// The epoch ends all grants and consents.
	markClient = `
		UPDATE clients SET removed_at = $3, epoch = epoch + 1, disabled = TRUE, declared = FALSE, secret_hashes = '[]'
		WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`
)

// RemoveClient implements storage.Clients.
func (s *Store) RemoveClient(ctx context.Context, tenant, id string, now time.Time, events ...storage.Event) error {
	err := s.engine.transact(ctx, func(c conn) error {
		if err := s.buryClient(c, tenant, id, now); err != nil {
			return err
		}
		return recordAll(c, events)
	})
	return named(err, "remove client", id)
}

// buryClient removes the client, or marks it as one that is being removed.
func (s *Store) buryClient(c conn, tenant, id string, now time.Time) error {
	n, err := scanCount(c.row(hangsOnClient, tenant, id, s.atOnce+1))
	if err != nil {
		return err
	}
	if n <= int64(s.atOnce) {
		return must(c, storage.ErrNotFound, removeClient, tenant, id)
	}
	if err := must(c, storage.ErrNotFound, markClient, tenant, id, micros(now)); err != nil {
		return err
	}
	if _, err := c.exec(removeOrigins, tenant, id); err != nil {
		return err
	}
	return begin(c, removal{Removal: storage.Removal{TenantID: tenant, Kind: storage.RemovalClient, ID: id, Since: now}})
}

const (
	edgeOfClientGrants = `
		SELECT id FROM grants
		WHERE tenant_id = $1 AND client_id = $2 AND id > $3
		ORDER BY id LIMIT 1 OFFSET $4`
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

// removeRestOfClient deletes the grants and consents of a removed client, and then its row.
func (s *Store) removeRestOfClient(ctx context.Context, r removal, told func(rows int64)) error {
	args := []any{r.TenantID, r.ID}
	err := s.walkAll(ctx, told,
		walk{edge: edgeOfClientGrants, do: removeClientGrants, args: args},
		walk{edge: edgeOfClientConsents, do: removeClientConsents, args: args},
	)
	if err != nil {
		return err
	}
	_, err = s.put(ctx, removeMarkedClient, args...)
	return err
}
