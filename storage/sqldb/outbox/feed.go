package outbox

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
)

const beginFeed = `INSERT INTO feeds (tenant_id, seq, fed_at) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING`

// BeginFeed implements storage.Webhooks.
func (o *Outbox) BeginFeed(ctx context.Context, tenant string, since time.Time) error {
	_, err := engine.Put(ctx, o.Engine, beginFeed, tenant, column.Micros(since))
	return engine.Named(err, "begin the feed of", tenant)
}

const listFeeds = `SELECT tenant_id, seq FROM feeds`

// Feeds implements storage.Webhooks.
func (o *Outbox) Feeds(ctx context.Context) (map[string]int64, error) {
	last := make(map[string]int64)
	_, err := engine.All(ctx, o.Engine, listFeeds, nil, func(row engine.Scanner) (tenant string, err error) {
		var seq int64
		err = row.Scan(&tenant, &seq)
		last[tenant] = seq
		return tenant, err
	})
	return last, engine.Wrapped(err, "feeds")
}

// eventColumns are trail.Columns.
const eventColumns = `tenant_id, id, at, kind, actor, user_id, client_id, request_id, ip, detail`

const (
	feedState = `SELECT seq, fed_at FROM feeds WHERE tenant_id = $1`
	// It changes nothing, but locks the row: replicas queue here. What the next one reads has the places that this one
	// gave, so that no event gets two.
	holdFeed = `UPDATE feeds SET seq = seq WHERE tenant_id = $1`
	moveFeed = `UPDATE feeds SET seq = $2, fed_at = $3 WHERE tenant_id = $1`
	unfed    = `
		FROM audit WHERE tenant_id = $1 AND id >= $2 AND NOT EXISTS (
			SELECT 1 FROM feed_events WHERE feed_events.tenant_id = audit.tenant_id AND feed_events.event_id = audit.id)
		ORDER BY id LIMIT $3`
	anyUnfed    = `SELECT id ` + unfed
	unfedEvents = `SELECT ` + eventColumns + unfed
	intoFeed    = `INSERT INTO feed_events (tenant_id, seq, event_id, added_at) VALUES `
	intoDeliver = `INSERT INTO webhook_deliveries (` + deliveryColumns + `) VALUES `
)

// feed is where a feed is.
type feed struct {
	seq   int64
	fedAt time.Time
}

// scanFeed reads a row of feedState.
func scanFeed(row engine.Scanner) (f feed, err error) {
	err = row.Scan(&f.seq, column.Time(&f.fedAt))
	return f, err
}

// quiet is how long a feed without new events is not written to.
const quiet = 30 * time.Second

// Feed implements storage.Webhooks. The ids of events are made before their transactions commit. What commits late is
// therefore found by looking back; it gets a place behind all that was read.
func (o *Outbox) Feed(ctx context.Context, tenant string, back time.Duration, now time.Time, limit int) (int, error) {
	n := 0
	f, err := engine.One(ctx, o.Engine, feedState, []any{tenant}, scanFeed)
	if err != nil {
		return 0, engine.Named(err, "feed of", tenant)
	}
	from := storage.IDAt(f.fedAt.Add(-back))
	found, err := engine.All(ctx, o.Engine, anyUnfed, []any{tenant, from, 1}, engine.ScanText)
	if err != nil || len(found) == 0 && now.Sub(f.fedAt) < quiet {
		return 0, engine.Named(err, "new events of", tenant)
	}
	err = o.Engine.Transact(ctx, func(c engine.Conn) error {
		n, err = feedOnce(c, tenant, from, now, limit)
		return err
	})
	return n, engine.Named(err, "feed", tenant)
}

// feedOnce gives places to events, in a transaction.
func feedOnce(c engine.Conn, tenant, from string, now time.Time, limit int) (int, error) {
	if err := engine.Must(c, storage.ErrNotFound, holdFeed, tenant); err != nil {
		return 0, err
	}
	f, err := scanFeed(c.Row(feedState, tenant))
	if err != nil {
		return 0, err
	}
	var hooks []storage.Webhook
	if err := c.Each(listWebhooks, []any{tenant, "", storage.MostWebhooks}, func(row engine.Scanner) error {
		w, err := scanWebhook(row)
		hooks = append(hooks, w)
		return err
	}); err != nil {
		return 0, err
	}
	var places, deliveries [][]any
	first, wanting := f.seq+1, make(map[string]string)
	at := column.Micros(now)
	if err := c.Each(unfedEvents, []any{tenant, from, limit}, func(row engine.Scanner) error {
		e, err := trail.Scan(row)
		f.seq++
		places = append(places, []any{tenant, f.seq, e.ID, at})
		for i := range hooks {
			if hooks[i].Wants(e) {
				wanting[hooks[i].ID] = hooks[i].ID
				deliveries = append(deliveries, []any{tenant, hooks[i].ID, f.seq, e.ID, e.Kind, e.UserID, at, at, 0, 0, false,
					0, 0, ""})
			}
		}
		return err
	}); err != nil {
		return 0, err
	}
	if err := engine.InsertAll(c, intoFeed, places); err != nil {
		return 0, err
	}
	if err := engine.InsertAll(c, intoDeliver, deliveries); err != nil {
		return 0, err
	}
	for _, w := range wanting {
		if _, err := c.Exec(waitInLine, tenant, w, first, int64(behind), f.seq); err != nil {
			return 0, err
		}
	}
	if len(places) < limit && now.After(f.fedAt) {
		f.fedAt = now
	}
	_, err = c.Exec(moveFeed, tenant, f.seq, column.Micros(f.fedAt))
	return len(places), err
}

const fedEvents = `
	SELECT feed_events.seq, audit.tenant_id, audit.id, at, kind, actor, user_id, client_id, request_id, ip, detail
	FROM feed_events JOIN audit ON audit.tenant_id = feed_events.tenant_id AND audit.id = feed_events.event_id
	WHERE feed_events.tenant_id = $1 AND feed_events.seq > $2
	ORDER BY feed_events.seq LIMIT $3`

// FedEvents implements storage.Webhooks.
func (o *Outbox) FedEvents(ctx context.Context, tenant string, after int64, limit int) ([]storage.FedEvent, error) {
	scan := func(row engine.Scanner) (e storage.FedEvent, err error) {
		e.Event, err = trail.Scan(row, &e.Seq)
		return e, err
	}
	all, err := engine.All(ctx, o.Engine, fedEvents, []any{tenant, after, limit}, scan)
	return all, engine.Named(err, "fed events of", tenant)
}

const eventByID = `SELECT ` + eventColumns + ` FROM audit WHERE tenant_id = $1 AND id = $2`

// EventByID implements storage.Webhooks.
func (o *Outbox) EventByID(ctx context.Context, tenant, id string) (storage.Event, error) {
	e, err := engine.One(ctx, o.Engine, eventByID, []any{tenant, id},
		func(row engine.Scanner) (storage.Event, error) { return trail.Scan(row) })
	return e, engine.Named(err, "event", id)
}
