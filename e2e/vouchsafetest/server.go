package vouchsafetest

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

// Server is a running Vouchsafe.
type Server struct {
	// Name is the shape: embedded or production.
	Name string
	// TenantID is the tenant whose issuer Issuer is.
	TenantID string
	// Issuer is the URL of the tenant.
	Issuer string
	// Address is where the process listens. Replicas have the same issuer and different addresses.
	Address string
	// Operations is the URL of /metrics, /healthz and /readyz.
	Operations string
	// Dir is the folder of the data, clients.yaml and certificates.
	Dir string
	// Database is the URL of its PostgreSQL database, or "".
	Database string
	// Redis is the URL of its Redis, or "".
	Redis string
	// Certificate is the certificate that the server uses; nil on http.
	Certificate *Certificate
	// KeyHost serves the keys of the client "remote".
	KeyHost *KeyHost

	env    map[string]string
	under  []string
	binary string
	log    *logBuffer
	life   *life // the latest process
	people *people
	plain  bool   // whether a proxy terminates TLS
	front  *front // for a site behind a proxy
}

// client returns an HTTP client that connects to this server for every host, from the given
// address, and follows no redirect.
func (s *Server) client(from net.IP) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	if from != nil {
		dialer.LocalAddr = &net.TCPAddr{IP: from}
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp4", s.Address)
		},
		MaxIdleConnsPerHost: 64,
		TLSClientConfig:     &tls.Config{RootCAs: s.Certificate.Roots, ServerName: "localhost"},
		DisableCompression:  true,
	}
	if s.plain {
		transport.DialTLSContext = transport.DialContext
	}
	return &http.Client{
		Transport: patient{transport}, Timeout: 60 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// front is a proxy with its replicas.
type front struct {
	replicas []*Server
	proxy    *testdaemon.Daemon
}

// Origin returns the issuer without a tenant's path.
func (s *Server) Origin() string {
	origin, _, _ := strings.Cut(s.Issuer, "/t/")
	return origin
}
