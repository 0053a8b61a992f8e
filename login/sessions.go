package login

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/login/texts"
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

// sessionsOf are the person's sessions, newest first. Those are among them that a browser
// has left idle for too long to use: the apps that were given something in them live on.
func (s *Server) sessionsOf(r *http.Request, u storage.User) ([]storage.Session, error) {
	return s.Store.SessionsOf(r.Context(), u.TenantID, u.ID, time.Now())
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
	all, err := s.sessionsOf(r, a.User)
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
		if err := s.endOtherSessions(r, a.User, a.ID); err != nil {
			return err
		}
		return changed(w, r, "/account/sessions", "sessions")
	}
	switch err := s.endSession(r, a.User, r.PostForm.Get("end")); {
	case errors.Is(err, storage.ErrNotFound):
		return s.showSessions(w, r, http.StatusNotFound, s.words(r).Must("sessions.gone"))
	case err != nil:
		return err
	}
	return changed(w, r, "/account/sessions", "session")
}

// endSession ends one of the person's sessions, with all that apps were given in it.
// ErrNotFound: it is not theirs, or has ended.
func (s *Server) endSession(r *http.Request, u storage.User, id string) error {
	all, err := s.sessionsOf(r, u)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(sess storage.Session) bool { return sess.ID == id })
	if i < 0 {
		return storage.ErrNotFound
	}
	if err := s.end(r, u, all[i]); err != nil {
		return err
	}
	mails, err := s.told(r, u, "notice.session", s.words(r).Device(all[i].UserAgent))
	if err != nil {
		return err
	}
	return s.tell(r, u, mails, storage.Event{Kind: storage.EventSessionEnded, Detail: map[string]string{"session": id}})
}

// endOtherSessions ends all of the person's sessions but one.
func (s *Server) endOtherSessions(r *http.Request, u storage.User, except string) error {
	all, err := s.sessionsOf(r, u)
	if err != nil {
		return err
	}
	// At first those that may have begun since the list was made.
	switch err := s.Store.EndSessions(r.Context(), u.TenantID, u.ID, except, time.Now()); {
	case errors.Is(err, storage.ErrStale):
		return s.nobody(r) // this session was ended meanwhile, perhaps by one of those
	case err != nil:
		return err
	}
	for _, sess := range all {
		if sess.ID == except {
			continue
		}
		if err := s.end(r, u, sess); err != nil {
			return err
		}
	}
	mails, err := s.told(r, u, "notice.sessions")
	if err != nil {
		return err
	}
	return s.tell(r, u, mails, storage.Event{Kind: storage.EventSessionsEnded})
}

// end ends a session and revokes what was given in it. Grants with offline_access would
// outlive it: but whoever signs out a lost phone means its apps too. The session goes
// first, so that no code makes a grant in it afterwards.
func (s *Server) end(r *http.Request, u storage.User, sess storage.Session) error {
	ctx, now := r.Context(), time.Now()
	if err := s.Store.EndSession(ctx, u.TenantID, sess.ID, now); err != nil {
		return err
	}
	_, err := s.Store.Revoke(ctx, u.TenantID, storage.GrantFilter{UserID: u.ID, SessionID: sess.ID}, "session ended by its person", now)
	return err
}

// tell records what was done to a person's account and mails it to them.
func (s *Server) tell(r *http.Request, u storage.User, mails []storage.Mail, e storage.Event) error {
	e.UserID = u.ID
	err := s.Store.Apply(r.Context(), storage.Change{TenantID: u.TenantID, UserID: u.ID, Now: time.Now(), Mails: mails, Events: []storage.Event{s.event(r, e)}})
	if err == nil && len(mails) > 0 {
		s.Mail.Stored()
	}
	return err
}
