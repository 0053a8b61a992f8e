package storage

import (
	"context"
	"regexp"
	"time"
)

// GroupIDRule says what the id of a group may be.
const GroupIDRule = "write small letters, digits and . _ -, a letter or digit first, at most 63 characters"

var groupIDForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// ValidGroupID reports whether the id is one that groups can have.
func ValidGroupID(id string) bool { return groupIDForm.MatchString(id) }

// Group is a group of users of a tenant. Groups have no groups in them.
type Group struct {
	TenantID  string
	ID        string // see ValidGroupID; apps may learn it. It never changes.
	Title     string // shown to administrators
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Membership is a user's membership in a group, from one source.
type Membership struct {
	GroupID string
	// Upstream is the id of the upstream provider that gave the membership, "" if an administrator did. A
	// user may have a membership from several sources, and is a member until the last of them takes it.
	Upstream string
	Since    time.Time // a Change sets it to its Now
}

// Groups keeps the groups of a tenant. A Change has users join and leave them.
type Groups interface {
	// AddGroup stores a new group. ErrExists: the id is taken. The events of this and every other change
	// here are recorded if and only if it happens.
	AddGroup(ctx context.Context, g Group, events ...Event) error
	// UpdateGroup stores Title and UpdatedAt. was is the UpdatedAt with which the group was read: ErrStale if it has
	// changed since; zero: any. ErrNotFound.
	UpdateGroup(ctx context.Context, g Group, was time.Time, events ...Event) error
	// RemoveGroup removes the group with its memberships and the roles that it was given. ErrNotFound; ErrStale if
	// the group's UpdatedAt is not that of g, unless that is zero. A group
	// that is added under the same id later begins without any. If there are many memberships, the last of
	// their rows are deleted later (Removals).
	RemoveGroup(ctx context.Context, g Group, now time.Time, events ...Event) error
	Group(ctx context.Context, tenant, id string) (Group, error)
	// Groups lists groups by id, at most limit after the given id.
	Groups(ctx context.Context, tenant, after string, limit int) ([]Group, error)
	// Members lists the users of a group by user id, each once, at most limit after the given user id. A group
	// that does not exist has none.
	Members(ctx context.Context, tenant, id, after string, limit int) ([]User, error)
	// MembershipsOf lists a user's memberships by group and upstream.
	MembershipsOf(ctx context.Context, tenant, userID string) ([]Membership, error)
}

// Belonging is what a user belongs to: the groups, and the roles of the user and of these groups.
type Belonging struct {
	Groups []string   // ids, each once, in order
	Roles  []RoleName // each once, in order
}

// RolesAt returns the names of the roles at a client and at APIs, each once, in order.
func (b *Belonging) RolesAt(clientID string, apis ...string) []string {
	return namesAt(b.Roles, clientID, apis)
}

// Belongings answers what apps may have to know about users and service clients. Calls that read a user for
// a token, such as Grants.Rotate, return the same in the same statement.
type Belongings interface {
	Belonging(ctx context.Context, tenant, userID string) (Belonging, error)
	// ClientRoles lists the roles that a client was given, in order.
	ClientRoles(ctx context.Context, tenant, clientID string) ([]RoleName, error)
}
