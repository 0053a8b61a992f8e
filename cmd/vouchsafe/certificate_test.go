package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// writePair writes a key pair whose certificate has the serial number.
func writePair(t *testing.T, certFile, keyFile string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"}}
	cert, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	// File systems tell times apart more or less finely.
	for _, path := range []string{certFile, keyFile} {
		if err := os.Chtimes(path, time.Time{}, time.Unix(serial, 0)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBrokenCertificateStopsTheStart(t *testing.T) {
	t.Parallel()
	sh := newShell(t, "VOUCHSAFE_TLS_CERT=tls.crt", "VOUCHSAFE_TLS_KEY=tls.key")
	sh.fails(t, 1)
	writePair(t, filepath.Join(sh.dir, "tls.crt"), filepath.Join(sh.dir, "tls.key"), 1)
	if r := sh.serve(t); r.issuer[:8] != "https://" {
		t.Errorf("got issuer %s", r.issuer)
	}
}
