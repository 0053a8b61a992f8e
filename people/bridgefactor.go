package people

import (
	"context"

	"github.com/vouchsafe/vouchsafe/storage"
)

// This file, too, exports helpers to the use cases that are still in package login: see bridge.go.

func (s *Service) RecoveryLeft(ctx context.Context, cred storage.Credential) int {
	return s.recoveryLeft(ctx, cred)
}
