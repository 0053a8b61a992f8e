package remote

import (
	"context"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote/api"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// keysPath returns the path of the owner's API keys, or of what is below.
func keysPath(o desk.KeyOwner, below ...string) string {
	if o.ClientID != "" {
		return "/clients" + api.Path(append([]string{o.ClientID, "api-keys"}, below...)...)
	}
	return "/users" + api.Path(append([]string{o.UserID, "api-keys"}, below...)...)
}

// APIKeys implements desk.APIKeys, as the other methods below do.
func (d Desk) APIKeys(ctx context.Context, o desk.KeyOwner) ([]apikeys.Shown, error) {
	all, err := api.Whole(ctx, d.api, keysPath(o), same[apikeys.Shown])
	if all == nil {
		all = []apikeys.Shown{}
	}
	return all, err
}

func (d Desk) AddAPIKey(ctx context.Context, client string, n apikeys.New) (desk.MadeAPIKey, error) {
	return d.makeAPIKey(ctx, keysPath(desk.KeyOwner{ClientID: client}), map[string]any{
		"name": n.Name, "scopes": n.Scopes, "lifetime": storage.Duration(n.Life)})
}

func (d Desk) RotateAPIKey(ctx context.Context, client, id string, overlap time.Duration) (desk.MadeAPIKey, error) {
	return d.makeAPIKey(ctx, keysPath(desk.KeyOwner{ClientID: client}, id, "rotation"), map[string]any{
		"overlap": storage.Duration(overlap)})
}

// makeAPIKey has a key made.
func (d Desk) makeAPIKey(ctx context.Context, path string, in any) (made desk.MadeAPIKey, err error) {
	h, err := d.api.Do(ctx, api.Call{Method: http.MethodPost, Path: path, In: in}, &made)
	if err == nil {
		err = lostSecret(h, made.Key, "the key is made, but isn't known here: remove it by its id "+made.ID)
	}
	return made, err
}

func (d Desk) RemoveAPIKey(ctx context.Context, o desk.KeyOwner, id string) error {
	return d.api.Remove(ctx, keysPath(o, id))
}
