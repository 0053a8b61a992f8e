package mtls_test

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/testkeys"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/mtls"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestWhatIsRememberedOfCertificates: a certificate that was verified before ends when it or one above it ends, and
// stands for no other that is presented with it or without it.
func TestWhatIsRememberedOfCertificates(t *testing.T) {
	t.Parallel()
	root := testkeys.NewAuthority(t, "Root", nil)
	between := testkeys.NewAuthority(t, "Between", root)
	pool := x509.NewCertPool()
	pool.AddCert(root.Own)
	all, client := mtls.NewAuthorities(pool), &storage.Client{CertificateDN: `CN=app,O=Example\, Inc.,C=DE`}
	soon := time.Now().Add(time.Hour)
	own, _ := between.Client("app", func(of *x509.Certificate) { of.NotAfter = soon })
	foreign, _ := (&testkeys.Authority{TB: t}).Client("app")
	chain := []*x509.Certificate{between.Own}
	for _, c := range []struct {
		name  string
		shown web.Certificates
		now   time.Time
		ok    bool
	}{
		{"without its issuer", web.Certificates{Own: own}, time.Now(), false},
		{"with it", web.Certificates{Own: own, Intermediates: chain}, time.Now(), true},
		{"again", web.Certificates{Own: own, Intermediates: chain}, time.Now(), true},
		{"without its issuer, then", web.Certificates{Own: own}, time.Now(), false},
		{"another with the issuer", web.Certificates{Own: foreign, Intermediates: chain}, time.Now(), false},
		{"after its end", web.Certificates{Own: own, Intermediates: chain}, soon.Add(time.Second), false},
	} {
		if err := all.ByAuthority(client, c.shown, c.now); (err == nil) != c.ok {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	if mtls.NewAuthorities(nil).ByAuthority(client, web.Certificates{Own: own}, time.Now()) == nil {
		t.Error("without authorities, one is trusted")
	}
}
