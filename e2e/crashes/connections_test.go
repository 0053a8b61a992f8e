package crashes

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// idleTimeout is how long the server keeps an idle connection.
const idleTimeout = 2 * time.Minute

// TestKeptConnectionsAreGivenBack leaves 2,000 connections open after one request each (threat M2).
// Other clients are served meanwhile, the server closes the connections after idleTimeout, and then
// gives back their memory. They come from ten addresses, because one address may not have so many.
//
// The test runs beside the other tests of the package: it becomes parallel once all connections are
// open.
func TestKeptConnectionsAreGivenBack(t *testing.T) {
	const count = 2000
	s := vouchsafetest.Start(t, vouchsafetest.Options{Shipped: true})
	api, tokens := s.API(t), tokensOf(t, s)
	others(t, api, tokens, 20)
	files, routines, base := openFiles(t, s), int(s.Metric(t, "go_goroutines")), memory(t, s, "VmRSS")

	conns := make([]*keptConn, count)
	for i := range conns {
		conns[i] = keep(t, s, tokens.Access(), net.IPv4(127, 77, 7, byte(1+i%10)))
	}
	if n := openFiles(t, s) - files; n < count {
		t.Errorf("%d connections are open after %d good requests, want all of them", n, count)
	}
	others(t, api, tokens, 20)
	held := memory(t, s, "VmRSS")
	t.Logf("kept connections cost %d KiB each", (held-base)/count>>10)
	// Half of the memory is garbage.
	if most := base + count*64<<10; held > most {
		t.Errorf("got %d MiB, want no more than 64 KiB a connection: %d MiB", held>>20, most>>20)
	}

	var watching sync.WaitGroup
	for _, c := range conns {
		watching.Go(c.watch)
	}
	closed := make(chan struct{})
	go func() { watching.Wait(); close(closed) }()
	var asking sync.WaitGroup
	asking.Go(func() {
		for {
			select {
			case <-closed:
				return
			case <-time.After(2 * time.Second):
				// A client that had to wait for a connection would wait until the others are
				// closed.
				if took := others(t, api, tokens, 1); took > idleTimeout/4 {
					t.Errorf("others waited %v for their answers", took)
				}
			}
		}
	})
	defer asking.Wait()
	t.Parallel()
	<-closed
	asking.Wait()
	var first, last time.Duration
	for i, c := range conns {
		if c.err != nil {
			t.Fatalf("connection %d, after %v: %v", i, c.idle, c.err)
		}
		if i == 0 || c.idle < first {
			first = c.idle
		}
		last = max(last, c.idle)
	}
	t.Logf("they were hung up on when nothing was asked for %v to %v", first.Round(time.Second), last.Round(time.Second))
	if first < idleTimeout {
		t.Errorf("a connection was hung up on after %v, want %v", first, idleTimeout)
	}

	// Requests cause garbage collection. The server keeps some memory for what comes next.
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Second) {
		others(t, api, tokens, 100)
		f, g, m := openFiles(t, s)-files, int(s.Metric(t, "go_goroutines"))-routines, memory(t, s, "VmRSS")
		over := fmt.Sprintf("%d files, %d goroutines and %d KiB are more than before, of %d KiB", f, g,
			(m-base)>>10, (held-base)>>10)
		if f <= 20 && g <= 40 && m-base <= (held-base)/2+8<<20 {
			t.Log(over)
			return
		}
		if time.Now().After(end) {
			t.Fatal(over)
		}
	}
}

// keptConn is a connection on which one request was answered.
type keptConn struct {
	net.Conn
	asked time.Time     // before that request
	idle  time.Duration // until the server hung up
	err   error         // it did not, or said something
}

// keep requests userinfo from an address, and leaves the connection open.
func keep(t *testing.T, s *vouchsafetest.Server, access string, from net.IP) *keptConn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}
	conn, err := dialer.DialContext(t.Context(), "tcp4", s.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := &keptConn{Conn: conn, asked: time.Now()}
	_, err = fmt.Fprintf(conn, "GET /userinfo HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n",
		strings.TrimPrefix(s.Issuer, "http://"), access)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK || res.Close {
		t.Fatalf("got %d, closed: %v, want 200 and the connection kept", res.StatusCode, res.Close)
	}
	return c
}

// watch waits until the server closes the connection, at most a minute longer than promised.
func (c *keptConn) watch() {
	if c.err = c.SetReadDeadline(c.asked.Add(idleTimeout + time.Minute)); c.err != nil {
		return
	}
	var said [1]byte
	n, err := c.Read(said[:])
	c.idle = time.Since(c.asked)
	switch timeout, ok := err.(net.Error); {
	case n > 0:
		c.err = fmt.Errorf("the server says something: %q", said)
	case ok && timeout.Timeout():
		c.err = fmt.Errorf("it is still open")
	}
}
