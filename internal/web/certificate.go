package web

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/hostname"
)

// maxCertificate bounds a certificate in a header, in bytes.
const maxCertificate = 16 << 10

// ClientCertificates returns the certificates that the client of the request presented; the zero value if it presented
// none, or if certificates count for nothing here. It returns an error for a header that cannot be read.
func ClientCertificates(r *http.Request) (c Certificates, err error) {
	if read := RequestOf(r.Context()).certificates; read != nil {
		return read(r)
	}
	return c, nil
}

// clientCertificates returns what ClientCertificates does, where certificates count.
func (e *Edge) clientCertificates(r *http.Request) (c Certificates, err error) {
	if e.behindProxy(r) { // the certificate of the connection, if there is one, is the proxy's
		if e.CertificateHeader == "" || e.CertificatesURL == nil || !hostname.Same(r.Host, e.CertificatesURL) {
			return c, nil
		}
		return certificatesIn(r.Header, e.CertificateHeader)
	}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		c.Own, c.Intermediates = r.TLS.PeerCertificates[0], r.TLS.PeerCertificates[1:]
	}
	return c, nil
}

// behindProxy reports whether a trusted proxy sent the request. Those that came through a Unix socket did.
func (e *Edge) behindProxy(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && e.trusted(ip.Unmap().WithZone(""))
}

// certificatesIn reads the certificates that a proxy wrote: the client's own into the header with that name, the others
// into one with -Chain behind (RFC 9440 section 2).
func certificatesIn(h http.Header, name string) (c Certificates, err error) {
	switch lines := h.Values(name); {
	case len(lines) == 0 || len(lines) == 1 && (lines[0] == "" || lines[0] == "(null)"): // Apache says so
		return c, nil
	case len(lines) > 1: // the client may have written one of them
		return c, errors.New(name + " is there more than once: the proxy must replace what clients send")
	default:
		if c.Own, err = readCertificate(lines[0]); err != nil {
			return c, errors.New(name + " has no certificate: write it as RFC 9440 says, or as PEM that is escaped for URLs")
		}
	}
	for line := range strings.SplitSeq(strings.Join(h.Values(name+"-Chain"), ","), ",") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		between, err := readCertificate(line)
		if err != nil || len(c.Intermediates) == 10 {
			return c, errors.New(name + "-Chain has no list of certificates")
		}
		c.Intermediates = append(c.Intermediates, between)
	}
	return c, nil
}

// readCertificate reads a certificate as proxies write it: in base64 between colons (RFC 9440 section 2.1) or without
// (HAProxy, Traefik); as PEM whose lines are escaped for a URL (nginx, Envoy) or joined by spaces (Apache).
func readCertificate(text string) (*x509.Certificate, error) {
	if len(text) > maxCertificate {
		return nil, errors.New("too large")
	}
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, ":"); ok {
		text = strings.TrimSuffix(inner, ":")
	} else if strings.Contains(text, "%") {
		plain, err := url.PathUnescape(text)
		if err != nil {
			return nil, err
		}
		text = plain
	}
	if _, after, pem := strings.Cut(text, "-----BEGIN CERTIFICATE-----"); pem {
		text, _, _ = strings.Cut(after, "-----END CERTIFICATE-----")
	}
	der, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.Join(strings.Fields(text), ""), "="))
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
