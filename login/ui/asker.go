package ui

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Asker returns the people.Asker for a request. A handler makes it once and passes it to use cases.
func (s *Site) Asker(r *http.Request) people.Asker {
	req, a := web.RequestOf(r.Context()), Browsers(r)
	a.RequestID, a.Address, a.UserAgent, a.Language = req.ID, req.IP, r.UserAgent(), Words(r).Lang()
	a.Known = func(account string) (device string, ok bool) { return s.Devices.Known(r, account) }
	a.SignedIn = func(u storage.User) (bool, error) { return s.IsSignedIn(r, u) }
	return a
}

// Browsers returns a people.Asker with nothing but the tenant and the names of the request's
// browser.
func Browsers(r *http.Request) people.Asker {
	a := people.Asker{Tenant: web.TenantOf(r.Context())}
	for i, binding := range browser.Bindings(r) {
		name := nameOfBrowser(binding)
		if i == 0 && binding == browser.Bound(r) {
			a.Browser = name
		} else {
			a.Formerly = append(a.Formerly, name)
		}
	}
	return a
}

// nameOfBrowser returns the name under which a flow remembers a browser: a hash of its binding.
func nameOfBrowser(binding string) string {
	sum := sha256.Sum256([]byte("flow\x00" + binding))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
