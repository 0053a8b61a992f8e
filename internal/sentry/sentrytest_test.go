package sentry

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

// service is a service with the protocol of Sentry. It takes envelopes apart as the protocol says.
type service struct {
	*httptest.Server
	got chan received
	// answer, unless nil, answers in the place of 200.
	answer http.HandlerFunc
}

type received struct {
	raw   string // headers and body
	event event
	head  map[string]any
}

var eventID = regexp.MustCompile(`^[0-9a-f]{32}$`)

func newService(t *testing.T, answer http.HandlerFunc) *service {
	t.Helper()
	s := &service{got: make(chan received, 100), answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		auth := r.Header.Get("X-Sentry-Auth")
		if r.URL.Path != "/base/api/42/envelope/" || r.URL.RawQuery != "" || r.Method != http.MethodPost ||
			!strings.HasPrefix(auth, "Sentry sentry_version=7, sentry_key=abc123, sentry_client=vouchsafe/") ||
			r.Header.Get("Content-Type") != "application/x-sentry-envelope" {
			t.Errorf("got %s %s with %v", r.Method, r.URL, r.Header)
		}
		got := received{raw: auth + string(body)}
		lines := bufio.NewReader(bytes.NewReader(body))
		line, err := lines.ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &got.head)
		}
		var item struct {
			Type   string `json:"type"`
			Length int    `json:"length"`
		}
		if line, err2 := lines.ReadBytes('\n'); err == nil && err2 == nil {
			err = json.Unmarshal(line, &item)
		}
		payload := make([]byte, item.Length)
		if _, err2 := io.ReadFull(lines, payload); err == nil {
			err = err2
		}
		if err == nil {
			err = json.Unmarshal(payload, &got.event)
		}
		rest, _ := io.ReadAll(lines)
		if err != nil || item.Type != "event" || string(rest) != "\n" || got.head["event_id"] != got.event.EventID ||
			!eventID.MatchString(got.event.EventID) || got.event.Platform != "go" || got.event.Timestamp.IsZero() {
			t.Errorf("got no envelope with an event: %v\n%s", err, body)
		}
		if at, err := time.Parse(time.RFC3339Nano, got.head["sent_at"].(string)); err != nil || at.IsZero() {
			t.Errorf("sent_at is %v", got.head["sent_at"])
		}
		s.got <- got
		if s.answer != nil {
			s.answer(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// next returns the next report.
func (s *service) next(t *testing.T) received {
	t.Helper()
	select {
	case got := <-s.got:
		return got
	case <-time.After(time.Minute):
		t.Fatal("no report came")
		return received{}
	}
}
