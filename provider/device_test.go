package provider

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
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

// TestOldCodesOfDevicesAreRefused: after its time a code is worth nothing: not on the page, and not for the device,
// whatever the user decided before.
func TestOldCodesOfDevicesAreRefused(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	a.client = a.visitor.client(func(c *storage.Client) {
		c.TokenEndpointAuthMethod, c.SecretHashes = "none", nil
		c.GrantTypes = []string{clients.DeviceGrant}
	})
	keep := func(purpose, value string, d tokens.Device) {
		t.Helper()
		d.ClientID, d.UserCode = a.client.ClientID, tokens.NewUserCode()
		code := storage.Code{ID: tokens.DeviceID(value), Purpose: purpose, Target: tokens.UserCodeKey(d.UserCode),
			CreatedAt: time.Now().Add(-11 * time.Minute), ExpiresAt: time.Now().Add(-time.Minute)}
		if purpose == tokens.DeviceSettled {
			code.ID, code.Target = tokens.SettledID(code.ID), code.ID
		}
		code, err := a.p.tokens.SealDevice(a.tenant, &d, code)
		if err != nil {
			t.Fatal(err)
		}
		a.apply(storage.Change{TenantID: a.tenant.ID, Now: code.CreatedAt, Codes: []storage.Code{code}})
		r := request("GET", "/device", "")
		r = r.WithContext(web.WithTenant(r.Context(), a.tenant))
		if to, err := a.p.OpenDevice(httptest.NewRecorder(), r, d.UserCode); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s: the page leads to %q, %v", value, to, err)
		}
		got := a.form("/token", values("grant_type", clients.DeviceGrant, "device_code", value, "client_id", d.ClientID))
		if got.status != http.StatusBadRequest || got.str("error") != "expired_token" {
			t.Errorf("%s: got %d %s, want expired_token", value, got.status, got.raw)
		}
	}
	keep(tokens.DeviceAsks, "waiting", tokens.Device{})
	keep(tokens.DeviceSettled, "denied", tokens.Device{Denied: true})
	keep(tokens.DeviceSettled, "allowed", tokens.Device{Code: "an authorization code"})
}
