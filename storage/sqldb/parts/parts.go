package parts

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

// Long work is done in parts, each a transaction of its own with a pause after it: SQLite has one
// writer, which sign-ins need, and PostgreSQL has other work to do, too.
const (
	// partTime is how long a part should hold up other work. The number of rows is adapted to it.
	partTime = 15 * time.Millisecond
	// firstPart and leastPart are numbers of rows; see also Worker.Most.
	firstPart = 200
	leastPart = 25
	// longestRest bounds the rest behind a part that took long.
	longestRest = time.Second
	// mostFailures is how often a part is tried again.
	mostFailures = 4
)

// Worker does long work.
type Worker struct {
	engine.Engine
	// Most is how many rows a part has at most.
	Most int
}

// InParts calls part, which works on so many rows and says for how long it held up others,
// until there is no more to do. When the context ends first, that is the error. A part may be
// repeated: one that a busy or failing database did not answer is tried again, smaller.
func (p *Worker) InParts(ctx context.Context, part func(rows int) (more bool, held time.Duration, err error)) error {
	failed := 0
	for rows := min(firstPart, p.Most); ; {
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
			rows = max(rows/2, min(leastPart, p.Most))
		case held < partTime/2:
			rows = min(rows*2, p.Most)
		}
		// A third of the time at most is ours, and less where there is a queue.
		select {
		case <-time.After(min(time.Since(began)+held, longestRest)):
		case <-ctx.Done():
			return engine.Fault(ctx.Err())
		}
	}
}

// Walk is a change of rows in the order of an index, from one end to the other. It passes
// by each row once: a statement that looked for the first rows each time would find all
// those first which it has removed, until they are vacuumed.
type Walk struct {
	Edge      string // the key of the row that lies so many rows (last argument) behind a key
	Do        string // changes the rows behind one key up to another
	Args      []any  // of both texts, before the keys
	More      []any  // of Do, behind the keys
	From, End any    // behind the first key, up to the other: all texts when they are nil; or int64
	// Run, when not nil, runs Do, in a transaction, and returns how many rows it changed.
	Run func(c engine.Conn, args []any) (int64, error)
}

// AfterAll sorts after every id.
const AfterAll = "\U0010FFFF"

// Walk carries w out, and tells of each part how many rows it changed.
func (p *Worker) Walk(ctx context.Context, w Walk, told func(rows int64)) error {
	from, end := w.From, w.End
	if from == nil {
		from = ""
	}
	if end == nil {
		end = AfterAll
	}
	return p.InParts(ctx, func(rows int) (more bool, held time.Duration, err error) {
		to, err := p.Edge(ctx, w, from, rows)
		switch {
		case errors.Is(err, storage.ErrNotFound) || err == nil && !before(to, end):
			to = end
		case err != nil:
			return false, 0, err
		default:
			more = true
		}
		args := append(append([]any{}, w.Args...), from, to)
		n, held, err := p.Timed(ctx, w, append(args, w.More...))
		if err == nil && n > 0 {
			told(n)
		}
		from = to
		return more, held, err
	})
}

// before reports whether a key lies before another. Hashes and numbers lie before their end.
func before(key, end any) bool {
	text, ok := key.(string)
	return !ok || text < end.(string)
}

// Edge returns the key of the row that lies so many rows behind another; ErrNotFound when there
// are fewer.
func (p *Worker) Edge(ctx context.Context, w Walk, from any, rows int) (any, error) {
	args := append(append([]any{}, w.Args...), from, rows-1)
	if _, ok := from.(int64); ok {
		return engine.One(ctx, p.Engine, w.Edge, args, func(row engine.Scanner) (any, error) { return engine.ScanCount(row) })
	}
	if _, ok := from.([]byte); ok {
		return engine.One(ctx, p.Engine, w.Edge, args, func(row engine.Scanner) (key []byte, err error) {
			err = row.Scan(column.Bytes(&key))
			return key, err
		})
	}
	return engine.One(ctx, p.Engine, w.Edge, args, engine.ScanText)
}

// Timed runs what a walk does, and says how long that took.
func (p *Worker) Timed(ctx context.Context, w Walk, args []any) (n int64, held time.Duration, err error) {
	alone, run := p.Transact, w.Run
	if run == nil {
		alone, run = p.Write, func(c engine.Conn, args []any) (int64, error) { return c.Exec(w.Do, args...) }
	}
	err = alone(ctx, func(c engine.Conn) error {
		began := time.Now()
		n, err = run(c, args)
		held = time.Since(began)
		return err
	})
	return n, held, err
}

// WalkAll walks one after the other.
func (p *Worker) WalkAll(ctx context.Context, told func(rows int64), walks ...Walk) error {
	for _, w := range walks {
		if err := p.Walk(ctx, w, told); err != nil {
			return err
		}
	}
	return nil
}
