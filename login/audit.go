package login

import (
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// record writes a line of the audit trail about the request. The caller says Kind and
// whom it concerns.
func (s *Server) record(r *http.Request, e storage.Event) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	req := web.RequestOf(r.Context())
	e.TenantID, e.ID, e.At = web.TenantOf(r.Context()).ID, id.String(), time.Now()
	e.RequestID, e.IP = req.ID, req.IP
	if e.Actor == "" {
		e.Actor = e.UserID
	}
	if err := s.Store.Record(r.Context(), e); err != nil {
		return fmt.Errorf("record %s: %w", e.Kind, err)
	}
	return nil
}

// clientID is whose request it is, for the audit trail.
func clientID(in *storage.Interaction) string {
	if in == nil {
		return ""
	}
	return in.Client.ClientID
}
