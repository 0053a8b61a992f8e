package apps

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

const columns = `tenant_id, user_id, login, subject, scope, active_at`

// scan reads a row of columns.
func scan(row engine.Scanner) (l storage.AppLogin, err error) {
	scope := ""
	err = row.Scan(&l.TenantID, &l.UserID, &l.Login, &l.Subject, &scope, column.Time(&l.ActiveAt))
	if scope != "" {
		l.Scope = []byte(scope)
	}
	return l, err
}

const (
	putAppLogin = `
		INSERT INTO app_logins (` + columns + `) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (tenant_id, user_id) DO UPDATE SET
			login = excluded.login, subject = excluded.subject, scope = excluded.scope, active_at = excluded.active_at`
	appLoginByName = `SELECT ` + columns + ` FROM app_logins WHERE tenant_id = $1 AND login = $2 AND login <> ''`
	// The ids of users are one parameter: for SQLite a JSON list, for PostgreSQL an array.
	appLoginsOf         = `SELECT ` + columns + ` FROM app_logins WHERE tenant_id = $1 AND user_id `
	appLoginsOfSQLite   = appLoginsOf + `IN (SELECT found.value FROM json_each($2) AS found)`
	appLoginsOfPostgres = appLoginsOf + `= ANY($2)`
	// nowActive changes nothing if the user was active lately.
	nowActive = `
		INSERT INTO app_logins (` + columns + `)
		SELECT tenant_id, id, '', '', '', CAST($3 AS BIGINT) FROM users
		WHERE tenant_id = $1 AND id = $2 AND removed_at = 0
		ON CONFLICT (tenant_id, user_id) DO UPDATE SET active_at = excluded.active_at
		WHERE app_logins.active_at <= $4`
	// RemoveUser frees the login of a user who is removed.
	RemoveUser = `DELETE FROM app_logins WHERE tenant_id = $1 AND user_id = $2`
)

// Apply stores what an app stores of a user, if the change has it.
func Apply(c engine.Conn, ch *storage.Change) error {
	l := ch.AppLogin
	if l == nil {
		return nil
	}
	_, err := c.Exec(putAppLogin, ch.TenantID, ch.UserID, l.Login, l.Subject, string(l.Scope), column.Micros(l.ActiveAt))
	return err
}

// AppLogin implements storage.AppLogins, as the methods below do.
func (s *Apps) AppLogin(ctx context.Context, tenant, login string) (storage.AppLogin, error) {
	l, err := engine.One(ctx, s.Engine, appLoginByName, []any{tenant, login}, scan)
	return l, engine.Wrapped(err, "user of an app")
}

func (s *Apps) AppLoginsOf(ctx context.Context, tenant string, userIDs []string) (map[string]storage.AppLogin, error) {
	of := map[string]storage.AppLogin{}
	if len(userIDs) == 0 {
		return of, nil
	}
	query, asked := appLoginsOfPostgres, any(userIDs)
	if !s.Postgres {
		query, asked = appLoginsOfSQLite, column.EncodeList(userIDs)
	}
	all, err := engine.All(ctx, s.Engine, query, []any{tenant, asked}, scan)
	for _, l := range all {
		of[l.UserID] = l
	}
	return of, engine.Named(err, "users of the app of", tenant)
}

func (s *Apps) AppUserActive(ctx context.Context, tenant, userID string, now, since time.Time) error {
	_, err := engine.Put(ctx, s.Engine, nowActive, tenant, userID, column.Micros(now), column.Micros(since))
	return engine.Named(err, "active user", userID)
}
