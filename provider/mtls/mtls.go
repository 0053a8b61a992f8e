package mtls

import (
	"crypto"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Thumbprint returns the value of x5t#S256 for a certificate: the SHA-256 of its DER in base64url (RFC 8705 section
// 3.1).
func Thumbprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ThumbprintOf returns the thumbprint of the certificate that the client of the request presented; "" if it presented
// none. It returns an error for a header of a proxy that cannot be read.
func ThumbprintOf(r *http.Request) (string, error) {
	shown, err := web.ClientCertificates(r)
	if err != nil || shown.Own == nil {
		return "", err
	}
	return Thumbprint(shown.Own), nil
}

// Same reports whether two thumbprints are the same, and of a certificate.
func Same(a, b string) bool { return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// ByAuthority returns nil if one of the authorities issued the certificate for the authentication of clients, it counts
// now, and it has the name that the client is registered with (RFC 8705 section 2.1). The error says why it does not.
func (a *Authorities) ByAuthority(c *storage.Client, shown web.Certificates, now time.Time) error {
	if a == nil {
		return errors.New("the server trusts no authority: client_ca_file is not set")
	}
	if err := a.verify(shown, now); err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	if !named(c, shown.Own) {
		return fmt.Errorf("the certificate is of %q, DNS %q, URI %q, IP %q, email %q, and the client is registered with "+
			"another name", shown.Own.Subject.String(), shown.Own.DNSNames, shown.Own.URIs, shown.Own.IPAddresses,
			shown.Own.EmailAddresses)
	}
	return nil
}

// named reports whether the certificate has the name that the client is registered with.
func named(c *storage.Client, own *x509.Certificate) bool {
	switch {
	case c.CertificateDN != "":
		want, err := clients.ParseDN(c.CertificateDN)
		return err == nil && want.Names(own.RawSubject)
	case c.CertificateDNS != "": // as it is written: a wildcard names no client
		return slices.ContainsFunc(own.DNSNames, func(s string) bool { return strings.EqualFold(s, c.CertificateDNS) })
	case c.CertificateURI != "":
		for _, u := range own.URIs {
			if u.String() == c.CertificateURI {
				return true
			}
		}
	case c.CertificateIP != "":
		want := net.ParseIP(c.CertificateIP)
		return want != nil && slices.ContainsFunc(own.IPAddresses, want.Equal)
	case c.CertificateEmail != "":
		return slices.Contains(own.EmailAddresses, c.CertificateEmail)
	}
	return false
}

// BySelfSigned returns nil if the certificate counts now and has one of the keys, which the client has registered (RFC
// 8705 section 2.2). Its issuer and its name mean nothing. The error says why it does not.
func BySelfSigned(keys []jose.JSONWebKey, shown web.Certificates, now time.Time) error {
	if now.Before(shown.Own.NotBefore) || now.After(shown.Own.NotAfter) {
		return errors.New("the certificate has expired, or doesn't count yet")
	}
	for _, k := range keys {
		key, ok := k.Key.(interface{ Equal(x crypto.PublicKey) bool })
		if ok && key.Equal(shown.Own.PublicKey) {
			return nil
		}
	}
	return errors.New("the key of the certificate isn't among the client's keys")
}
