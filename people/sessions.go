package people

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Sessions returns the user's sessions, newest first. It includes those that a browser has left idle
// for too long to use, because apps may still use what they were given in them.
func (s *Service) Sessions(ctx context.Context, u storage.User) ([]storage.Session, error) {
	return s.Store.SessionsOf(ctx, u.TenantID, u.ID, time.Now())
}

// EndSession ends one of the user's sessions, with all that apps were given in it.
// storage.ErrNotFound: the session is another user's, or has ended.
func (s *Service) EndSession(ctx context.Context, a Asker, u storage.User, id string) error {
	all, err := s.Sessions(ctx, u)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(sess storage.Session) bool { return sess.ID == id })
	if i < 0 {
		return storage.ErrNotFound
	}
	if err := s.endSession(ctx, u, all[i]); err != nil {
		return err
	}
	mails, err := s.changeNotice(a, u, "notice.session", s.Words(a.Language).Device(all[i].UserAgent))
	if err != nil {
		return err
	}
	ended := a.event(storage.Event{Kind: storage.EventSessionEnded, UserID: u.ID, Detail: map[string]string{"session": id}})
	return s.applyAnyVersion(ctx, u, storage.Change{Mails: mails, Events: []storage.Event{ended}})
}

// EndOtherSessions ends all of the user's sessions but one. ErrSessionEnded: that one has ended
// meanwhile.
func (s *Service) EndOtherSessions(ctx context.Context, a Asker, u storage.User, except string) error {
	all, err := s.Sessions(ctx, u)
	if err != nil {
		return err
	}
	// First those that may have begun since the list was read.
	switch err := s.Store.EndSessions(ctx, u.TenantID, u.ID, except, time.Now()); {
	case errors.Is(err, storage.ErrStale):
		return ErrSessionEnded
	case err != nil:
		return err
	}
	for _, sess := range all {
		if sess.ID == except {
			continue
		}
		if err := s.endSession(ctx, u, sess); err != nil {
			return err
		}
	}
	mails, err := s.changeNotice(a, u, "notice.sessions")
	if err != nil {
		return err
	}
	ended := a.event(storage.Event{Kind: storage.EventSessionsEnded, UserID: u.ID})
	return s.applyAnyVersion(ctx, u, storage.Change{Mails: mails, Events: []storage.Event{ended}})
}

// ErrSessionEnded says that the asker's own session has ended, perhaps by a request from another of
// the user's sessions.
var ErrSessionEnded = errors.New("the session has ended")

// endSession ends a session and revokes the grants made in it, also those with offline_access, which
// would outlive it: a user who signs out a lost phone means its apps too. The session ends first, so
// that no code makes a grant in it afterwards.
func (s *Service) endSession(ctx context.Context, u storage.User, sess storage.Session) error {
	now := time.Now()
	if err := s.Store.EndSession(ctx, u.TenantID, sess.ID, now); err != nil {
		return err
	}
	_, err := s.Store.Revoke(ctx, u.TenantID, storage.GrantFilter{UserID: u.ID, SessionID: sess.ID}, "session ended by its person", now)
	return err
}
