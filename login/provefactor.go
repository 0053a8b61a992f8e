package login

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/storage"
)

// proveTOTP takes the digits that a person's app shows; each works once. Errors are
// *limited, and invalid when they are not right.
func (s *Server) proveTOTP(r *http.Request, user storage.User, digits string) error {
	return s.proveFactor(r, user, storage.TOTPCredential, func(cred storage.Credential) ([]byte, error) {
		app, err := s.openTOTP(user, cred)
		if err != nil {
			return nil, err
		}
		used, ok := app.Use(digits, time.Now())
		if !ok {
			return nil, errWrongFactor
		}
		return s.sealTOTP(user, used), nil
	})
}

// proveRecovery takes one of a person's recovery codes, once, and tells them by mail.
func (s *Server) proveRecovery(r *http.Request, user storage.User, code string) error {
	return s.proveFactor(r, user, storage.RecoveryCredential, func(cred storage.Credential) ([]byte, error) {
		codes, err := factor.OpenRecovery(s.Secrets.Box(user.TenantID, secret.RecoveryCodes), cred.Data)
		if err != nil {
			return nil, err
		}
		left, ok := codes.Use(user.ID, code)
		if !ok {
			return nil, errWrongFactor
		}
		return s.sealRecovery(user, left), nil
	})
}

func (s *Server) sealRecovery(user storage.User, codes factor.Recovery) []byte {
	return codes.Seal(s.Secrets.Box(user.TenantID, secret.RecoveryCodes))
}

// recoveryLeft is how many recovery codes a person has. What cannot be read is none.
func (s *Server) recoveryLeft(r *http.Request, cred storage.Credential) int {
	codes, err := factor.OpenRecovery(s.Secrets.Box(cred.TenantID, secret.RecoveryCodes), cred.Data)
	if err != nil {
		web.Note(r.Context(), "error", "stored recovery codes of "+cred.UserID+" cannot be read")
		return 0
	}
	return codes.Left()
}

// errWrongFactor says that a code is none of the person's, or was used before.
var errWrongFactor = invalidf("code", "factor.wrong")

// proveFactor counts the attempt, and has use say what stays of the credential when it is
// used: of several uses at once, one succeeds.
func (s *Server) proveFactor(r *http.Request, user storage.User, kind string, use func(storage.Credential) ([]byte, error)) error {
	right, err := s.allowFactor(r, user)
	if err != nil {
		return err
	}
	err = s.useFactor(r, user, kind, use)
	if errors.Is(err, storage.ErrStale) { // used elsewhere, or sealed anew: the second look tells
		err = s.useFactor(r, user, kind, use)
	}
	var wrong invalid
	switch {
	case err == nil:
		right()
		return nil
	case errors.Is(err, storage.ErrStale): // somebody else was faster with it
		err = errWrongFactor
	case !errors.As(err, &wrong):
		return err
	}
	s.observe(r, storage.Event{Kind: storage.EventFactorFailed, UserID: user.ID, Actor: "anonymous", Detail: map[string]string{"factor": kind}})
	return err
}

// useFactor stores what use leaves of the credential. ErrStale: it was changed meanwhile.
func (s *Server) useFactor(r *http.Request, user storage.User, kind string, use func(storage.Credential) ([]byte, error)) error {
	cred, err := s.Store.Credential(r.Context(), user.TenantID, user.ID, kind, "")
	if errors.Is(err, storage.ErrNotFound) {
		return errWrongFactor
	}
	if err != nil {
		return err
	}
	was := cred.Data
	if cred.Data, err = use(cred); errors.Is(err, secret.ErrInvalid) {
		web.Note(r.Context(), "error", "stored "+kind+" of "+user.ID+" was sealed with a master secret that is gone")
		return errWrongFactor
	}
	if err != nil {
		return err
	}
	cred.UpdatedAt = time.Now()
	ch := storage.Change{Swap: []storage.CredentialSwap{{Credential: cred, Was: was}}}
	if kind == storage.RecoveryCredential {
		ch.Events = []storage.Event{s.event(r, storage.Event{Kind: storage.EventFactorRecovered, UserID: user.ID})}
		if ch.Deliveries, err = s.told(r, user, "factor.told_recovered"); err != nil {
			return err
		}
	}
	return s.apply(r, user, ch)
}

// openTOTP and sealTOTP read and write the person's secret as it is stored. It is sealed
// with whose it is: copied to another row it opens nothing.
func (s *Server) openTOTP(user storage.User, cred storage.Credential) (factor.TOTP, error) {
	plain, err := s.Secrets.Box(user.TenantID, secret.TOTP).Open(cred.Data)
	if err != nil {
		return factor.TOTP{}, err
	}
	rest, ok := strings.CutPrefix(string(plain), user.ID)
	if !ok {
		return factor.TOTP{}, errors.New("the TOTP secret is somebody else's")
	}
	return factor.ParseTOTP([]byte(rest))
}

func (s *Server) sealTOTP(user storage.User, app factor.TOTP) []byte {
	return s.Secrets.Box(user.TenantID, secret.TOTP).Seal(append([]byte(user.ID), app.Bytes()...))
}
