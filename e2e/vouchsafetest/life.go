package vouchsafetest

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"
)

// life is one process of a server, from its start to its death.
type life struct {
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // how it exited
	killed bool  // by us: whatever else it dies of is its own fault
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

// over says whether it has ended.
func (l *life) over() bool {
	select {
	case <-l.exited:
		return true
	default:
		return false
	}
}

// kill ends it. One that is dead already has died of something else.
func (l *life) kill() {
	if !l.over() {
		l.killed = l.cmd.Process.Kill() == nil || l.killed
		<-l.exited
	}
}

// death is what was wrong with its end. A crash (SIGSEGV, SIGABRT) and the kernel that is
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
