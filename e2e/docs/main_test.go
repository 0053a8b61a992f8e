// Package docs tests the documents: a newcomer who follows them word by word gets where they lead.
package docs

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/buildtest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func TestMain(m *testing.M) { vouchsafetest.Main(m) }

var repository = sync.OnceValues(buildtest.Root)

// root returns the folder of the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// read returns a file of the repository.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
