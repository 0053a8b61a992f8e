package token

import (
	"context"
	"fmt"

	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// changer makes changes.
type changer interface {
	Apply(ctx context.Context, c storage.Change) error
}

// admit refuses tokens for a user who may not use the client, and ends the grant: a user who left a group loses
// access within the life of an access token, and signs in again after coming back.
func admit(
	ctx context.Context, store changer, q *tokenRequest, g *storage.Grant, u *storage.User,
) error {
	var groups []string
	if q.belonging != nil {
		groups = q.belonging.Groups
	}
	why := q.client.Allow.Refusal(u, groups)
	if why == "" {
		return nil
	}
	e := storage.Event{
		TenantID: q.tenant.ID, Kind: storage.EventAccessRefused, Actor: q.client.ClientID, UserID: u.ID,
		ClientID: q.client.ClientID, Detail: map[string]string{"reason": why},
	}
	e.NameActor(g.ActorID)
	ch := oauth.Revocation(ctx, q.tenant.ID, storage.GrantFilter{ID: g.ID}, "access refused", e)
	if err := store.Apply(ctx, ch); err != nil {
		return fmt.Errorf("revoke grant of a refused user: %w", err)
	}
	if q.app {
		return oauth.ErrNotForUser
	}
	return invalidGrant(ctx, "the user may not use the client: "+why)
}
