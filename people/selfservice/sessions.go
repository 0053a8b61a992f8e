package selfservice

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Sessions returns the user's sessions, newest first. It includes those that a browser has left idle
// for too long to use, because apps may still use what they were given in them.
func (s Service) Sessions(ctx context.Context, u storage.User) ([]storage.Session, error) {
	return s.Store.SessionsOf(ctx, u.TenantID, u.ID, time.Now())
}

// EndSession ends one of the user's sessions, with all that apps were given in it.
// storage.ErrNotFound: the session is another user's, or has ended.
func (s Service) EndSession(ctx context.Context, a people.Asker, u storage.User, id string) error {
	all, err := s.Sessions(ctx, u)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(sess storage.Session) bool { return sess.ID == id })
	if i < 0 {
		return storage.ErrNotFound
	}
	mails, err := s.ChangeNotice(a, u, "notice.session", s.Words(a.Language).Device(all[i].UserAgent))
	if err != nil {
		return err
	}
	ended := a.Event(storage.Event{Kind: storage.EventSessionEnded, UserID: u.ID,
		Detail: map[string]string{"session": id}})
	return s.ApplyAnyVersion(ctx, u, storage.Change{
		EndSessions: &storage.SessionFilter{IDs: []string{id}}, Revoke: grantsIn(u, id), Deliveries: mails,
		Events: []storage.Event{ended},
	})
}

// EndOtherSessions ends all of the user's sessions but one. ErrSessionEnded: that one has ended
// meanwhile.
func (s Service) EndOtherSessions(ctx context.Context, a people.Asker, u storage.User, except string) error {
	all, err := s.Sessions(ctx, u)
	if err != nil {
		return err
	}
	mails, err := s.ChangeNotice(a, u, "notice.sessions")
	if err != nil {
		return err
	}
	ended := a.Event(storage.Event{Kind: storage.EventSessionsEnded, UserID: u.ID})
	var others []string
	for _, sess := range all {
		if sess.ID != except {
			others = append(others, sess.ID)
		}
	}
	err = s.ApplyAnyVersion(ctx, u, storage.Change{
		EndSessions: &storage.SessionFilter{Except: except}, Revoke: grantsIn(u, others...), Deliveries: mails,
		Events: []storage.Event{ended},
	})
	if errors.Is(err, storage.ErrStale) {
		return ErrSessionEnded
	}
	return err
}

// ErrSessionEnded says that the asker's own session has ended, perhaps by a request from another of
// the user's sessions.
var ErrSessionEnded = errors.New("the session has ended")

// grantsIn names the grants made in sessions that end, also those with offline_access, which would
// outlive them: a user who signs out a lost phone means its apps too.
func grantsIn(u storage.User, sessions ...string) (all []storage.Revocation) {
	for _, id := range sessions {
		which := storage.GrantFilter{UserID: u.ID, SessionID: id}
		all = append(all, storage.Revocation{GrantFilter: which, Why: "session ended by its person"})
	}
	return all
}
