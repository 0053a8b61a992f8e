package login

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/storage"
)

const strangerCookie = "stranger"

// keepStranger has the browser keep the stranger who waits in it; nil lets the browser forget.
func (s *Server) keepStranger(w http.ResponseWriter, r *http.Request, who *federation.Stranger) error {
	if who == nil {
		if browser.Cookie(r, strangerCookie) != "" {
			browser.SetCookie(w, r, strangerCookie, "", 0)
		}
		return nil
	}
	sealed, err := s.Federation.SealStranger(s.askerOf(r), who)
	if err != nil {
		return err
	}
	browser.SetCookie(w, r, strangerCookie, sealed, federation.StrangerLife)
	return nil
}

// strangerHere returns the stranger who waits in this browser; nil for none.
func (s *Server) strangerHere(r *http.Request) *federation.Stranger {
	sealed := browser.Cookie(r, strangerCookie)
	if sealed == "" {
		return nil
	}
	return s.Federation.OpenStranger(s.askerOf(r), sealed)
}

// waitsToLink reports whether an identity waits in this browser to be linked to the account that the
// user signs in to.
func (s *Server) waitsToLink(r *http.Request) bool {
	who := s.strangerHere(r)
	return who != nil && who.Proven != ""
}

const (
	// lastCookie names the provider by which a user signed in last in this browser, for lastLife. It decides nothing.
	lastCookie = "last-provider"
	lastLife   = 90 * 24 * time.Hour
)

// markLast marks the provider by which a user signed in last in this browser, so that a user who has forgotten which
// one it was makes no second account.
func markLast(r *http.Request, offered []ui.Upstream) {
	last := browser.Cookie(r, lastCookie)
	for i := range offered {
		offered[i].LastUsed = offered[i].ID == last
	}
}

const (
	// staleCookie names the provider from which the browser has just come without a fresh
	// proof, for staleLife.
	staleCookie = "stale"
	staleLife   = 5 * time.Minute
)

// staleFrom returns the provider that cannot give the fresh proof which the page asks for, and what to
// say of it; "" for none.
func (s *Server) staleFrom(r *http.Request) (id, text string) {
	id = browser.Cookie(r, staleCookie)
	name, ok := s.upstreamName(r, id)
	if id == "" || !ok {
		return "", ""
	}
	return id, s.words(r).Must("federated.stale", name)
}

// forgetStale forgets from which provider the browser came without a fresh proof, once there is one.
func (s *Server) forgetStale(w http.ResponseWriter, r *http.Request, since time.Time) {
	if browser.Cookie(r, staleCookie) != "" && storage.Within(since, time.Now(), federation.Skew) {
		browser.SetCookie(w, r, staleCookie, "", 0)
	}
}
