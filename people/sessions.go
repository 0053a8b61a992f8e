package people

import (
	"cmp"
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
	mails, err := s.changeNotice(a, u, "notice.session", s.Words(a.Language).Device(all[i].UserAgent))
	if err != nil {
		return err
	}
	ended := a.Event(storage.Event{Kind: storage.EventSessionEnded, UserID: u.ID,
		Detail: map[string]string{"session": id}})
	return s.applyAnyVersion(ctx, u, storage.Change{
		EndSessions: &storage.SessionFilter{IDs: []string{id}}, Revoke: grantsIn(u, id), Deliveries: mails,
		Events: []storage.Event{ended},
	})
}

// EndOtherSessions ends all of the user's sessions but one. ErrSessionEnded: that one has ended
// meanwhile.
func (s *Service) EndOtherSessions(ctx context.Context, a Asker, u storage.User, except string) error {
	all, err := s.Sessions(ctx, u)
	if err != nil {
		return err
	}
	mails, err := s.changeNotice(a, u, "notice.sessions")
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
	err = s.applyAnyVersion(ctx, u, storage.Change{
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

// App is a client that may use a user's account: by the user's consent, or because the operator's own
// clients need none.
type App struct {
	Client         storage.Client
	Scopes, Claims []string
	Since          time.Time
}

// Apps returns the apps that may use the user's account, by name.
func (s *Service) Apps(ctx context.Context, u storage.User) ([]App, error) {
	sessions, err := s.Sessions(ctx, u)
	if err != nil {
		return nil, err
	}
	return s.appsIn(ctx, u, sessions)
}

// appsIn is Apps for a caller that has read the user's sessions.
func (s *Service) appsIn(ctx context.Context, u storage.User, sessions []storage.Session) ([]App, error) {
	consents, err := s.Store.ConsentsOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return nil, err
	}
	grants, err := s.Store.GrantsOf(ctx, u.TenantID, u.ID, time.Now())
	if err != nil {
		return nil, err
	}
	byID := map[string]*App{}
	for _, c := range consents {
		byID[c.ClientID] = &App{Scopes: c.Scopes, Claims: c.Claims, Since: c.GrantedAt}
	}
	for _, g := range grants {
		if !grantLives(g, u, sessions) {
			continue
		}
		a := byID[g.ClientID]
		if a == nil {
			a = &App{Since: g.CreatedAt}
			byID[g.ClientID] = a
		}
		a.Scopes = union(a.Scopes, g.Scopes)
		if g.CreatedAt.Before(a.Since) {
			a.Since = g.CreatedAt
		}
	}
	var all []App
	for id, a := range byID {
		a.Client, err = s.Store.Client(ctx, u.TenantID, id)
		if errors.Is(err, storage.ErrNotFound) {
			continue // removed at this moment, with all that it had
		}
		if err != nil {
			return nil, err
		}
		all = append(all, *a)
	}
	slices.SortFunc(all, func(a, b App) int {
		return cmp.Or(cmp.Compare(a.Client.ClientName, b.Client.ClientName),
			cmp.Compare(a.Client.ClientID, b.Client.ClientID))
	})
	return all, nil
}

// grantLives reports whether an unrevoked grant still gives access.
func grantLives(g storage.Grant, u storage.User, sessions []storage.Session) bool {
	return g.CredentialVersion == u.CredentialVersion &&
		(g.Offline || slices.ContainsFunc(sessions, func(s storage.Session) bool { return s.ID == g.SessionID }))
}

// DisconnectApp withdraws the user's consent to a client and revokes all that the client was given.
// storage.ErrNotFound: the client has nothing, or another request withdrew it at this moment.
func (s *Service) DisconnectApp(ctx context.Context, a Asker, u storage.User, clientID string) error {
	all, err := s.Apps(ctx, u)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(a App) bool { return a.Client.ClientID == clientID })
	if i < 0 {
		return storage.ErrNotFound
	}
	mails, err := s.changeNotice(a, u, "notice.app", cmp.Or(all[i].Client.ClientName, clientID))
	if err != nil {
		return err
	}
	withdrawn := a.Event(storage.Event{Kind: storage.EventConsentWithdrawn, UserID: u.ID, ClientID: clientID})
	return s.applyAnyVersion(ctx, u,
		storage.Change{Withdraw: clientID, Deliveries: mails, Events: []storage.Event{withdrawn}})
}

// union returns a with those of b that it lacks.
func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// Activity is what happened to an account, newest first.
type Activity struct {
	Events []storage.Event
	// Older is the id of the event before which the next page begins, or "".
	Older string
	// Clients are those of the events, by id. One that was removed has its id alone.
	Clients map[string]storage.Client
}

// Activity returns at most so many of the user's events, from before the event with that id; ""
// begins with the newest.
func (s *Service) Activity(ctx context.Context, u storage.User, before string, most int) (Activity, error) {
	page := Activity{Clients: map[string]storage.Client{}}
	events, err := s.Store.EventsOf(ctx, u.TenantID, u.ID, before, most+1)
	if err != nil {
		return page, err
	}
	if len(events) > most {
		events = events[:most]
		page.Older = events[most-1].ID
	}
	page.Events = events
	for _, e := range events {
		if _, known := page.Clients[e.ClientID]; known || e.ClientID == "" {
			continue
		}
		client, err := s.Store.Client(ctx, u.TenantID, e.ClientID)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return page, err
		}
		client.ClientID = e.ClientID
		page.Clients[e.ClientID] = client
	}
	return page, nil
}
