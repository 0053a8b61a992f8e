package remote

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote/api"
	"github.com/vouchsafe/vouchsafe/internal/diff"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// tenant is a tenant as the API has one.
type tenant struct {
	Name     string `json:"name,omitempty"`
	Host     string `json:"host,omitempty"`
	LogoURI  string `json:"logo_uri,omitempty"`
	Disabled bool   `json:"disabled,omitempty"`
	storage.TenantSettings
	Status tenantStatus `json:"status"`
}

// tenantStatus is what the server computes about a tenant.
type tenantStatus struct {
	ID        string    `json:"id"`
	Issuer    string    `json:"issuer"`
	CreatedAt time.Time `json:"created_at"`
}

// record returns the tenant as it is stored.
func (t tenant) record() storage.Tenant {
	return storage.Tenant{ID: t.Status.ID, Name: t.Name, Host: t.Host, LogoURI: t.LogoURI, Disabled: t.Disabled,
		CreatedAt: t.Status.CreatedAt, Settings: t.TenantSettings}
}

// withIssuer returns the tenant with its issuer.
func (t tenant) withIssuer() desk.OneTenant {
	return desk.OneTenant{Tenant: t.record(), Issuer: t.Status.Issuer}
}

// Tenant implements desk.Settings, as the other methods below do.
func (d Desk) Tenant(ctx context.Context) (desk.OneTenant, error) {
	var t tenant
	err := d.api.Get(ctx, "/tenant", &t)
	return t.withIssuer(), err
}

func (d Desk) EditTenant(ctx context.Context, patch map[string]any) (desk.OneTenant, bool, error) {
	var was, now tenant
	err := d.api.Get(ctx, "/tenant", &was)
	if err == nil {
		err = d.api.Send(ctx, http.MethodPatch, "/tenant", patch, &now)
	}
	return now.withIssuer(), !sameJSON(was, now), err
}

// TenantOf returns a tenant by its id, for the operator. storage.ErrNotFound.
func (d Desk) TenantOf(ctx context.Context, id string) (desk.OneTenant, error) {
	var t tenant
	err := d.api.Get(ctx, "/tenants"+api.Path(id), &t)
	return t.withIssuer(), err
}

// PutTenant adds a tenant, or replaces its settings, by the members of a tenants file.
func (d Desk) PutTenant(ctx context.Context, id string, members map[string]any) error {
	return d.api.Send(ctx, http.MethodPut, "/tenants"+api.Path(id), members, nil)
}

// PreviewTenant returns what PutTenant would change.
func (d Desk) PreviewTenant(ctx context.Context, id string, members map[string]any) (diff.Fields, error) {
	return d.preview(ctx, http.MethodPut, "/tenants"+api.Path(id), members)
}

// preview returns what a request would change.
func (d Desk) preview(ctx context.Context, method, path string, in any) (diff.Fields, error) {
	var preview struct {
		Changes []struct {
			Name     string `json:"name"`
			From, To json.RawMessage
		} `json:"changes"`
	}
	err := d.api.Send(ctx, method, dry(path), in, &preview)
	var all diff.Fields
	for _, c := range preview.Changes {
		all = append(all, diff.Field{Name: c.Name, From: orNone(c.From), To: orNone(c.To)})
	}
	return all, err
}

// orNone returns the JSON, or nil for none.
func orNone(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	return raw
}

func (d Desk) PutAPI(ctx context.Context, a storage.API) (added bool, err error) {
	h, err := d.api.Do(ctx, api.Call{Method: http.MethodPut, Path: "/apis" + api.Path(a.Identifier), In: a}, nil)
	return h.Get("Location") != "", err
}

func (d Desk) RemoveAPI(ctx context.Context, identifier string) error {
	return d.api.Remove(ctx, "/apis"+api.Path(identifier))
}

func (d Desk) TryUpstream(ctx context.Context, id string) ([]upstream.Step, error) {
	var out struct {
		Steps []upstream.Step `json:"steps"`
	}
	err := d.api.Send(ctx, http.MethodPost, "/upstreams"+api.Path(id)+":test", nil, &out)
	return out.Steps, err
}

// Tenants implements desk.Tenants, as the other methods below do.
func (d Desk) Tenants(ctx context.Context, after string) iter.Seq2[desk.OneTenant, error] {
	return records(api.Pages[tenant](ctx, d.api, "/tenants", nil), after, tenant.withIssuer,
		func(t desk.OneTenant) string { return t.ID })
}

func (d Desk) AddTenant(ctx context.Context, t storage.Tenant) (desk.OneTenant, error) {
	at := "/tenants" + api.Path(t.ID)
	if err := d.HasTenant(ctx, t.ID); !missing(err) {
		if err == nil {
			err = storage.ErrExists
		}
		return desk.OneTenant{}, err
	}
	var added tenant
	err := d.api.Send(ctx, http.MethodPut, at, struct {
		Name    string `json:"name,omitempty"`
		Host    string `json:"host,omitempty"`
		LogoURI string `json:"logo_uri,omitempty"`
	}{t.Name, t.Host, t.LogoURI}, &added)
	return added.withIssuer(), err
}

func (d Desk) HasTenant(ctx context.Context, id string) error {
	return d.api.Get(ctx, "/tenants"+api.Path(id), nil)
}

func (d Desk) RemoveTenant(ctx context.Context, id string) error {
	return d.api.Remove(ctx, "/tenants"+api.Path(id))
}
