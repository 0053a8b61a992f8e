package listeners

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Certificate is a key pair in PEM files that may be renewed while the server runs.
type Certificate struct {
	CertFile, KeyFile string
	Log               *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	written time.Time // when the files of pair were written
	// looked is when the files were last looked at.
	looked time.Time
}

// lookEvery is how often the files are looked at, at most.
const lookEvery = 10 * time.Second

// suites are those of TLS 1.2 that BCP 195 (RFC 9325 section 4.2) and FAPI 2.0 (section 5.2.2) allow: with
// forward secrecy and authenticated encryption. Go does not let a program choose those of TLS 1.3.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// Config returns the configuration of a server with the certificate.
func (c *Certificate) Config() (*tls.Config, error) {
	if err := c.read(); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: suites, GetCertificate: c.current,
		NextProtos: []string{"h2", "http/1.1"}}, nil
}

// current returns the key pair, read anew if the files have changed. It implements
// tls.Config.GetCertificate.
func (c *Certificate) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) > lookEvery {
		c.looked = time.Now()
		if !c.newest().Equal(c.written) {
			// One of the two files may be new and the other not yet: keep using the old pair.
			if err := c.read(); err != nil {
				c.Log.Warn("certificate not renewed", "error", err)
			}
		}
	}
	return c.pair, nil
}

// read loads the key pair from the files.
func (c *Certificate) read() error {
	written := c.newest()
	pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return fmt.Errorf("TLS certificate: %w", err)
	}
	c.pair, c.written = &pair, written
	return nil
}

// newest returns when the later of the files was written.
func (c *Certificate) newest() time.Time {
	var t time.Time
	for _, path := range []string{c.CertFile, c.KeyFile} {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(t) {
			t = info.ModTime()
		}
	}
	return t
}
