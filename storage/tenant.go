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

// TenantLogin is what the app of a tenant signs in with, if the app manages the users of the tenant itself.
type TenantLogin struct {
	TenantID  string
	Email     string
	EmailKey  string // of address.Claimed; unique in the installation
	Password  []byte // a PHC string
	CreatedAt time.Time
}

// TenantSession is a sign-in of the app of a tenant. It lasts until it is ended.
type TenantSession struct {
	TenantID  string
	ID        string // UUIDv7
	Data      []byte // the key that signs the session's token, sealed
	CreatedAt time.Time
}

// MostTenantSessions is how many sign-ins of an app live at a time. Another one ends the oldest.
const MostTenantSessions = 10_000

// TenantLogins keeps the logins of apps and their sign-ins. Both are gone when their tenant is removed. The events of
// each change are recorded if and only if it happens.
type TenantLogins interface {
	// AddTenantLogin stores a new tenant and the login of its app. ErrExists: as for AddTenant, or the address has a
	// login.
	AddTenantLogin(ctx context.Context, t Tenant, l TenantLogin, events ...Event) error
	// PutTenantLogin gives a tenant a login, or another one, and ends all sign-ins. ErrNotFound: there is no such tenant.
	// ErrExists: the address has another login.
	PutTenantLogin(ctx context.Context, l TenantLogin, events ...Event) error
	// TenantLogin returns the login with the address.
	TenantLogin(ctx context.Context, emailKey string) (TenantLogin, error)
	// AddTenantSession stores a sign-in. ErrNotFound: the tenant has no login.
	AddTenantSession(ctx context.Context, s TenantSession, events ...Event) error
	// TenantSession returns a sign-in that was not ended, and the login, in one read.
	TenantSession(ctx context.Context, tenant, id string) (TenantSession, TenantLogin, error)
	// EndTenantSession deletes a sign-in. ErrNotFound: it was ended before.
	EndTenantSession(ctx context.Context, tenant, id string, events ...Event) error
}
