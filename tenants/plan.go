package tenants

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/diff"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// What a change does to a tenant. No plan removes one.
const (
	Adds    = "+"
	Changes = "~"
)

// Change is what a plan does to one tenant.
type Change struct {
	Op     string      `json:"op"` // Adds or Changes
	ID     string      `json:"id"`
	Fields diff.Fields `json:"fields,omitempty"` // never with a secret among the values
	tenant storage.Tenant
	same   bool     // the record of the tenant stays as it is
	gone   []string // see Plan.Removed
	extra  Extra
}

// Extra is what a file declares of a tenant beside the tenant's record.
type Extra struct {
	Fields diff.Fields
	Gone   []string // see Plan.Removed
	Apply  func(context.Context) error
}

// Plan is what makes tenants those of a file.
type Plan []Change

// NewPlan compares the tenants of a file with those that are stored. Tenants that the file does not
// name stay as they are: a slip in a file must not remove the data of a tenant. secrets seal the
// secrets of upstream providers. extra compares what a tenant has beside its record.
func NewPlan(
	ctx context.Context, store storage.Tenants, secrets *secret.Masters, file []Declared,
	extra func(context.Context, Declared) (Extra, error),
) (Plan, error) {
	plan := Plan{}
	for _, d := range file {
		old, err := store.Tenant(ctx, d.ID)
		isNew := errors.Is(err, storage.ErrNotFound)
		if err != nil && !isNew {
			return nil, err
		}
		t := d.over(old, secrets.Box(d.ID, secret.UpstreamSecret))
		ch := Change{Op: Changes, ID: d.ID, tenant: t, Fields: compare(&old, &t), gone: d.Missing(&old)}
		ch.same = len(ch.Fields) == 0 && !isNew
		if ch.extra, err = extra(ctx, d); err != nil {
			return nil, fmt.Errorf("tenant %s: %w", d.ID, err)
		}
		ch.Fields = append(ch.Fields, ch.extra.Fields...)
		for _, one := range ch.extra.Gone {
			ch.gone = append(ch.gone, one+" of tenant "+d.ID)
		}
		if isNew {
			ch.Op, ch.tenant.CreatedAt = Adds, time.Now()
		}
		if isNew || len(ch.Fields) > 0 {
			plan = append(plan, ch)
		}
	}
	return plan, nil
}

// Removed names the upstream providers, attributes, APIs and webhooks that tenants have and the file does not declare.
func (p Plan) Removed() (names []string) {
	for _, ch := range p {
		names = append(names, ch.gone...)
	}
	return names
}

// Missing names the upstream providers, attributes and APIs that the tenant has and that are not declared.
func (d *Declared) Missing(was *storage.Tenant) (names []string) {
	for _, one := range removed(was, &storage.Tenant{Settings: d.Settings}) {
		names = append(names, one+" of tenant "+d.ID)
	}
	return names
}

// removed names what one tenant has and the other does not.
func removed(from, to *storage.Tenant) (names []string) {
	for _, u := range from.Settings.Upstreams {
		if to.Settings.Upstream(u.ID) == nil {
			names = append(names, "upstream provider "+u.ID)
		}
	}
	for _, a := range from.Settings.Attributes {
		if to.Settings.Attribute(a.Name) == nil {
			names = append(names, "attribute "+a.Name)
		}
	}
	for _, api := range from.Settings.APIs {
		if to.Settings.API(api.Identifier) == nil {
			names = append(names, "API "+api.Identifier)
		}
	}
	return names
}

// over returns the stored tenant with what is declared in place of what it had.
func (d *Declared) over(old storage.Tenant, box *secret.Box) storage.Tenant {
	t := old
	t.ID, t.Settings = d.ID, d.Settings
	set(&t.Name, d.Name)
	set(&t.Host, d.Host)
	set(&t.LogoURI, d.LogoURI)
	set(&t.Disabled, d.Disabled)
	t.Settings.Upstreams = d.sealed(box, old.Settings.Upstreams)
	return t
}

// set sets what to points to, unless value is nil.
func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}

// sealed returns the upstreams with sealed secrets. What is stored is kept when it is the same secret,
// so that applying a file twice changes nothing.
func (d *Declared) sealed(box *secret.Box, stored []storage.Upstream) []storage.Upstream {
	upstreams := slices.Clone(d.Settings.Upstreams)
	for i, plain := range d.Secrets {
		u := &upstreams[i]
		u.ClientSecret = nil
		for _, old := range stored {
			if is, err := box.Open(old.ClientSecret); old.ID == u.ID && err == nil && string(is) == plain {
				u.ClientSecret = old.ClientSecret
			}
		}
		if u.ClientSecret == nil {
			u.ClientSecret = box.Seal([]byte(plain))
		}
	}
	return upstreams
}

// Apply carries the changes out, each with its event.
func (p Plan) Apply(ctx context.Context, store storage.Tenants, by audit.By) error {
	for _, ch := range p {
		if err := ch.apply(ctx, store, by); err != nil {
			return err
		}
		if ch.extra.Apply != nil {
			if err := ch.extra.Apply(ctx); err != nil {
				return fmt.Errorf("tenant %s: %w", ch.ID, err)
			}
		}
	}
	return nil
}

// apply changes the record of the tenant.
func (ch *Change) apply(ctx context.Context, store storage.Tenants, by audit.By) error {
	if ch.same {
		return nil
	}
	kind, write := storage.EventTenantChanged, store.UpdateTenant
	if ch.Op == Adds {
		kind, write = storage.EventTenantAdded, store.AddTenant
	}
	err := write(ctx, ch.tenant, by(storage.Event{TenantID: ch.ID, Kind: kind}))
	if errors.Is(err, storage.ErrExists) {
		if _, there := store.Tenant(ctx, ch.ID); ch.Op == Adds && there == nil {
			return nil // another replica applied the same file meanwhile
		}
		return fmt.Errorf("tenant %s: the id or its host is taken, or was taken by a tenant since removed", ch.ID)
	}
	if err != nil {
		return fmt.Errorf("%s tenant %s: %w", ch.Op, ch.ID, err)
	}
	return nil
}

// compare lists what differs, section by section. Secrets are never among it.
func compare(from, to *storage.Tenant) (fields diff.Fields) {
	fields.Add("name", from.Name, to.Name)
	fields.Add("host", from.Host, to.Host)
	fields.Add("logo_uri", from.LogoURI, to.LogoURI)
	fields.Add("disabled", from.Disabled, to.Disabled)
	fields.AddStruct(from.Settings, to.Settings, "upstreams")
	var seen []string
	for _, u := range slices.Concat(from.Settings.Upstreams, to.Settings.Upstreams) {
		if slices.Contains(seen, u.ID) {
			continue
		}
		seen = append(seen, u.ID)
		name, was, is := "upstreams."+u.ID, from.Settings.Upstream(u.ID), to.Settings.Upstream(u.ID)
		if was != nil && is != nil && !bytes.Equal(was.ClientSecret, is.ClientSecret) {
			fields = append(fields, diff.Field{Name: name + ".client_secret", From: "(a secret)", To: "(another)"})
		}
		fields.Add(name, withoutSecret(was), withoutSecret(is))
	}
	was, is := idsOf(from.Settings.Upstreams), idsOf(to.Settings.Upstreams)
	if !slices.Equal(was, is) && slices.Equal(slices.Sorted(slices.Values(was)), slices.Sorted(slices.Values(is))) {
		fields.Add("upstreams", strings.Join(was, ", "), strings.Join(is, ", ")) // another order
	}
	return fields
}

// idsOf returns the ids of upstream providers, in order.
func idsOf(all []storage.Upstream) (ids []string) {
	for _, u := range all {
		ids = append(ids, u.ID)
	}
	return ids
}

// withoutSecret returns a copy of u without its secret, or nil.
func withoutSecret(u *storage.Upstream) any {
	if u == nil {
		return nil
	}
	open := *u
	open.ClientSecret = nil
	return open
}
