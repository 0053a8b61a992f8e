package engine

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

func TestFilesAreTheirOwnersAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "data")
	path := filepath.Join(dir, "a b%?#'ü.db")
	s := openMigrated(t, "sqlite:"+path)
	if err := s.engine.Write(t.Context(), spendIn("a")); err != nil {
		t.Fatal(err)
	}
	mode(t, dir, 0o700)
	for _, suffix := range []string{"", "-wal", "-shm", "-migrate"} {
		mode(t, path+suffix, 0o600)
	}

	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want the log folded into the file", err)
	}

	loose := filepath.Join(t.TempDir(), "loose.db")
	if err := os.WriteFile(loose, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	openMigrated(t, "sqlite:"+loose)
	mode(t, loose, 0o600)
}

func mode(t *testing.T, path string, wanted os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != wanted {
		t.Errorf("%s: got mode %o, want %o", path, got, wanted)
	}
}

func TestLinksAndFoldersAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dangling, link, file := filepath.Join(dir, "dangling"), filepath.Join(dir, "link"), filepath.Join(dir, "file")
	for _, err := range []error{
		os.WriteFile(file, nil, 0o600),
		os.Symlink(file, link),
		os.Symlink(filepath.Join(dir, "nothing"), dangling),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{dangling, link, dir, ""} {
		if e, _, err := Open(t.Context(), "sqlite:"+path, new(Meter)); err == nil {
			e.Close()
			t.Errorf("%s: opened", path)
		}
	}
}

func TestAnsweredWritesSurviveTheProcess(t *testing.T) {
	t.Parallel()
	if url := os.Getenv("VOUCHSAFE_TEST_WRITE_TO"); url != "" {
		writeUntilKilled(t, url)
	}
	url := "sqlite:" + filepath.Join(t.TempDir(), "vouchsafe.db")
	openMigrated(t, url)
	acknowledged := make(map[string]bool)
	for round := range 5 {
		child := exec.Command(os.Args[0], "-test.run=^TestAnsweredWritesSurviveTheProcess$")
		child.Env = append(os.Environ(), "VOUCHSAFE_TEST_WRITE_TO="+url, fmt.Sprint("VOUCHSAFE_TEST_ROUND=", round))
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if n == 200+37*round {
				_ = child.Process.Kill()
			}
			acknowledged[lines.Text()] = true
		}
		if err := lines.Err(); err != nil {
			t.Error(err)
		}
		_ = child.Wait()
	}
	if len(acknowledged) < 1000 {
		t.Fatalf("got %d answers: has the child failed?", len(acknowledged))
	}
	s := openMigrated(t, url)
	for value := range acknowledged {
		isSpentNow(t, s, value, true)
	}
	var verdict string
	if err := s.engine.Read(t.Context(), func(c Conn) error {
		return c.Row("PRAGMA integrity_check").Scan(&verdict)
	}); err != nil || verdict != "ok" {
		t.Errorf("got %q, %v, want ok", verdict, err)
	}
}

func writeUntilKilled(t *testing.T, url string) {
	s := openMigrated(t, url)
	var mu sync.Mutex
	for i := range 8 {
		go func() {
			for j := 0; ; j++ {
				value := fmt.Sprint(os.Getenv("VOUCHSAFE_TEST_ROUND"), "-", i, "-", j)
				if err := s.engine.Write(context.Background(), spendIn(value)); err != nil {
					panic(err)
				}
				mu.Lock()
				fmt.Println(value)
				mu.Unlock()
			}
		}()
	}
	time.Sleep(time.Minute)
	t.Fatal("this process was not killed")
}

// TestAFullDiskIsUnavailable uses SQLite's own limit, which fails as a full disk does.
func TestAFullDiskIsUnavailable(t *testing.T) {
	t.Parallel()
	s := openFile(t)
	l := s.engine.(*lite)
	limit := func(pages string) {
		t.Helper()
		err := l.Write(t.Context(), func(c Conn) error {
			return c.Each("PRAGMA max_page_count = "+pages, nil, func(row Scanner) error { return row.Scan(new(int64)) })
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // means: as large as it is
	var failed error
	stored := 0
	for ; failed == nil && stored < 100_000; stored++ {
		failed = l.Write(t.Context(), spendIn(fmt.Sprint(stored)))
	}
	if !errors.Is(failed, storage.ErrUnavailable) {
		t.Fatalf("got %v after %d rows, want %v", failed, stored, storage.ErrUnavailable)
	}
	if _, err := s.count(t.Context(), countTenants); err != nil {
		t.Errorf("reading: %v", err)
	}
	limit("1000000")
	if err := l.Write(t.Context(), spendIn("room again")); err != nil {
		t.Errorf("with room again: %v", err)
	}
	isSpentNow(t, s, fmt.Sprint(stored-1), false)
	isSpentNow(t, s, fmt.Sprint(stored-2), true)
}

func TestAFileThatIsNoDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	e, _, err := Open(t.Context(), "sqlite:"+path, new(Meter))
	if err == nil {
		err = e.Migrate(t.Context())
		e.Close()
	}
	if !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, storage.ErrUnavailable)
	}
}

// TestAnotherProcessMayWrite holds the file's lock as a command beside a server does.
func TestAnotherProcessMayWrite(t *testing.T) {
	t.Parallel()
	s := openFile(t)
	other, err := sql.Open("sqlite", s.engine.(*lite).source)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(300*time.Millisecond, func() { _ = tx.Commit() })
	if err := s.engine.Write(t.Context(), spendIn("a")); err != nil {
		t.Errorf("got %v, want to wait for the other", err)
	}
}

func TestMemoryWorksInFakeTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openMigrated(t, "sqlite::memory:")
		time.Sleep(time.Hour)
		if err := s.engine.Write(t.Context(), spendIn("a")); err != nil {
			t.Fatal(err)
		}
		isSpentNow(t, s, "a", true)
	})
}

func TestMemoriesAreApart(t *testing.T) {
	t.Parallel()
	a, b := openMigrated(t, "sqlite::memory:"), openMigrated(t, "sqlite::memory:")
	if err := a.engine.Write(t.Context(), spendIn("a")); err != nil {
		t.Fatal(err)
	}
	isSpentNow(t, b, "a", false)
}
