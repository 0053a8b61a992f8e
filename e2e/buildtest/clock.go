package buildtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Clock is the wall clock of a server's process: the machine's clock plus a step. Durations are not
// affected, as when an administrator sets a machine's clock.
type Clock struct {
	// File has the step, in seconds. The program that BuildClocked builds finds it by TEST_CLOCK.
	File string
}

// NewClock returns a clock without a step.
func NewClock(t testing.TB) *Clock {
	c := &Clock{filepath.Join(t.TempDir(), "clock")}
	c.Set(t, 0)
	return c
}

// Set makes the clock that much ahead of the machine's.
func (c *Clock) Set(t testing.TB, ahead time.Duration) {
	t.Helper()
	// The rename keeps the server from reading half a number.
	if err := os.WriteFile(c.File+".new", []byte(strconv.FormatInt(int64(ahead/time.Second), 10)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(c.File+".new", c.File); err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond) // the server reads the file every 10 ms
}

// stepped is added to the standard library's package time. A static program asks the kernel for the
// time, without a library that could be replaced, so that another clock has to be compiled in. The
// rest of the program is the same. time.Now must not wait, so that another goroutine reads the
// step.
const stepped = `package time

import (
	"sync/atomic"
	"syscall"
)

var stepOfTest atomic.Int64

func init() {
	if file, ok := syscall.Getenv("TEST_CLOCK"); ok {
		readStep(file)
		go func() {
			for {
				Sleep(10 * Millisecond)
				readStep(file)
			}
		}()
	}
}

func readStep(file string) {
	fd, err := syscall.Open(file, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	var digits [20]byte
	n, _ := syscall.Read(fd, digits[:])
	syscall.Close(fd)
	seconds, sign := int64(0), int64(1)
	for _, d := range digits[:max(n, 0)] {
		if d == '-' {
			sign = -1
		} else {
			seconds = 10*seconds + int64(d-'0')
		}
	}
	stepOfTest.Store(sign * seconds)
}
`

// BuildClocked builds the program with a clock that can be set, and returns its path.
func BuildClocked() (string, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(strings.TrimSpace(string(out)), "src", "time")
	source, err := os.ReadFile(filepath.Join(folder, "time.go"))
	if err != nil {
		return "", err
	}
	const now = "\tsec, nsec, mono := runtimeNow()\n"
	if strings.Count(string(source), now) != 1 {
		return "", fmt.Errorf("this Go's time.Now is another than Go 1.26's: want one line %q in time.go", now)
	}
	dir, err := os.MkdirTemp("", "vouchsafe-clock-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	changed, added, overlay := filepath.Join(dir, "time.go"), filepath.Join(dir, "stepped.go"),
		filepath.Join(dir, "overlay.json")
	replaced, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(folder, "time.go"): changed, filepath.Join(folder, "stepped.go"): added,
	}})
	err = errors.Join(err,
		os.WriteFile(changed, []byte(strings.Replace(string(source), now, now+"\tsec += stepOfTest.Load()\n", 1)), 0o600),
		os.WriteFile(added, []byte(stepped), 0o600), os.WriteFile(overlay, replaced, 0o600))
	if err != nil {
		return "", err
	}
	return build("vouchsafe-clock", "-ldflags=-s -w", "-overlay="+overlay)
}
