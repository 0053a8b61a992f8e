package here

import (
	"context"
	"errors"
	"iter"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// Tenant implements desk.Settings, as the other methods below do.
func (d *Desk) Tenant(ctx context.Context) (desk.OneTenant, error) {
	t, err := d.Store.Tenant(ctx, d.tenant())
	return d.withIssuer(t), err
}

// tenantFields are the members of a tenant that can be edited, named as in a tenants file.
type tenantFields struct {
	Name     string `json:"name,omitempty"`
	Host     string `json:"host,omitempty"`
	LogoURI  string `json:"logo_uri,omitempty"`
	Disabled bool   `json:"disabled,omitempty"`
	storage.TenantSettings
}

func (d *Desk) EditTenant(ctx context.Context, patch map[string]any) (desk.OneTenant, bool, error) {
	useCases, err := d.People(ctx)
	for err == nil {
		var after storage.Tenant
		var changed bool
		if after, changed, err = d.editTenant(ctx, useCases.Secrets, patch); err == nil {
			return d.withIssuer(after), changed, nil
		}
		if errors.Is(err, storage.ErrStale) {
			err = nil
		}
	}
	return desk.OneTenant{}, false, err
}

// editTenant applies the patch to the tenant as it is now. storage.ErrStale: it was changed meanwhile.
func (d *Desk) editTenant(
	ctx context.Context, secrets *secret.Masters, patch map[string]any,
) (after storage.Tenant, changed bool, err error) {
	was, err := d.Store.Tenant(ctx, d.tenant())
	if err != nil {
		return was, false, err
	}
	is, now := tenantFields{was.Name, was.Host, was.LogoURI, was.Disabled, was.Settings}, tenantFields{}
	is.Upstreams = nil // their secrets are no members
	if err := jsonapi.Patch(patch, is, &now); err != nil {
		return was, false, fields(err)
	}
	now.Upstreams = was.Settings.Upstreams
	declared := tenants.Declared{ID: was.ID, Name: &now.Name, Host: &now.Host, LogoURI: &now.LogoURI,
		Disabled: &now.Disabled, Settings: now.TenantSettings}
	if err := declared.Complete(was, secrets); err != nil {
		return was, false, err
	}
	if faults := declared.Check(d.Issuer); len(faults) > 0 {
		return was, false, tenants.Faults(faults)
	}
	changed = len(tenants.Preview(was, declared, secrets)) > 0
	after, err = tenants.Save(ctx, d.Store, secrets, was, declared, d.By)
	return after, changed, err
}

// withoutUpstreamSecrets returns the tenant without the sealed secrets of its upstreams.
func withoutUpstreamSecrets(t storage.Tenant) storage.Tenant {
	open := make([]storage.Upstream, len(t.Settings.Upstreams))
	for i, u := range t.Settings.Upstreams {
		u.ClientSecret = nil
		open[i] = u
	}
	t.Settings.Upstreams = open
	return t
}

func (d *Desk) PutAPI(ctx context.Context, api storage.API) (added bool, err error) {
	return tenants.PutAPI(ctx, d.Store, d.tenant(), api, d.By)
}

func (d *Desk) RemoveAPI(ctx context.Context, identifier string) error {
	return tenants.RemoveAPI(ctx, d.Store, d.tenant(), identifier, d.By)
}

func (d *Desk) TryUpstream(ctx context.Context, id string) ([]upstream.Step, error) {
	useCases, err := d.People(ctx)
	if err != nil {
		return nil, err
	}
	f, err := federation.New(federation.Service{Service: useCases, Calls: d.Upstreams})
	if err != nil {
		return nil, err
	}
	return f.Try(ctx, d.Asker, id)
}

// withIssuer returns the tenant with its issuer.
func (d *Desk) withIssuer(t storage.Tenant) desk.OneTenant {
	return desk.OneTenant{Tenant: withoutUpstreamSecrets(t), Issuer: tenants.Issuer(d.Issuer, t)}
}

// Tenants implements desk.Tenants, as the other methods below do.
func (d *Desk) Tenants(ctx context.Context, after string) iter.Seq2[desk.OneTenant, error] {
	return from(after, func(after string) ([]desk.OneTenant, error) {
		all, err := d.Store.Tenants(ctx, after, listing.PageSize)
		out := make([]desk.OneTenant, len(all))
		for i, t := range all {
			out[i] = d.withIssuer(t)
		}
		return out, err
	}, func(t desk.OneTenant) string { return t.ID })
}

func (d *Desk) AddTenant(ctx context.Context, t storage.Tenant) (desk.OneTenant, error) {
	t, err := tenants.Add(ctx, d.Store, t, d.By)
	if err != nil {
		return desk.OneTenant{}, err
	}
	return d.withIssuer(t), nil
}

func (d *Desk) HasTenant(ctx context.Context, id string) error {
	_, err := d.Store.Tenant(ctx, id)
	return err
}

func (d *Desk) RemoveTenant(ctx context.Context, id string) error {
	if err := tenants.Remove(ctx, d.Store, id, d.By); err != nil {
		return err
	}
	d.Finish(ctx, id, storage.RemovalTenant, "")
	return nil
}
