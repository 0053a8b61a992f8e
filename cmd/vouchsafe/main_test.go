package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/internal/settings"
)

// The test program is the command itself when it is told so: the tests run what people
// run, under the race detector.
const asCommand = "TEST_PROGRAM_IS_VOUCHSAFE"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// shell runs commands in a folder of its own.
type shell struct {
	dir string
	env []string
}

// goodSecret is a master secret that is long and random enough.
const goodSecret = "Zq8vK1mT0xWc5RrB7yLd3hNnJ6uPsG2f"

func newShell(t *testing.T, env ...string) *shell {
	return &shell{t.TempDir(), append([]string{"VOUCHSAFE_LISTEN=127.0.0.1:0", "VOUCHSAFE_METRICS_LISTEN=127.0.0.1:0"},
		env...)}
}

// newDatabase is newShell for commands that need a database: none makes one by accident.
func newDatabase(t *testing.T, env ...string) *shell {
	t.Helper()
	sh := newShell(t, env...)
	s, err := installation.OpenStore(t.Context(), &settings.Config{Data: filepath.Join(sh.dir, "data")})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Migrate(t.Context()), s.Close()); err != nil {
		t.Fatal(err)
	}
	return sh
}

func (s *shell) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = s.dir
	// The race detector would wait for a second at every exit.
	cmd.Env = append([]string{asCommand + "=1", "GORACE=atexit_sleep_ms=0", "PATH=" + os.Getenv("PATH"), "HOME=" + s.dir},
		s.env...)
	return cmd
}

// run runs a command to its end.
func (s *shell) run(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := s.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// do runs a command that has to succeed, and gives what it printed.
func (s *shell) do(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, code := s.run(t, "", args...)
	if code != 0 {
		t.Fatalf("vouchsafe %s: exit %d: %s", strings.Join(args, " "), code, errs)
	}
	return out
}

// read is do for a command that prints JSON.
func (s *shell) read(t *testing.T, v any, args ...string) {
	t.Helper()
	if out := s.do(t, args...); json.Unmarshal([]byte(out), v) != nil {
		t.Fatalf("vouchsafe %s: no JSON: %s", strings.Join(args, " "), out)
	}
}

// fails runs a command that must not succeed, and gives its complaint.
func (s *shell) fails(t *testing.T, code int, args ...string) string {
	t.Helper()
	out, errs, got := s.run(t, "", args...)
	if got != code {
		t.Fatalf("vouchsafe %s: got exit %d, want %d: %s%s", strings.Join(args, " "), got, code, out, errs)
	}
	return errs
}

func (s *shell) file(t *testing.T, name, text string) {
	t.Helper()
	write(t, filepath.Join(s.dir, name), text)
}

// running is a server in a process of its own.
type running struct {
	cmd      *exec.Cmd
	exited   chan struct{}
	issuer   string
	ops      string // the operator's listener
	out, err *output
}

// serve starts a server and waits until it serves.
func (s *shell) serve(t *testing.T, args ...string) *running {
	t.Helper()
	r := s.start(t, args...)
	r.serves(t)
	return r
}

// start starts a server.
func (s *shell) start(t *testing.T, args ...string) *running {
	t.Helper()
	return s.startAs(t, s.command(append([]string{"serve"}, args...)...))
}

// startAs starts a server by a command of the caller's.
func (s *shell) startAs(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	r := &running{cmd: cmd, exited: make(chan struct{}), out: &output{}, err: &output{}}
	r.cmd.Stdout, r.cmd.Stderr = r.out, r.err
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = r.cmd.Wait(); close(r.exited) }()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill() // unless it has stopped
		<-r.exited
		if strings.Contains(r.err.String(), "DATA RACE") {
			t.Error("the server has a data race")
		}
		if t.Failed() {
			t.Logf("the server wrote:\n%s%s", r.out, r.err)
		}
	})
	return r
}

var serving = regexp.MustCompile(`"msg":"serving".*"issuer":"([^"]+)".*"operations":"([^"]*)"`)

// serves waits until the server says that it serves, and where.
func (r *running) serves(t *testing.T) {
	t.Helper()
	eventually(t, "the server serves", func() bool {
		select {
		case <-r.exited:
			t.Fatal("the server stopped at once")
		default:
		}
		m := serving.FindStringSubmatch(r.err.String())
		if m != nil {
			r.issuer, r.ops = m[1], "http://"+m[2]
		}
		return m != nil
	})
}

// stop asks the server to stop, and waits until it has.
func (r *running) stop(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	r.gone(t)
}

// gone waits until the process has ended.
func (r *running) gone(t *testing.T) {
	t.Helper()
	select {
	case <-r.exited:
	case <-time.After(time.Minute):
		t.Fatal("the server does not stop")
	}
}

// get asks for a URL, below the issuer when it is a path.
func (r *running) get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	if strings.HasPrefix(url, "/") {
		url = r.issuer + url
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// output is what a process writes, to be read while it does.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// eventually waits until something has come about.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never comes about that %s", what)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
