package login

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// sessionView is a session as its person sees it.
type sessionView struct {
	ID, Device, IP string
	Began, Seen    stamp
	This           bool // of the browser that looks
}

// stamp is a time for people and for programs.
type stamp struct{ Text, Machine string }

func stampOf(w texts.Words, t time.Time) stamp {
	return stamp{w.Moment(t), t.UTC().Format(time.RFC3339)}
}

func (o *overview) devices() string {
	return o.words.Must("account.sessions.count", len(o.sessions))
}

// sessionsPage shows where the person is signed in.
func (s *Server) sessionsPage(w http.ResponseWriter, r *http.Request) error {
	return s.showSessions(w, r, http.StatusOK, "")
}

func (s *Server) showSessions(w http.ResponseWriter, r *http.Request, status int, alert string) error {
	a, err := s.mine(r)
	if err != nil {
		return err
	}
	all, err := s.Service.Sessions(r.Context(), a.User)
	if err != nil {
		return err
	}
	v := s.accountView(w, r, "account.sessions", a)
	var page []sessionView
	for _, sess := range all {
		one := sessionView{ID: sess.ID, Device: v.Words.Device(sess.UserAgent), IP: sess.IP,
			Began: stampOf(v.Words, sess.CreatedAt), Seen: stampOf(v.Words, sess.SeenAt), This: sess.ID == a.ID}
		if one.This {
			page = slices.Insert(page, 0, one)
		} else {
			page = append(page, one)
		}
	}
	v.Page, v.Alert = page, alert
	return s.show(w, status, "account-sessions", v)
}

// postSessions ends one session, or all but that of the browser that asks.
func (s *Server) postSessions(w http.ResponseWriter, r *http.Request) error {
	a, err := s.mine(r)
	if err != nil {
		return err
	}
	if r.PostForm.Get("others") != "" {
		switch err := s.EndOtherSessions(r.Context(), s.askerOf(r), a.User, a.ID); {
		case errors.Is(err, people.ErrSessionEnded):
			return s.nobody(r)
		case err != nil:
			return err
		}
		return changed(w, r, "/account/sessions", "sessions")
	}
	switch err := s.EndSession(r.Context(), s.askerOf(r), a.User, r.PostForm.Get("end")); {
	case errors.Is(err, storage.ErrNotFound):
		return s.showSessions(w, r, http.StatusNotFound, s.words(r).Must("sessions.gone"))
	case err != nil:
		return err
	}
	return changed(w, r, "/account/sessions", "session")
}
