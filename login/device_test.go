package login

import (
	"net/http"
	"testing"

	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestCodesOfDevicesAreNotGuessed: ten wrong codes in ten minutes for an address. A right one is not counted.
func TestCodesOfDevicesAreNotGuessed(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	v := s.visitor()
	v.get("/device")
	for i := range 14 {
		want := http.StatusUnprocessableEntity
		switch {
		case i%4 == 3 && i < 12: // right ones in between
			if p := v.post("/device", "code", "bdfg hjkl"); p.leads() != "/authorize?i=device" {
				t.Errorf("try %d: got %d to %q, want the request of the device", i, p.status, p.location())
			}
			continue
		case i == 13:
			want = http.StatusTooManyRequests
		}
		if p := v.post("/device", "code", "BCDF-GHJK"); p.status != want {
			t.Errorf("try %d: got %d, want %d", i, p.status, want)
		}
	}
	if p := v.post("/device", "code", "bdfg hjkl"); p.status != http.StatusTooManyRequests {
		t.Errorf("a right code after too many wrong ones: got %d, want 429", p.status)
	}
}

// TestTheAddressOfThePageIsAQRCode: of the page alone, whatever is asked for, and other sites may show it.
func TestTheAddressOfThePageIsAQRCode(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	v := s.visitor()
	p := v.get("/device/qr.svg")
	for name, want := range map[string]string{"Content-Type": "image/svg+xml", "Cache-Control": "public, max-age=86400",
		"Cross-Origin-Resource-Policy": "cross-origin", "Content-Security-Policy": "default-src 'none'; sandbox",
		"Set-Cookie": ""} {
		if got := p.header.Get(name); p.status != http.StatusOK || got != want {
			t.Errorf("got %d with %s %q, want %q", p.status, name, got, want)
		}
	}
	if other := v.get("/device/qr.svg?user_code=BDFG-HJKL&code=BDFG-HJKL"); other.body != p.body {
		t.Error("the picture has what stands in its address")
	}
}

// onlyDevice knows the one device that shows BDFG-HJKL.
func onlyDevice(_ http.ResponseWriter, _ *http.Request, code string) (string, error) {
	if tokens.UserCodeKey(code) != tokens.UserCodeKey("BDFG-HJKL") {
		return "", storage.ErrNotFound
	}
	return "/authorize?i=device", nil
}
