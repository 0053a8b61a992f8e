package people

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Resend sends the code of a flow once more, and returns the next flow; the code before is void.
// Its refusal is ErrWrongCode.
func (s *Service) Resend(ctx context.Context, a Asker, flow string) (next string, err error) {
	code, err := s.Store.Code(ctx, a.Tenant.ID, flow, time.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return "", ErrWrongCode
	}
	if err != nil {
		return "", err
	}
	switch code.Purpose {
	case storage.CodeSignUp:
		return s.resendSignUp(ctx, a, code)
	case storage.CodeReset:
		return s.resendReset(ctx, a, code)
	case storage.CodeSignIn:
		return s.resendSignInCode(ctx, a, code)
	}
	return "", ErrWrongCode
}
