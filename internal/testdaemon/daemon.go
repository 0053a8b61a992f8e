// Package testdaemon runs a real server for the tests of one process. The server and its folder are
// gone after the process, however the process ends.
package testdaemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// guard is a shell script that outlives this process by a moment. The end of its input means that
// this process has ended: it stops the server and removes the folder. A line of input is the signal
// that stops the server and keeps the folder.
const guard = `
folder=$1 last=$2
shift 2
"$@" >>"$folder/log" 2>&1 &
server=$!
if read -r signal; then
	kill -s "$signal" "$server"
	wait "$server"
else
	kill -s "$last" "$server"
	wait "$server"
	rm -rf "$folder"
fi`

// Daemon is a server with a temporary folder and a free port. Set Command, Last and Ready before
// Start.
type Daemon struct {
	// Folder belongs to the account that the server runs as.
	Folder string
	// Port is free when the daemon is made, and stays reserved for it.
	Port int
	// Command is the program and its arguments.
	Command []string
	// Last is the signal that ends the server for good. Some servers do not heed INT and QUIT,
	// which a shell makes its background processes ignore.
	Last string
	// Ready returns nil when the server answers.
	Ready func() error

	account *syscall.Credential
	shell   *exec.Cmd
	control io.WriteCloser
}

// New makes a folder and reserves a port. If this process runs as root, the server will run as the
// first of the accounts that exists, because some servers refuse to run as root.
func New(name string, accounts ...string) (*Daemon, error) {
	d := new(Daemon)
	folder, err := os.MkdirTemp("", "vouchsafe-"+name+"-")
	if err != nil {
		return nil, err
	}
	d.Folder = folder
	if os.Getuid() == 0 && len(accounts) > 0 {
		if d.account, err = credential(accounts); err != nil {
			return nil, err
		}
		if err := os.Chown(folder, int(d.account.Uid), int(d.account.Gid)); err != nil {
			return nil, err
		}
	}
	d.Port, err = FreePort()
	return d, err
}

// credential returns the ids of the first account that exists.
func credential(accounts []string) (*syscall.Credential, error) {
	for _, name := range accounts {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("none of the accounts %q exists", accounts)
}

// WriteFile writes a file into the folder that the server can read and write.
func (d *Daemon) WriteFile(name, text string) (path string, err error) {
	path = filepath.Join(d.Folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return "", err
	}
	if d.account != nil {
		err = os.Chown(path, int(d.account.Uid), int(d.account.Gid))
	}
	return path, err
}

// Run runs a program as the server's account, and waits for its end.
func (d *Daemon) Run(command ...string) error {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = d.Folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: d.account}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(command[0]), err, out)
	}
	return nil
}

// Start starts the server and waits up to 30 seconds until it is ready.
func (d *Daemon) Start() error {
	if d.shell != nil {
		return errors.New("started already")
	}
	shell := exec.Command("/bin/sh", append([]string{"-c", guard, "guard", d.Folder, d.Last}, d.Command...)...)
	shell.Dir = d.Folder
	// The shell has a process group of its own. An interrupt at the terminal reaches the tests
	// only, and their end stops the server.
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: d.account}
	control, err := shell.StdinPipe()
	if err != nil {
		return err
	}
	if err := shell.Start(); err != nil {
		return err
	}
	d.shell, d.control = shell, control
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if err = d.Ready(); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(d.Folder, "log"))
			return fmt.Errorf("%s does not answer: %w\n%s", filepath.Base(d.Command[0]), err, log)
		}
	}
}

// Stop stops the server with a signal such as INT or KILL, and keeps its folder.
func (d *Daemon) Stop(signal string) error {
	if d.shell == nil {
		return errors.New("not running")
	}
	if _, err := io.WriteString(d.control, signal+"\n"); err != nil {
		return err
	}
	_ = d.shell.Wait() // it ends as the server does, by the signal
	d.shell = nil
	return nil
}

// Close stops the server if it runs, and removes its folder.
func (d *Daemon) Close() error {
	if d.shell == nil {
		return os.RemoveAll(d.Folder)
	}
	if err := d.control.Close(); err != nil {
		return err
	}
	_ = d.shell.Wait()
	d.shell = nil
	return nil
}
