package threats

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// canary is an address that nobody has a reason to call but who was told of it. It is a
// test's own: attacks run side by side.
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
