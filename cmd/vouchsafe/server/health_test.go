package server

import (
	"context"
	"database/sql"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/internal/datadir"
	"github.com/vouchsafe/vouchsafe/internal/settings"
)

// While nothing fails readiness costs no write.
func TestReadinessWritesOnlyAfterAFault(t *testing.T) {
	t.Parallel()
	cfg := &settings.Config{Data: t.TempDir()}
	st, err := installation.OpenStore(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := st.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &Server{cfg: cfg, Store: st}
	if s.secrets, err = installation.Masters(cfg); err != nil {
		t.Fatal(err)
	}
	var wrote atomic.Int32
	st.OnStatement(func(query string) {
		if !strings.HasPrefix(strings.TrimSpace(query), "SELECT") {
			wrote.Add(1)
		}
	})
	for range 3 {
		if err := s.pingDatabase(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if n := wrote.Load(); n != 0 {
		t.Errorf("%d writes, want none", n)
	}
	locked(t, cfg, func() {
		err := st.UseMasterSecret(t.Context(), "another", time.Now())
		// The caller may give up a moment before the writer does.
		for end := time.Now().Add(time.Minute); st.WriteFault() == nil && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		if err == nil || st.WriteFault() == nil {
			t.Fatalf("got %v, and remembered %v", err, st.WriteFault())
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := s.pingDatabase(ctx); err == nil || !strings.Contains(err.Error(), "last write") {
			t.Errorf("while writes fail: got %v", err)
		}
	})
	wrote.Store(0)
	for range 3 {
		if err := s.pingDatabase(t.Context()); err != nil {
			t.Errorf("when they succeed again: got %v", err)
		}
	}
	if n := wrote.Load(); n != 1 {
		t.Errorf("%d writes, want one", n)
	}
}

// locked calls do while another process, as SQLite sees it, writes to the database.
func locked(t *testing.T, cfg *settings.Config, do func()) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+datadir.Dir(cfg.Data).Database())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	do()
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
}
