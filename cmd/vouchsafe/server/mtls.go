package server

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/listeners"
	"github.com/vouchsafe/vouchsafe/internal/settings"
)

// certificatesURL returns where clients present certificates, if that is another URL than the issuer; "" otherwise.
func (s *Server) certificatesURL() string {
	if s.cfg.MTLSURL == s.cfg.Issuer {
		return ""
	}
	return s.cfg.MTLSURL
}

// forPrograms reports whether a path below an issuer is for programs, which can present certificates.
func (s *Server) forPrograms(path string) bool {
	if e := s.Provider.Endpoint(path); e != nil {
		return e.Program
	}
	return strings.HasPrefix(path, "/api/v1/") || strings.HasPrefix(path, "/auth/")
}

// listenMTLS opens the listener at which clients present certificates: nil if there is none.
func listenMTLS(cfg *settings.Config) ([]net.Listener, error) {
	if cfg.MTLSListen == "" {
		return nil, nil
	}
	return listeners.Open(cfg.MTLSListen, 0)
}

// askForCertificates puts TLS that asks for client certificates before the listeners. TLS shows that clients have the
// private keys. What a certificate is worth is decided where a client has to be known.
func (s *Server) askForCertificates(all []net.Listener) error {
	if len(all) == 0 {
		return nil
	}
	cert := &listeners.Certificate{CertFile: s.cfg.TLSCert, KeyFile: s.cfg.TLSKey, Log: s.log}
	conf, err := cert.Config()
	if err != nil {
		return err
	}
	conf.ClientAuth = tls.RequestClientCert
	for i, l := range all {
		all[i] = tls.NewListener(l, conf)
	}
	return nil
}

// authorities returns the certificate authorities of client_ca_file; nil without one.
func authorities(cfg *settings.Config) (*x509.CertPool, error) {
	if cfg.ClientCAFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(cfg.ClientCAFile)
	if err != nil {
		return nil, fmt.Errorf("client_ca_file: %w", err)
	}
	all := certificates(text)
	if len(all) == 0 {
		return nil, errors.New("client_ca_file: it has no certificate in PEM")
	}
	pool := x509.NewCertPool()
	for _, c := range all {
		pool.AddCert(c)
	}
	return pool, nil
}

// certificates returns those of a PEM file.
func certificates(text []byte) (all []*x509.Certificate) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if c, err := x509.ParseCertificate(block.Bytes); err == nil && block.Type == "CERTIFICATE" {
			all = append(all, c)
		}
	}
	return all
}
