package testkeys

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"testing"
	"time"
)

// Authority issues certificates.
type Authority struct {
	testing.TB
	Own *x509.Certificate
	key crypto.Signer
}

// NewAuthority returns an authority with that name, which another one has certified unless that is nil.
func NewAuthority(t testing.TB, name string, above *Authority) *Authority {
	t.Helper()
	a := &Authority{TB: t}
	if above == nil {
		above = a
	}
	a.Own, a.key = above.issue(&x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// issue returns a certificate that says what of says, for a year unless that says otherwise. An authority without a
// certificate signs its own.
func (a *Authority) issue(of *x509.Certificate) (*x509.Certificate, crypto.Signer) {
	a.Helper()
	key := newKey(a)
	of.SerialNumber = big.NewInt(time.Now().UnixNano())
	if of.NotAfter.IsZero() {
		of.NotAfter = time.Now().AddDate(1, 0, 0)
	}
	of.NotBefore = time.Now().AddDate(0, 0, -1)
	by, signer := of, crypto.Signer(key)
	if a.Own != nil {
		by, signer = a.Own, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, of, by, key.Public(), signer)
	if err != nil {
		a.Fatal(err)
	}
	own, err := x509.ParseCertificate(der)
	if err != nil {
		a.Fatal(err)
	}
	return own, key
}

// Client returns a certificate for the authentication of a client with that common name, changed as it says, and its
// key. That of the zero Authority is self-signed.
func (a *Authority) Client(name string, change ...func(*x509.Certificate)) (*x509.Certificate, crypto.Signer) {
	a.Helper()
	of := &x509.Certificate{Subject: pkix.Name{Country: []string{"DE"}, Organization: []string{"Example, Inc."},
		CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	for _, f := range change {
		f(of)
	}
	return a.issue(of)
}

// WriteClient writes a certificate of Client and its key to PEM files, and returns the certificate.
func (a *Authority) WriteClient(name, certFile, keyFile string) *x509.Certificate {
	a.Helper()
	own, key := a.Client(name)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.Fatal(err)
	}
	writePEM(a, certFile, "CERTIFICATE", own.Raw)
	writePEM(a, keyFile, "PRIVATE KEY", der)
	return own
}

// Write writes the authority's own certificate to a PEM file.
func (a *Authority) Write(file string) {
	a.Helper()
	writePEM(a, file, "CERTIFICATE", a.Own.Raw)
}

func writePEM(t testing.TB, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
