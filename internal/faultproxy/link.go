package faultproxy

import (
	"bytes"
	"net"
	"sync"
	"time"
)

// link is one connection through the proxy.
type link struct {
	proxy     *Proxy
	near, far net.Conn // the program's and the server's
	answered  int      // bytes since the fault began; under the proxy's lock

	end   sync.Once
	done  chan struct{} // closed at the end
	leave sync.Once
	lost  chan struct{} // closed when it is stranded
}

// pump carries what comes from one end to the other, until either ends.
func (l *link) pump(to, from net.Conn, answer bool) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !l.pass(to, buf[:n], answer) {
			return
		}
		if err != nil {
			if !l.stranded() || !answer { // a stranded program does not learn that the server left
				l.close()
			}
			return
		}
	}
}

// pass does the fault's work on some bytes, and says whether there can be more.
func (l *link) pass(to net.Conn, b []byte, answer bool) bool {
	for {
		f, changed := l.proxy.now()
		switch {
		case l.stranded():
			return true
		case f.Silent:
			select {
			case <-changed:
			case <-l.lost:
			case <-l.done:
				return false
			}
		case f.Delay > 0:
			select {
			case <-time.After(f.Delay):
				return !l.stranded() && l.write(to, b)
			case <-changed: // it need not last
			case <-l.done:
				return false
			}
		case f.ResetAt != "" && answer && bytes.Contains(b, []byte(f.ResetAt)):
			l.reset()
			return false
		case f.ResetAfter > 0 && answer:
			return l.writeUntil(to, b, f.ResetAfter)
		case f.Slice > 0:
			return l.slices(to, b, f.Slice)
		default:
			return l.write(to, b)
		}
	}
}

func (l *link) write(to net.Conn, b []byte) bool {
	if _, err := to.Write(b); err != nil {
		l.close()
		return false
	}
	return true
}

func (l *link) slices(to net.Conn, b []byte, size int) bool {
	for len(b) > 0 {
		n := min(size, len(b))
		if !l.write(to, b[:n]) {
			return false
		}
		b = b[n:]
		select {
		case <-time.After(time.Millisecond): // or the system puts them together again
		case <-l.done:
			return false
		}
	}
	return true
}

func (l *link) writeUntil(to net.Conn, b []byte, most int) bool {
	l.proxy.mu.Lock()
	left := most - l.answered
	l.answered += len(b)
	l.proxy.mu.Unlock()
	if len(b) <= left {
		return l.write(to, b)
	}
	if left > 0 {
		_ = l.write(to, b[:left])
		time.Sleep(5 * time.Millisecond) // a reset may overtake what was sent
	}
	l.reset()
	return false
}

func (l *link) stranded() bool {
	select {
	case <-l.lost:
		return true
	default:
		return false
	}
}

func (l *link) strand() { l.leave.Do(func() { close(l.lost) }) }

func (l *link) close() {
	l.end.Do(func() {
		close(l.done)
		_, _ = l.near.Close(), l.far.Close()
	})
}

func (l *link) reset() {
	l.end.Do(func() {
		close(l.done)
		hangUp(l.near)
		hangUp(l.far)
	})
}

// hangUp closes with RST, as a server that was killed does.
func hangUp(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
