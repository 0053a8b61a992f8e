package people

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// A flow sends a code, waits for it to come back, and then does what the data of the code says. It
// has an id, which the asker holds, and may be sent once more under another.

// beginning is where a flow of a user who is not signed in began. It is a part of the code's data.
type beginning struct {
	Browser string // Asker.Browser
	Letter  string // of the client's request, which goes on in the same browser; "" for none
	Asker   string // Asker.codeOwner
}

func (b *beginning) beganAt() string { return b.Browser }

// beginningAt returns the beginning of a flow that the asker begins.
func beginningAt(a Asker, letter string) beginning {
	return beginning{Browser: a.Browser, Letter: letter, Asker: a.codeOwner()}
}

// beganHere reports whether it is certain that the flow began in the asker's browser.
func (b *beginning) beganHere(a Asker) bool { return b.Browser != "" && a.began(b.Browser) }

// begun is the data of a code whose flow began somewhere: a pointer.
type begun interface{ beganAt() string }

// openFlow opens the data of the code of a link, by p.Token, or of a flow that began in the asker's
// browser. It spends nothing: mail scanners open links. Its refusal is ErrWrongCode.
func (s *Service) openFlow(ctx context.Context, a Asker, purpose string, p Proof, data begun) (err error) {
	if p.Token != "" {
		_, err = s.tryCode(ctx, a, purpose, Proof{Token: p.Token}, data)
		return err
	}
	code, err := s.waitingCode(ctx, a.Tenant.ID, purpose, p.Flow)
	if err != nil {
		return err
	}
	return s.openHere(a, code, data)
}

// proveFlow is tryCode for a flow: digits count in the browser alone in which it began.
func (s *Service) proveFlow(ctx context.Context, a Asker, purpose string, p Proof, data begun) (storage.Code, error) {
	code, err := s.tryCode(ctx, a, purpose, p, data)
	if err == nil && p.Token == "" && !a.began(data.beganAt()) {
		err = ErrWrongCode
	}
	return code, err
}

// putFlow stores the code of a flow and its message, and returns the flow.
func (s *Service) putFlow(ctx context.Context, code issued, m storage.Delivery) (flow string, err error) {
	return code.ID, s.StoreCode(ctx, code.Code, m)
}

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
	var reg registration
	var reset resetting
	var signIn signingIn
	data := map[string]begun{storage.CodeSignUp: &reg, storage.CodeReset: &reset, storage.CodeSignIn: &signIn}[code.Purpose]
	if data == nil {
		return "", ErrWrongCode
	}
	if err := s.openHere(a, code, data); err != nil {
		return "", err
	}
	switch code.Purpose {
	case storage.CodeSignUp:
		return s.resendSignUp(ctx, a, code, reg)
	case storage.CodeReset:
		return s.sendReset(ctx, a, reset)
	}
	return s.resendSignInCode(ctx, a, signIn)
}

// openHere opens the data of a code whose flow began in the asker's browser. Its refusal is
// ErrWrongCode.
func (s *Service) openHere(a Asker, code storage.Code, data begun) error {
	err := s.openCode(code, data)
	if err == nil && !a.began(data.beganAt()) {
		err = ErrWrongCode
	}
	return err
}

// waitingCode returns the code of a flow. It spends nothing and proves nothing. Its refusal is
// ErrWrongCode.
func (s *Service) waitingCode(ctx context.Context, tenant, purpose, flow string) (storage.Code, error) {
	code, err := s.Store.Code(ctx, tenant, flow, time.Now())
	if errors.Is(err, storage.ErrNotFound) || err == nil && code.Purpose != purpose {
		err = ErrWrongCode
	}
	return code, err
}

// openOwnFlow returns the code of a flow of the user, who is signed in, and opens its data. It
// spends nothing. Its refusal is ErrWrongCode.
func (s *Service) openOwnFlow(ctx context.Context, u storage.User, purpose, flow string, data any) (storage.Code, error) {
	code, err := s.waitingCode(ctx, u.TenantID, purpose, flow)
	if err == nil && code.UserID != u.ID {
		err = ErrWrongCode
	}
	if err != nil {
		return code, err
	}
	return code, s.openCode(code, data)
}

// proveOwnFlow is tryCode for a flow of the user, who is signed in.
func (s *Service) proveOwnFlow(ctx context.Context, a Asker, u storage.User, purpose string, p Proof, data any) (storage.Code, error) {
	code, err := s.tryCode(ctx, a, purpose, p, data)
	if err == nil && code.UserID != u.ID {
		err = ErrWrongCode
	}
	return code, err
}
