package upstreams

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"syscall"

	"github.com/vouchsafe/vouchsafe/internal/outbound"
)

// plainly returns why an address could not be fetched as a sentence for an administrator. It has no address that a
// name leads to: that would tell of the network behind this server.
func plainly(err error, address string) string {
	var lookup *net.DNSError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var slow net.Error
	host := hostOf(address)
	switch {
	case errors.Is(err, outbound.ErrNotHTTPS):
		return "Only https addresses are asked."
	case errors.Is(err, outbound.ErrNotPublic):
		return "The name " + host + " leads into a private network. VOUCHSAFE_ALLOW_PRIVATE_FETCH allows that."
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return "The name " + host + " doesn't exist. Is it spelt right, and can this server look it up?"
	case errors.As(err, &lookup):
		return "The name " + host + " can't be looked up just now: the name server doesn't answer."
	case errors.As(err, &authority):
		return "The certificate of " + host + " is signed by an authority that this server doesn't trust. " +
			"VOUCHSAFE_EXTRA_CA_FILE adds one."
	case errors.As(err, &name):
		return "The certificate isn't for " + host + "."
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "The certificate of " + host + " has expired, or isn't valid yet."
	case errors.As(err, &verification), errors.As(err, &record):
		return host + " doesn't speak TLS as it should."
	case errors.Is(err, syscall.ECONNREFUSED):
		return host + " refuses the connection: no server listens there."
	case errors.As(err, &slow) && slow.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return host + " doesn't answer in time."
	}
	return host + " can't be reached."
}
