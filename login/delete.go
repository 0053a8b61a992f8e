package login

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/storage"
)

// deleteForm is what the page for deleting an account shows.
type deleteForm struct {
	Account *accountView
	Fault   string
}

// deletePage asks whether the account is to be deleted.
func (s *Server) deletePage(w http.ResponseWriter, r *http.Request) error {
	return s.showDelete(w, r, http.StatusOK, "")
}

func (s *Server) showDelete(w http.ResponseWriter, r *http.Request, status int, fault string) error {
	a, err := s.fresh(r)
	if err != nil {
		return err
	}
	v := s.accountView(w, r, "account.delete", a)
	v.Page = deleteForm{Account: accountOf(a), Fault: fault}
	return s.show(w, status, "account-delete", v)
}

// postDelete deletes it.
func (s *Server) postDelete(w http.ResponseWriter, r *http.Request) error {
	a, err := s.fresh(r)
	if err != nil {
		return err
	}
	if r.PostForm.Get("sure") == "" {
		return s.showDelete(w, r, http.StatusUnprocessableEntity, s.words(r).Must("delete.unsure"))
	}
	if err := s.deleteAccount(r, a.User); err != nil {
		return err
	}
	if err := s.Sessions.End(w, r, nil, a.ID); err != nil { // of the cookie: the row went with the person
		return err
	}
	return changed(w, r, "/account/deleted", "")
}

// deleteAccount deletes the account.
func (s *Server) deleteAccount(r *http.Request, u storage.User) error {
	return changedMeanwhile(s.DeleteAccount(r.Context(), s.askerOf(r), u))
}

// deletedPage says that it is done.
func (s *Server) deletedPage(w http.ResponseWriter, r *http.Request) error {
	return s.show(w, http.StatusOK, "account-deleted", s.view(w, r, "deleted.title", nil))
}
