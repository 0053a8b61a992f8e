package login

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// This file goes with bridge.go.

func (s *Server) passkeysOf(r *http.Request, creds []storage.Credential) []passkey.Passkey {
	return s.PasskeysOf(r.Context(), creds)
}
func (s *Server) sealPasskey(tenant string, k passkey.Passkey) ([]byte, error) {
	return s.SealPasskey(tenant, k)
}
func (s *Server) openTOTP(u storage.User, cred storage.Credential) (factor.TOTP, error) {
	return s.OpenTOTP(u, cred)
}
func (s *Server) sealTOTP(u storage.User, app factor.TOTP) []byte { return s.SealTOTP(u, app) }
func (s *Server) sealRecovery(u storage.User, codes factor.Recovery) []byte {
	return s.SealRecovery(u, codes)
}
func (s *Server) recoveryLeft(r *http.Request, cred storage.Credential) int {
	return s.RecoveryLeft(r.Context(), cred)
}
func (s *Server) offersPasskeys(r *http.Request) bool { return s.OffersPasskeys(s.askerOf(r)) }
