package login

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// This file lets the use cases that are still in this package call those of package people.
// It goes with the last of them.

type (
	proof   = people.Proof
	issued  = people.Issued
	limited = people.Limited
	invalid = people.Faults
	Store   = people.Store
)

const (
	codeLife     = people.CodeLife
	errWrongCode = people.ErrWrongCode
)

func invalidf(field, text string, args ...any) error { return people.Invalid(field, text, args...) }

func (s *Server) newCode(r *http.Request, purpose, target, userID string, data any, life time.Duration) (issued, error) {
	return s.NewCode(s.askerOf(r), purpose, target, userID, data, life)
}
func (s *Server) tryCode(r *http.Request, purpose string, p proof, data any) (storage.Code, error) {
	return s.TryCode(r.Context(), s.askerOf(r), purpose, p, data)
}
func (s *Server) admit(r *http.Request, by ...limit.By) (*limit.Pass, error) {
	return s.Admit(r.Context(), s.askerOf(r), by...)
}
func (s *Server) allowTrip(r *http.Request) (right func(userID string), err error) {
	return s.AllowTrip(r.Context(), s.askerOf(r))
}
func usesPasswords(r *http.Request) bool {
	return people.Asker{Tenant: web.TenantOf(r.Context())}.UsesPasswords()
}
func (s *Server) event(r *http.Request, e storage.Event) storage.Event { return s.askerOf(r).Event(e) }
func (s *Server) observe(r *http.Request, e storage.Event) {
	s.Observe(r.Context(), s.askerOf(r), e)
}
func (s *Server) observeSome(r *http.Request, e storage.Event) {
	s.ObserveSome(r.Context(), s.askerOf(r), e)
}
func (s *Server) compose(r *http.Request, to address.Recipient, template string, data any) (storage.Delivery, error) {
	return s.Compose(s.askerOf(r), to, template, data)
}
func (s *Server) hashOf(r *http.Request, faults invalid, secret string, about ...string) ([]byte, error) {
	return s.HashOf(r.Context(), s.askerOf(r), faults, secret, about...)
}
func (s *Server) takeBack(r *http.Request, u *storage.User, ch *storage.Change) error {
	return s.TakeBack(r.Context(), u, ch)
}

var (
	dropped    = people.Dropped
	claimAs    = people.ClaimAs
	normalName = people.NormalName
)

func (s *Server) sendsCodes(r *http.Request, channel string) bool {
	return s.OffersCodes(s.askerOf(r), channel)
}
