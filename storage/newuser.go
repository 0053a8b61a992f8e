package storage

import "context"

// NewUser is a user who is added together with others.
type NewUser struct {
	User
	Credentials []Credential
	Identities  []Identity
}

// NewUsers adds many users at once, as imports do.
type NewUsers interface {
	// AddUsers adds users of a tenant, all or none, without events. ErrExists: the id, external id, user name,
	// e-mail or an identity of one of them is taken.
	AddUsers(ctx context.Context, tenant string, all []NewUser) error
}
