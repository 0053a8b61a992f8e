package here

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/people/acting"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Explain implements desk.Access, as the other methods below do.
func (d *Desk) Explain(
	ctx context.Context, u storage.User, clientID string, scopes []string,
) (all []claims.Explanation, refused string, err error) {
	subject, err := claims.Find(ctx, d.Store, d.tenant(), u.ID, clientID)
	if err != nil {
		return nil, "", err
	}
	if subject.Names, err = clients.Names(ctx, d.Accounts.Pairwise, subject.Client); err != nil {
		return nil, "", err
	}
	if scopes == nil {
		scopes = subject.Client.Scopes()
	}
	return subject.Explain(scopes, claims.Declared{}), subject.Refused(), nil
}

func (d *Desk) SignInAs(
	ctx context.Context, u storage.User, by *storage.User, reason string,
) (string, time.Time, error) {
	useCases, err := d.People(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	s, err := acting.New(acting.Service{Service: useCases, Accounts: d.Accounts})
	if err != nil {
		return "", time.Time{}, err
	}
	return s.Link(ctx, d.Asker, *by, acting.Request{UserID: u.ID, Reason: reason})
}
