package login

import (
	"errors"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// resend sends the code of a flow anew: the one before does not count any more.
func (s *Server) resend(r *http.Request, flow string) (next string, err error) {
	ctx := r.Context()
	code, err := s.Store.Code(ctx, web.TenantOf(ctx).ID, flow, time.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return "", errWrongCode
	}
	if err != nil {
		return "", err
	}
	switch code.Purpose {
	case storage.CodeSignUp:
		return s.ResendSignUp(ctx, s.askerOf(r), code)
	case storage.CodeReset:
		return s.ResendReset(ctx, s.askerOf(r), code)
	case storage.CodeSignIn:
		var data signingIn
		if err := s.openCode(code, &data); err != nil {
			return "", err
		}
		if !isBrowser(r, data.Browser) {
			return "", errWrongCode
		}
		if ok, err := s.mayCodeFor(r, data.Channel, data.Login); !ok || err != nil {
			return "", errors.Join(err, errWrongCode)
		}
		return s.sendSignIn(r, data)
	}
	return "", errWrongCode
}
