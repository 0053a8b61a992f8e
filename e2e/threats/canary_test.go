package threats

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// canary is an address that only a program which was told of it calls. Each test has its own,
// because attacks run at the same time.
type canary struct {
	*httptest.Server
	hits atomic.Int64 // connections, whatever comes through them
}

func listen(t *testing.T) *canary {
	c := &canary{Server: httptest.NewUnstartedServer(http.NotFoundHandler())}
	c.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			c.hits.Add(1)
		}
	}
	c.Start()
	t.Cleanup(c.Close)
	return c
}
