package login

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/typed"
	"github.com/vouchsafe/vouchsafe/storage"
)

// setupForm is what the set-up page shows.
type setupForm struct {
	ui.FormFaults
	Token     string
	Email     string
	MinLength int
}

var errSetupSpent = &web.Problem{Status: http.StatusForbidden, Title: "problem.setup_gone.title",
	Message:   "problem.setup_gone",
	Developer: "The parameter token is not one that creates the first administrator now."}

// setupPage asks for the first administrator. It spends nothing: whoever looks at links
// before people do may fetch it.
func (s *Server) setupPage(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.setupToken(r); err != nil {
		return err
	}
	return s.showSetup(w, r, setupForm{}, nil)
}

// setupToken opens the link's token; errSetupSpent when it creates nobody any more.
func (s *Server) setupToken(r *http.Request) (storage.Spent, error) {
	ctx, tenant := r.Context(), web.TenantOf(r.Context()).ID
	once, err := s.SetupToken(ctx, tenant, typed.Token(r.FormValue("token")))
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

func (s *Server) showSetup(w http.ResponseWriter, r *http.Request, form setupForm, err error) error {
	status, alert := ui.Again(w, r, err)
	if status == 0 {
		return err
	}
	form.FormFaults = ui.FaultsOf(r, err)
	form.Token, form.MinLength = r.FormValue("token"), s.Policy.Shortest()
	v := s.view(w, r, "setup.title", nil)
	v.Page, v.Alert = form, alert
	ui.AllowScripts(w)
	return s.show(w, status, "setup", v)
}

// setup creates the first administrator and signs them in.
func (s *Server) setup(w http.ResponseWriter, r *http.Request) error {
	once, err := s.setupToken(r)
	if err != nil {
		return err
	}
	form := setupForm{Email: strings.TrimSpace(r.PostForm.Get("email"))}
	email, err := claimAs("email", form.Email, "setup.bad_email")
	var faults invalid
	errors.As(err, &faults)
	hash, err := s.hashOf(r, faults, r.PostForm.Get("password"), form.Email, email.Key())
	if err != nil {
		return s.showSetup(w, r, form, err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	now := time.Now()
	// Who holds the link runs the server, and vouches for the address as they do with
	// `user add --verified`.
	user := storage.User{
		TenantID: web.TenantOf(r.Context()).ID, ID: id.String(), EmailVerified: true,
		Roles: []string{storage.RoleAdmin}, CreatedAt: now, UpdatedAt: now,
	}
	email.Give(&user)
	cred := storage.Credential{TenantID: user.TenantID, UserID: user.ID, Kind: storage.PasswordCredential, Data: hash,
		CreatedAt: now, UpdatedAt: now}
	added := storage.Event{Kind: storage.EventUserAdded, UserID: user.ID, Actor: "setup"}
	switch err := s.Store.Apply(r.Context(), storage.Change{
		TenantID: user.TenantID, UserID: user.ID, Now: now, Spend: []storage.Spent{once}, Add: &user,
		Credentials: []storage.Credential{cred}, Events: []storage.Event{s.event(r, added)},
	}); {
	case errors.Is(err, storage.ErrStale):
		return errSetupSpent
	case errors.Is(err, storage.ErrExists):
		return s.showSetup(w, r, form, invalidf("email", "setup.taken"))
	case err != nil:
		return err
	}
	return s.proven(w, r, nil, user, "pwd")
}
