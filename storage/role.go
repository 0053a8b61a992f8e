package storage

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// RoleName names a role: it belongs to one client or to one API.
type RoleName struct {
	Client string // the client's id, or ""
	API    string // the API's identifier, or ""
	Name   string
}

// CompareRoles orders roles: those of clients first.
func CompareRoles(a, b RoleName) int {
	return cmp.Or(cmp.Compare(a.API, b.API), cmp.Compare(a.Client, b.Client), cmp.Compare(a.Name, b.Name))
}

// namesAt returns the names of the roles at a client and at APIs, each once, in order.
func namesAt(roles []RoleName, clientID string, apis []string) []string {
	var all []string
	for _, r := range roles {
		if r.Client != "" && r.Client == clientID || r.API != "" && slices.Contains(apis, r.API) {
			all = append(all, r.Name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Role is a role at a client or an API. What it allows is for them to decide.
type Role struct {
	TenantID string
	RoleName
	Title     string // shown to administrators
	CreatedAt time.Time
	UpdatedAt time.Time
}

// RoleHolder is what has a role: one of User, Group and Client is not "".
type RoleHolder struct {
	User, Group, Client string
	// RoleWas, unless nil, is the AdminRole that the user must still have, because it decided that the role may be given
	// or taken: see Change.RoleWas.
	RoleWas *string
}

// Roles keeps the roles of clients and APIs, and which users, groups and clients have them. A Change gives
// roles to a user and takes them, too. The roles of a client are removed with it, and those of an API with
// the update of the tenant that removes the API.
type Roles interface {
	// AddRole stores a new role. ErrExists: its owner has one of that name. ErrNotFound: there is no such
	// client; whether there is such an API is for the caller to know. The events of this and every other
	// change here are recorded if and only if it happens.
	AddRole(ctx context.Context, r Role, events ...Event) error
	// UpdateRole stores Title and UpdatedAt. was is as for UpdateGroup. ErrNotFound, and ErrStale.
	UpdateRole(ctx context.Context, r Role, was time.Time, events ...Event) error
	// RemoveRole removes the role, and takes it from all that have it. ErrNotFound; ErrStale if the role's UpdatedAt
	// is not that of r, unless that is zero. Some rows of what many users had are deleted later (Removals).
	RemoveRole(ctx context.Context, r Role, now time.Time, events ...Event) error
	Role(ctx context.Context, tenant string, r RoleName) (Role, error)
	// RolesOfClient and RolesOfAPI list the roles that belong to one, by name, at most limit after the given
	// name.
	RolesOfClient(ctx context.Context, tenant, clientID, after string, limit int) ([]Role, error)
	RolesOfAPI(ctx context.Context, tenant, api, after string, limit int) ([]Role, error)
	// GiveRole gives the role to the holder. ErrNotFound: there is no such role or holder. ErrExists: the holder
	// has it. ErrStale: see RoleHolder.
	GiveRole(ctx context.Context, tenant string, r RoleName, to RoleHolder, now time.Time, events ...Event) error
	// TakeRole takes the role from the holder. ErrNotFound: the holder does not have it. ErrStale: see RoleHolder.
	TakeRole(ctx context.Context, tenant string, r RoleName, from RoleHolder, events ...Event) error
	// UserHolders, GroupHolders and ClientHolders list those that were given the role itself, by id, at most limit
	// after the given id. Of clients they are the ids. The members of a group are not among the users.
	UserHolders(ctx context.Context, tenant string, r RoleName, after string, limit int) ([]User, error)
	GroupHolders(ctx context.Context, tenant string, r RoleName, after string, limit int) ([]Group, error)
	ClientHolders(ctx context.Context, tenant string, r RoleName, after string, limit int) ([]string, error)
	// RolesGiven lists the roles that the holder was given itself, in order.
	RolesGiven(ctx context.Context, tenant string, to RoleHolder) ([]RoleName, error)
}
