package account

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
)

// deleteForm is what the page for deleting an account shows.
type deleteForm struct {
	Account *ui.Account
	ui.FormFaults
}

// deletePage asks whether the account is to be deleted.
func (s *Server) deletePage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.fresh(r)
	if err != nil {
		return err
	}
	v := s.view(w, r, "account.delete", a.Account)
	v.Page = deleteForm{Account: ui.AccountOf(a.Account), FormFaults: ui.FaultsOf(r)}
	return s.Site.Show(w, http.StatusOK, "account-delete", v)
}

// postDelete deletes the account.
func (s *Server) postDelete(w http.ResponseWriter, r *http.Request) error {
	a, err := s.fresh(r)
	if err != nil {
		return err
	}
	if r.PostForm.Get("sure") == "" {
		return s.Site.Refuse(w, r, "/account/delete", people.Invalid("sure", "delete.unsure"))
	}
	err = s.People.DeleteAccount(r.Context(), s.Site.Asker(r), a.owner)
	if errors.Is(err, people.ErrLastOwner) {
		return s.Site.RefuseWith(w, r, "/account/delete", http.StatusConflict, ui.Words(r).Must(string(people.ErrLastOwner)))
	}
	if err != nil {
		return ui.ChangedMeanwhile(err)
	}
	if err := s.Site.Sessions.End(w, r, nil, a.ID); err != nil { // of the cookie: the stored session went with the user
		return err
	}
	return changed(w, r, "/account/deleted", "")
}

// deletedPage says that the account is deleted.
func (s *Server) deletedPage(w http.ResponseWriter, r *http.Request) error {
	return s.Site.Show(w, http.StatusOK, "account-deleted", s.Site.View(w, r, "deleted.title", nil))
}
