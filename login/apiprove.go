package login

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// proofFields are what somebody proves themselves by, or a part of it: one proof at a
// time, and beside it or in the next request the second factor.
type proofFields struct {
	Login    string `json:"login" doc:"The e-mail address or user name, with password." example:"jo@example.com"`
	Password string `json:"password" secret:"true" doc:"The password."`
	codeFields
	Passkey *passkeyFields `json:"passkey" doc:"The result of the options from /auth/passkey-options: {state, credential}."`
	factorFields
}

// passkeyFields are the answer of a passkey.
type passkeyFields struct {
	State      string          `json:"state" need:"true" secret:"true" max:"8192" doc:"The state that came with the options."`
	Credential json.RawMessage `json:"credential" need:"true" doc:"AuthenticationResponseJSON."`
}

var (
	errManyProofs = &jsonapi.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Detail: "Send one of password, code or token, and passkey at a time."}
	wrongPasskey  = jsonapi.Outcome{Status: http.StatusUnprocessableEntity, Code: "wrong_passkey", When: "the passkey does not belong to a user here, or its options are too old: request new ones."}
)

func (f proofFields) empty() bool {
	return f.Login == "" && f.Password == "" && f.Flow == "" && f.Code == "" && f.Token == "" && f.Passkey == nil
}

// proved is who has proven themselves, when and by what, and what it comes to.
type proved struct {
	user  storage.User
	since time.Time
	acr   string
	amr   []string
}

// appProve finds whom the proofs of a request prove, together with those of the requests
// before it. What they have to be all in all the rules say: see appFactors.
func (s *Server) appProve(a *asking, f proofFields) (proved, error) {
	waits := a.kept.Pending
	given := 0
	for _, is := range []bool{f.Login != "" || f.Password != "", f.Flow != "" || f.Code != "" || f.Token != "", f.Passkey != nil} {
		if is {
			given++
		}
	}
	if given > 1 {
		return proved{}, errManyProofs
	}
	var user storage.User
	var amr []string
	var err error
	switch {
	case f.Flow != "" || f.Code != "" || f.Token != "":
		user, amr, err = s.appCode(a, f.codeFields)
	case f.Passkey != nil && waits != nil:
		user, amr, err = s.appPending(a, waits)
	case f.Passkey != nil:
		user, amr, err = s.appPasskey(a, passkey.SignIn, *f.Passkey, nil)
	case given == 0 && waits != nil:
		user, amr, err = s.appPending(a, waits)
	default:
		amr = []string{"pwd"}
		user, err = s.appPassword(a, f.Login, f.Password)
	}
	if err != nil {
		return proved{}, err
	}
	if given > 0 && (f.Passkey == nil || waits == nil) {
		waits, a.kept.Pending = nil, nil // it is begun anew
	}
	p := proved{user: user, since: time.Now()}
	p.acr, p.amr, err = s.appFactors(a, user, f, amr...)
	if err == nil && waits != nil {
		err = s.appSpend(a, user, waits)
	}
	return p, err
}

func (s *Server) appPassword(a *asking, login, secret string) (storage.User, error) {
	if err := offered(usesPasswords(a.Request)); err != nil {
		return storage.User{}, err
	}
	var missing invalid
	if strings.TrimSpace(login) == "" {
		missing = append(missing, fault{Field: "login", Text: "signin.missing_login"})
	}
	if secret == "" {
		missing = append(missing, fault{Field: "password", Text: "signin.missing_secret"})
	}
	if missing != nil {
		return storage.User{}, missing
	}
	return s.ProvePassword(a.Context(), s.askerFor(a.Request, a.interaction()), login, secret)
}

func (s *Server) appCode(a *asking, f codeFields) (storage.User, []string, error) {
	p, err := f.proof()
	if err != nil {
		return storage.User{}, nil, err
	}
	user, data, err := s.ProveCode(a.Context(), s.askerFor(a.Request, a.interaction()), p)
	return user, []string{data.AMR}, err
}

func (s *Server) appPasskey(a *asking, purpose passkey.Purpose, f passkeyFields, user *storage.User) (storage.User, []string, error) {
	if err := offered(s.offersPasskeys(a.Request)); err != nil {
		return storage.User{}, nil, err
	}
	return s.ProvePasskey(a.Request.Context(), s.askerFor(a.Request, a.interaction()), purpose, people.PasskeyProof{Bound: []string{a.kept.ID}, State: f.State, Answer: string(f.Credential)}, user)
}

// appPending is whose first proof came in a request before.
func (s *Server) appPending(a *asking, waits *pendingProof) (storage.User, []string, error) {
	gone := badSession("The sign-in that auth_session goes on with waited too long, or was finished. Start again.")
	if !storage.Within(time.Unix(waits.At, 0), time.Now(), pendingLife) {
		return storage.User{}, nil, gone
	}
	user, err := s.Store.User(a.Context(), a.app.TenantID, waits.UserID)
	if errors.Is(err, storage.ErrNotFound) || err == nil && (user.Disabled || user.CredentialVersion != waits.Version) {
		err = gone
	}
	return user, waits.AMR, err
}

// appSpend ends what waited: once finished it is finished.
func (s *Server) appSpend(a *asking, user storage.User, waits *pendingProof) error {
	a.kept.Pending = nil
	err := s.Store.Apply(a.Context(), storage.Change{
		TenantID: user.TenantID, UserID: user.ID, Now: time.Now(), Version: &user.CredentialVersion,
		Spend: []storage.Spent{{TenantID: user.TenantID, Purpose: spentPending, Value: waits.ID, ExpiresAt: time.Unix(waits.At, 0).Add(pendingLife)}},
	})
	if errors.Is(err, storage.ErrStale) {
		return badSession("The sign-in that auth_session goes on with was finished before. Start again.")
	}
	return err
}

// spentPending is the purpose of storage.Spent for sign-ins of apps that waited.
const spentPending = "app-sign-in"
