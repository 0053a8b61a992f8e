package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress is a bar on a terminal. Elsewhere it is nothing.
type progress struct {
	w     io.Writer // nil: nobody looks
	total int64     // bytes, 0 when nobody knows
	last  time.Time
}

func (a *app) progress(total int64) *progress {
	f, ok := a.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &progress{}
	}
	return &progress{w: f, total: total}
}

const barWidth = 30

// show draws the bar, ten times a second at most.
func (p *progress) show(done int64, text string) {
	if p.w == nil || time.Since(p.last) < 100*time.Millisecond {
		return
	}
	p.last = time.Now()
	if p.total <= 0 {
		fmt.Fprintf(p.w, "\r\x1b[K%s", text)
		return
	}
	part := min(1, float64(done)/float64(p.total))
	full := int(part * barWidth)
	fmt.Fprintf(p.w, "\r\x1b[K[%s%s] %3.0f%%  %s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), part*100, text)
}

// clear takes the bar away.
func (p *progress) clear() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// counted counts the bytes that are read through it.
type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}
