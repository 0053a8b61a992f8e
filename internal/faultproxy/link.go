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
	near, far net.Conn // near is the program's, far the server's
	answered  int      // bytes of answers since the fault began; guarded by proxy.mu

	end   sync.Once
	done  chan struct{} // closed when the link ends
	leave sync.Once
	lost  chan struct{} // closed when the link is stranded
}

// pump carries bytes from one end to the other until either ends. answer says that they come from
// the server.
func (l *link) pump(to, from net.Conn, answer bool) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !l.pass(to, buf[:n], answer) {
			return
		}
		if err != nil {
			if !l.stranded() || !answer { // a stranded program does not learn that the server has left
				l.close()
			}
			return
		}
	}
}

// pass applies the fault to some bytes, and reports whether the link goes on.
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
			case <-changed: // the delay ended early
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

// slices writes b in pieces.
func (l *link) slices(to net.Conn, b []byte, size int) bool {
	for len(b) > 0 {
		n := min(size, len(b))
		if !l.write(to, b[:n]) {
			return false
		}
		b = b[n:]
		select {
		case <-time.After(time.Millisecond): // without a pause the system would join them again
		case <-l.done:
			return false
		}
	}
	return true
}

// writeUntil writes b, but resets the link after most bytes of answers.
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
		time.Sleep(5 * time.Millisecond) // otherwise the reset could overtake the bytes
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

// hangUp closes with RST, as the system does for a program that was killed.
func hangUp(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
