package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// shared are the operations that show whether replicas hinder each other.
var shared = []string{"client-credentials", "authorize", "refresh", "userinfo", "mix"}

// measureReplicas prints what a request costs with one replica and with several behind HAProxy,
// which sends each request to another replica. The replicas share the measured core, while the
// proxy, PostgreSQL, Redis and the load use the others. Several replicas are therefore no faster
// here. What counts is that a request does not cost more with them: on machines of their own, their
// throughput adds up.
func measureReplicas(ctx context.Context, o options) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "replicas\toperation\tops/s\tCPU µs\tp50 ms\tp95 ms\tp99 ms\t")
	for _, n := range slices.Compact([]int{1, o.replicas}) {
		if err := measureReplicated(ctx, o, n, table); err != nil {
			return err
		}
	}
	return table.Flush()
}

// measureReplicated prints the rows for n replicas.
func measureReplicated(ctx context.Context, o options, n int, table *tabwriter.Writer) (err error) {
	s, err := startServer(o.program, "postgres")
	if err != nil {
		return err
	}
	if err := leaveCore(); err != nil {
		return errors.Join(err, s.close())
	}
	defer func() { err = errors.Join(err, s.close()) }()
	all, err := s.startReplicas(n)
	if err != nil {
		return err
	}
	for _, op := range operations {
		if !slices.Contains(shared, op.name) || len(o.only) > 0 && !slices.Contains(o.only, op.name) {
			continue
		}
		progress("%d replicas: %s", n, op.name)
		var before, after time.Duration
		took, span, err := drive(ctx, o, s.issuer, op.run,
			func() (err error) { before, err = cpuOf(all); return err },
			func() (err error) { after, err = cpuOf(all); return err })
		if err != nil {
			return fmt.Errorf("%d replicas: %s: %w", n, op.name, err)
		}
		f, err := figures{cpu: after - before}.of(took, span)
		if err != nil {
			return err
		}
		progress("")
		ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
		fmt.Fprintf(table, "%d\t%s\t%.0f\t%d\t%.1f\t%.1f\t%.1f\t\n", n, op.name, f.perSecond(), f.cpu.Microseconds(),
			ms(f.p50), ms(f.p95), ms(f.p99))
	}
	return nil
}

// startReplicas starts n processes on the measured core, and the proxy at the issuer's address.
func (s *server) startReplicas(n int) ([]*process, error) {
	front, err := url.Parse(s.issuer)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(front.Port())
	if err != nil {
		return nil, err
	}
	var all []*process
	var addresses []string
	ports, err := freePorts(n)
	if err != nil {
		return nil, err
	}
	for _, p := range ports {
		cmd := exec.Command(s.program, "serve")
		cmd.Dir, cmd.Env = s.dir, append(slices.Clone(s.env),
			"VOUCHSAFE_LISTEN=127.0.0.1:"+p, "VOUCHSAFE_METRICS_LISTEN=off", "VOUCHSAFE_TRUSTED_PROXIES=127.0.0.1")
		r, err := startPinned(cmd)
		if err != nil {
			return nil, err
		}
		s.closers = append(s.closers, r.stop)
		all, addresses = append(all, r), append(addresses, "127.0.0.1:"+p)
	}
	proxy, err := vouchsafetest.NewProxy(port, "", addresses)
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, proxy.Close)
	if err := proxy.Start(); err != nil {
		return nil, err
	}
	s.process = all[0]
	if err := s.await(); err != nil {
		return nil, err
	}
	time.Sleep(2 * time.Second) // until the proxy has found all of them
	for _, r := range all {
		if log := r.out.String(); !strings.Contains(log, "serving") {
			return nil, errors.New("a replica does not serve\n" + log)
		}
	}
	return all, nil
}

// cpuOf returns the CPU time of all processes together.
func cpuOf(all []*process) (sum time.Duration, err error) {
	for _, p := range all {
		used, err := p.cpu()
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}
