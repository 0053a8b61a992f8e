package main

import (
	"fmt"
	"os"
	"time"
)

// options are the flags of the command line.
type options struct {
	stores   []string
	span     time.Duration
	workers  int
	only     []string
	fill     int
	scale    bool
	lists    bool
	console  bool
	deeds    []string
	program  string
	profile  string
	replicas int
}

// progress shows what is being measured, if standard error is a terminal.
func progress(format string, args ...any) {
	if st, err := os.Stderr.Stat(); err != nil || st.Mode()&os.ModeCharDevice == 0 {
		return
	}
	fmt.Fprintf(os.Stderr, "\r\x1b[K"+format, args...)
}
