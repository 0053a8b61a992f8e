package login

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/storage"
)

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
