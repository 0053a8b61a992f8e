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
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/buildtest"
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
	if !hashOfSecret.MatchString(text) && !strings.Contains(text, "token_endpoint_auth_method: none") {
		t.Fatalf("%s: the clients under %q have no client_secret_hash", e.Page, e.Heading)
	}
	file := filepath.Join(t.TempDir(), "clients.yaml")
	text = hashOfSecret.ReplaceAllLiteralString(e.fill(text), SecretHash(e.Secret))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e.Server.Command(t, "", "client", "apply", "--yes", file)
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

// Section is the part of a page of the documentation below one heading, with its code blocks.
type Section struct {
	Page, Heading string
	Blocks        []Block
}

// Block is a fenced code block. Its first line may name a file after the language: ```js server.mjs
type Block struct{ Lang, Name, Text string }

var fencedBlock = regexp.MustCompile("(?ms)^```([a-z]+)(?: ([^\n]+))?\n(.*?)^```$")

// ReadSection reads the section below the heading, such as "## openid-client", of a page such as
// docs/clients.md.
func ReadSection(t testing.TB, page, heading string) *Section {
	t.Helper()
	root, err := buildtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	_, body, found := strings.Cut("\n"+string(text), "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", page, heading)
	}
	level := heading[:strings.Index(heading, " ")+1]
	if end := regexp.MustCompile(`(?m)^#{1,` + string(rune('0'+len(level)-1)) +
		`} `).FindStringIndex(unfenced(body)); end != nil {
		body = body[:end[0]]
	}
	s := &Section{Page: page, Heading: heading}
	for _, m := range fencedBlock.FindAllStringSubmatch(body, -1) {
		s.Blocks = append(s.Blocks, Block{m[1], m[2], m[3]})
	}
	return s
}

// unfenced returns the text with all code blanked, because # begins a comment in code.
func unfenced(text string) string {
	return fencedBlock.ReplaceAllStringFunc(text, func(code string) string {
		return strings.Repeat(" ", len(code))
	})
}

// File returns the text of the code block with that file name.
func (s *Section) File(t testing.TB, name string) string {
	t.Helper()
	for _, b := range s.Blocks {
		if b.Name == name {
			return b.Text
		}
	}
	t.Fatalf("%s has no %s under %q", s.Page, name, s.Heading)
	return ""
}

// With returns the section with texts in its code replaced. pairs are old and new texts in turn. It
// fails the test if an old text is not there.
func (s *Section) With(t testing.TB, pairs ...string) *Section {
	t.Helper()
	out := &Section{s.Page, s.Heading, slices.Clone(s.Blocks)}
	for i := 0; i+1 < len(pairs); i += 2 {
		found := false
		for j, b := range out.Blocks {
			found = found || strings.Contains(b.Text, pairs[i])
			out.Blocks[j].Text = strings.ReplaceAll(b.Text, pairs[i], pairs[i+1])
		}
		if !found {
			t.Fatalf("%s does not say %q under %q", s.Page, pairs[i], s.Heading)
		}
	}
	return out
}

// RequirePKCE returns the section with a command that makes a client which must use PKCE.
func (s *Section) RequirePKCE(t testing.TB) *Section {
	t.Helper()
	return s.With(t, "--kind web", "--kind web --require-pkce")
}
