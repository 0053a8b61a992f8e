package account

import (
	"errors"
	"net/http"
	"slices"

	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/selfservice"
	"github.com/vouchsafe/vouchsafe/storage"
)

// sessionView is a session as its user sees it.
type sessionView struct {
	ID, Device, IP string
	Began, Seen    ui.Stamp
	This           bool // of the browser that looks
	Acting         bool // an administrator uses it
}

// sessionsPage shows where the user is signed in.
func (s *Server) sessionsPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	all, err := s.People.Sessions(r.Context(), a.User)
	if err != nil {
		return err
	}
	v := s.view(w, r, "account.sessions", a)
	var page []sessionView
	for _, sess := range all {
		one := sessionView{ID: sess.ID, Device: v.Words.Device(sess.UserAgent), IP: sess.IP,
			Began: ui.StampOf(v.Words, sess.CreatedAt), Seen: ui.StampOf(v.Words, sess.SeenAt), This: sess.ID == a.ID,
			Acting: sess.Act != nil}
		if one.This {
			page = slices.Insert(page, 0, one)
		} else {
			page = append(page, one)
		}
	}
	v.Page = page
	return s.Site.Show(w, http.StatusOK, "account-sessions", v)
}

// postSessions ends one session, or all but the browser's own.
func (s *Server) postSessions(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	if r.PostForm.Get("others") != "" {
		switch err := s.People.EndOtherSessions(r.Context(), s.Site.Asker(r), a.User, a.ID); {
		case errors.Is(err, selfservice.ErrSessionEnded):
			return s.noAccount(r)
		case err != nil:
			return err
		}
		return changed(w, r, "/account/sessions", "sessions")
	}
	switch err := s.People.EndSession(r.Context(), s.Site.Asker(r), a.User, r.PostForm.Get("end")); {
	case errors.Is(err, storage.ErrNotFound):
		return s.Site.RefuseWith(w, r, "/account/sessions", http.StatusNotFound, ui.Words(r).Must("sessions.gone"))
	case err != nil:
		return err
	}
	return changed(w, r, "/account/sessions", "session")
}
