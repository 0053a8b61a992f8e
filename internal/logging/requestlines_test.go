package logging

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// TestRequestLinesAreSlogs: the line of a request is the one that slog would write, for every value
// that a client can send.
func TestRequestLinesAreSlogs(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 9, 8, 7, 123456000, time.FixedZone("", -5400))
	for _, text := range []string{"", "/token", `a "quoted" \ path`, "two\nlines\x00\x7f",
		"é\u2028<script>&", "broken \xff UTF-8"} {
		for _, level := range []slog.Level{slog.LevelInfo, slog.LevelError} {
			for _, msg := range []string{web.RequestLine, "another"} {
				line := slog.NewRecord(at, level, msg, 0)
				line.AddAttrs(slog.String("path", text), slog.Int("status", 200), slog.Int64("us", -1), slog.String("ip", "::1"))
				line.AddAttrs(slog.String("client", text), slog.String("why", text))
				var got, want bytes.Buffer
				plain := slog.NewJSONHandler(&want, nil)
				if err := (requestLines{slog.NewJSONHandler(&got, nil), &got}).Handle(context.Background(), line); err != nil {
					t.Fatal(err)
				}
				if err := plain.Handle(context.Background(), line); err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(members(t, got.String()), members(t, want.String())) {
					t.Errorf("%q: got %s, want %s", text, &got, &want)
				}
			}
		}
	}
}

// members returns the members of a log line in JSON.
func members(t *testing.T, line string) (of map[string]any) {
	t.Helper()
	if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
		t.Errorf("got %q, want one line", line)
	}
	if err := json.Unmarshal([]byte(line), &of); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return of
}
