package listeners

import (
	"net"
	"strings"
	"testing"
)

func TestLocalhostIsBothOfItsAddresses(t *testing.T) {
	t.Parallel()
	listeners, err := Open("localhost:0", 0)
	if err != nil {
		t.Fatal(err)
	}
	var port string
	for _, l := range listeners {
		defer l.Close()
		host, p, err := net.SplitHostPort(l.Addr().String())
		if err != nil || host != "127.0.0.1" && host != "::1" || port != "" && p != port {
			t.Errorf("got %s, %v", l.Addr(), err)
		}
		port = p
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	if _, err := Open("localhost:"+port, 0); err == nil ||
		!strings.Contains(err.Error(), "something else listens on localhost:"+port) {
		t.Errorf("again: got %v", err)
	}
}
