package login

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

// setupForm is what the set-up page shows.
type setupForm struct {
	Token                   string
	Email                   string
	MinLength               int
	EmailError, SecretError string
}

var errSetupSpent = &web.Problem{Status: http.StatusForbidden, Title: "This link does not work any more",
	Message:   "It was used, is too old, or is not complete. Restarting the server prints a new one while there is no administrator; vouchsafe user add makes an account at any time.",
	Developer: "The parameter token is not one that creates the first administrator now."}

// setupPage asks for the first administrator. It spends nothing: whoever looks at links
// before people do may fetch it.
func (s *Server) setupPage(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.setupToken(r); err != nil {
		return err
	}
	return s.showSetup(w, r, http.StatusOK, setupForm{})
}

// setupToken opens the link's token; errSetupSpent when it creates nobody any more.
func (s *Server) setupToken(r *http.Request) (storage.Spent, error) {
	ctx, tenant := r.Context(), web.TenantOf(r.Context()).ID
	once, err := s.SetupToken(ctx, tenant, r.FormValue("token"))
	if errors.Is(err, storage.ErrNotFound) {
		return once, errSetupSpent
	}
	if err != nil {
		return once, err
	}
	spent, err := s.Store.IsSpent(ctx, tenant, once.Purpose, once.Value)
	if err == nil && spent {
		err = errSetupSpent
	}
	return once, err
}

func (s *Server) showSetup(w http.ResponseWriter, r *http.Request, status int, form setupForm) error {
	form.Token, form.MinLength = r.FormValue("token"), s.Policy.Shortest()
	v := s.view(w, r, "setup.title", nil)
	v.Page = form
	return s.show(w, status, "setup", v)
}

// setup creates the first administrator and signs them in.
func (s *Server) setup(w http.ResponseWriter, r *http.Request) error {
	once, err := s.setupToken(r)
	if err != nil {
		return err
	}
	form := setupForm{Email: strings.TrimSpace(r.PostForm.Get("email"))}
	secret := r.PostForm.Get("password")
	key, ok := NormalEmail(form.Email)
	if !ok {
		form.EmailError = s.words(r).must("setup.bad_email")
	}
	form.SecretError = s.unfit(r.Context(), s.words(r), secret, form.Email, key)
	if form.EmailError != "" || form.SecretError != "" {
		return s.showSetup(w, r, http.StatusUnprocessableEntity, form)
	}
	hash, err := s.Passwords.Hash(r.Context(), secret)
	if errors.Is(err, argon2id.ErrBusy) {
		return s.busy(r, err)
	}
	if err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	now := time.Now()
	// Who holds the link runs the server, and vouches for the address as they do with
	// `user add --verified`.
	user := storage.User{
		TenantID: web.TenantOf(r.Context()).ID, ID: id.String(), Email: form.Email, EmailKey: key, EmailVerified: true,
		Roles: []string{"admin"}, CreatedAt: now, UpdatedAt: now,
	}
	cred := storage.Credential{TenantID: user.TenantID, UserID: user.ID, Kind: storage.PasswordCredential, Data: hash, CreatedAt: now, UpdatedAt: now}
	switch err := s.Store.AddUser(r.Context(), user, []storage.Credential{cred}, &once); {
	case errors.Is(err, storage.ErrStale):
		return errSetupSpent
	case errors.Is(err, storage.ErrExists):
		form.EmailError = s.words(r).must("setup.taken")
		return s.showSetup(w, r, http.StatusUnprocessableEntity, form)
	case err != nil:
		return err
	}
	if err := s.record(r, storage.Event{Kind: "user.added", UserID: user.ID, Actor: "setup"}); err != nil {
		return err
	}
	return s.proven(w, r, nil, user, "pwd")
}

// unfit says what to choose instead of a new password of somebody with the given names
// and addresses, or "".
func (s *Server) unfit(ctx context.Context, w words, secret string, about ...string) string {
	err := s.Policy.Check(ctx, secret, append(about, w.must("brand.name"))...)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, password.ErrTooShort):
		return w.must("setup.short", s.Policy.Shortest())
	case errors.Is(err, password.ErrTooLong):
		return w.must("setup.long", password.MaxLength)
	case errors.Is(err, password.ErrIsName):
		return w.must("setup.name")
	case errors.Is(err, password.ErrCommon):
		return w.must("setup.common")
	case errors.Is(err, password.ErrBreached):
		return w.must("setup.breached")
	}
	return w.must("setup.weak")
}

// busy is the answer when there are too many hashes to compute.
func (s *Server) busy(r *http.Request, err error) error {
	return &web.Problem{Status: http.StatusServiceUnavailable, Message: s.words(r).must("signin.busy"), RetryAfter: time.Second, Err: err}
}
