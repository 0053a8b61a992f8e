package login

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

// selectPage shows the accounts that this browser is signed in to.
func (s *Server) selectPage(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	return s.showSelect(w, r, http.StatusOK, in, "")
}

func (s *Server) showSelect(w http.ResponseWriter, r *http.Request, status int,
	in *storage.Interaction, alert string,
) error {
	all, err := s.Sessions.All(r)
	if err != nil {
		return err
	}
	v := s.view(w, r, "select.title", in)
	var accounts []*ui.Account
	for _, a := range all {
		accounts = append(accounts, ui.AccountOf(a))
	}
	v.Page, v.Alert = accounts, alert
	return s.show(w, status, "select", v)
}

// choose makes an account the current one.
func (s *Server) choose(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	err = s.Sessions.Choose(w, r, r.PostForm.Get("account"))
	if errors.Is(err, storage.ErrNotFound) {
		return s.showSelect(w, r, http.StatusUnprocessableEntity, in, s.words(r).Must("select.gone"))
	}
	if err != nil {
		return err
	}
	return s.goOn(w, r, in)
}
