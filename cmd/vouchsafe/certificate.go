package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a key pair in files that somebody renews.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	written time.Time // of the files that pair was read from
	looked  time.Time
}

// lookEvery bounds how often the files are looked at.
const lookEvery = 10 * time.Second

// config is for a server with the certificate. TLS 1.2 is Go's floor.
func (c *certificate) config() (*tls.Config, error) {
	if err := c.read(); err != nil {
		return nil, err
	}
	return &tls.Config{GetCertificate: c.current, NextProtos: []string{"h2", "http/1.1"}}, nil
}

func (c *certificate) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) > lookEvery {
		c.looked = time.Now()
		if !c.newest().Equal(c.written) {
			// One half may be new and the other not yet: the old pair serves on.
			if err := c.read(); err != nil {
				c.log.Warn("certificate not renewed", "error", err)
			}
		}
	}
	return c.pair, nil
}

func (c *certificate) read() error {
	written := c.newest()
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("TLS certificate: %w", err)
	}
	c.pair, c.written = &pair, written
	return nil
}

// newest is when the later of the files was written.
func (c *certificate) newest() time.Time {
	var t time.Time
	for _, path := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(t) {
			t = info.ModTime()
		}
	}
	return t
}
