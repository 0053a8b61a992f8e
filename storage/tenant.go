package storage

import (
	"context"
	"time"
)

// DefaultTenant is the id of the tenant at the root of the issuer URL.
// Migrations create it.
const DefaultTenant = "default"

// Tenant is an issuer of its own. It shares no users, clients, keys or branding with other tenants.
type Tenant struct {
	ID        string // lower-case letters, digits and hyphens; part of its URL
	Name      string // shown to users
	Host      string // a host name of its own, or "" for issuer/t/ID
	LogoURI   string // https URL, or ""
	Disabled  bool
	CreatedAt time.Time
	Settings  TenantSettings
	// Version rises by each update.
	Version int64
}

// Tenants keeps the tenants.
type Tenants interface {
	// AddTenant stores a new tenant. ErrExists: the id or the host is taken, or was
	// taken by a tenant since removed (ids are never used again). The events of this and every
	// other change here are recorded if and only if it happens.
	AddTenant(ctx context.Context, t Tenant, events ...Event) error
	Tenant(ctx context.Context, id string) (Tenant, error)
	TenantByHost(ctx context.Context, host string) (Tenant, error)
	// Tenants lists all tenants by id, at most limit after the given id.
	Tenants(ctx context.Context, after string, limit int) ([]Tenant, error)
	// UpdateTenant stores all fields but CreatedAt and Version. ErrExists as for AddTenant, ErrNotFound. Roles of
	// APIs that the tenant does not have any more are removed.
	UpdateTenant(ctx context.Context, t Tenant, events ...Event) error
	// UpdateTenantOf is UpdateTenant unless the tenant was updated since t was read. ErrStale then.
	UpdateTenantOf(ctx context.Context, t Tenant, events ...Event) error
	// RemoveTenant removes the tenant and all of its records. The id stays taken. Nothing of the tenant
	// works any more when RemoveTenant returns; its rows are deleted later (Removals).
	RemoveTenant(ctx context.Context, id string, now time.Time, events ...Event) error
}
