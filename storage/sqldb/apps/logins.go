package apps

import (
	"context"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
)

// Apps implements storage.TenantLogins, but for AddTenantLogin, and storage.AppLogins.
type Apps struct {
	Engine   engine.Engine
	Postgres bool // SQLite otherwise
}

const loginColumns = `tenant_logins.tenant_id, tenant_logins.email, tenant_logins.email_key, tenant_logins.password,
	tenant_logins.created_at`

// loginFields returns where a row of loginColumns goes.
func loginFields(l *storage.TenantLogin) []any {
	return []any{&l.TenantID, &l.Email, &l.EmailKey, column.Bytes(&l.Password), column.Time(&l.CreatedAt)}
}

const insertTenantLogin = `
	INSERT INTO tenant_logins (tenant_id, email, email_key, password, created_at) VALUES ($1, $2, $3, $4, $5)`

// InsertLogin stores the login of a tenant's app. storage.ErrExists: the tenant or the address has one.
func InsertLogin(c engine.Conn, l storage.TenantLogin) error {
	_, err := c.Exec(insertTenantLogin, l.TenantID, l.Email, l.EmailKey, l.Password, column.Micros(l.CreatedAt))
	return err
}

const (
	hasTenant      = `SELECT COUNT(*) FROM tenants WHERE id = $1 AND removed_at = 0`
	putTenantLogin = insertTenantLogin + `
	ON CONFLICT (tenant_id) DO UPDATE SET
		email = excluded.email, email_key = excluded.email_key, password = excluded.password`
	endTenantSessions = `DELETE FROM tenant_sessions WHERE tenant_id = $1`
)

// PutTenantLogin implements storage.TenantLogins, as the methods below do.
func (s *Apps) PutTenantLogin(ctx context.Context, l storage.TenantLogin, events ...storage.Event) error {
	err := trail.Transact(ctx, s.Engine, events, func(c engine.Conn) error {
		n, err := engine.ScanCount(c.Row(hasTenant, l.TenantID))
		if err == nil && n == 0 {
			err = storage.ErrNotFound
		}
		if err != nil {
			return err
		}
		_, err = c.Exec(putTenantLogin, l.TenantID, l.Email, l.EmailKey, l.Password, column.Micros(l.CreatedAt))
		if err != nil {
			return err
		}
		_, err = c.Exec(endTenantSessions, l.TenantID)
		return err
	})
	return engine.Named(err, "login of the app of", l.TenantID)
}

const tenantLogin = `SELECT ` + loginColumns + ` FROM tenant_logins WHERE email_key = $1`

func (s *Apps) TenantLogin(ctx context.Context, emailKey string) (storage.TenantLogin, error) {
	l, err := engine.One(ctx, s.Engine, tenantLogin, []any{emailKey}, func(row engine.Scanner) (
		l storage.TenantLogin, err error,
	) {
		err = row.Scan(loginFields(&l)...)
		return l, err
	})
	return l, engine.Wrapped(err, "login of an app")
}

const (
	addTenantSession = `
		INSERT INTO tenant_sessions (tenant_id, id, data, created_at)
		SELECT tenant_id, $2, $3, $4 FROM tenant_logins WHERE tenant_id = $1`
	endOldestTenantSessions = `
		DELETE FROM tenant_sessions WHERE tenant_id = $1 AND id <= (
			SELECT id FROM tenant_sessions WHERE tenant_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)`
	tenantSession = `
		SELECT tenant_sessions.tenant_id, tenant_sessions.id, tenant_sessions.data, tenant_sessions.created_at,
			` + loginColumns + `
		FROM tenant_sessions JOIN tenant_logins ON tenant_logins.tenant_id = tenant_sessions.tenant_id
		WHERE tenant_sessions.tenant_id = $1 AND tenant_sessions.id = $2`
	endTenantSession = `DELETE FROM tenant_sessions WHERE tenant_id = $1 AND id = $2`
)

func (s *Apps) AddTenantSession(ctx context.Context, n storage.TenantSession, events ...storage.Event) error {
	err := trail.Transact(ctx, s.Engine, events, func(c engine.Conn) error {
		if err := engine.Must(c, storage.ErrNotFound, addTenantSession, n.TenantID, n.ID, n.Data,
			column.Micros(n.CreatedAt)); err != nil {
			return err
		}
		_, err := c.Exec(endOldestTenantSessions, n.TenantID, storage.MostTenantSessions)
		return err
	})
	return engine.Named(err, "sign-in of the app of", n.TenantID)
}

func (s *Apps) TenantSession(ctx context.Context, tenant, id string) (
	n storage.TenantSession, l storage.TenantLogin, err error,
) {
	scan := func(row engine.Scanner) (none struct{}, err error) {
		return none, row.Scan(append([]any{&n.TenantID, &n.ID, column.Bytes(&n.Data), column.Time(&n.CreatedAt)},
			loginFields(&l)...)...)
	}
	_, err = engine.One(ctx, s.Engine, tenantSession, []any{tenant, id}, scan)
	return n, l, engine.Named(err, "sign-in of the app of", tenant)
}

func (s *Apps) EndTenantSession(ctx context.Context, tenant, id string, events ...storage.Event) error {
	err := trail.Transact(ctx, s.Engine, events, func(c engine.Conn) error {
		return engine.Must(c, storage.ErrNotFound, endTenantSession, tenant, id)
	})
	return engine.Named(err, "end a sign-in of the app of", tenant)
}

const (
	// RemoveLogin frees the address of a tenant that is removed, and ends the sign-ins of its app.
	RemoveLogin = `DELETE FROM tenant_logins WHERE tenant_id = $1`
	// ForgetRestored ends the sign-ins that a restored backup has brought back.
	ForgetRestored = `DELETE FROM tenant_sessions WHERE tenant_id = $1 AND (created_at <= $2 OR created_at > $3)`
)
