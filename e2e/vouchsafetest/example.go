package vouchsafetest

import (
	"crypto/rand"
	"errors"
	"html"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Example is an app from the documentation, with this server's issuer, a client of its own and a
// free port.
type Example struct {
	*Section
	Server           *Server
	ClientID, Secret string
	Port, URL        string // of the app
	process          *exec.Cmd
	output           *logBuffer
	exited           chan struct{}
}

// The values in the documentation that differ between readers.
const (
	docIssuer   = "http://localhost:8080"
	docHTTPS    = "https://id.example.com"
	docPort     = "3000"
	docClientID = "my-app"
	docSecret   = "CLIENT_SECRET"
)

var madeSecret = regexp.MustCompile(`(?m)^client_secret +(\S+)$`)

// Example makes the client in the way that the section shows: with its command, which prints a
// secret, or with its clients file, which replaces the server's.
func (s *Server) Example(t testing.TB, section *Section) *Example {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	e := &Example{Section: section, Server: s, Port: port, URL: "http://localhost:" + port,
		ClientID: docClientID + "-" + strings.ToLower(rand.Text()[:8])}
	for _, b := range section.Blocks {
		if b.Lang == "yaml" {
			e.apply(t, b.Text)
			return e
		}
		for line := range strings.SplitSeq(strings.ReplaceAll(b.Text, "\\\n", ""), "\n") {
			args, ok := strings.CutPrefix(line, "vouchsafe client add ")
			if b.Lang != "sh" || !ok {
				continue
			}
			said := s.Command(t, "", append([]string{"client", "add"}, strings.Fields(e.fill(args))...)...)
			if m := madeSecret.FindStringSubmatch(said); m != nil {
				e.Secret = m[1]
			}
			return e
		}
	}
	t.Fatalf("%s shows neither `vouchsafe client add` nor a clients file under %q", section.Page, section.Heading)
	return nil
}

var hashOfSecret = regexp.MustCompile(`sha256\$[\w-]+`)

// apply applies a clients file, in which it replaces the hash of the secret.
func (e *Example) apply(t testing.TB, text string) {
	t.Helper()
	e.Secret = "vcs_" + rand.Text()
	if !hashOfSecret.MatchString(text) {
		t.Fatalf("%s: the clients under %q have no client_secret_hash", e.Page, e.Heading)
	}
	file := filepath.Join(t.TempDir(), "clients.yaml")
	text = hashOfSecret.ReplaceAllLiteralString(e.fill(text), SecretHash(e.Secret))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e.Server.Command(t, "", "client", "apply", file)
}

var differs = regexp.MustCompile(`\b(` + strings.Join([]string{docIssuer, regexp.QuoteMeta(docHTTPS), docPort,
	docClientID, docSecret}, "|") + `)\b`)

// fill replaces the values that differ between readers. It does not change parts of other words,
// such as OIDC_CLIENT_SECRET and 13000.
func (e *Example) fill(text string) string {
	mine := map[string]string{docIssuer: e.Server.Issuer, docHTTPS: e.Server.Issuer, docPort: e.Port,
		docClientID: e.ClientID, docSecret: e.Secret}
	return differs.ReplaceAllStringFunc(text, func(is string) string { return mine[is] })
}

// Text returns the code block with that file name, with its values replaced.
func (e *Example) Text(t testing.TB, name string) string {
	t.Helper()
	return e.fill(e.File(t, name))
}

// Write writes the section's files into the folder.
func (e *Example) Write(t testing.TB, dir string) {
	t.Helper()
	for _, b := range e.Blocks {
		if b.Name == "" {
			continue
		}
		file := filepath.Join(dir, b.Name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(e.fill(b.Text)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// startsWithin is how long an app may take to start. Some are compiled first.
const startsWithin = 3 * time.Minute

// Start runs the app in the folder until the test ends, and waits until it listens.
func (e *Example) Start(t testing.TB, dir string, env []string, command ...string) {
	t.Helper()
	e.process = exec.Command(command[0], command[1:]...)
	e.process.Dir = dir
	e.process.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir(), "PORT=" + e.Port,
		"NODE_EXTRA_CA_CERTS=" + e.Server.Certificate.CertFile, "SSL_CERT_FILE=" + e.Server.Certificate.CertFile,
	}, env...)
	e.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it may start other processes
	e.output = &logBuffer{}
	e.process.Stdout, e.process.Stderr = e.output, e.output
	if _, err := e.process.StdinPipe(); err != nil { // some apps end when it is closed
		t.Fatal(err)
	}
	e.exited = make(chan struct{})
	if err := e.process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = e.process.Wait()
		close(e.exited)
	}()
	t.Cleanup(func() {
		e.stop()
		if t.Failed() {
			t.Logf("what %s of %s said:\n%s", e.Heading, e.Page, e.output.String())
		}
	})
	for end := time.Now().Add(startsWithin); !e.listens(); time.Sleep(50 * time.Millisecond) {
		select {
		case <-e.exited:
			t.Fatal("the app ended at its start")
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("the app does not listen on port %s within %v", e.Port, startsWithin)
		}
	}
}

func (e *Example) listens() bool {
	c, err := net.DialTimeout("tcp", "localhost:"+e.Port, time.Second)
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}

func (e *Example) stop() {
	if err := syscall.Kill(-e.process.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		panic(err) // the process is our own
	}
	<-e.exited
}

// Shows fails the test unless the page belongs to the app and contains the text.
func (e *Example) Shows(t testing.TB, page *Page, want string) {
	t.Helper()
	if page.URL.Host != "localhost:"+e.Port || page.Status != 200 ||
		!strings.Contains(html.UnescapeString(page.Body), want) {
		t.Errorf("got %d at %s, want %q of the app:\n%s", page.Status, page.URL, want, page.Body)
	}
}

// Heavy skips tests that `make test` leaves out. `make test-clients` runs all of them.
func Heavy(t testing.TB) {
	t.Helper()
	if os.Getenv("TEST_CLIENTS") != "all" {
		t.Skip("of the heavy half: make test-clients runs it")
	}
}
