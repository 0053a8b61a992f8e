package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A volume as Kubernetes makes it with fsGroup: of root, and of a group that the server is in.
func TestDataFolderOfAGroup(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can make a folder that is another's")
	}
	const user, group = 64123, 64200
	as := func(sh *shell, args ...string) *exec.Cmd {
		cmd := sh.command(args...)
		cmd.Path = "/proc/self/exe" // the user may not come to where the test program lies
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user, Groups: []uint32{group}}}
		return cmd
	}
	volume := func(mode os.FileMode) *shell {
		sh := newShell(t)
		data := filepath.Join(sh.dir, "data")
		if err := errors.Join(os.Chmod(filepath.Dir(sh.dir), 0o755), os.Mkdir(data, 0o700), os.Chown(data, 0, group),
			os.Chmod(data, mode)); err != nil {
			t.Fatal(err)
		}
		return sh
	}
	sh := volume(0o770 | os.ModeSetgid)
	r := sh.startAs(t, as(sh, "serve"))
	r.serves(t)
	if got := strings.Count(r.err.String(), "belongs to another user"); got != 1 {
		t.Errorf("the log says %d times whose folder it is, want once:\n%s", got, r.err)
	}
	if out, err := as(sh, "user", "list").CombinedOutput(); err != nil || strings.Contains(string(out), "another user") {
		t.Errorf("a command: got %v: %s", err, out)
	}
	r.stop(t)
	// What the kubelet does to the volume at each mount.
	files, err := filepath.Glob(filepath.Join(sh.dir, "data", "*"))
	if err != nil || len(files) < 3 {
		t.Fatalf("got files %v, %v", files, err)
	}
	write(t, filepath.Join(sh.dir, "data", "vouchsafe.db-wal"), "")
	for _, file := range append(files, filepath.Join(sh.dir, "data", "vouchsafe.db-wal")) {
		if err := errors.Join(os.Chown(file, user, group), os.Chmod(file, 0o660)); err != nil {
			t.Fatal(err)
		}
	}
	r = sh.startAs(t, as(sh, "serve"))
	r.serves(t)
	files, err = filepath.Glob(filepath.Join(sh.dir, "data", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got mode %v, %v, want 0600", file, info.Mode(), err)
		}
	}
	r.stop(t)
	// A file that another user left there cannot be closed to the group.
	if err := errors.Join(os.Chown(filepath.Join(sh.dir, "data", "secret"), 0, group),
		os.Chmod(filepath.Join(sh.dir, "data", "secret"), 0o660)); err != nil {
		t.Fatal(err)
	}
	if out, err := as(sh, "serve").CombinedOutput(); err == nil ||
		!strings.Contains(string(out), "belongs to another user") || !strings.Contains(string(out), "secret") {
		t.Errorf("a secret of another user: got %v: %s", err, out)
	}
	// Where everybody could look in, there is no start.
	for _, mode := range []os.FileMode{0o777, 0o775, 0o771} {
		sh := volume(mode)
		if out, err := as(sh, "serve").CombinedOutput(); err == nil ||
			!strings.Contains(string(out), "can be read by others") {
			t.Errorf("mode %o: got %v: %s", mode, err, out)
		}
	}
}
