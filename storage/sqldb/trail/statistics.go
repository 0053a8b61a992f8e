package trail

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/parts"
)

// dayLength is the length of a day in the unit of audit.at.
const dayLength = `86400000000`

// Each query adds what was counted before to what is in events that were not: those behind the mark. It is one
// statement, so that none is counted twice, or left out, while a Tally moves the mark. The ids of events begin with
// their time. The last event to count is part of each query: an old trail has millions of events behind the mark while
// the first Tally goes on. PostgreSQL knows neither: it would expect many events, and compile the query and start
// workers for them, which takes longer than to count them; so they have a LIMIT, too.
const (
	mostUncounted = 10_000
	uncounted     = ` FROM (
		SELECT * FROM audit WHERE tenant_id = $1 AND id > COALESCE((
			SELECT value FROM marks WHERE marks.tenant_id = $1 AND name = 'tally' AND value > $3), $3)
			AND id <= $4
		ORDER BY id LIMIT 10000) AS found WHERE TRUE`

	// lastDay is the last day that was counted of the user of a row of found. It is a value, so that PostgreSQL looks it
	// up for each row: it would join all users of the tenant otherwise.
	lastDay = `(SELECT COALESCE(MAX(last_days.day), -1) FROM last_days
		WHERE last_days.tenant_id = $1 AND last_days.user_id = found.user_id)`

	signInsSQLite   = signInsCounted + howSQLite + signInsNew
	signInsPostgres = signInsCounted + howPostgres + signInsNew
	signInsCounted  = `
		SELECT day, kind, how, SUM(n) FROM (
			SELECT day, kind, how, count AS n FROM day_counts
			WHERE tenant_id = $1 AND day >= $2 AND kind IN ('login.succeeded', 'login.failed')
			UNION ALL
			SELECT at / ` + dayLength + `, kind, `
	signInsNew = `, 1` + uncounted + ` AND kind IN ('login.succeeded', 'login.failed')) AS found
		GROUP BY day, kind, how ORDER BY day, kind, how`

	howSQLite = `COALESCE(CASE kind WHEN 'login.succeeded' THEN json_extract(detail, '$.amr')
		ELSE json_extract(detail, '$.reason') END, '')`
	howPostgres = `COALESCE(CASE kind WHEN 'login.succeeded' THEN detail::json->>'amr'
		ELSE detail::json->>'reason' END, '')`

	// active are the days on which users signed in.
	active = `SELECT DISTINCT at / ` + dayLength + ` AS day, user_id` + uncounted + `
		AND kind = 'login.succeeded' AND user_id <> ''`

	activeByDay = `
		SELECT day, SUM(n) FROM (
			SELECT day, count AS n FROM day_counts
			WHERE tenant_id = $1 AND day >= $2 AND kind = 'active'
			UNION ALL
			SELECT day, 1 FROM (` + active + `) AS found
			WHERE ` + lastDay + ` < found.day) AS found
		GROUP BY day ORDER BY day`
	activeUsers = `
		SELECT (
			SELECT COALESCE(SUM(count), 0) FROM day_counts
			WHERE tenant_id = $1 AND day >= $2 AND kind = 'latest')
		+ (
			SELECT COUNT(DISTINCT user_id) FROM (` + active + `) AS found
			WHERE ` + lastDay + ` < $2)`
)

// dayOf returns the beginning of a day that is counted from 1970, and numberOf the number of the day of a time.
func dayOf(n int64) time.Time        { return time.Unix(n*24*60*60, 0).UTC() }
func numberOf(since time.Time) int64 { return since.Unix() / (24 * 60 * 60) }

// sinceArgs returns the arguments of the queries.
func sinceArgs(tenant string, since time.Time, to storage.Counted) []any {
	return []any{tenant, numberOf(since), storage.IDAt(since), cmp.Or(to.Event, parts.AfterAll)}
}

// Counted implements storage.Statistics.
func (t *Trail) Counted(ctx context.Context, tenant string, most int, now time.Time) (storage.Counted, error) {
	last, err := t.mark(ctx, tenant, tallyMark)
	if err != nil {
		return storage.Counted{}, engine.Named(err, "what is counted of", tenant)
	}
	from := cmp.Or(last.value, storage.IDAt(now.Add(-tallyBack)))
	edge, err := t.Worker.Edge(ctx, parts.Walk{Edge: EdgeOfAudit, Args: []any{tenant}}, from, min(most, mostUncounted))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return storage.Counted{Until: now}, nil
	case err != nil:
		return storage.Counted{}, engine.Named(err, "what is counted of", tenant)
	}
	id := edge.(string)
	return storage.Counted{Event: id, Until: storage.TimeOf(id)}, nil
}

// SignIns implements storage.Statistics.
func (t *Trail) SignIns(
	ctx context.Context, tenant string, since time.Time, to storage.Counted,
) ([]storage.SignIns, error) {
	scan := func(row engine.Scanner) (v storage.SignIns, err error) {
		var day int64
		var kind string
		err = row.Scan(&day, &kind, &v.How, &v.Count)
		v.Day, v.Failed = dayOf(day), kind == storage.EventLoginFailed
		return v, err
	}
	all, err := engine.All(ctx, t.Engine, t.text(signInsSQLite, signInsPostgres), sinceArgs(tenant, since, to), scan)
	return all, engine.Named(err, "sign-ins of", tenant)
}

// ActiveByDay implements storage.Statistics.
func (t *Trail) ActiveByDay(
	ctx context.Context, tenant string, since time.Time, to storage.Counted,
) ([]storage.Active, error) {
	scan := func(row engine.Scanner) (v storage.Active, err error) {
		var day int64
		err = row.Scan(&day, &v.Users)
		v.Day = dayOf(day)
		return v, err
	}
	all, err := engine.All(ctx, t.Engine, activeByDay, sinceArgs(tenant, since, to), scan)
	return all, engine.Named(err, "active users of", tenant)
}

// ActiveUsers implements storage.Statistics.
func (t *Trail) ActiveUsers(
	ctx context.Context, tenant string, since time.Time, to storage.Counted,
) (int64, error) {
	n, err := engine.One(ctx, t.Engine, activeUsers, sinceArgs(tenant, since, to), engine.ScanCount)
	return n, engine.Named(err, "active users of", tenant)
}
