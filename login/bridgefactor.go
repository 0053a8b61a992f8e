package login

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/storage"
)

// This file goes with bridge.go.

func (s *Server) recoveryLeft(r *http.Request, cred storage.Credential) int {
	return s.RecoveryLeft(r.Context(), cred)
}
func (s *Server) offersPasskeys(r *http.Request) bool { return s.OffersPasskeys(s.askerOf(r)) }
