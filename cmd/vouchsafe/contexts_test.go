package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingTravelsByContextInProvider looks for values that package provider and those below it put
// into a context. A handler finds what it needs in its fields and in the request that fosite carries;
// contexts hold what internal/web puts there.
func TestNothingTravelsByContextInProvider(t *testing.T) {
	t.Parallel()
	files := 0
	err := filepath.WalkDir("../../provider", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		source, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(source), "context.WithValue(") {
			t.Errorf("%s puts a value into a context", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Errorf("only %d files seen", files)
	}
}
