package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/datadir"
)

// Two servers on one data folder would count attempts apart and take each other's mail.
func TestOneServerHasADataFolder(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	first := sh.serve(t)
	errs := sh.fails(t, 1, "serve")
	for _, want := range []string{
		fmt.Sprintf("process %d", first.cmd.Process.Pid), first.issuer, filepath.Join(sh.dir, "data"),
		"VOUCHSAFE_DATA", "VOUCHSAFE_DATABASE_URL", "VOUCHSAFE_REDIS_URL",
	} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q is not said: %s", want, errs)
		}
	}
	if status, _ := first.get(t, "/readyz"); status != http.StatusOK {
		t.Errorf("readyz of the first: got %d", status)
	}
	// Another name of the folder is the same folder.
	if err := os.Symlink("data", filepath.Join(sh.dir, "link")); err != nil {
		t.Fatal(err)
	}
	if errs := sh.fails(t, 1, "serve", "--data", "link"); !strings.Contains(errs, "is used by another server") {
		t.Errorf("by a link: got %s", errs)
	}
	// Another folder is free.
	sh.serve(t, "--data", "other").stop(t)
	// The kernel gives the folder back, however the server ended.
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.gone(t)
	sh.serve(t).stop(t)
	sh.serve(t)
}

// Commands go on beside a server, those that write among them.
func TestCommandsRunBesideAServer(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	r := sh.serve(t)
	sh.file(t, "people.csv", "email,email_verified\nkim@example.com,true\n")
	sh.do(t, "user", "add", "jo@example.com", "--verified")
	for _, line := range []string{
		"user list", "user import people.csv", "user export", "client list", "key list", "key rotate",
		"tenant list", "secret list",
		"audit export", "mail dead", "migrate", "config", "restored --yes",
	} {
		sh.do(t, strings.Fields(line)...)
	}
	if list := sh.do(t, "user", "list"); !strings.Contains(list, "kim@example.com") {
		t.Errorf("got people\n%s", list)
	}
	if status, _ := r.get(t, "/readyz"); status != http.StatusOK {
		t.Errorf("readyz: got %d", status)
	}
}

// A server that is replaced takes its time: its requests end first. Who starts in its place
// waits for it, for longer than for a server that means to stay.
func TestStartWaitsForTheServerThatStops(t *testing.T) {
	t.Parallel()
	sh := newShell(t, "VOUCHSAFE_STOP_DELAY="+(datadir.Handover+time.Second).String())
	old := sh.serve(t)
	if err := old.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	next := sh.serve(t)
	select {
	case <-old.exited:
	case <-time.After(time.Second): // it has let go of the folder, and ends
		t.Error("the next server serves while the one before does")
	}
	if !strings.Contains(next.err.String(), "waiting for the server before this one") {
		t.Errorf("it does not say why it waits:\n%s", next.err)
	}
}
