package here

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// apiKeys opens the use cases of API keys, and reads the owner.
func (d *Desk) apiKeys(ctx context.Context, o desk.KeyOwner) (s apikeys.Service, owner storage.APIKeyOwner, err error) {
	useCases, err := d.People(ctx)
	if err != nil {
		return s, owner, err
	}
	s = apikeys.Service{Service: useCases, Keys: d.Store}
	if o.ClientID != "" {
		c, err := d.Store.Client(ctx, d.tenant(), o.ClientID)
		return s, storage.APIKeyOwner{Client: &c}, err
	}
	u, err := d.Store.User(ctx, d.tenant(), o.UserID)
	return s, storage.APIKeyOwner{User: &u}, err
}

// madeKey returns a new key, or an error that says in English what is wrong, as the management API does.
func madeKey(s apikeys.Service, added apikeys.Added, err error) (desk.MadeAPIKey, error) {
	var faults people.Faults
	switch {
	case errors.Is(err, apikeys.ErrReplaced):
		err = errors.New("another key replaces it already")
	case errors.As(err, &faults):
		var all []error
		for _, f := range faults {
			all = append(all, fmt.Errorf("%s: %s", f.Field, s.Words("en").Must(f.Text, f.Args...)))
		}
		err = errors.Join(all...)
	}
	return desk.MadeAPIKey{Shown: apikeys.ShownOf(added.APIKey), Key: added.Secret}, err
}

// APIKeys implements desk.APIKeys, as the other methods below do.
func (d *Desk) APIKeys(ctx context.Context, o desk.KeyOwner) ([]apikeys.Shown, error) {
	s, owner, err := d.apiKeys(ctx, o)
	if err != nil {
		return nil, err
	}
	all, err := s.Of(ctx, d.Asker, owner)
	shown := []apikeys.Shown{}
	for _, k := range all {
		shown = append(shown, apikeys.ShownOf(k))
	}
	return shown, err
}

func (d *Desk) AddAPIKey(ctx context.Context, client string, n apikeys.New) (desk.MadeAPIKey, error) {
	s, owner, err := d.apiKeys(ctx, desk.KeyOwner{ClientID: client})
	if err != nil {
		return desk.MadeAPIKey{}, err
	}
	added, err := s.AddOfClient(ctx, d.Asker, *owner.Client, n)
	return madeKey(s, added, err)
}

func (d *Desk) RotateAPIKey(ctx context.Context, client, id string, overlap time.Duration) (desk.MadeAPIKey, error) {
	s, owner, err := d.apiKeys(ctx, desk.KeyOwner{ClientID: client})
	if err != nil {
		return desk.MadeAPIKey{}, err
	}
	added, err := s.RotateOfClient(ctx, d.Asker, *owner.Client, id, overlap)
	return madeKey(s, added, err)
}

func (d *Desk) RemoveAPIKey(ctx context.Context, o desk.KeyOwner, id string) error {
	s, owner, err := d.apiKeys(ctx, o)
	if err != nil {
		return err
	}
	return s.Remove(ctx, d.Asker, owner, id)
}
