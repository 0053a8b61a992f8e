package login

import (
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/login/ui"
)

// setupForm is what the set-up page shows.
type setupForm struct {
	ui.FormFaults
	Token     string
	Email     string
	MinLength int
}

// setupPage asks for the first administrator.
func (s *Server) setupPage(w http.ResponseWriter, r *http.Request) error {
	if err := s.CheckSetup(r.Context(), s.askerOf(r), r.FormValue("token")); err != nil {
		return err
	}
	v := s.view(w, r, "setup.title", nil)
	v.Page = setupForm{FormFaults: ui.FaultsOf(r), Token: r.FormValue("token"), Email: ui.Typed(r, "email", ""),
		MinLength: s.Policy.Shortest()}
	ui.AllowRequests(w)
	return s.show(w, http.StatusOK, "setup", v)
}

// setup creates the first administrator and signs the user in.
func (s *Server) setup(w http.ResponseWriter, r *http.Request) error {
	email := strings.TrimSpace(r.PostForm.Get("email"))
	user, err := s.SetUp(r.Context(), s.askerOf(r), r.FormValue("token"), email, r.PostForm.Get("password"))
	if err != nil {
		return s.site.Refuse(w, r, "/setup", err, "email")
	}
	if s.site.Console != "" {
		r.Form.Set("next", s.site.Console)
	}
	return s.proven(w, r, nil, user, "pwd")
}
