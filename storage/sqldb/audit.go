package sqldb

import (
	"context"

	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	eventColumns   = `tenant_id, id, at, kind, actor, user_id, client_id, request_id, ip, detail`
	eventArgsCount = 10
)

const (
	intoAudit = `
	INSERT INTO audit (` + eventColumns + `)
	VALUES `
	record = intoAudit + `($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
)

// Record implements storage.Audit.
func (s *Store) Record(ctx context.Context, e storage.Event) error {
	_, err := s.put(ctx, record, eventArgs(e)...)
	return named(err, "record", e.Kind)
}

// recordAll records events in the transaction of the change that they tell of.
func recordAll(c conn, events []storage.Event) error {
	if len(events) == 1 { // the usual case, without composing the statement
		_, err := c.Exec(record, eventArgs(events[0])...)
		return err
	}
	rows := make([][]any, len(events))
	for i, e := range events {
		rows[i] = eventArgs(e)
	}
	return insertAll(c, intoAudit, rows)
}

// eventArgs returns the arguments for eventColumns.
func eventArgs(e storage.Event) []any {
	return []any{e.TenantID, e.ID, micros(e.At), e.Kind, e.Actor, e.UserID, e.ClientID, e.RequestID,
		e.IP, encodeDetail(e.Detail)}
}

// encodeDetail returns the JSON of a detail. Most events have none.
func encodeDetail(detail map[string]string) string {
	if len(detail) == 0 {
		return "{}"
	}
	return encode(detail)
}

const events = `
	SELECT ` + eventColumns + ` FROM audit
	WHERE tenant_id = $1 AND id < $2
	ORDER BY id DESC LIMIT $3`

// Events implements storage.Audit.
func (s *Store) Events(ctx context.Context, tenant, before string, limit int) ([]storage.Event, error) {
	if before == "" {
		before = afterAll
	}
	all, err := list(ctx, s, events, []any{tenant, before, limit}, scanEvent)
	return all, named(err, "events of", tenant)
}

const eventsOf = `
	SELECT ` + eventColumns + ` FROM audit
	WHERE tenant_id = $1 AND user_id = $2 AND user_id <> '' AND id < $3
	ORDER BY id DESC LIMIT $4`

// EventsOf implements storage.Audit.
func (s *Store) EventsOf(ctx context.Context, tenant, userID, before string, limit int) ([]storage.Event, error) {
	if before == "" {
		before = afterAll
	}
	all, err := list(ctx, s, eventsOf, []any{tenant, userID, before, limit}, scanEvent)
	return all, named(err, "events about", userID)
}

// scanEvent reads a row of eventColumns.
func scanEvent(row scanner) (e storage.Event, err error) {
	err = row.Scan(&e.TenantID, &e.ID, timeColumn{&e.At}, &e.Kind, &e.Actor, &e.UserID, &e.ClientID,
		&e.RequestID, &e.IP, jsonColumn{&e.Detail})
	if len(e.Detail) == 0 {
		e.Detail = nil
	}
	return e, err
}

// record runs a change and stores its events in the same transaction.
func (s *Store) record(ctx context.Context, events []storage.Event, change func(conn) error) error {
	return s.engine.Transact(ctx, func(c conn) error {
		if err := change(c); err != nil {
			return err
		}
		return recordAll(c, events)
	})
}
