package sqldb

import (
	"context"
	"slices"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
)

const clientColumns = `tenant_id, id, metadata, secret_hashes, disabled, declared, created_at, updated_at,
	origin, verdict, outside`

// storedColumns are those and one that only queries read: whether the client hears of logouts.
const storedColumns = clientColumns + `, hears_logouts`

// scanClient reads a row of a client.
func scanClient(row scanner) (c storage.Client, err error) {
	var tenant, id, origin, verdict, outside string
	var disabled bool
	err = row.Scan(&tenant, &id, column.JSON(&c), column.List(&c.SecretHashes), &disabled, &c.Declared,
		column.Time(&c.CreatedAt), column.Time(&c.UpdatedAt), &origin, &verdict, &outside)
	// The columns are what queries go by; the metadata must not say otherwise.
	c.TenantID, c.ClientID, c.Disabled = tenant, id, disabled
	if err == nil && origin != "" {
		c.Outside = &storage.Outside{Origin: origin, Verdict: verdict}
		err = column.JSON(c.Outside).Scan(outside)
	}
	return c, err
}

// outsideColumns returns the columns origin, verdict and outside of a client.
func outsideColumns(o *storage.Outside) (origin, verdict, outside string) {
	if o == nil || o.Origin == "" {
		return "", "", ""
	}
	return o.Origin, o.Verdict, column.Encode(o)
}

const clientByID = `
	SELECT ` + clientColumns + ` FROM clients
	WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`

// Client implements storage.Clients.
func (s *Store) Client(ctx context.Context, tenant, id string) (storage.Client, error) {
	c, err := one(ctx, s, clientByID, []any{tenant, id}, scanClient)
	return c, engine.Named(err, "client", id)
}

const listClients = `
	SELECT ` + clientColumns + ` FROM clients
	WHERE tenant_id = $1 AND id > $2 AND removed_at = 0
	ORDER BY id LIMIT $3`

// Clients implements storage.Clients.
func (s *Store) Clients(ctx context.Context, tenant, after string, limit int) ([]storage.Client, error) {
	all, err := list(ctx, s, listClients, []any{tenant, after, limit}, scanClient)
	return all, engine.Named(err, "clients after", after)
}

const (
	// One that is being removed begins anew.
	putClient = `
		INSERT INTO clients (` + storedColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (tenant_id, id) DO UPDATE SET
			metadata = excluded.metadata, secret_hashes = excluded.secret_hashes,
			disabled = excluded.disabled, declared = excluded.declared, updated_at = excluded.updated_at,
			origin = excluded.origin, verdict = excluded.verdict, outside = excluded.outside,
			hears_logouts = excluded.hears_logouts,
			created_at = CASE WHEN clients.removed_at = 0 THEN clients.created_at ELSE excluded.created_at END,
			removed_at = 0`
	// One that is being removed begins anew.
	insertClient = putClient + ` WHERE clients.removed_at <> 0`
	updateClient = `
		UPDATE clients SET metadata = $3, secret_hashes = $4, disabled = $5, declared = $6, updated_at = $7,
			origin = $9, verdict = $10, outside = $11, hears_logouts = $12
		WHERE tenant_id = $1 AND id = $2 AND removed_at = 0 AND updated_at = $8`
	removeOrigins = `DELETE FROM client_origins WHERE tenant_id = $1 AND client_id = $2`
	addOrigin     = `INSERT INTO client_origins (tenant_id, origin, client_id) VALUES ($1, $2, $3)`
)

// PutClient implements storage.Clients.
func (s *Store) PutClient(ctx context.Context, cl storage.Client, events ...storage.Event) error {
	return s.storeClient(ctx, cl, events, func(c conn) error {
		_, err := c.Exec(putClient, putClientArgs(cl)...)
		return err
	})
}

// SaveClient implements storage.Clients.
func (s *Store) SaveClient(
	ctx context.Context, cl storage.Client, was *storage.Client, events ...storage.Event,
) error {
	return s.storeClient(ctx, cl, events, func(c conn) error {
		if was == nil {
			return engine.Must(c, storage.ErrExists, insertClient, putClientArgs(cl)...)
		}
		origin, verdict, outside := outsideColumns(cl.Outside)
		return engine.Must(c, storage.ErrStale, updateClient, cl.TenantID, cl.ClientID, column.Encode(cl),
			column.EncodeList(cl.SecretHashes), cl.Disabled, cl.Declared, column.Micros(cl.UpdatedAt),
			column.Micros(was.UpdatedAt), origin, verdict, outside, cl.BackchannelLogoutURI != "")
	})
}

// putClientArgs returns the arguments of putClient.
func putClientArgs(cl storage.Client) []any {
	origin, verdict, outside := outsideColumns(cl.Outside)
	return []any{cl.TenantID, cl.ClientID, column.Encode(cl), column.EncodeList(cl.SecretHashes), cl.Disabled, cl.Declared,
		column.Micros(cl.CreatedAt), column.Micros(cl.UpdatedAt), origin, verdict, outside,
		cl.BackchannelLogoutURI != ""}
}

// storeClient stores a client by put, its origins and the events.
func (s *Store) storeClient(
	ctx context.Context, cl storage.Client, events []storage.Event, put func(conn) error,
) error {
	origins := slices.Clone(cl.AllowedCORSOrigins)
	slices.Sort(origins)
	origins = slices.Compact(origins)
	err := trail.Change(ctx, s.engine, func(c conn) error {
		if err := put(c); err != nil {
			return err
		}
		if err := isNoUser(c, cl); err != nil {
			return err
		}
		if _, err := c.Exec(removeOrigins, cl.TenantID, cl.ClientID); err != nil {
			return err
		}
		for _, origin := range origins {
			if _, err := c.Exec(addOrigin, cl.TenantID, origin, cl.ClientID); err != nil {
				return err
			}
		}
		return trail.RecordAll(c, events)
	})
	return engine.Named(err, "put client", cl.ClientID)
}

// isNoUser returns ErrExists if a user has, or had, the client's id.
func isNoUser(c conn, cl storage.Client) error {
	if !storage.SharedID(cl.ClientID) {
		return nil
	}
	if err := engine.None(c, userNamed, cl.TenantID, cl.ClientID); err != nil {
		return err
	}
	return engine.None(c, removedUser, cl.TenantID, cl.ClientID)
}

const allowsOrigin = `
	SELECT COUNT(*) FROM client_origins
	JOIN clients ON clients.tenant_id = client_origins.tenant_id AND clients.id = client_origins.client_id
	WHERE client_origins.tenant_id = $1 AND client_origins.origin = $2 AND NOT clients.disabled`

// AllowsOrigin implements storage.Clients.
func (s *Store) AllowsOrigin(ctx context.Context, tenant, origin string) (bool, error) {
	n, err := one(ctx, s, allowsOrigin, []any{tenant, origin}, engine.ScanCount)
	return n > 0, engine.Named(err, "origin", origin)
}

// The metadata is JSON as encode writes it, without spaces; in a text the quotes would be escaped.
const declaresAlgorithm = `
	SELECT COUNT(*) FROM (
		SELECT id FROM clients
		WHERE tenant_id = $1 AND removed_at = 0 AND (metadata LIKE $2 OR metadata LIKE $3 OR metadata LIKE $4
			OR metadata LIKE $5)
		ORDER BY id LIMIT 1) AS found`

// DeclaresAlgorithm implements storage.Clients.
func (s *Store) DeclaresAlgorithm(ctx context.Context, tenant, alg string) (bool, error) {
	args := []any{tenant}
	for _, what := range []string{"id_token", "userinfo", "authorization", "introspection"} {
		args = append(args, `%"`+what+`_signed_response_alg":`+column.Encode(alg)+`%`)
	}
	n, err := one(ctx, s, declaresAlgorithm, args, engine.ScanCount)
	return n > 0, engine.Named(err, "algorithm", alg)
}

const noteOutside = `
	UPDATE clients SET outside = $4
	WHERE tenant_id = $1 AND id = $2 AND removed_at = 0 AND outside = $3`

// NoteOutside implements storage.OutsideClients.
func (s *Store) NoteOutside(ctx context.Context, tenant, id string, was, now storage.Outside) error {
	err := s.engine.Write(ctx, func(c conn) error {
		_, err := c.Exec(noteOutside, tenant, id, column.Encode(was), column.Encode(now))
		return err
	})
	return engine.Named(err, "note of client", id)
}
