package selfservice

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// App is a client that may use a user's account: by the user's consent, or because the operator's own
// clients need none.
type App struct {
	Client storage.Client
	// Scopes and Claims are what the app may know and do, and Resources the APIs that it asked for by name.
	Scopes, Claims, Resources []string
	Since                     time.Time
}

// Apps returns the apps that may use the user's account, by name.
func (s Service) Apps(ctx context.Context, u storage.User) ([]App, error) {
	sessions, err := s.Sessions(ctx, u)
	if err != nil {
		return nil, err
	}
	return s.appsIn(ctx, u, sessions)
}

// appsIn is Apps for a caller that has read the user's sessions.
func (s Service) appsIn(ctx context.Context, u storage.User, sessions []storage.Session) ([]App, error) {
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
		byID[c.ClientID] = &App{Scopes: c.Scopes, Claims: c.Claims, Resources: c.Resources, Since: c.GrantedAt}
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
		a.addScopes(g.Scopes)
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
func (s Service) DisconnectApp(ctx context.Context, a people.Asker, u storage.User, clientID string) error {
	all, err := s.Apps(ctx, u)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(a App) bool { return a.Client.ClientID == clientID })
	if i < 0 {
		return storage.ErrNotFound
	}
	mails, err := s.ChangeNotice(a, u, "notice.app", cmp.Or(all[i].Client.ClientName, clientID))
	if err != nil {
		return err
	}
	withdrawn := a.Event(storage.Event{Kind: storage.EventConsentWithdrawn, UserID: u.ID, ClientID: clientID})
	return s.ApplyAnyVersion(ctx, u,
		storage.Change{Withdraw: clientID, Deliveries: mails, Events: []storage.Event{withdrawn}})
}

// addScopes adds those of the scopes that the app does not have.
func (a *App) addScopes(scopes []string) {
	for _, scope := range scopes {
		if !slices.Contains(a.Scopes, scope) {
			a.Scopes = append(slices.Clip(a.Scopes), scope)
		}
	}
}
