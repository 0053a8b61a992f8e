package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/server"
	"github.com/vouchsafe/vouchsafe/internal/listeners"
	"github.com/vouchsafe/vouchsafe/internal/logging"
)

// serveCmd runs the server.
type serveCmd struct{}

// Run serves until the context ends, then stops without dropping a request.
func (c *serveCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	return server.Run(ctx, cfg, version, a.Out, a.Err)
}

// routesCmd prints what the public listener serves below a tenant's issuer. Tests read it, so that they forget no
// route; it has no other use.
type routesCmd struct{}

// Run puts a server together as serve does, and serves nothing.
func (c *routesCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	s, err := server.New(ctx, cfg, logging.New(cfg.LogOptions(), a.Err), version)
	if err != nil {
		return err
	}
	err = s.PrintRoutes(a.Out)
	if closed := s.Close(); err == nil {
		err = closed
	}
	return err
}

// healthcheckCmd asks a running server whether it is alive, for containers without curl. It ends with 1 if not.
type healthcheckCmd struct{}

// Run asks the server at its own address. It ignores faulty settings, which the server reports: only the
// address matters here.
func (c *healthcheckCmd) Run(ctx context.Context, a *app) error {
	cfg, _ := a.config()
	network, address, err := dialed(cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	scheme := "http"
	if cfg.TLSCert != "" {
		scheme = "https"
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://localhost/healthz", nil)
	if err != nil {
		return err
	}
	// The certificate is for the host of the issuer, not for localhost. The request holds no secret.
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answered %s", res.Status)
	}
	return nil
}

// dialed returns how to reach a server on this machine that listens on the address.
func dialed(listen string) (network, address string, err error) {
	if path, ok := listeners.SocketPath(listen); ok {
		return "unix", path, nil
	}
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "tcp", net.JoinHostPort(host, port), err
}
