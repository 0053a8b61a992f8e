package vouchsafetest

import (
	"io"
	"net/http"
	"regexp"
	"strconv"
)

var requestsLine = regexp.MustCompile(`(?m)^vouchsafe_http_requests_total\{(.*)\} (\S+)$`)

// Served is how many requests the process has answered, health checks left out.
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
