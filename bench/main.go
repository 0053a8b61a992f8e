// Command bench measures what Vouchsafe costs. The release binary runs on one core, the load and
// the databases on the others. Every answer is checked, and each operation is compared with a floor
// that is measured in the same run.
//
//	go run ./bench                     a table for SQLite and one for PostgreSQL + Redis
//	go run ./bench -store sqlite -for 3s -only userinfo,refresh
//	go run ./bench -replicas 2         one and two replicas behind HAProxy
//	go run ./bench -fill 1000000       users, sessions and grants in the database first
//	go run ./bench -fill 1000000 -scale
//	how removals, imports and lists delay users
//	go run ./bench -fill 1000000 -lists
//	what pages of the management API's lists cost
//	go run ./bench -fill 1000000 -console
//	what pages of the console cost, with a hundredth as many groups and a thousandth as many apps
//
// A floor is a bare net/http handler that does only the unavoidable work: the signatures, the
// prepared statements, the hash. CPU times differ by less than a tenth between runs. Elapsed times
// depend on what else the machine does. Trust the ratios.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/buildtest"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == floorCommand {
		if err := serveFloor(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run builds the program, unless one is given, and measures what the flags ask for.
func run(ctx context.Context) error {
	o, err := parse()
	if err != nil {
		return err
	}
	if o.program == "" {
		fmt.Fprintln(os.Stderr, "Building the program")
		var tags []string
		if o.profile != "" {
			tags = []string{"pprof"}
		}
		if o.program, err = buildtest.Build(false, tags...); err != nil {
			return err
		}
	}
	if runtime.NumCPU() < 2 {
		fmt.Fprintln(os.Stderr, "There is one core: server and load share it, and the clock says little.")
	}
	if o.replicas > 0 {
		return measureReplicas(ctx, o)
	}
	how := measure
	if o.scale {
		how = measureScale
	}
	if o.lists {
		how = measureLists
	}
	if o.console {
		how = measureConsole
	}
	for _, store := range o.stores {
		if err := how(ctx, o, store); err != nil {
			return fmt.Errorf("%s: %w", store, err)
		}
	}
	return nil
}

// parse reads the flags.
func parse() (options, error) {
	var o options
	store := flag.String("store", "sqlite,postgres",
		"what to measure on: sqlite, postgres (with Redis), or the two with a comma between them")
	only := flag.String("only", "",
		"the operations to measure, separated by commas, of "+strings.Join(names(), ",")+"; all of them when empty")
	flag.DurationVar(&o.span, "for", 5*time.Second, "how long each operation is measured")
	flag.IntVar(&o.workers, "connections", 8, "connections that ask at the same time")
	flag.IntVar(&o.fill, "fill", 0,
		"people, as many sessions and grants, and ten times as many rows of the audit trail to put into the database first")
	flag.BoolVar(&o.scale, "scale", false,
		"measure what people feel while something large is removed, imported or listed, instead; -fill says how large")
	flag.BoolVar(&o.lists, "lists", false,
		"measure pages of the lists of the management API, instead; -fill says of how many people")
	flag.BoolVar(&o.console, "console", false,
		"measure pages of the console, instead; -fill says of how many people")
	deeds := flag.String("deeds", "",
		"with -scale: those whose names hold one of these words, separated by commas; all of them when empty")
	flag.StringVar(&o.profile, "profile", "",
		"a folder for a CPU profile of each operation and the allocations of all (go tool pprof reads them); "+
			"measuring costs, too")
	flag.StringVar(&o.program, "program", "", "the binary to measure; otherwise it is built as it is shipped")
	flag.IntVar(&o.replicas, "replicas", 0,
		"measure so many replicas behind HAProxy instead, and one beside them, on PostgreSQL + Redis")
	flag.Usage = usage
	flag.Parse()
	o.stores = strings.Split(*store, ",")
	for _, s := range o.stores {
		if s != "sqlite" && s != "postgres" {
			return o, fmt.Errorf("-store %s: want sqlite, postgres or both with a comma", s)
		}
	}
	if *deeds != "" {
		o.deeds = strings.Split(*deeds, ",")
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	for _, name := range o.only {
		if !slices.ContainsFunc(operations, func(op operation) bool { return op.name == name }) {
			return o, fmt.Errorf("-only %s: want some of %s", name, strings.Join(names(), ","))
		}
	}
	return o, nil
}

// names returns the names of the operations.
func names() []string {
	var out []string
	for _, op := range operations {
		out = append(out, op.name)
	}
	return out
}

// usage prints the flags and how to read the table.
func usage() {
	fmt.Fprint(flag.CommandLine.Output(),
		`Measures what each operation costs the server, beside its floor: a bare net/http handler
that does the unavoidable alone. All of it takes about four minutes: each operation and
each floor -for, and a fifth of that to warm up.

`)
	flag.PrintDefaults()
	fmt.Fprint(flag.CommandLine.Output(), `
The columns of the table, of one operation:
  ops/s           how often it was done in a second
  CPU µs          what the server's CPU spent on it
  floor µs        what the floor's spent
  ratio           the one by the other: trust this. aim is the one that we want
  p50, p95, p99   how long so many in a hundred took at most, in ms
  SQL, Redis      statements and commands
  peak MiB        the most memory that the server held meanwhile
`)
}

// measure prints the table of one store.
func measure(ctx context.Context, o options, store string) (err error) {
	s, err := startServer(o.program, store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := leaveCore(); err != nil {
		return err
	}
	if o.fill > 0 {
		if err := s.fill(ctx, o.fill); err != nil {
			return err
		}
	}
	if err := s.startAgain(); err != nil {
		return err
	}
	s.printStart(store)
	floor, err := startFloor(store, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, floor.close()) }()

	t := newTable(os.Stdout)
	for _, op := range operations {
		if len(o.only) > 0 && !slices.Contains(o.only, op.name) {
			continue
		}
		progress("%s: %s", store, op.name)
		got, err := s.load(ctx, o, store+"-"+op.name, op.run)
		if err != nil {
			return fmt.Errorf("%s: %w", op.name, err)
		}
		least, err := floor.load(ctx, o, op.floor)
		if err != nil {
			return fmt.Errorf("floor of %s: %w", op.name, err)
		}
		progress("")
		t.row(op, got, least)
	}
	return t.flush()
}
