package people

import (
	"context"

	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// This file, too, exports helpers to the use cases that are still in package login: see bridge.go.

func (s *Service) PasskeysOf(ctx context.Context, creds []storage.Credential) []passkey.Passkey {
	return s.passkeysOf(ctx, creds)
}
func (s *Service) SealPasskey(tenant string, k passkey.Passkey) ([]byte, error) {
	return s.sealPasskey(tenant, k)
}
func (s *Service) OpenTOTP(u storage.User, cred storage.Credential) (factor.TOTP, error) {
	return s.openTOTP(u, cred)
}
func (s *Service) SealTOTP(u storage.User, app factor.TOTP) []byte { return s.sealTOTP(u, app) }
func (s *Service) SealRecovery(u storage.User, codes factor.Recovery) []byte {
	return s.sealRecovery(u, codes)
}
func (s *Service) RecoveryLeft(ctx context.Context, cred storage.Credential) int {
	return s.recoveryLeft(ctx, cred)
}
