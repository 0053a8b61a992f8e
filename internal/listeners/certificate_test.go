package listeners

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
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

func TestRenewedCertificateIsServed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := &Certificate{CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key"), Log: slog.New(slog.DiscardHandler)}
	writePair(t, c.CertFile, c.KeyFile, 1)
	synctest.Test(t, func(t *testing.T) {
		conf, err := c.Config()
		if err != nil {
			t.Fatal(err)
		}
		serves := func(want int64) {
			t.Helper()
			time.Sleep(lookEvery + 1)
			pair, err := conf.GetCertificate(nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := pair.Leaf.SerialNumber.Int64(); got != want {
				t.Errorf("got certificate %d, want %d", got, want)
			}
		}
		serves(1)
		// Half of a renewal, or a broken one, leaves the old pair in service.
		write(t, c.CertFile, "no certificate")
		serves(1)
		writePair(t, c.CertFile, c.KeyFile, 2)
		serves(2)
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
