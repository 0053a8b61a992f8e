package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
)

// screen is a terminal of so many columns: what a command prints, and the keyboard.
type screen struct {
	master, terminal *os.File
	shown            *output
}

func newScreen(t *testing.T, columns int) *screen {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there is no terminal: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	size := unix.Winsize{Row: 24, Col: uint16(columns)}
	if err := unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &size); err != nil {
		t.Fatal(err)
	}
	s := &screen{master, terminal, &output{}}
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			_, _ = s.shown.Write(b[:n])
			if err != nil {
				return
			}
		}
	}()
	return s
}

// run runs a command at the terminal, types the answer once the command asks, and returns what was shown.
func (s *screen) run(t *testing.T, sh *shell, answer string, args ...string) (shown string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := sh.command(args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.terminal, s.terminal, s.terminal
	before := len(s.shown.String())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	if answer != "" {
		eventually(t, "the command asks", func() bool { return strings.Contains(s.shown.String()[before:], "[y/N]") })
		if _, err := s.master.WriteString(answer + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	_ = cmd.Wait()
	// What the command wrote last may still be on its way through the terminal.
	if _, err := s.terminal.WriteString("\x00"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all is shown", func() bool { return strings.HasSuffix(s.shown.String(), "\x00") })
	shown = strings.ReplaceAll(s.shown.String()[before:], "\r\n", "\n")
	return strings.TrimSuffix(shown, "\x00"), cmd.ProcessState.ExitCode()
}

// At a terminal the administrator is asked, and only yes is a yes.
func TestTerminalIsAsked(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.do(t, "client", "add", "web", "--kind", "spa", "--redirect-uri", "https://web.example/")
	s := newScreen(t, 80)
	for _, answer := range []string{"n", "sure"} {
		if shown, code := s.run(t, sh, answer, "client", "remove", "web"); code != 1 ||
			!strings.Contains(shown, "This removes client web from tenant default") ||
			!strings.Contains(shown, "nothing was changed") {
			t.Errorf("%q: got exit %d, %q", answer, code, shown)
		}
	}
	if shown, code := s.run(t, sh, "y", "client", "remove", "web"); code != 0 ||
		!strings.Contains(shown, "Removed client web from tenant default.") {
		t.Errorf("got exit %d, %q", code, shown)
	}
}

// A table fits a terminal of 80 columns, and is whole in a pipe.
func TestTablesFitTheTerminal(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	name := "Maximiliane-Theodora von und zu Hohenstein-Wittgenstein"
	sh.do(t, "user", "add", "maximiliane.hohenstein@accounting.example.com", "--username", "maximiliane", "--name", name)
	sh.do(t, "user", "add", "sato@example.com", "--name", "佐藤花子佐藤花子佐藤花子佐藤花子佐藤花子佐藤花子佐藤花子")
	shown, _ := newScreen(t, 80).run(t, sh, "", "user", "list")
	_, table, _ := strings.Cut(shown, ".db\n")
	lines := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("got %q, want a heading and two lines", shown)
	}
	for _, line := range lines {
		if n := terminal.Columns(line); n > 80 {
			t.Errorf("got %d columns: %s", n, line)
		}
	}
	if !strings.Contains(table, "…") || strings.Contains(table, name) || !strings.HasPrefix(lines[0], "EMAIL") {
		t.Errorf("got %s", table)
	}
	if piped := sh.do(t, "user", "list"); strings.Contains(piped, "…") || !strings.Contains(piped, name) {
		t.Errorf("got %s, which is not whole", piped)
	}
}

// A bar is one line of the terminal, which the next one is drawn over, and is gone in the end.
func TestProgressFitsTheTerminal(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 60)
	a := &command.App{Terminal: terminal.Terminal{Err: s.terminal}}
	bar := a.Progress(100)
	bar.Show(50, strings.Repeat("many words ", 20))
	bar.Clear()
	if _, err := s.terminal.WriteString("\x00"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all is shown", func() bool { return strings.HasSuffix(s.shown.String(), "\x00") })
	line, _, _ := strings.Cut(strings.TrimPrefix(s.shown.String(), "\r\x1b[K"), "\r\x1b[K")
	if terminal.Columns(line) >= 60 || !strings.HasPrefix(line, "[###############...............]  50%  many") {
		t.Errorf("got %q", line)
	}
}

// Ctrl-C ends a command that waits for its input, with the code that shells expect.
func TestInterruptedCommand(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.do(t, "user", "add", "jo@example.com")
	cmd := sh.command("user", "password", "jo@example.com", "--password-stdin")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	errs := &output{}
	cmd.Stderr = errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the command reads its input", func() bool { return strings.Contains(errs.String(), "Database:") })
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 || !strings.HasSuffix(errs.String(), "vouchsafe: interrupted\n") {
		t.Errorf("got exit %d, %q", code, errs.String())
	}
}
