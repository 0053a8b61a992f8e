package login

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/people/federation"
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
