// Package buildtest builds the program for tests: as it is shipped, with the race detector, or with a clock that a test
// can set.
package buildtest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Program builds the program, with the race detector if the tests have it, and returns its path. All test processes
// of this source tree share it, and the go command does nothing if it is current.
var Program = sync.OnceValues(func() (string, error) { return Build(Race) })

// Build builds the program, either with the race detector or as it is shipped, with the build tags.
// It returns the path.
func Build(race bool, tags ...string) (string, error) {
	name, args := "vouchsafe", []string{"-trimpath", "-ldflags=-s -w"}
	if race { // without -trimpath, so that it shares compiled packages with go test -race
		name, args = "vouchsafe-race", []string{
			"-race", "-gcflags=modernc.org/...=-d=checkptr=0", "-gcflags=modernc.org/sqlite/lib=-race=false",
			"-gcflags=golang.org/x/crypto/...=-race=false", "-gcflags=crypto/internal/fips140/...=-race=false",
		}
	}
	if len(tags) > 0 {
		name, args = name+"-"+strings.Join(tags, "-"), append(args, "-tags="+strings.Join(tags, ","))
	}
	return build(name, args...)
}

// build builds the program under that name, and returns its path.
func build(name string, args ...string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	if err := noteSources(root); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(root))
	dir := filepath.Join(os.TempDir(), "vouchsafe-e2e-"+hex.EncodeToString(sum[:6]))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	// Test packages run at the same time. One builds and the others wait.
	lock, err := os.OpenFile(filepath.Join(dir, name+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }() // nothing was written
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	out := filepath.Join(dir, name)
	cmd := exec.Command("go", append(append([]string{"build"}, args...), "-o", out, "./cmd/vouchsafe")...)
	cmd.Dir = root
	if !slices.Contains(args, "-race") {
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is shipped, too
	}
	if msg, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, msg)
	}
	return out, nil
}

// noteSources reads the metadata of every source file of the program. go test caches the result of
// a test until a file changes that the test has looked at, but it does not see what a child process
// reads.
func noteSources(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != root && slices.Contains([]string{".git", "bin", "data", "docs", "e2e", "node_modules"}, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(path, "_test.go") {
			return nil
		}
		_, err = os.Stat(path)
		return err
	})
}

// Root returns the folder of the module.
func Root() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("the go command is needed to build the program: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}
