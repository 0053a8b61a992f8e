package vouchsafetest

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Command runs a command of the program with the server's settings, and returns its output. It
// fails the test if the command fails.
func (s *Server) Command(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	out, err := s.command(stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// AddClient adds a web app like Strict for this test.
func (s *Server) AddClient(t testing.TB) Client {
	t.Helper()
	id := "added-" + strings.ToLower(rand.Text())
	c := Strict.With(Client{"client_id": id, "client_secret": "secret-of-" + id})
	s.Command(t, c.Secret()+"\n", "client", "add", id, "--kind", "web", "--redirect-uri", c.RedirectURI(),
		"--scope", allScopes, "--first-party", "--secret-stdin")
	return c
}

// Faults returns what `client diff` reports about a clients file, by client_id.
func (s *Server) Faults(t testing.TB, clients ...Client) map[string][]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "clients.yaml")
	if err := WriteClients(file, clients); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	entry, entryAt := -1, map[int]string{} // from the line to the client_id
	for i, line := range strings.Split(string(text), "\n") {
		if line == "    {" {
			entry++
		}
		if entry >= 0 {
			entryAt[i+1] = clients[entry].ID()
		}
	}
	_, err = s.command("", "client", "diff", file)
	if err == nil {
		return nil
	}
	faults := map[string][]string{}
	for _, m := range faultLine.FindAllStringSubmatch(err.Error(), -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		faults[entryAt[n]] = append(faults[entryAt[n]], m[2])
	}
	return faults
}

// faultLine finds the place and the fault in what a command says of a clients file.
var faultLine = regexp.MustCompile(`clients\.yaml:(\d+):\d+ (.*)`)

// Refuses runs a command that must fail, and returns its error output.
func (s *Server) Refuses(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	out, err := s.command(stdin, args...)
	if err == nil {
		t.Fatalf("vouchsafe %s: got success, want a refusal\n%s", strings.Join(args, " "), out)
	}
	return err.Error()
}

// command runs the program with the settings of the server, and returns what it prints. The error has what it says.
func (s *Server) command(stdin string, args ...string) (string, error) {
	cmd := exec.Command(s.binary, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = s.Dir, s.environment(), strings.NewReader(stdin)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("vouchsafe %s: %w\n%s%s", strings.Join(args, " "), err, errs.String(), out)
	}
	return string(out), nil
}

// Ops requests a path of the operator's listener, and returns status and body.
func (s *Server) Ops(t testing.TB, path string) (int, string) {
	t.Helper()
	res, err := http.Get(s.Operations + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// Metric returns the present value of a metric. Labels are part of the name.
func (s *Server) Metric(t testing.TB, name string) float64 {
	t.Helper()
	_, text := s.Ops(t, "/metrics")
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("there is no metric %s", name)
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// requestsLine finds the labels and the value of a counter of requests among the metrics.
var requestsLine = regexp.MustCompile(`(?m)^vouchsafe_http_requests_total\{(.*)\} (\S+)$`)

// Served returns how many requests the process has answered, not counting health checks.
func (s *Server) Served() (int, error) {
	res, err := http.Get(s.Operations + "/metrics")
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, m := range requestsLine.FindAllSubmatch(text, -1) {
		if healthRoute.Match(m[1]) {
			continue
		}
		n, err := strconv.ParseFloat(string(m[2]), 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return int(sum), nil
}

// healthRoute finds the counters of health checks, which come at any time.
var healthRoute = regexp.MustCompile(`route="[^"]*/(readyz|healthz)"`)
