package logging

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheLogIsWrittenSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		gathered := &lines{to: &out}
		log := slog.New(urgent{slog.NewTextHandler(gathered, nil), gathered}).With("a", 1).WithGroup("g")
		count := func() int {
			synctest.Wait()
			gathered.mu.Lock() // what was written was so between two locks
			defer gathered.mu.Unlock()
			return strings.Count(out.String(), "\n")
		}
		expect := func(what string, want int) {
			t.Helper()
			if got := count(); got != want {
				t.Errorf("%s: %d lines are written, want %d", what, got, want)
			}
		}
		log.Info("one")
		log.Info("two")
		expect("at once", 0)
		time.Sleep(2 * logDelay)
		expect("after the delay", 2)
		log.Info("three")
		log.Warn("four")
		expect("with a warning", 4)
		time.Sleep(2 * logDelay)
		log.Info("five")
		expect("again at once", 4)
		gathered.flush(time.Second)
		expect("when it is asked for", 5)
		log.Info(strings.Repeat("x", logRoom))
		expect("when there is no room", 6)
		time.Sleep(2 * logDelay)
		expect("in the end", 6)
	})
}

// stuck is a pipe that is not read until it is closed.
type stuck struct {
	bytes.Buffer
	read chan struct{}
}

func (s *stuck) Write(b []byte) (int, error) {
	<-s.read
	return s.Buffer.Write(b)
}

// P7: a log that is not read delays no request, takes bounded memory, and says how many lines are
// missing.
func TestALogThatIsNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &stuck{read: make(chan struct{})}
		gathered := &lines{to: out}
		plain := slog.New(slog.NewTextHandler(gathered, nil))
		gathered.missed = func(n int) { plain.Warn("missing", "lines", n) }
		log := slog.New(urgent{plain.Handler(), gathered})
		line := strings.Repeat("x", 1000)
		const all = 3 * logMost / 1000
		log.Info("first") // on which the writer is stuck
		time.Sleep(2 * logDelay)
		began := time.Now()
		for range all {
			log.Info(line)
		}
		if waited := time.Since(began); waited > 0 {
			t.Errorf("who logs waited %v", waited)
		}
		log.Error("urgent")
		gathered.flush(logPatience)
		if waited := time.Since(began); waited > logDelay+logPatience {
			t.Errorf("who logs what is urgent waited %v", waited)
		}
		if n := cap(gathered.waiting); n > 2*logMost {
			t.Errorf("%d bytes wait, want no more than %d", n, 2*logMost)
		}
		close(out.read)
		synctest.Wait()
		log.Info("afterwards")
		gathered.flush(logPatience)
		kept := strings.Count(out.String(), line)
		if kept < logMost/1200 || kept > logMost/1000 {
			t.Errorf("%d lines were kept", kept)
		}
		written := strings.Count(out.String(), "\n") - 2 // of those before
		_, rest, found := strings.Cut(out.String(), fmt.Sprintf("msg=missing lines=%d\n", all+2-written))
		if !found || !strings.Contains(rest, "msg=afterwards") || strings.Contains(rest, line) {
			t.Errorf("%d of %d lines were kept; the end of the log is %q", kept, all, out.String()[out.Len()-200:])
		}
	})
}
