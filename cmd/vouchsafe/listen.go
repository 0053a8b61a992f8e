package main

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listen opens the address. localhost is both of its addresses, since programs differ
// in which of the two they try.
func listen(addr string) ([]net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if host != "localhost" {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return nil, listenError(addr, err)
		}
		return []net.Listener{l}, nil
	}
	four, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, listenError(addr, err)
	}
	_, port, err = net.SplitHostPort(four.Addr().String()) // it may have been 0: any
	if err != nil {
		return nil, errors.Join(err, four.Close())
	}
	six, err := net.Listen("tcp6", net.JoinHostPort("::1", port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, errors.Join(listenError(addr, err), four.Close())
	}
	if err == nil {
		return []net.Listener{four, six}, nil
	}
	return []net.Listener{four}, nil // a machine without IPv6
}

func listenError(addr string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("something else listens on %s: stop it, or choose another address with --listen or VOUCHSAFE_LISTEN: %w", addr, err)
	}
	return fmt.Errorf("listen: %w", err)
}
