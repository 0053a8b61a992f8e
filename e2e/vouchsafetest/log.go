package vouchsafetest

import (
	"bytes"
	"strings"
	"sync"
)

// logBuffer holds the output of a process.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// tail returns the last lines, which a failed test shows.
func (l *logBuffer) tail(lines int) string {
	all := strings.Split(strings.TrimRight(l.String(), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// faults returns log lines that no test may cause, whatever it sends: panics and data races.
func (l *logBuffer) faults() string {
	all := l.String()
	for _, mark := range []string{"WARNING: DATA RACE", "panic:", `"msg":"panic"`, "fatal error:"} {
		if i := strings.Index(all, mark); i >= 0 {
			return all[i:min(len(all), i+6000)]
		}
	}
	return ""
}
