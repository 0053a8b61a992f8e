package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/argon2"
	_ "modernc.org/sqlite" // the floor speaks to it directly
)

// floorCommand is the argument with which this program runs as the floor.
const floorCommand = "serve-floor"

// floorServer is the floor: a bare handler in a process of its own, on the measured core.
type floorServer struct {
	*process
	issuer string
}

// startFloor starts the floor with a database of the same kind as the server's.
func startFloor(store string, s *server) (*floorServer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	port, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	database, redisURL := filepath.Join(s.dir, "floor.db"), ""
	if store == "postgres" {
		database, redisURL = s.database, s.redis.URL()
	}
	for _, path := range []string{discovery, jwks} {
		if err := s.keep(path); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(self, floorCommand, "127.0.0.1:"+port[0], database, s.dir, redisURL)
	p, err := startPinned(cmd)
	if err != nil {
		return nil, err
	}
	f := &floorServer{p, "http://127.0.0.1:" + port[0]}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if res, err := http.Get(f.issuer + jwks); err == nil {
			return f, res.Body.Close()
		}
		if time.Now().After(end) {
			return nil, errors.Join(errors.New("the floor does not serve: "+p.out.String()), p.stop())
		}
	}
}

// keep writes a public document of the server into its folder, for the floor to serve.
func (s *server) keep(path string) error {
	res, err := http.Get(s.issuer + path)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, filepath.Base(path)), body, 0o600)
}

// close kills the floor's process, which has nothing to lose.
func (f *floorServer) close() error {
	_ = f.cmd.Process.Kill() // it has nothing to lose
	_ = f.cmd.Wait()         // killed
	return nil
}

// load measures a task at the floor.
func (f *floorServer) load(ctx context.Context, o options, t task) (figures, error) {
	var got figures
	var cpu time.Duration
	took, span, err := drive(ctx, o, f.issuer, t,
		func() (err error) { cpu, err = f.cpu(); return err },
		func() error { after, err := f.cpu(); got.cpu = after - cpu; return err })
	if err != nil {
		return got, err
	}
	return got.of(took, span)
}

// posted returns a task that posts to a path of the floor.
func posted(path string) func(w *worker) error {
	return func(w *worker) error {
		req, err := http.NewRequest(http.MethodPost, w.issuer+path, strings.NewReader("grant_type=x"))
		if err != nil {
			return err
		}
		res, body, err := w.do(req)
		return expect(res, body, err, http.StatusOK, "done")
	}
}

// inTurn returns a task that posts to each of the paths once.
func inTurn(paths ...string) func(w *worker) error {
	return func(w *worker) error {
		for _, path := range paths {
			if err := posted(path)(w); err != nil {
				return err
			}
		}
		return nil
	}
}

// rows is a table with a prepared statement for each operation.
type rows interface {
	insert(ctx context.Context, id string) error
	update(ctx context.Context) error
	read(ctx context.Context) error
}

const floorTable = `CREATE TABLE IF NOT EXISTS floor (id TEXT PRIMARY KEY, n BIGINT NOT NULL, payload TEXT NOT NULL)`

// serveFloor runs the floor. args are its address, its database, the folder of the documents, and the URL of Redis or
// "".
func serveFloor(args []string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	db, err := openRows(args[1])
	if err != nil {
		return err
	}
	if err := db.insert(context.Background(), "row"); err != nil {
		return err
	}
	body := make([]byte, 400) // as long as the signed part of a token
	sum := sha256.Sum256(body)
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		return err
	}
	h := http.NewServeMux()
	pushed, err := newPushedFloor(db, args[3])
	if err != nil {
		return err
	}
	h.HandleFunc("/par", pushed.push)
	h.HandleFunc("/authorize", pushed.open)
	for _, path := range []string{discovery, jwks} {
		document, err := os.ReadFile(filepath.Join(args[2], filepath.Base(path)))
		if err != nil {
			return err
		}
		h.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(document)))
			_, _ = w.Write(document)
		})
	}
	h.HandleFunc("/hash", func(w http.ResponseWriter, _ *http.Request) {
		argon2.IDKey([]byte(password), []byte("salt of 16 bytes"), 2, 19*1024, 1, 32)
		_, _ = io.WriteString(w, "done")
	})
	h.HandleFunc("/sign", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		q, ctx := r.URL.Query(), r.Context()
		for name, do := range map[string]func() error{
			"signatures": func() error { _, err := ecdsa.SignASN1(rand.Reader, key, sum[:]); return err },
			"verifications": func() error {
				if !ecdsa.VerifyASN1(&key.PublicKey, sum[:], signature) {
					return errors.New("not verified")
				}
				return nil
			},
			"inserts": func() error { return db.insert(ctx, rand.Text()) },
			"updates": func() error { return db.update(ctx) },
			"reads":   func() error { return db.read(ctx) },
		} {
			n, _ := strconv.Atoi(q.Get(name)) // 0 if the parameter is missing
			for range n {
				if err := do(); err != nil {
					http.Error(w, err.Error(), http.StatusInternalServerError)
					return
				}
			}
		}
		_, _ = io.WriteString(w, "done")
	})
	return http.ListenAndServe(args[0], h) //nolint:gosec // loopback, for the time of a measurement
}

// openRows opens the table in PostgreSQL or SQLite.
func openRows(database string) (rows, error) {
	ctx := context.Background()
	if strings.HasPrefix(database, "postgres") {
		pool, err := pgxpool.New(ctx, database)
		if err != nil {
			return nil, err
		}
		_, err = pool.Exec(ctx, floorTable)
		return pgRows{pool}, err
	}
	db, err := sql.Open("sqlite",
		"file:"+database+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, floorTable); err != nil {
		return nil, err
	}
	l := &liteRows{}
	for query, to := range map[string]**sql.Stmt{insertRow: &l.inserting, updateRow: &l.updating, readRow: &l.reading} {
		if *to, err = db.PrepareContext(ctx, query); err != nil {
			return nil, err
		}
	}
	return l, nil
}

const (
	insertRow = `INSERT INTO floor (id, n, payload) VALUES ($1, 0, 'a payload of some length that stands for a grant') ` +
		`ON CONFLICT DO NOTHING`
	updateRow = `UPDATE floor SET n = n + 1 WHERE id = 'row'`
	readRow   = `SELECT n, payload FROM floor WHERE id = 'row'`
)

type pgRows struct{ pool *pgxpool.Pool }

func (p pgRows) insert(ctx context.Context, id string) error {
	_, err := p.pool.Exec(ctx, insertRow, id)
	return err
}

func (p pgRows) update(ctx context.Context) error {
	_, err := p.pool.Exec(ctx, updateRow)
	return err
}

func (p pgRows) read(ctx context.Context) error {
	var n int64
	var payload string
	return p.pool.QueryRow(ctx, readRow).Scan(&n, &payload)
}

type liteRows struct {
	writing                      sync.Mutex // SQLite has one writer
	inserting, updating, reading *sql.Stmt
}

func (l *liteRows) insert(ctx context.Context, id string) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	_, err := l.inserting.ExecContext(ctx, id)
	return err
}

func (l *liteRows) update(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	_, err := l.updating.ExecContext(ctx)
	return err
}

func (l *liteRows) read(ctx context.Context) error {
	var n int64
	var payload string
	if err := l.reading.QueryRowContext(ctx).Scan(&n, &payload); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return nil
}
