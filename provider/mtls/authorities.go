package mtls

import (
	"crypto/sha256"
	"crypto/x509"
	"sync"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// Authorities issue the certificates of clients. They remember which ones they have verified: a program presents the
// same with each request, and to verify the signatures anew costs as much as all the rest.
type Authorities struct {
	roots *x509.CertPool
	mu    sync.Mutex
	// verified says until when each verified certificate counts, by the hash of all that was presented.
	verified map[[sha256.Size]byte]time.Time
}

// maxVerified bounds how many certificates are remembered. Beyond it, all are forgotten.
const maxVerified = 10_000

// NewAuthorities returns those of a pool; nil, which trusts no certificate, for nil.
func NewAuthorities(roots *x509.CertPool) *Authorities {
	if roots == nil {
		return nil
	}
	return &Authorities{roots: roots, verified: map[[sha256.Size]byte]time.Time{}}
}

// verify returns nil if one of the authorities issued the certificate for the authentication of clients, and it counts
// now. Otherwise it returns the error of x509.Certificate.Verify.
func (a *Authorities) verify(shown web.Certificates, now time.Time) error {
	hash := sha256.New()
	hash.Write(shown.Own.Raw)
	for _, other := range shown.Intermediates {
		hash.Write(other.Raw)
	}
	key := [sha256.Size]byte(hash.Sum(nil))
	a.mu.Lock()
	until, known := a.verified[key]
	a.mu.Unlock()
	if known && now.Before(until) {
		return nil
	}
	between := x509.NewCertPool()
	for _, other := range shown.Intermediates {
		between.AddCert(other)
	}
	chains, err := shown.Own.Verify(x509.VerifyOptions{Roots: a.roots, Intermediates: between, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return err
	}
	until = shown.Own.NotAfter
	for _, c := range chains[0] {
		if c.NotAfter.Before(until) {
			until = c.NotAfter
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.verified) >= maxVerified {
		clear(a.verified)
	}
	a.verified[key] = until
	return nil
}
