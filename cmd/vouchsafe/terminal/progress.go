package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Progress is a progress bar on a terminal. Elsewhere it prints nothing.
type Progress struct {
	w     io.Writer // nil if there is no terminal
	total int64     // bytes; 0 if unknown
	last  time.Time
}

// Progress returns a bar on standard error for work on so many bytes; 0 if the amount is unknown.
func (t *Terminal) Progress(total int64) *Progress {
	if !Is(t.Err) {
		return &Progress{}
	}
	return &Progress{w: t.Err, total: total}
}

const barWidth = 30

// Show draws the bar, ten times a second at most.
func (p *Progress) Show(done int64, text string) {
	if p.w == nil || time.Since(p.last) < 100*time.Millisecond {
		return
	}
	p.last = time.Now()
	if p.total > 0 {
		part := min(1, float64(done)/float64(p.total))
		full := int(part * barWidth)
		text = fmt.Sprintf("[%s%s] %3.0f%%  %s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), part*100,
			text)
	}
	// A line that the terminal breaks could not be drawn over.
	if screen := screenWidth(p.w); screen > 0 {
		text = shorten(text, screen-1)
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", text)
}

// Clear removes the bar.
func (p *Progress) Clear() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// stillEvery is how often a command that waits says so where no terminal shows a bar, such as in the log of a job.
const stillEvery = time.Minute

// Waiting says for how long work has been going on that does not say how far it is: every second on a terminal, and
// every stillEvery elsewhere. done ends that.
func (t *Terminal) Waiting(what string) (done func()) {
	bar, begun := t.Progress(0), time.Now()
	every := stillEvery
	if bar.w != nil {
		every = time.Second
		bar.Show(0, what+" …")
	}
	ticker, stop := time.NewTicker(every), make(chan struct{})
	var told sync.WaitGroup
	told.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
			if text := fmt.Sprintf("%s … %s", what, time.Since(begun).Round(time.Second)); bar.w != nil {
				bar.Show(0, text)
			} else {
				fmt.Fprintln(t.Err, text)
			}
		}
	})
	return func() {
		ticker.Stop()
		close(stop)
		told.Wait()
		bar.Clear()
	}
}
