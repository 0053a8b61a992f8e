package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/crowd"
)

// deed is a large operation on a server while users sign in.
type deed struct {
	name    string
	prepare func(ctx context.Context, s *server, n int) error // runs before the server starts
	// do is nil if the start itself is the operation. It returns the peak of the command's memory
	// in MiB.
	do func(ctx context.Context, s *server, n int) (peak float64, err error)
}

// The names of what the deeds concern.
const (
	largeClient  = "large"
	gonerClient  = "goner"
	largeTenant  = "acme"
	busyPerson   = "busy@example.com"
	busierPerson = "busier@example.com"
)

var deeds = []deed{
	{"nothing", nil, func(ctx context.Context, s *server, _ int) (float64, error) {
		return 0, pause(ctx, 20*time.Second)
	}},
	{"client remove, 2 grants a person", clientOf(largeClient, 2), command("client", "remove", largeClient, "--yes")},
	{"start without a client of 2 grants a person", declaredOf(gonerClient, 2), nil},
	{"tenant remove, all people", tenantOf(largeTenant), command("tenant", "remove", largeTenant, "--yes")},
	{"user disable, a tenth of all sessions and grants", personOf(busyPerson), command("user", "disable", busyPerson)},
	{"user remove, the same", personOf(busierPerson), command("user", "remove", busierPerson, "--yes")},
	{"user import, a tenth of all people", peopleFile, command("user", "import", "people.jsonl")},
	{"user list", nil, command("user", "list")},
	{"user list --json", nil, command("user", "list", "--json")},
	{"user export --hashes", nil, command("user", "export", "--hashes")},
	{"sweep of all sessions and grants", expired, swept},
	{"audit export", nil, command("audit", "export")},
	{"audit prune, half of all events and most addresses", nil, command("audit", "prune")},
	{"restored", nil, command("restored", "--yes", "--before", time.Now().Format(time.RFC3339))},
}

// measureScale prints how long users wait for a sign-in, and an app for a refresh, while each deed
// is done, and how much memory it takes.
func measureScale(ctx context.Context, o options, store string) (err error) {
	s, err := startServer(o.program, store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	began := time.Now()
	if err := s.fill(ctx, o.fill); err != nil {
		return err
	}
	fmt.Printf("\n%s: %d people, sessions and grants and %d events were filled in in %v\n\n", store, o.fill, 10*o.fill,
		time.Since(began).Round(time.Second))
	// The table is in Markdown. Each row is printed as soon as it is known, because all of them
	// take an hour.
	fmt.Println("| | took | sign-ins | without, p99 ms | p50 ms | p99 ms | worst ms | refreshes | without, p99 ms | p50 " +
		"ms | p99 ms | worst ms | its MiB | server's MiB |")
	fmt.Println("|---" + strings.Repeat("|---:", 13) + "|")
	for _, d := range deeds {
		if len(o.deeds) > 0 && !slices.ContainsFunc(o.deeds, func(word string) bool {
			return strings.Contains(d.name, word)
		}) {
			continue
		}
		if again := s.measureDeed(ctx, o, d); again != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", d.name, again))
		}
	}
	return err
}

// measureDeed prepares a deed, starts the server and measures.
func (s *server) measureDeed(ctx context.Context, o options, d deed) error {
	progress("%s: prepare", d.name)
	if d.prepare != nil {
		if err := d.prepare(ctx, s, o.fill); err != nil {
			return err
		}
	}
	began := time.Now()
	if err := s.startOnce(); err != nil {
		return err
	}
	if d.do == nil {
		fmt.Printf("| %s: the first answer | %v |%s\n", d.name, time.Since(began).Round(time.Millisecond),
			strings.Repeat(" |", 12))
	}
	err := s.among(ctx, o, d)
	progress("")
	return errors.Join(err, s.process.stop())
}

// among does the deed while users sign in, and prints its row.
func (s *server) among(ctx context.Context, o options, d deed) error {
	progress("%s", d.name)
	p, err := startPeople(ctx, s.issuer)
	if err != nil {
		return err
	}
	// The times without the deed show what else this machine is doing.
	var quietSignIns, quietRefreshes []time.Duration
	look := func() error {
		if err := pause(ctx, 3*time.Second); err != nil {
			return err
		}
		p.forget()
		err := pause(ctx, quiet)
		quietSignIns, quietRefreshes, _ = p.forget()
		return err
	}
	if d.do != nil {
		err = look()
	}
	s.forgetPeak()
	began, peak := time.Now(), 0.0
	if d.do != nil && err == nil {
		peak, err = d.do(ctx, s, o.fill)
	}
	if err == nil {
		err = s.settled(ctx)
	}
	took := time.Since(began)
	signIns, refreshes, faults := p.forget()
	held := s.memory("VmHWM")
	if d.do == nil && err == nil {
		err = look()
	}
	p.stop()
	if err != nil {
		return err
	}
	fmt.Printf("| %s | %v | %s | %s | %.0f | %.0f |\n", d.name, took.Round(100*time.Millisecond),
		spread(quietSignIns, signIns), spread(quietRefreshes, refreshes), peak, held)
	if len(faults) > 0 {
		fmt.Fprintf(os.Stderr, "%s: %d requests failed, the first with: %v\n", d.name, len(faults), faults[0])
	}
	return nil
}

// quiet is how long users are measured without a deed: before it, or after a start.
const quiet = 15 * time.Second

// spread returns the columns for one kind of request: how many, the 99th percentile without the
// deed, and the 50th and 99th percentile and the maximum with it.
func spread(before, took []time.Duration) string {
	if len(took) == 0 {
		return "0 | – | – | – | –"
	}
	at := func(took []time.Duration, percent int) string {
		if len(took) == 0 {
			return "–"
		}
		return millis(took[min(len(took)*percent/100, len(took)-1)])
	}
	slices.Sort(before)
	slices.Sort(took)
	return fmt.Sprintf("%d | %s | %s | %s | %s", len(took), at(before, 99), at(took, 50), at(took, 99), at(took, 100))
}

// startOnce starts the server and waits for its first answer. The server shares the cores with the
// database, the command and the load, as on a small machine.
func (s *server) startOnce() error {
	cmd := exec.Command(s.program, "serve")
	cmd.Dir, cmd.Env = s.dir, s.env
	p, err := startProcess(cmd)
	if err != nil {
		return err
	}
	s.process = p
	return s.await()
}

// settled waits until no removal is left. Removals that are repeated as a precaution a minute later
// do not count.
func (s *server) settled(ctx context.Context) error {
	for {
		left, err := s.count(ctx, "SELECT COUNT(*) FROM removals WHERE bound <> 'again'")
		if err != nil || left == 0 {
			return err
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// expired ends all sessions and grants of the crowd before the server starts.
func expired(ctx context.Context, s *server, _ int) error {
	for _, table := range []string{"sessions", "grants"} {
		_, err := s.count(ctx, "UPDATE "+table+
			" SET expires_at = expires_at - 2000000000000 WHERE tenant_id = 'default' RETURNING 1")
		if err != nil {
			return err
		}
	}
	return nil
}

// swept waits until they are deleted.
func swept(ctx context.Context, s *server, _ int) (float64, error) {
	for {
		left, err := s.count(ctx, fmt.Sprintf("SELECT COUNT(*) FROM grants WHERE expires_at < %d",
			time.Now().Add(-time.Hour).UnixMicro()))
		if err != nil || left == 0 {
			return 0, err
		}
		if err := pause(ctx, 2*time.Second); err != nil {
			return 0, err
		}
	}
}

// count returns the number that a query selects.
func (s *server) count(ctx context.Context, query string) (n int, err error) {
	if s.database != "" {
		conn, err := pgx.Connect(ctx, s.database)
		if err != nil {
			return 0, err
		}
		defer func() { _ = conn.Close(ctx) }()
		err = conn.QueryRow(ctx, query).Scan(&n)
		return n, err
	}
	db, err := sql.Open("sqlite", "file:"+s.file()+"?mode=rw&_pragma=busy_timeout(10000)")
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()
	err = db.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// people are workers that sign in one after the other, and apps that refresh, during a deed.
type people struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu                 sync.Mutex
	signIns, refreshes []time.Duration
	faults             []error
}

// startPeople starts two workers that sign in and two that refresh.
func startPeople(ctx context.Context, issuer string) (*people, error) {
	ctx, cancel := context.WithCancel(ctx)
	p := &people{cancel: cancel}
	for i := range 4 {
		w, err := newWorker(ctx, issuer)
		if err != nil {
			return p, err
		}
		if err := obtain(w); err != nil {
			return p, err
		}
		do, to, rest := refresh, &p.refreshes, 10*time.Millisecond
		if i < 2 {
			do, to, rest = wholeSignIn, &p.signIns, 100*time.Millisecond
		}
		p.wg.Go(func() {
			for pause(ctx, rest) == nil {
				p.once(ctx, w, do, to)
			}
			w.client.CloseIdleConnections()
		})
	}
	return p, nil
}

// once does one operation and records how long it took.
func (p *people) once(ctx context.Context, w *worker, do func(*worker) error, to *[]time.Duration) {
	began := time.Now()
	err := do(w)
	took := time.Since(began)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case err != nil:
		p.faults = append(p.faults, err)
	default:
		*to = append(*to, took)
	}
}

// forget returns what was measured, and begins anew.
func (p *people) forget() (signIns, refreshes []time.Duration, faults []error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	signIns, refreshes, faults = p.signIns, p.refreshes, p.faults
	p.signIns, p.refreshes, p.faults = nil, nil, nil
	return signIns, refreshes, faults
}

func (p *people) stop() {
	p.cancel()
	p.wg.Wait()
}

// command returns a deed that runs a command beside the server. It returns the peak of the
// command's memory in MiB.
func command(args ...string) func(ctx context.Context, s *server, n int) (float64, error) {
	return func(ctx context.Context, s *server, _ int) (peak float64, err error) {
		cmd := exec.CommandContext(ctx, s.program, args...)
		var errs bytes.Buffer
		cmd.Dir, cmd.Env, cmd.Stderr = s.dir, s.env, &errs // its output is discarded
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		p := &process{cmd: cmd}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		for {
			select {
			case err := <-ended:
				if err != nil {
					err = fmt.Errorf("vouchsafe %s: %w\n%s", strings.Join(args, " "), err, errs.Bytes())
				}
				return peak, err
			case <-time.After(10 * time.Millisecond):
				// of the program itself; rusage would include this process, its parent
				peak = max(peak, p.memory("VmHWM"))
			}
		}
	}
}

// first are the first numbers of crowds, which keep their ids apart.
var first = map[string]int{largeClient: 10_000_000, gonerClient: 20_000_000, busyPerson: 30_000_000,
	busierPerson: 40_000_000}

// clientOf adds a client with that many grants, and one consent, for each user.
func clientOf(id string, each int) func(ctx context.Context, s *server, n int) error {
	return func(ctx context.Context, s *server, n int) error {
		if err := s.command("", "client", "add", id, "--kind", "spa", "--redirect-uri", "https://x.example/"); err != nil {
			return err
		}
		return s.allow(ctx, id, each, n)
	}
}

// declaredOf is clientOf for a client that was declared in the file when the server ran last.
func declaredOf(id string, each int) func(ctx context.Context, s *server, n int) error {
	return func(ctx context.Context, s *server, n int) error {
		file := filepath.Join(s.dir, "with.yaml")
		text := clients + "  - client_id: " + id +
			"\n    token_endpoint_auth_method: none\n    redirect_uris: [https://" + id + ".example/]\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
		if err := s.command("", "client", "apply", "--yes", file); err != nil {
			return err
		}
		return s.allow(ctx, id, each, n)
	}
}

// allow adds the grants and consents of a client.
func (s *server) allow(ctx context.Context, id string, each, n int) error {
	if err := s.crowd(ctx, crowd.Crowd{Client: id, Of: n, Grants: each * n, First: first[id]}); err != nil {
		return err
	}
	return s.crowd(ctx, crowd.Crowd{Client: id, Of: n, Consents: n})
}

// tenantOf adds a tenant with all of its data.
func tenantOf(id string) func(ctx context.Context, s *server, n int) error {
	return func(ctx context.Context, s *server, n int) error {
		if err := s.command("", "tenant", "add", id); err != nil {
			return err
		}
		if err := s.command("", "client", "add", "app", "--kind", "spa", "--redirect-uri", "https://x.example/",
			"--tenant", id); err != nil {
			return err
		}
		return s.crowd(ctx, crowd.Crowd{Tenant: id, Client: "app", People: n, Sessions: n, Grants: n, Consents: n,
			Events: n})
	}
}

// personOf adds a user with many sessions and grants.
func personOf(email string) func(ctx context.Context, s *server, n int) error {
	return func(ctx context.Context, s *server, n int) error {
		id, err := s.output("", "user", "add", email)
		if err != nil {
			return err
		}
		return s.crowd(ctx, crowd.Crowd{Client: "web", Owner: strings.TrimSpace(id), Sessions: n / 10, Grants: n / 10,
			First: first[email]})
	}
}

// peopleFile writes a file for an import.
func peopleFile(_ context.Context, s *server, n int) error {
	var text bytes.Buffer
	for i := range n / 10 {
		fmt.Fprintf(&text, `{"email":"imported%d@example.com","email_verified":true,"profile":{"name":"Imported `+
			`%d"},"password_hash":"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"}`+"\n", i, i)
	}
	return os.WriteFile(filepath.Join(s.dir, "people.jsonl"), text.Bytes(), 0o600)
}
