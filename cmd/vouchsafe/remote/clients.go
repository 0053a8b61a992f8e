package remote

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"reflect"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote/api"
	"github.com/vouchsafe/vouchsafe/storage"
)

// client is a client as the API has one.
type client struct {
	storage.Client
	Secret string       `json:"client_secret"`
	Status clientStatus `json:"status"`
}

// clientStatus is what the server computes about a client.
type clientStatus struct {
	Declared  bool      `json:"declared"`
	Secrets   int       `json:"secrets"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	// Of clients that no administrator added.
	Origin  string    `json:"origin"`
	Verdict string    `json:"verdict"`
	ReadAt  time.Time `json:"read_at"`
	Fault   string    `json:"fault"`
}

// record returns the client as commands have it.
func (c client) record() desk.Client {
	out := desk.Client{Client: c.Client, Secrets: c.Status.Secrets}
	out.Declared, out.CreatedAt, out.UpdatedAt = c.Status.Declared, c.Status.CreatedAt, c.Status.UpdatedAt
	if c.Status.Origin != "" {
		out.Outside = &storage.Outside{Origin: c.Status.Origin, Verdict: c.Status.Verdict, ReadAt: c.Status.ReadAt,
			Fault: c.Status.Fault}
	}
	return out
}

// Client implements desk.Clients, as the other methods below do.
func (d Desk) Client(ctx context.Context, id string) (desk.Client, error) {
	var c client
	err := d.api.Get(ctx, "/clients"+api.Path(id), &c)
	return c.record(), err
}

func (d Desk) Clients(ctx context.Context, after string) iter.Seq2[desk.Client, error] {
	return records(api.Pages[client](ctx, d.api, "/clients", nil), after, client.record,
		func(c desk.Client) string { return c.ClientID })
}

func (d Desk) AddClient(
	ctx context.Context, c storage.Client, secret string,
) (added desk.Client, made string, err error) {
	var out client
	h, err := d.api.Do(ctx, api.Call{Method: http.MethodPost, Path: "/clients", In: struct {
		storage.Client
		Secret string `json:"client_secret,omitempty"`
	}{c, secret}}, &out)
	if err == nil && out.Status.Secrets > 0 && secret == "" {
		err = lostSecret(h, out.Secret, "the client is added, but its secret isn't known here: make another one with "+
			"client add-secret")
	}
	return out.record(), out.Secret, err
}

func (d Desk) EditClient(ctx context.Context, id string, patch map[string]any) (desk.Client, bool, error) {
	was, err := d.Client(ctx, id)
	if err != nil {
		return was, false, err
	}
	var now client
	if err := d.api.Send(ctx, http.MethodPatch, "/clients"+api.Path(id), patch, &now); err != nil {
		return was, false, err
	}
	return now.record(), !sameJSON(was.Client, now.Client), nil
}

// sameJSON reports whether two values are the same as JSON.
func sameJSON(a, b any) bool {
	one, err := json.Marshal(a)
	other, err2 := json.Marshal(b)
	return err == nil && err2 == nil && reflect.DeepEqual(one, other)
}

func (d Desk) RemoveClient(ctx context.Context, id string) error {
	return d.api.Remove(ctx, "/clients"+api.Path(id))
}

func (d Desk) JudgeClient(ctx context.Context, id, verdict string) error {
	verb := map[string]string{storage.VerdictAllowed: ":allow", storage.VerdictDenied: ":deny"}[verdict]
	return notOutside(d.api.Send(ctx, http.MethodPost, "/clients"+api.Path(id)+verb, nil, nil))
}

func (d Desk) RefreshClient(ctx context.Context, id string) error {
	return notOutside(d.api.Send(ctx, http.MethodPost, "/clients"+api.Path(id)+":refresh", nil, nil))
}

// notOutside returns the error of a client that an administrator added as commands know it.
func notOutside(err error) error {
	if p, ok := errors.AsType[*api.Problem](err); ok && p.Code == "not_outside" {
		return desk.ErrNotOutside
	}
	return err
}

func (d Desk) ClientSecrets(ctx context.Context, id string) ([]string, error) {
	type secret struct {
		ID string `json:"id"`
	}
	return api.Whole(ctx, d.api, "/clients"+api.Path(id, "secrets"), func(s secret) string { return s.ID })
}

func (d Desk) AddClientSecret(ctx context.Context, id string) (secret, secretID string, err error) {
	var made struct {
		ID     string `json:"id"`
		Secret string `json:"client_secret"`
	}
	h, err := d.api.Do(ctx, api.Call{Method: http.MethodPost, Path: "/clients" + api.Path(id, "secrets")}, &made)
	if err == nil {
		err = lostSecret(h, made.Secret, "the client has one more secret, which isn't known here: remove it by its id "+
			made.ID)
	}
	return made.Secret, made.ID, err
}

func (d Desk) RemoveClientSecret(ctx context.Context, id, secretID string) error {
	return d.api.Remove(ctx, "/clients"+api.Path(id, "secrets", secretID))
}
