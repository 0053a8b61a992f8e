package logging

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// TestWhatRepeatsIsCounted: a flood leaves a few lines a second, and every line left out is
// counted.
func TestWhatRepeatsIsCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(newRepeats(slog.NewTextHandler(&out, nil)))
		for i := range 3000 { // three seconds of a flood
			log.Warn("refused", "address", "192.0.2.7", "n", i)
			log.With("a", 1).Info(web.RequestLine)
			time.Sleep(time.Millisecond)
		}
		log.Warn("something else")
		time.Sleep(2 * time.Second)
		log.Warn("refused", "address", "192.0.2.8")
		time.Sleep(2 * time.Second)
		lines := strings.Count(out.String(), "msg=refused")
		if lines < 7 || lines > 30 || strings.Count(out.String(), "repeated=") < 3 {
			t.Errorf("got %d lines of 3,001:\n%s", lines, out.String())
		}
		if n := strings.Count(out.String(), "msg=request "); n != 3000 {
			t.Errorf("got %d lines of requests, want all", n)
		}
		for _, want := range []string{"192.0.2.8", "something else", "192.0.2.7"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q is missing", want)
			}
		}
	})
}
