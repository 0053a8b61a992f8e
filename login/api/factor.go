package api

import (
	"errors"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// appSignIn signs in a claimant. If a second factor is missing, it takes the one in f. Without that it returns
// the problem factorRequired and opens no session; the app's auth_session then has the first proof.
func (s *Server) appSignIn(a *asking, c people.Claimant, f proofFields) (storage.Session, error) {
	if m := s.MissingFactor(a.Context(), a.asker, c, a.wish()); m.ACR != "" {
		more, err := s.appFactor(a, c.User, m, f)
		if err != nil {
			return storage.Session{}, err
		}
		if more != nil {
			sess, kept, err := s.Raise(a.Context(), a.asker, c, f.Remember, more...)
			if errors.Is(err, people.ErrNewPassword) {
				a.keep(kept)
				if c, err = s.appPending(a); err != nil {
					return storage.Session{}, err
				}
				return s.appNewPassword(a, c, f.NewPassword)
			}
			return s.appSignedIn(a, c.User, sess, kept, err)
		}
	}
	done, err := s.SignIn(a.Context(), a.asker, c, a.wish())
	if err == nil && done.Missing.ACR != "" {
		a.keep(done.Kept)
		return storage.Session{}, s.factorProblem(a, done.Missing)
	}
	if err == nil && done.NewPassword {
		a.keep(done.Kept)
		return s.appNewPassword(a, c, f.NewPassword)
	}
	return s.appSignedIn(a, c.User, done.Session, done.Kept, err)
}

// appNewPassword signs in a claimant who lacks nothing but a new password. Without one it returns the problem
// passwordExpired; the app's auth_session then has the proofs.
func (s *Server) appNewPassword(a *asking, c people.Claimant, secret string) (storage.Session, error) {
	if secret != "" {
		sess, kept, err := s.ReplaceExpired(a.Context(), a.asker, c, a.wish(), "new_password", secret)
		return s.appSignedIn(a, c.User, sess, kept, err)
	}
	sealed, err := a.kept.seal(s, a.Request)
	if err != nil {
		return storage.Session{}, err
	}
	return storage.Session{}, &jsonapi.Problem{Status: passwordExpired.Status, Code: passwordExpired.Code,
		Detail: ui.Words(a.Request).Must(string(people.ErrNewPassword)), More: expiredSession{sealed}}
}

// appSignedIn stores in the app's auth_session what the app keeps of a user who has signed in.
func (s *Server) appSignedIn(a *asking, user storage.User, sess storage.Session, kept people.Kept,
	err error,
) (storage.Session, error) {
	if errors.Is(err, people.ErrNoClaimant) {
		err = badSession("The sign-in of this auth_session is already complete. Start again.")
	}
	if err != nil {
		return sess, err
	}
	a.keep(kept)
	web.Note(a.Context(), "user", user.ID)
	return sess, nil
}

// appFactor checks the second factor in f if it is one that the user lacks, and returns its amr (RFC 8176): nil
// if there is none.
func (s *Server) appFactor(a *asking, user storage.User, m people.Missing, f proofFields) (amr []string, err error) {
	field := ""
	switch {
	case f.OTP != "" && m.TOTP:
		field, err = "otp", s.ProveTOTP(a.Context(), a.asker, user, f.OTP)
	case f.RecoveryCode != "" && m.Recovery > 0:
		field, err = "recovery_code", s.ProveRecovery(a.Context(), a.asker, user, f.RecoveryCode)
	case f.Passkey != nil && m.Passkeys > 0 && a.asker.Kept.Pending != "":
		_, amr, err = s.appPasskey(a, passkey.Factor, *f.Passkey, &user)
		return amr, err
	default:
		return nil, nil
	}
	var wrong people.Faults
	if errors.As(err, &wrong) {
		err = people.Invalid(field, "factor.wrong")
	}
	return []string{"otp"}, err
}

// factorProblem returns the problem that names the second factors that the user can give, with the
// auth_session that has the first proof.
func (s *Server) factorProblem(a *asking, m people.Missing) error {
	left := factorsLeft{Factors: []string{}}
	for _, f := range []struct {
		name string
		has  bool
	}{{"otp", m.TOTP}, {"recovery_code", m.Recovery > 0}, {"passkey", m.Passkeys > 0}} {
		if f.has {
			left.Factors = append(left.Factors, f.name)
		}
	}
	var err error
	if left.AuthSession, err = a.kept.seal(s, a.Request); err != nil {
		return err
	}
	return &jsonapi.Problem{Status: factorRequired.Status, Code: factorRequired.Code,
		Detail: ui.Words(a.Request).Must("factor.title"), More: left}
}
