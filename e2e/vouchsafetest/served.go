package vouchsafetest

import (
	"io"
	"net/http"
	"regexp"
	"strconv"
	"testing"
)

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

var healthRoute = regexp.MustCompile(`route="[^"]*/(readyz|healthz)"`)
