package ui

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
)

// Cookies that hold the values of people.Kept, beside the one of package browser.
const (
	knownCookie      = "device"
	rememberedCookie = "remembered"
	pendingCookie    = "pending"

	// knownFor is as long as browsers keep a cookie (RFC 6265bis section 5.5).
	knownFor = 400 * 24 * time.Hour
)

// Asker returns the people.Asker for a request of a browser. A handler makes it once and passes it to
// use cases.
func (s *Site) Asker(r *http.Request) people.Asker {
	a := AppAsker(r)
	if acting := ActingOf(r); acting != nil {
		a.Actor = acting.Act.ActorID
	}
	for i, binding := range browser.Bindings(r) {
		name := nameOfBrowser(binding)
		if i == 0 && binding == browser.Bound(r) {
			a.Browser = name
		} else {
			a.Formerly = append(a.Formerly, name)
		}
	}
	a.Kept = people.Kept{
		Sessions: browser.Held(r), Known: browser.Cookie(r, knownCookie),
		Remembered: browser.Cookie(r, rememberedCookie), Pending: browser.Cookie(r, pendingCookie),
	}
	return a
}

// BoundAsker is Asker for a browser that has to be known again when it comes back: a browser without
// a binding gets one.
func (s *Site) BoundAsker(w http.ResponseWriter, r *http.Request) people.Asker {
	a := s.Asker(r)
	if a.Browser == "" {
		a.Browser = nameOfBrowser(browser.Binding(w, r))
	}
	return a
}

// AppAsker returns the people.Asker for a request of an app. Cookies of the request count for nothing.
func AppAsker(r *http.Request) people.Asker {
	req := web.RequestOf(r.Context())
	return people.Asker{
		Tenant: web.TenantOf(r.Context()), RequestID: req.ID, IP: req.IP,
		UserAgent: r.UserAgent(), Language: Words(r).Lang(),
	}
}

// nameOfBrowser returns the name under which a flow remembers a browser: a hash of its binding.
func nameOfBrowser(binding string) string {
	sum := sha256.Sum256([]byte("flow\x00" + binding))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Keep has the browser keep what a use case returned, in the place of what came with the request.
func (s *Site) Keep(w http.ResponseWriter, r *http.Request, kept people.Kept) {
	asker := s.Asker(r)
	was, proven := asker.Kept, kept.Sessions != asker.Kept.Sessions
	if proven {
		s.Sessions.Hold(w, r, kept.Sessions)
	}
	if proven || kept.Known != was.Known { // a proof makes the browser known for as long again
		browser.SetCookie(w, r, knownCookie, kept.Known, knownFor)
	}
	if kept.Remembered != was.Remembered {
		browser.SetCookie(w, r, rememberedCookie, kept.Remembered, asker.RememberedFor())
	}
	if kept.Pending != was.Pending {
		life := people.PendingLife
		if kept.Pending == "" {
			life = 0
		}
		browser.SetCookie(w, r, pendingCookie, kept.Pending, life)
	}
}
