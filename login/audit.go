package login

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/limit"
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

// An attacker cannot fill the audit trail: of lines that cost nothing to cause, so many are
// kept for one network, and so many for one upstream or reason.
var (
	linesOfNetwork = limit.Rule{Name: "audit-network", Max: 10, Window: 10 * time.Minute}
	linesOfKind    = limit.Rule{Name: "audit-kind", Max: 100, Window: 10 * time.Minute}
)

// recordSome is record for what anybody can cause as often as they like. What is left out
// of the audit trail stands in the log.
func (s *Server) recordSome(r *http.Request, e storage.Event) error {
	kind := e.Kind + "\x00" + e.Detail["reason"] + "\x00" + e.Detail["upstream"]
	if _, refused := s.admit(r,
		limit.By{Rule: linesOfNetwork, Subject: kind + "\x00" + limit.Network(web.RequestOf(r.Context()).IP)},
		limit.By{Rule: linesOfKind, Subject: kind}); refused == nil {
		return s.record(r, e)
	}
	web.Note(r.Context(), "unrecorded", e.Kind)
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
// written to. It has a link by which they say that it was not them.
func (s *Server) notice(r *http.Request, u storage.User, template string, data map[string]string) ([]storage.Mail, error) {
	data["NotMe"] = s.notMeLink(r, u)
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
