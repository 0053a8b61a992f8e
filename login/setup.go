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
	return s.showSetup(w, r, setupForm{}, nil)
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

// setup creates the first administrator and signs the user in.
func (s *Server) setup(w http.ResponseWriter, r *http.Request) error {
	email := strings.TrimSpace(r.PostForm.Get("email"))
	user, err := s.SetUp(r.Context(), s.askerOf(r), r.FormValue("token"), email, r.PostForm.Get("password"))
	if err != nil {
		return s.showSetup(w, r, setupForm{Email: email}, err)
	}
	return s.proven(w, r, nil, user, "pwd")
}
