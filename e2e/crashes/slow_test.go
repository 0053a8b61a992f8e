package crashes

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestIdleAndSlowConnections holds 2,000 connections that send nothing and 2,000 that send byte by
// byte (threat M2). Other clients are served, and the server closes the slow ones.
func TestIdleAndSlowConnections(t *testing.T) {
	const each = 2000
	s := vouchsafetest.Start(t, vouchsafetest.Options{Shipped: true})
	api := s.API(t)
	others(t, api, tokensOf(t, s), 20)
	base, files := memory(t, s, "VmRSS"), openFiles(t, s)

	host := strings.TrimPrefix(s.Issuer, "http://")
	post := "POST /token HTTP/1.1\r\nHost: " + host +
		"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n"
	get := "GET /jwks HTTP/1.1\r\nHost: " + host + "\r\n"
	drips := []drip{
		{},                                // says nothing at all
		{at: get + "X-Slow: ", more: "x"}, // a header without an end
		{at: post, more: "a"},             // a body without an end
		{at: strings.Repeat(get+"\r\n", 40), deaf: true}, // asks, and reads no answer
	}
	var conns []*slowConn
	for i := range 2 * each {
		d := drips[0]
		if i%2 == 1 {
			d = drips[1+i/2%3]
		}
		conns = append(conns, dialSlow(t, s.Address, d))
	}
	began := time.Now()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
				for _, c := range conns {
					_, _ = c.Write([]byte(c.more)) // it may have been hung up on
				}
			}
		}
	})
	took := others(t, api, tokensOf(t, s), 50)
	held := memory(t, s, "VmRSS")
	t.Logf("with %d connections others' p99 is %v, and the memory %d KiB a connection", openFiles(t, s)-files, took,
		(held-base)/(2*each)>>10)
	if most := base + 2*each*64<<10; held > most {
		t.Errorf("got %d MiB, want no more than 64 KiB a connection: %d MiB", held>>20, most>>20)
	}
	for i, c := range conns {
		if !c.deaf {
			if err := c.hungUp(2 * time.Minute); err != nil {
				t.Fatalf("connection %d (%.20q), after %v: %v", i, c.at, time.Since(began), err)
			}
		}
	}
	close(stop)
	wg.Wait()
	for _, c := range conns {
		_ = c.Close()
	}
	for end := time.Now().Add(time.Minute); openFiles(t, s) > files+20; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("got %d open files, %d before", openFiles(t, s), files)
		}
	}
	t.Logf("all were hung up on after %v", time.Since(began).Round(time.Second))
}

// drip is what a slow connection sends at once, and then each second.
type drip struct {
	at, more string
	deaf     bool // reads nothing
}

type slowConn struct {
	net.Conn
	drip
}

func dialSlow(t *testing.T, address string, d drip) *slowConn {
	t.Helper()
	conn, err := net.Dial("tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := conn.Write([]byte(d.at)); err != nil {
		t.Fatal(err)
	}
	return &slowConn{conn, d}
}

// hungUp waits until the server closes the connection, whatever it sends before.
func (c *slowConn) hungUp(patience time.Duration) error {
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, c)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return fmt.Errorf("it is still open")
	}
	return nil
}

func tokensOf(t *testing.T, s *vouchsafetest.Server) *vouchsafetest.Reply {
	t.Helper()
	r := vouchsafetest.NewRequest(web)
	return s.API(t).Redeem(t, r, s.Browser(t, s.Jo(t)).Code(t, r)).Want(t, 200, "")
}

// openFiles is how many descriptors the process has.
func openFiles(t *testing.T, s *vouchsafetest.Server) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
