package trail

import (
	"context"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/parts"
)

const (
	// Columns are the columns of the table of events.
	Columns = `tenant_id, id, at, kind, actor, user_id, client_id, request_id, ip, detail`
	// ColumnCount is how many they are.
	ColumnCount = 10
)

const (
	intoAudit = `
	INSERT INTO audit (` + Columns + `)
	VALUES `
	record = intoAudit + `($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
)

// Trail is the audit trail of all tenants. It implements storage.Audit and storage.Statistics, and storage.Histories
// but for Prune, of which it does what concerns events.
type Trail struct {
	Engine   engine.Engine
	Worker   *parts.Worker
	Postgres bool // SQLite otherwise
}

// text returns the text for the engine.
func (t *Trail) text(sqlite, postgres string) string {
	if t.Postgres {
		return postgres
	}
	return sqlite
}

// Record implements storage.Audit.
func (t *Trail) Record(ctx context.Context, e storage.Event) error {
	_, err := engine.Put(ctx, t.Engine, record, Args(e)...)
	return engine.Named(err, "record", e.Kind)
}

// RecordAll records events in the transaction of the change that they tell of.
func RecordAll(c engine.Conn, events []storage.Event) error {
	if len(events) == 1 { // the usual case, without composing the statement
		_, err := c.Exec(record, Args(events[0])...)
		return err
	}
	rows := make([][]any, len(events))
	for i, e := range events {
		rows[i] = Args(e)
	}
	return engine.InsertAll(c, intoAudit, rows)
}

// Args returns what Columns holds of an event.
func Args(e storage.Event) []any {
	return []any{e.TenantID, e.ID, column.Micros(e.At), e.Kind, e.Actor, e.UserID, e.ClientID, e.RequestID,
		e.IP, encodeDetail(e.Detail)}
}

// encodeDetail returns the JSON of a detail. Most events have none.
func encodeDetail(detail map[string]string) string {
	if len(detail) == 0 {
		return "{}"
	}
	return column.Encode(detail)
}

const listEvents = `
	SELECT ` + Columns + ` FROM audit
	WHERE tenant_id = $1 AND id < $2
	ORDER BY id DESC LIMIT $3`

// Events implements storage.Audit.
func (t *Trail) Events(ctx context.Context, tenant, before string, limit int) ([]storage.Event, error) {
	if before == "" {
		before = parts.AfterAll
	}
	all, err := engine.All(ctx, t.Engine, listEvents, []any{tenant, before, limit}, scanEvent)
	return all, engine.Named(err, "events of", tenant)
}

const eventsOf = `
	SELECT ` + Columns + ` FROM audit
	WHERE tenant_id = $1 AND user_id = $2 AND user_id <> '' AND id < $3
	ORDER BY id DESC LIMIT $4`

// EventsOf implements storage.Audit.
func (t *Trail) EventsOf(ctx context.Context, tenant, userID, before string, limit int) ([]storage.Event, error) {
	if before == "" {
		before = parts.AfterAll
	}
	all, err := engine.All(ctx, t.Engine, eventsOf, []any{tenant, userID, before, limit}, scanEvent)
	return all, engine.Named(err, "events about", userID)
}

// scanEvent reads a row of Columns.
func scanEvent(row engine.Scanner) (storage.Event, error) { return Scan(row) }

// Scan reads a row of Columns, with other columns before them.
func Scan(row engine.Scanner, before ...any) (e storage.Event, err error) {
	err = row.Scan(append(before, &e.TenantID, &e.ID, column.Time(&e.At), &e.Kind, &e.Actor, &e.UserID, &e.ClientID,
		&e.RequestID, &e.IP, column.JSON(&e.Detail))...)
	if len(e.Detail) == 0 {
		e.Detail = nil
	}
	return e, err
}

// Transact runs a change and stores the events that tell of it in the same transaction.
func Transact(
	ctx context.Context, e engine.Engine, events []storage.Event, change func(engine.Conn) error,
) error {
	return Change(ctx, e, func(c engine.Conn) error {
		if err := change(c); err != nil {
			return err
		}
		return RecordAll(c, events)
	})
}

// Must is engine.MustPut with the events of the statement, in one transaction.
func Must(
	ctx context.Context, e engine.Engine, missing error, events []storage.Event, query string, args ...any,
) error {
	return Transact(ctx, e, events, func(c engine.Conn) error { return engine.Must(c, missing, query, args...) })
}
