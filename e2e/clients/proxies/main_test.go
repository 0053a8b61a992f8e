// Package proxies puts authenticating proxies in front of an application, configured as
// docs/clients-proxies.md says.
package proxies

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

func TestMain(m *testing.M) { vouchsafetest.Main(m) }

// What the examples say in the place of what a test has.
const (
	docs        = "docs/clients-proxies.md"
	issuer      = "https://id.example.com"
	site        = "https://app.example.com"
	application = "127.0.0.1:9000"
)

// needs skips a test but for make test-clients, and fails it when a file is missing there.
func needs(t *testing.T, files ...string) {
	t.Helper()
	vouchsafetest.Heavy(t)
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			t.Fatalf("not installed: %v: run make test-clients", err)
		}
	}
}

// startApplication starts the application behind the proxy, which reports the requests that reach
// it.
func startApplication(t *testing.T) (address string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(reached{r.RequestURI, r.Header.Values("X-Email")})
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// reached is what reached the application.
type reached struct {
	URI   string
	Email []string
}

// letsJoIn opens a page of the application with a header that claims to be the boss, and checks
// that the application sees Jo and nothing else, at that page.
func letsJoIn(t *testing.T, v *vouchsafetest.Visitor, url, uri string) {
	t.Helper()
	v.Header.Set("X-Email", "boss@example.com")
	p := v.Open(t, url+uri)
	var got reached
	if err := json.Unmarshal([]byte(p.Body), &got); err != nil {
		t.Fatalf("got %d at %s, want the application's answer: %v\n%.600s", p.Status, p.URL, err, p.Text(t))
	}
	if got.URI != uri || !slices.Equal(got.Email, []string{"jo@example.com"}) {
		t.Errorf("the application was reached at %s as %q, want %s as jo@example.com alone", got.URI, got.Email, uri)
	}
	if !v.GavePassword() {
		t.Errorf("the way in went over %v, want /login among them", v.Answered)
	}
}

// signedOut checks that the session at the issuer has ended: it asks for the password.
func signedOut(t *testing.T, v *vouchsafetest.Visitor, url string) {
	t.Helper()
	if v.Open(t, url); !v.GavePassword() {
		t.Errorf("after signing out, the way back in goes over %v, want /login among them", v.Answered)
	}
}

// daemon runs a web server with a folder and a port of its own. configure makes its command.
func daemon(t *testing.T, name string, configure func(d *testdaemon.Daemon) []string) {
	t.Helper()
	d, err := testdaemon.New(name, "www-data", "nobody")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if log, err := os.ReadFile(d.Folder + "/log"); err == nil && t.Failed() {
			lines := strings.Split(string(log), "\n")
			t.Logf("the end of the log of %s:\n%s", name, strings.Join(lines[max(0, len(lines)-40):], "\n"))
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	d.Command, d.Last = configure(d), "TERM"
	d.Ready = testdaemon.Listening("127.0.0.1:" + strconv.Itoa(d.Port))
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
}

// file writes a file into the daemon's folder.
func file(t *testing.T, d *testdaemon.Daemon, name, text string) (path string) {
	t.Helper()
	path, err := d.WriteFile(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// read reads a file.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
