package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a program that is measured.
type process struct {
	cmd *exec.Cmd
	out *bytes.Buffer
}

// serverCore is the core of the measured process. Everything else runs on the others.
const serverCore = 0

// startPinned starts cmd on the measured core. A child inherits the affinity of the thread that
// starts it.
func startPinned(cmd *exec.Cmd) (*process, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return nil, fmt.Errorf("affinity: %w", err)
	}
	one.Set(serverCore)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return nil, fmt.Errorf("affinity: %w", err)
	}
	p, err := startProcess(cmd)
	return p, errors.Join(err, unix.SchedSetaffinity(0, &before))
}

// startProcess starts cmd on any core.
func startProcess(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, out: new(bytes.Buffer)}
	if cmd.Stdout == nil {
		cmd.Stdout = p.out
	}
	cmd.Stderr = p.out
	return p, cmd.Start()
}

// leaveCore moves this process, and what it starts later, off the measured core.
func leaveCore() error {
	if runtime.NumCPU() < 2 {
		return nil
	}
	var rest unix.CPUSet
	for i := range runtime.NumCPU() {
		if i != serverCore {
			rest.Set(i)
		}
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(id, &rest); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("affinity: %w", err)
		}
	}
	return nil
}

// cpu returns the CPU time that the process has used, user and system.
func (p *process) cpu() (time.Duration, error) {
	stat, err := p.proc("stat")
	if err != nil {
		return 0, err
	}
	// The name of the program may contain spaces and brackets. The numbers come after its last
	// bracket.
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, errors.New("/proc/PID/stat has another form")
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	const tick = time.Second / 100 // USER_HZ, on every Linux that Go runs on
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}

// memory returns a field of /proc/PID/status in MiB, or 0. VmRSS is the memory in use, VmHWM the
// most since forgetPeak.
func (p *process) memory(field string) float64 {
	status, err := p.proc("status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			if err == nil {
				return kib / 1024
			}
		}
	}
	return 0
}

// forgetPeak resets VmHWM.
func (p *process) forgetPeak() {
	// if that fails, the peak is that of the whole run
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0)
}

// proc returns a file of /proc/PID.
func (p *process) proc(name string) (string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, name))
	return string(b), err
}

// stop ends the process. If it fails, the end of its output is printed.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := p.cmd.Wait(); err != nil {
		tail := p.out.Bytes()
		_, _ = io.Copy(os.Stderr, bytes.NewReader(tail[max(0, len(tail)-2000):]))
		return err
	}
	return nil
}
