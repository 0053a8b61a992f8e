package provider

import (
	"net/http"
	"testing"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestDevicesBehindOneAddressAreLimited: what devices ask for is stored, and a public client needs no credentials.
func TestDevicesBehindOneAddressAreLimited(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	a.client = a.visitor.client(func(c *storage.Client) {
		c.TokenEndpointAuthMethod, c.SecretHashes = "none", nil
		c.GrantTypes = []string{clients.DeviceGrant}
	})
	for i := range 61 {
		want := http.StatusOK
		if i == 60 {
			want = http.StatusTooManyRequests
		}
		got := a.form("/device_authorization", values("client_id", a.client.ClientID, "scope", "openid"))
		if got.status != want {
			t.Fatalf("request %d: got %d %s, want %d", i, got.status, got.raw, want)
		}
	}
}
