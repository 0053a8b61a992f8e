package vouchsafetest

import (
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// TestLargeRequestIsSentAgain: a server that cuts the connection in the middle of a large body is
// asked again, three times at most. A small request is sent once.
func TestLargeRequestIsSentAgain(t *testing.T) {
	t.Parallel()
	var asked, cut atomic.Int32
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > cut.Load() {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	client := &http.Client{Transport: patient{&http.Transport{}}}
	for name, c := range map[string]struct {
		cut, want, asked int32 // want is the status, 0 for no answer
		size             int
	}{
		"answered":         {0, 413, 1, 1 << 20},
		"cut twice":        {2, 413, 3, 1 << 20},
		"cut always":       {9, 0, 3, 1 << 20},
		"small, cut once":  {1, 0, 1, 10},
		"small, answered":  {0, 413, 1, 10},
		"nothing is asked": {9, 0, 1, 0},
	} {
		asked.Store(0)
		cut.Store(c.cut)
		var got int32
		res, err := client.Post("http://"+l.Addr().String(), "text/plain", strings.NewReader(strings.Repeat("x", c.size)))
		if err == nil {
			got = int32(res.StatusCode)
			_ = res.Body.Close()
		}
		if got != c.want || asked.Load() != c.asked {
			t.Errorf("%s: got %d after %d requests (%v), want %d after %d", name, got, asked.Load(), err, c.want, c.asked)
		}
	}
}
