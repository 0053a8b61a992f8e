package invitations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Service has the use cases.
type Service struct{ *people.Service }

const (
	// DefaultLife is how long an invitation can be accepted, unless the inviter says otherwise.
	DefaultLife = 7 * 24 * time.Hour
	// LongestLife bounds what the inviter says: a mailbox may get another owner.
	LongestLife = 30 * 24 * time.Hour
)

// ErrGone says that an invitation was accepted, withdrawn or replaced, or is too old.
const ErrGone = people.Refusal("signup.invite_gone")

// content is what is sealed in an invitation.
type content struct {
	Email      string         // address.Claimed
	By         string         `json:",omitempty"` // Actor of the inviter
	Language   string         `json:",omitempty"` // of the mail
	Life       time.Duration  `json:",omitempty"`
	Groups     []group        `json:",omitempty"`
	Roles      []role         `json:",omitempty"`
	Attributes map[string]any `json:",omitempty"`
	AdminRole  string         `json:",omitempty"`
}

// group is a group that an invitation gives.
type group struct {
	ID    string
	Since time.Time // its CreatedAt
}

// role is a role that an invitation gives.
type role struct {
	storage.RoleName
	Since time.Time // its CreatedAt
}

// Invitation is an invitation that waits to be accepted.
type Invitation struct {
	ID         string
	Email      string // as users read it
	By         string // the Actor who invited, or sent it again
	Language   string
	Groups     []string
	Roles      []storage.RoleName
	Attributes map[string]any
	AdminRole  string // of the administrator that the user becomes; "" for none
	SentAt     time.Time
	ExpiresAt  time.Time
	// Link makes the account, once. It is "" unless the invitation has just been sent: it is not stored.
	Link string

	key     string // of the address
	content content
}

// Key returns the key of the address, by which invitations are in order.
func (i Invitation) Key() string { return i.key }

// Gives reports whether the invitation gives groups or roles.
func (i Invitation) Gives() bool { return len(i.Groups)+len(i.Roles) > 0 }

// opened returns the invitation that a code stands for.
func (s *Service) opened(code storage.Code) (Invitation, error) {
	var c content
	if err := s.OpenCode(code, &c); err != nil {
		return Invitation{}, fmt.Errorf("invitation: %w", err)
	}
	return shown(code, c), nil
}

// shown returns an invitation by its code and what is sealed in it.
func shown(code storage.Code, c content) Invitation {
	i := Invitation{
		ID: code.ID, Email: address.Shown(c.Email), By: c.By, Language: c.Language, Attributes: c.Attributes,
		AdminRole: c.AdminRole,
		SentAt:    code.CreatedAt, ExpiresAt: code.ExpiresAt, key: code.Target, content: c,
	}
	for _, g := range c.Groups {
		i.Groups = append(i.Groups, g.ID)
	}
	for _, r := range c.Roles {
		i.Roles = append(i.Roles, r.RoleName)
	}
	return i
}

// List returns the invitations of the asker's tenant that wait, by the key of the address: at most limit after the
// given key.
func (s *Service) List(ctx context.Context, a people.Asker, after string, limit int) ([]Invitation, error) {
	codes, err := s.Store.CodesFor(ctx, a.Tenant.ID, storage.CodeInvite, after, limit, time.Now())
	if err != nil {
		return nil, err
	}
	all := make([]Invitation, 0, len(codes))
	for _, code := range codes {
		i, err := s.opened(code)
		if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	return all, nil
}

// Find returns the invitation that waits with the id. storage.ErrNotFound.
func (s *Service) Find(ctx context.Context, a people.Asker, id string) (Invitation, error) {
	code, err := s.Store.Code(ctx, a.Tenant.ID, id, time.Now())
	if err == nil && code.Purpose != storage.CodeInvite {
		err = fmt.Errorf("invitation: %w", storage.ErrNotFound)
	}
	if err != nil {
		return Invitation{}, err
	}
	return s.opened(code)
}

// FindFor returns the invitation that waits for the address. storage.ErrNotFound.
func (s *Service) FindFor(ctx context.Context, a people.Asker, email string) (Invitation, error) {
	to, err := address.Read(email)
	if err != nil {
		return Invitation{}, fmt.Errorf("invitation: %w", storage.ErrNotFound)
	}
	code, err := s.Store.CodeFor(ctx, a.Tenant.ID, storage.CodeInvite, to.Key(), time.Now())
	if err != nil {
		return Invitation{}, err
	}
	return s.opened(code)
}

// Withdraw withdraws an invitation: its link does nothing any more. storage.ErrNotFound: it was accepted, sent again,
// replaced or withdrawn meanwhile, or has expired.
func (s *Service) Withdraw(ctx context.Context, a people.Asker, i Invitation) error {
	err := s.Store.Apply(ctx, storage.Change{
		TenantID: a.Tenant.ID, Now: time.Now(), Code: i.ID,
		Events: []storage.Event{a.Event(storage.Event{
			Kind: storage.EventUserUninvited, Detail: map[string]string{"email": i.key},
		})},
	})
	if errors.Is(err, storage.ErrStale) {
		return fmt.Errorf("withdraw invitation: %w", storage.ErrNotFound)
	}
	return err
}
