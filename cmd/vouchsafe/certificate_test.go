package main

import (
	"path/filepath"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/testkeys"
)

func TestBrokenCertificateStopsTheStart(t *testing.T) {
	t.Parallel()
	sh := newShell(t, "VOUCHSAFE_TLS_CERT=tls.crt", "VOUCHSAFE_TLS_KEY=tls.key")
	sh.fails(t, 1)
	testkeys.WritePair(t, filepath.Join(sh.dir, "tls.crt"), filepath.Join(sh.dir, "tls.key"), 1)
	if r := sh.serve(t); r.issuer[:8] != "https://" {
		t.Errorf("got issuer %s", r.issuer)
	}
}
