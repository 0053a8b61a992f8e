package datadir

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestDataFolderIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "data")
	// However it was made: by hand, by a volume, by a copy.
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"vouchsafe.db", "secret"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Repeat("secret", 8)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d := Dir(dir)
	if err := d.Prepare(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.MasterSecret(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, d.Database(), d.secretFile()} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: got mode %v, %v", path, info.Mode(), err)
		}
	}
}

func TestLinksAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	write(t, elsewhere, strings.Repeat("secret", 8))
	d := Dir(t.TempDir())
	for _, link := range []string{d.Database(), d.secretFile()} {
		if err := os.Symlink(elsewhere, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Prepare(); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("database: got %v", err)
	}
	if _, err := d.MasterSecret(); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("secret: got %v", err)
	}
}

func TestOneMasterSecretIsMade(t *testing.T) {
	t.Parallel()
	d := Dir(t.TempDir())
	got := make([]string, 16)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			var err error
			if got[i], err = d.MasterSecret(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, s := range got {
		if s != got[0] || len(s) < 64 {
			t.Errorf("got %q and %q", s, got[0])
		}
	}
}

func TestEmptySecretFileIsNoSecret(t *testing.T) {
	t.Parallel()
	d := Dir(t.TempDir())
	write(t, d.secretFile(), "\n")
	if _, err := d.MasterSecret(); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("got %v", err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
