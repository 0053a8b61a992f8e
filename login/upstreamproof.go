package login

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// upstreamSkew is how far a provider's clock may be behind ours.
	upstreamSkew = time.Minute
	// staleCookie names the provider from which the browser has just come without a fresh
	// proof, for staleLife.
	staleCookie = "stale"
	staleLife   = 5 * time.Minute
)

// provenWhen is since when a person who came from a provider has proven themselves, and whether
// that was on the trip that began then; there is what the provider says, zero for nothing. The
// word of its ID token counts, and nothing else: its session may be of last week, and what it was
// asked for has gone through the hands of the person at the browser. A person of whom it says
// nothing has proven themselves too long ago for what wants a proof of now. A new account has no
// past that would be another's.
func provenWhen(there time.Time, user storage.User, begun time.Time) (at time.Time, now bool) {
	switch {
	case !user.CreatedAt.Before(begun), !there.IsZero() && !there.Before(begun.Add(-upstreamSkew)):
		return time.Now(), true
	case there.IsZero():
		return begun.Add(-people.Freshness - time.Second), false
	}
	return there, false
}

// staleFrom is the provider that cannot give the fresh proof which the page asks for, and what
// to tell of it.
func (s *Server) staleFrom(r *http.Request) (id, text string) {
	id = browser.Cookie(r, staleCookie)
	name, ok := s.upstreamName(r, id)
	if id == "" || !ok {
		return "", ""
	}
	return id, s.words(r).Must("federated.stale", name)
}
