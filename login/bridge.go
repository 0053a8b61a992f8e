package login

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// This file lets the use cases that are still in this package call those of package people.
// It goes with the last of them.

type (
	proof   = people.Proof
	limited = people.Limited
	invalid = people.Faults
	Store   = people.Store
)

func invalidf(field, text string, args ...any) error { return people.Invalid(field, text, args...) }

func (s *Server) admit(r *http.Request, by ...limit.By) (*limit.Pass, error) {
	return s.Admit(r.Context(), s.askerOf(r), by...)
}
func usesPasswords(r *http.Request) bool {
	return people.Asker{Tenant: web.TenantOf(r.Context())}.UsesPasswords()
}
func (s *Server) event(r *http.Request, e storage.Event) storage.Event { return s.askerOf(r).Event(e) }
func (s *Server) observe(r *http.Request, e storage.Event) {
	s.Observe(r.Context(), s.askerOf(r), e)
}

var normalName = people.NormalName

func (s *Server) sendsCodes(r *http.Request, channel string) bool {
	return s.OffersCodes(s.askerOf(r), channel)
}
