package tenants

import (
	"cmp"
	"context"
	"fmt"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/diff"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Complete has the upstreams keep the secrets that those of was have with the same ids, where none is declared.
// Call Check then. secrets open them. A secret is not kept for another provider: an administrator who changes the
// issuer could otherwise have it sent to a server of their own. That is an error of type Faults.
func (d *Declared) Complete(was storage.Tenant, secrets *secret.Masters) error {
	box := secrets.Box(d.ID, secret.UpstreamSecret)
	var fs Faults
	for i, u := range d.Settings.Upstreams {
		old := was.Settings.Upstream(u.ID)
		if _, declared := d.Secrets[i]; declared || old == nil || len(old.ClientSecret) == 0 {
			continue
		}
		if cmp.Or(old.Preset, "oidc") != cmp.Or(u.Preset, "oidc") || old.Issuer != u.Issuer {
			fs = append(fs, Fault{fmt.Sprintf("upstreams.%d.client_secret", i),
				"has to be sent again, because the stored secret is that of another provider"})
			continue
		}
		plain, err := box.Open(old.ClientSecret)
		if err != nil {
			return err
		}
		if d.Secrets == nil {
			d.Secrets = map[int]string{}
		}
		d.Secrets[i] = string(plain)
	}
	if len(fs) > 0 {
		return fs
	}
	return nil
}

// Preview returns what Save would change about the tenant.
func Preview(was storage.Tenant, d Declared, secrets *secret.Masters) diff.Fields {
	t := d.over(was, secrets.Box(d.ID, secret.UpstreamSecret))
	return compare(&was, &t)
}

// Save stores a tenant that Check finds nothing wrong with, in place of was, and returns it as it was stored. What
// changes nothing is not stored. storage.ErrExists: the host is taken, or was taken by a tenant since removed;
// storage.ErrStale: the tenant is not any more what was read.
func Save(
	ctx context.Context, store storage.Tenants, secrets *secret.Masters, was storage.Tenant, d Declared, by audit.By,
) (storage.Tenant, error) {
	t := d.over(was, secrets.Box(d.ID, secret.UpstreamSecret))
	if len(compare(&was, &t)) == 0 {
		return was, nil
	}
	err := store.UpdateTenantOf(ctx, t, by(storage.Event{TenantID: t.ID, Kind: storage.EventTenantChanged}))
	if err != nil {
		return t, err
	}
	return store.Tenant(ctx, t.ID)
}

// AddDeclared stores a new tenant that Check finds nothing wrong with, and returns it as it was stored.
// storage.ErrExists: the id or its host is taken, or was taken by a tenant since removed.
func AddDeclared(
	ctx context.Context, store storage.Tenants, secrets *secret.Masters, d Declared, by audit.By,
) (storage.Tenant, error) {
	t := d.over(storage.Tenant{}, secrets.Box(d.ID, secret.UpstreamSecret))
	if _, err := Add(ctx, store, t, by); err != nil {
		return t, err
	}
	return store.Tenant(ctx, t.ID)
}
