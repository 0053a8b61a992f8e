package login

import (
	"errors"
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
	if err := s.Sessions.End(w, r, a.ID); err != nil { // of the cookie: the row went with the person
		return err
	}
	return changed(w, r, "/account/deleted", "")
}

// deleteAccount deletes a person with all that hangs on them. Their id is never given to
// anybody else, so that no app takes a stranger for them.
func (s *Server) deleteAccount(r *http.Request, u storage.User) error {
	mails, err := s.notice(r, u, "account-deleted", map[string]string{}) // of which nothing can be undone
	if err != nil {
		return err
	}
	err = s.apply(r, u, storage.Change{Remove: true, Mails: mails, Events: []storage.Event{s.event(r, storage.Event{Kind: storage.EventUserRemoved, UserID: u.ID})}})
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrStale) {
		return changedMeanwhile(err)
	}
	return err
}

// deletedPage says that it is done.
func (s *Server) deletedPage(w http.ResponseWriter, r *http.Request) error {
	return s.show(w, http.StatusOK, "account-deleted", s.view(w, r, "deleted.title", nil))
}
