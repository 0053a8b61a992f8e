package web_test

import (
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/testkeys"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

// TestCertificatesCountAtTheirHost: at other names a proxy may pass on the header that a client wrote.
func TestCertificatesCountAtTheirHost(t *testing.T) {
	t.Parallel()
	at, err := url.Parse("https://mtls.example.com")
	if err != nil {
		t.Fatal(err)
	}
	own, _ := (&testkeys.Authority{TB: t}).Client("app")
	edge := &web.Edge{Certificates: true, CertificateHeader: "Client-Cert", CertificatesURL: at,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Log:            slog.New(slog.NewTextHandler(io.Discard, nil)), Errors: showStatus}
	var seen bool
	h := edge.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		c, err := web.ClientCertificates(r)
		if err != nil {
			t.Error(err)
		}
		seen = c.Own != nil && c.Own.Equal(own)
	}))
	for host, want := range map[string]bool{
		"mtls.example.com": true, "MTLS.example.com:443": true, "id.example.com": false, "mtls.example.com.evil": false,
	} {
		r := httptest.NewRequest("POST", "/token", nil)
		r.Host = host
		r.Header.Set("Client-Cert", ":"+base64.StdEncoding.EncodeToString(own.Raw)+":")
		h.ServeHTTP(httptest.NewRecorder(), r)
		if seen != want {
			t.Errorf("%s: the certificate counts: %v, want %v", host, seen, want)
		}
	}
}
