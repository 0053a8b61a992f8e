package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// profile writes a CPU profile of the span that begins now, and a profile of allocations at its
// end. The returned function waits for both.
func (s *server) profile(ctx context.Context, o options, name string) func() error {
	done := make(chan error, 1)
	seconds := max(1, int(o.span/time.Second))
	go func() {
		done <- s.keepProfile(ctx, fmt.Sprintf("profile?seconds=%d", seconds), filepath.Join(o.profile, name+".cpu"))
	}()
	return func() error {
		return errors.Join(<-done, s.keepProfile(ctx, "allocs", filepath.Join(o.profile, name+".allocs")))
	}
}

// keepProfile writes one profile into the file.
func (s *server) keepProfile(ctx context.Context, which, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		strings.TrimSuffix(s.metrics, "/metrics")+"/debug/pprof/"+which, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("profile: %s: only a program built with -tags pprof can be profiled", res.Status)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // nothing secret is in it
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, res.Body)
	return errors.Join(err, f.Close())
}
