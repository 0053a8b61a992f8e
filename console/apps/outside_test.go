package apps_test

import (
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// TestAppsFromOutside: the list finds them; they are allowed, denied, and have their description read again.
func TestAppsFromOutside(t *testing.T) {
	t.Parallel()
	s, b := start(t)
	const id = "https://editor.example/client.json"
	put(t, s, storage.Client{ClientID: "shop", ClientName: "Shop", RedirectURIs: []string{"https://shop.example/cb"}})
	put(t, s, storage.Client{ClientID: id, ClientName: "Editor", RedirectURIs: []string{"http://localhost/cb"},
		ApplicationType: "native", TokenEndpointAuthMethod: "none",
		Outside: &storage.Outside{Origin: storage.OriginDocument, ReadAt: time.Now(), FreshUntil: time.Now().Add(time.Hour),
			Fault: "status 500"}})
	b.Open("/admin/apps?outside=1")
	b.Says("Editor", "Its own page")
	b.SaysNot("Shop")
	page := "/admin/apps/app?id=https%3A%2F%2Feditor.example%2Fclient.json"
	b.Open(page)
	b.Says("From outside", "Not yet", "status 500")
	b.Follow(b.Send("/admin/apps/allow"))
	b.Says("Editor is allowed.")
	if c := stored(t, s, id); c.Outside.Verdict != storage.VerdictAllowed {
		t.Errorf("got %+v", c.Outside)
	}
	b.Follow(b.Send("/admin/apps/refresh"))
	if c := stored(t, s, id); !c.Outside.FreshUntil.IsZero() {
		t.Errorf("got %+v, want a description that is read again", c.Outside)
	}
	b.Open("/admin/apps/deny?id=https%3A%2F%2Feditor.example%2Fclient.json")
	b.Follow(b.Send("/admin/apps/deny"))
	b.Says("Editor was denied.")
	if c := stored(t, s, id); !c.Disabled || c.Outside.Verdict != storage.VerdictDenied {
		t.Errorf("got %+v, %+v", c, c.Outside)
	}
}
