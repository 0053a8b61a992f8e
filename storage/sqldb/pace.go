package sqldb

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

// Long work is done in parts, each a transaction of its own with a pause after it: SQLite has one
// writer, which sign-ins need, and PostgreSQL has other work to do, too.
const (
	// partTime is how long a part should hold up other work. The number of rows is adapted to it.
	partTime = 15 * time.Millisecond
	// firstPart and leastPart are numbers of rows; see also mostPart.
	firstPart = 200
	leastPart = 25
	// longestRest bounds the rest behind a part that took long.
	longestRest = time.Second
	// mostFailures is how often a part is tried again.
	mostFailures = 4
)

// paced calls part, which works on so many rows and says for how long it held up others,
// until there is no more to do. When the context ends first, that is the error. A part may be
// repeated: one that a busy or failing database did not answer is tried again, smaller.
func (s *Store) paced(ctx context.Context, part func(rows int) (more bool, held time.Duration, err error)) error {
	failed := 0
	for rows := min(firstPart, s.mostPart); ; {
		began := time.Now()
		more, held, err := part(rows)
		if errors.Is(err, storage.ErrUnavailable) && ctx.Err() == nil && failed < mostFailures {
			failed++
			more, held, err = true, longestRest, nil
		} else if err == nil {
			failed = 0
		}
		if err != nil || !more {
			return err
		}
		switch {
		case held > partTime:
			rows = max(rows/2, min(leastPart, s.mostPart))
		case held < partTime/2:
			rows = min(rows*2, s.mostPart)
		}
		// A third of the time at most is ours, and less where there is a queue.
		select {
		case <-time.After(min(time.Since(began)+held, longestRest)):
		case <-ctx.Done():
			return engine.Fault(ctx.Err())
		}
	}
}

// walk is a change of rows in the order of an index, from one end to the other. It passes
// by each row once: a statement that looked for the first rows each time would find all
// those first which it has removed, until they are vacuumed.
type walk struct {
	edge      string // the key of the row that lies so many rows (last argument) behind a key
	do        string // changes the rows behind one key up to another
	args      []any  // of both texts, before the keys
	more      []any  // of do, behind the keys
	from, end any    // behind the first key, up to the other: all texts when they are nil
	// run, when not nil, runs do, in a transaction, and returns how many rows it changed.
	run func(c conn, args []any) (int64, error)
}

// afterAll sorts after every id.
const afterAll = "\U0010FFFF"

// walk carries it out, and tells of each part how many rows it changed.
func (s *Store) walk(ctx context.Context, w walk, told func(rows int64)) error {
	from, end := w.from, w.end
	if from == nil {
		from = ""
	}
	if end == nil {
		end = afterAll
	}
	return s.paced(ctx, func(rows int) (more bool, held time.Duration, err error) {
		to, err := s.edge(ctx, w, from, rows)
		switch {
		case errors.Is(err, storage.ErrNotFound) || err == nil && !before(to, end):
			to = end
		case err != nil:
			return false, 0, err
		default:
			more = true
		}
		args := append(append([]any{}, w.args...), from, to)
		n, held, err := s.timed(ctx, w, append(args, w.more...))
		if err == nil && n > 0 {
			told(n)
		}
		from = to
		return more, held, err
	})
}

// before reports whether a key lies before another. Hashes lie before their end.
func before(key, end any) bool {
	text, ok := key.(string)
	return !ok || text < end.(string)
}

// edge is the key of the row that lies so many rows behind another; ErrNotFound when there
// are fewer.
func (s *Store) edge(ctx context.Context, w walk, from any, rows int) (any, error) {
	args := append(append([]any{}, w.args...), from, rows-1)
	if _, ok := from.([]byte); ok {
		return one(ctx, s, w.edge, args, func(row scanner) (key []byte, err error) {
			err = row.Scan(bytesColumn{&key})
			return key, err
		})
	}
	return one(ctx, s, w.edge, args, scanText)
}

// timed runs what a walk does, and says how long that took.
func (s *Store) timed(ctx context.Context, w walk, args []any) (n int64, held time.Duration, err error) {
	alone, run := s.engine.Transact, w.run
	if run == nil {
		alone, run = s.engine.Write, func(c conn, args []any) (int64, error) { return c.Exec(w.do, args...) }
	}
	err = alone(ctx, func(c conn) error {
		began := time.Now()
		n, err = run(c, args)
		held = time.Since(began)
		return err
	})
	return n, held, err
}

// scanText reads a row of one text.
func scanText(row scanner) (text string, err error) {
	err = row.Scan(&text)
	return text, err
}

// walkAll walks one after the other.
func (s *Store) walkAll(ctx context.Context, told func(rows int64), walks ...walk) error {
	for _, w := range walks {
		if err := s.walk(ctx, w, told); err != nil {
			return err
		}
	}
	return nil
}

// The edges of walks that several kinds of work have in common.
const (
	edgeOfUserSessions = `
		SELECT id FROM sessions
		WHERE tenant_id = $1 AND user_id = $2 AND id > $3
		ORDER BY id LIMIT 1 OFFSET $4`
	edgeOfUserGrants = `
		SELECT id FROM grants
		WHERE tenant_id = $1 AND user_id = $2 AND id > $3
		ORDER BY id LIMIT 1 OFFSET $4`
	edgeOfClientGrants = `
		SELECT id FROM grants
		WHERE tenant_id = $1 AND client_id = $2 AND id > $3
		ORDER BY id LIMIT 1 OFFSET $4`
	edgeOfMail     = `SELECT id FROM mail WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
	edgeOfCodes    = `SELECT id FROM codes WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
	edgeOfSessions = `SELECT id FROM sessions WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
	edgeOfGrants   = `SELECT id FROM grants WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
	edgeOfUsers    = `SELECT id FROM users WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`
)
