package vouchsafetest

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
)

// life is one process of a server, from its start to its end.
type life struct {
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // how it exited
	killed bool  // whether a test has killed it; every other death is a fault
}

// begin starts the process.
func begin(cmd *exec.Cmd) (*life, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	l := &life{cmd: cmd, exited: make(chan struct{})}
	go func() {
		l.err = cmd.Wait()
		close(l.exited)
	}()
	return l, nil
}

// over reports whether the process has ended.
func (l *life) over() bool {
	select {
	case <-l.exited:
		return true
	default:
		return false
	}
}

// kill kills the process. If it has ended already, it died of something else.
func (l *life) kill() {
	if !l.over() {
		l.killed = l.cmd.Process.Kill() == nil || l.killed
		<-l.exited
	}
}

// death returns what was wrong with the end of the process. A crash (SIGSEGV, SIGABRT) and a kernel
// out of memory (SIGKILL) end a process by a signal, as kill does.
func (l *life) death() error {
	<-l.exited
	var exit *exec.ExitError
	if !errors.As(l.err, &exit) {
		return l.err
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	switch {
	case !ok || !status.Signaled():
		return l.err
	case status.Signal() == syscall.SIGKILL && l.killed:
		return nil
	}
	return fmt.Errorf("it died of a signal that no test has sent: %w", l.err)
}

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
