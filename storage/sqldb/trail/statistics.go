package trail

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

const (
	// The ids of events begin with their time, so that the key of the table finds a span.
	inSpan = ` FROM audit WHERE tenant_id = $1 AND id >= $2 AND id < $3 AND kind = 'login.succeeded' AND user_id <> ''`

	countSignInsSQLite = `
		SELECT at / 86400000000 AS day, kind, CASE kind WHEN 'login.succeeded' THEN json_extract(detail, '$.amr')
			ELSE json_extract(detail, '$.reason') END AS how, COUNT(*)
		FROM audit
		WHERE tenant_id = $1 AND id >= $2 AND id < $3 AND kind IN ('login.succeeded', 'login.failed')
		GROUP BY day, kind, how ORDER BY day, kind, how`
	countSignInsPostgres = `
		SELECT at / 86400000000 AS day, kind, CASE kind WHEN 'login.succeeded' THEN detail::json->>'amr'
			ELSE detail::json->>'reason' END AS how, COUNT(*)
		FROM audit
		WHERE tenant_id = $1 AND id >= $2 AND id < $3 AND kind IN ('login.succeeded', 'login.failed')
		GROUP BY day, kind, how ORDER BY day, kind, how`
	activeByDay = `SELECT at / 86400000000 AS day, COUNT(DISTINCT user_id)` + inSpan + ` GROUP BY day ORDER BY day`
	activeUsers = `SELECT COUNT(DISTINCT user_id)` + inSpan
)

// dayOf returns the beginning of a day that is counted from 1970.
func dayOf(n int64) time.Time { return time.Unix(n*24*60*60, 0).UTC() }

// SignIns implements storage.Statistics.
func (t *Trail) SignIns(ctx context.Context, tenant string, from, to time.Time) ([]storage.SignIns, error) {
	scan := func(row engine.Scanner) (v storage.SignIns, err error) {
		var day int64
		var kind string
		var how *string
		err = row.Scan(&day, &kind, &how, &v.Count)
		if v.Day, v.Failed = dayOf(day), kind == storage.EventLoginFailed; how != nil {
			v.How = *how
		}
		return v, err
	}
	query := t.text(countSignInsSQLite, countSignInsPostgres)
	all, err := engine.All(ctx, t.Engine, query, []any{tenant, storage.IDAt(from), storage.IDAt(to)}, scan)
	return all, engine.Named(err, "sign-ins of", tenant)
}

// ActiveByDay implements storage.Statistics.
func (t *Trail) ActiveByDay(ctx context.Context, tenant string, from, to time.Time) ([]storage.Active, error) {
	scan := func(row engine.Scanner) (v storage.Active, err error) {
		var day int64
		err = row.Scan(&day, &v.Users)
		v.Day = dayOf(day)
		return v, err
	}
	all, err := engine.All(ctx, t.Engine, activeByDay, []any{tenant, storage.IDAt(from), storage.IDAt(to)}, scan)
	return all, engine.Named(err, "active users of", tenant)
}

// ActiveUsers implements storage.Statistics.
func (t *Trail) ActiveUsers(ctx context.Context, tenant string, from, to time.Time) (int64, error) {
	n, err := engine.One(ctx, t.Engine, activeUsers, []any{tenant, storage.IDAt(from), storage.IDAt(to)}, engine.ScanCount)
	return n, engine.Named(err, "active users of", tenant)
}
