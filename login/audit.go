package login

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/storage"
)

// record writes a line of the audit trail about the request. The caller says Kind and
// whom it concerns.
func (s *Server) record(r *http.Request, e storage.Event) error {
	if err := s.Store.Record(r.Context(), s.event(r, e)); err != nil {
		return fmt.Errorf("record %s: %w", e.Kind, err)
	}
	return nil
}

// event completes a line of the audit trail about the request, to be stored with the
// change that it is about.
func (s *Server) event(r *http.Request, e storage.Event) storage.Event {
	req := web.RequestOf(r.Context())
	e.TenantID, e.ID, e.At = web.TenantOf(r.Context()).ID, uuid.Must(uuid.NewV7()).String(), time.Now()
	e.RequestID, e.IP = req.ID, req.IP
	if e.Actor == "" {
		e.Actor = e.UserID
	}
	return e
}

// notice is the mail that tells a person of a change to their account, if they can be
// written to.
func (s *Server) notice(r *http.Request, u storage.User, template string, data any) ([]storage.Mail, error) {
	m, err := s.compose(r, recipientOf(u), template, data)
	if errors.Is(err, mail.ErrAddress) {
		return nil, nil
	}
	return []storage.Mail{m}, err
}

// clientID is whose request it is, for the audit trail.
func clientID(in *storage.Interaction) string {
	if in == nil {
		return ""
	}
	return in.Client.ClientID
}
