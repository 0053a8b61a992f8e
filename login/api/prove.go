package api

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

var (
	errManyProofs = &jsonapi.Problem{Status: http.StatusBadRequest, Code: "invalid_request",
		Detail: "Send only one of password, code or token, and passkey."}
)

// appProve signs in the user who is proven by f, together with the proofs of earlier requests.
func (s *Server) appProve(a *asking, f proofFields) (storage.Session, error) {
	c, err := s.appClaimant(a, f)
	if err != nil {
		return storage.Session{}, err
	}
	return s.appSignIn(a, c, f)
}

// appClaimant returns the user who is proven by the first factor in f or, if f has none, in an earlier request.
func (s *Server) appClaimant(a *asking, f proofFields) (people.Claimant, error) {
	given := 0
	for _, is := range []bool{f.Login != "" || f.Password != "", f.Flow != "" || f.Code != "" ||
		f.Token != "", f.Passkey != nil} {
		if is {
			given++
		}
	}
	if given > 1 {
		return people.Claimant{}, errManyProofs
	}
	if waits := a.asker.Kept.Pending != ""; waits && (given == 0 || f.Passkey != nil) {
		return s.appPending(a)
	}
	var user storage.User
	var amr []string
	var err error
	switch {
	case f.Flow != "" || f.Code != "" || f.Token != "":
		user, amr, err = s.appCode(a, f.codeFields)
	case f.Passkey != nil:
		user, amr, err = s.appPasskey(a, passkey.SignIn, *f.Passkey, nil)
	default:
		amr = []string{"pwd"}
		user, err = s.appPassword(a, f.Login, f.Password)
	}
	if err != nil {
		return people.Claimant{}, err
	}
	a.begin()
	return s.Prove(a.Context(), a.asker, user, time.Now(), amr...)
}

// begin forgets a sign-in that waits for its second factor: a new one begins, perhaps of another user.
func (a *asking) begin() { a.asker.Kept.Pending, a.kept.Pending = "", "" }

// appPassword returns the user whose password was sent. Its faults name the fields that are missing.
func (s *Server) appPassword(a *asking, login, secret string) (storage.User, error) {
	if err := offered(a.asker.UsesPasswords()); err != nil {
		return storage.User{}, err
	}
	var missing people.Faults
	if strings.TrimSpace(login) == "" {
		missing = append(missing, people.Fault{Field: "login", Text: "signin.missing_login"})
	}
	if secret == "" {
		missing = append(missing, people.Fault{Field: "password", Text: "signin.missing_secret"})
	}
	if missing != nil {
		return storage.User{}, missing
	}
	return s.ProvePassword(a.Context(), a.asker, login, secret)
}

// appCode returns the user who brings back a code, and by which method it was sent (RFC 8176).
func (s *Server) appCode(a *asking, f codeFields) (storage.User, []string, error) {
	p, err := f.proof()
	if err != nil {
		return storage.User{}, nil, err
	}
	user, data, err := s.ProveCode(a.Context(), a.asker, p)
	return user, []string{data.AMR}, err
}

// appPasskey returns the user whose passkey answered the challenge of this auth_session. user, unless nil, is the one
// who must have it.
func (s *Server) appPasskey(a *asking, purpose passkey.Purpose, f passkeyFields,
	user *storage.User,
) (storage.User, []string, error) {
	if err := offered(s.OffersPasskeys(a.asker)); err != nil {
		return storage.User{}, nil, err
	}
	return s.ProvePasskey(a.Context(), a.asker, purpose,
		people.PasskeyProof{Bound: []string{a.kept.ID}, State: f.State, Answer: string(f.Credential)}, user)
}

// appPending returns the user whose first factor came in an earlier request.
func (s *Server) appPending(a *asking) (people.Claimant, error) {
	c, err := s.Claimant(a.Context(), a.asker, "")
	if errors.Is(err, people.ErrNoClaimant) {
		err = badSession("The sign-in of this auth_session has expired or is complete. Start again.")
	}
	return c, err
}
