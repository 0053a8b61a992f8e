package listeners

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/testkeys"
)

func TestRenewedCertificateIsServed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := &Certificate{CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key"),
		Log: slog.New(slog.DiscardHandler)}
	testkeys.WritePair(t, c.CertFile, c.KeyFile, 1)
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
		testkeys.WritePair(t, c.CertFile, c.KeyFile, 2)
		serves(2)
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
