package outbox

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
)

// The mark of a feed says when it was read last, and behind which place its readers may begin: feedEnded if it ended.
const (
	feedEnded = "ended"

	beginFeed = `INSERT INTO feeds (tenant_id, seq, fed_at) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING`
	readFeed  = `
		INSERT INTO marks (tenant_id, name, value, at) VALUES ($1, 'feed', '0', $2)
		ON CONFLICT (tenant_id, name) DO UPDATE SET at = excluded.at WHERE marks.value <> '` + feedEnded + `'`
	feedMark = `SELECT value, at FROM marks WHERE tenant_id = $1 AND name = 'feed'`
	// A place is left out, so that a reader from before the end can be told of the gap.
	resumeFeed = `UPDATE feeds SET seq = seq + 1, fed_at = $2 WHERE tenant_id = $1`
	resumeMark = `UPDATE marks SET value = $2, at = $3 WHERE tenant_id = $1 AND name = 'feed'`
	firstPlace = `SELECT seq FROM feed_events WHERE tenant_id = $1 ORDER BY seq LIMIT 1`
	unusedFeed = `
		SELECT feeds.tenant_id FROM feeds LEFT JOIN marks ON marks.tenant_id = feeds.tenant_id AND marks.name = 'feed'
		WHERE COALESCE(marks.at, 0) < $1 AND COALESCE(marks.value, '') <> '` + feedEnded + `' AND NOT EXISTS (
			SELECT 1 FROM webhooks WHERE webhooks.tenant_id = feeds.tenant_id)`
	endFeed = `
		UPDATE marks SET value = '` + feedEnded + `' WHERE tenant_id = $1 AND name = 'feed' AND at < $2 AND NOT EXISTS (
			SELECT 1 FROM webhooks WHERE webhooks.tenant_id = $1)`
	listFeeds = `
		SELECT tenant_id, seq FROM feeds WHERE NOT EXISTS (
			SELECT 1 FROM marks WHERE marks.tenant_id = feeds.tenant_id AND name = 'feed' AND value = '` + feedEnded + `')`
)

// readEvery is how often it is stored that a feed is read.
const readEvery = time.Hour

// feedReader is what the mark of a feed says.
type feedReader struct {
	value string
	at    time.Time
}

// begins returns behind which place readers may begin.
func (m feedReader) begins() int64 {
	n, _ := strconv.ParseInt(m.value, 10, 64) // 0 for a feed without a mark
	return n
}

func scanReader(row engine.Scanner) (m feedReader, err error) {
	err = row.Scan(&m.value, column.Time(&m.at))
	return m, err
}

// BeginFeed implements storage.Webhooks.
func (o *Outbox) BeginFeed(ctx context.Context, tenant string, since, now time.Time) (place int64, err error) {
	err = o.Engine.Transact(ctx, func(c engine.Conn) error {
		if _, err := c.Exec(beginFeed, tenant, column.Micros(since)); err != nil {
			return err
		}
		if _, err := c.Exec(holdFeed, tenant); err != nil {
			return err
		}
		if _, err := c.Exec(readFeed, tenant, column.Micros(now)); err != nil {
			return err
		}
		m, err := scanReader(c.Row(feedMark, tenant))
		if err == nil && m.value != feedEnded {
			place, err = kept(c, tenant, m)
			return err
		}
		if err != nil {
			return err
		}
		if _, err := c.Exec(resumeFeed, tenant, column.Micros(since)); err != nil {
			return err
		}
		f, err := scanFeed(c.Row(feedState, tenant))
		if err != nil {
			return err
		}
		place = f.seq
		_, err = c.Exec(resumeMark, tenant, strconv.FormatInt(place, 10), column.Micros(now))
		return err
	})
	return place, engine.Named(err, "begin the feed of", tenant)
}

// kept returns the place before the first one that a feed keeps, in a transaction.
func kept(c engine.Conn, tenant string, m feedReader) (int64, error) {
	first, err := engine.ScanCount(c.Row(firstPlace, tenant))
	if errors.Is(err, storage.ErrNotFound) {
		f, err := scanFeed(c.Row(feedState, tenant))
		return f.seq, err
	}
	return max(first-1, m.begins()), err
}

// ReadFeed implements storage.Webhooks.
func (o *Outbox) ReadFeed(ctx context.Context, tenant string, place int64, now time.Time) error {
	m, err := engine.One(ctx, o.Engine, feedMark, []any{tenant}, scanReader)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return engine.Named(err, "feed of", tenant)
	}
	f, err := engine.One(ctx, o.Engine, feedState, []any{tenant}, scanFeed)
	if err != nil {
		return engine.Named(err, "feed of", tenant)
	}
	if m.value == feedEnded || place < m.begins() {
		return engine.Named(storage.ErrNotFound, "feed of", tenant)
	}
	if now.Sub(m.at) > readEvery {
		if _, err := engine.Put(ctx, o.Engine, readFeed, tenant, column.Micros(now)); err != nil {
			return engine.Named(err, "read the feed of", tenant)
		}
	}
	switch {
	case place > f.seq: // a backup was restored
		return engine.Named(storage.ErrNotFound, "feed of", tenant)
	case place == f.seq:
		return nil
	}
	first, err := engine.One(ctx, o.Engine, firstPlace, []any{tenant}, engine.ScanCount)
	if err == nil && first > place+1 {
		err = storage.ErrNotFound
	}
	return engine.Named(err, "feed of", tenant)
}

// EndFeeds implements storage.Webhooks. A feed without a mark gets one first: it was begun by a webhook, or by an
// earlier release.
func (o *Outbox) EndFeeds(ctx context.Context, since, now time.Time) error {
	unused, err := engine.All(ctx, o.Engine, unusedFeed, []any{column.Micros(since)}, engine.ScanText)
	if err != nil {
		return engine.Wrapped(err, "unused feeds")
	}
	for _, tenant := range unused {
		err := o.Engine.Transact(ctx, func(c engine.Conn) error {
			if _, err := c.Exec(holdFeed, tenant); err != nil {
				return err
			}
			_, err := scanReader(c.Row(feedMark, tenant))
			if errors.Is(err, storage.ErrNotFound) {
				_, err = c.Exec(readFeed, tenant, column.Micros(now))
				return err
			}
			if err == nil {
				_, err = c.Exec(endFeed, tenant, column.Micros(since))
			}
			return err
		})
		if err != nil {
			return engine.Named(err, "end the feed of", tenant)
		}
	}
	return nil
}

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
