package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheLogIsWrittenSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		gathered := &lines{to: &out}
		log := slog.New(urgent{slog.NewTextHandler(gathered, nil), gathered}).With("a", 1).WithGroup("g")
		count := func() int {
			gathered.mu.Lock()
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
		gathered.flush()
		expect("when it is asked for", 5)
		log.Info(strings.Repeat("x", logRoom))
		expect("when there is no room", 6)
		time.Sleep(2 * logDelay)
		expect("in the end", 6)
	})
}
