package selfservice

import (
	"context"
	"errors"
	"slices"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// newestEvents is in how many events SignedUp looks for the one that made the account.
const newestEvents = 100

// SignedUp reports whether the user made the account, and not an administrator or an import. It reads the newest events
// only: ask it about new accounts.
func (s Service) SignedUp(ctx context.Context, u storage.User) (bool, error) {
	events, err := s.Store.EventsOf(ctx, u.TenantID, u.ID, "", newestEvents)
	return slices.ContainsFunc(events, func(e storage.Event) bool {
		return e.Kind == storage.EventUserAdded && (e.Actor == u.ID || e.Actor == people.ActorSetup)
	}), err
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
func (s Service) Activity(ctx context.Context, u storage.User, before string, most int) (Activity, error) {
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
