package delegated

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Names say what the one name of an account may be. It becomes the user's address if it is one, else the username.
type Names struct {
	Emails  bool     // only addresses
	Domains []string // only of these domains, if there are any
}

// claimed is a name that an account is to get: one of the two.
type claimed struct {
	email address.Claimed
	name  username.Claimed
}

// claim reads a name. What is wrong with it is Missing or Malformed.
func (n Names) claim(a people.Asker, typed string) (c claimed, wrong Faults) {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return c, Faults{{"username", Missing}}
	}
	malformed := Faults{{"username", Malformed}}
	var err error
	if !n.Emails && !strings.Contains(typed, "@") {
		if c.name, err = username.Claim(typed, a.Tenant.Settings.SignUp.ReservedUsernames); err != nil {
			return c, malformed
		}
		return c, nil
	}
	c.email, err = address.Claim(typed)
	if err != nil || !people.OfDomain(c.email, a.Tenant.Settings.SignUp.EmailDomains) ||
		n.Emails && len(n.Domains) > 0 && !slices.Contains(n.Domains, c.email.Domain()) {
		return c, malformed
	}
	return c, nil
}

// give gives the user the name.
func (c claimed) give(u *storage.User) {
	if c.email.Key() != "" {
		c.email.Give(u)
		return
	}
	c.name.Give(u)
}

// isTaken reports whether another user has the name, or one that looks like it.
func (s *Service) isTaken(ctx context.Context, tenant string, c claimed) (bool, error) {
	var err error
	if c.email.Key() != "" {
		_, err = s.Store.UserByEmail(ctx, tenant, c.email.Key())
	} else {
		_, err = s.Store.UserBySkeleton(ctx, tenant, c.name.Skeleton())
	}
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Shown returns the one name of the user.
func (n Names) Shown(u storage.User) string {
	if u.Username == "" || n.Emails && u.Email != "" {
		return u.Email
	}
	return u.Username
}

// Available reports whether an account could get the name. A name that no account can have is available, until it is
// asked for.
func (s *Service) Available(ctx context.Context, a people.Asker, name string) (bool, error) {
	if err := s.AllowForm(ctx, a); err != nil {
		return false, err
	}
	c, wrong := s.Names.claim(a, name)
	if len(wrong) > 0 {
		return true, nil
	}
	taken, err := s.isTaken(ctx, a.Tenant.ID, c)
	return !taken, err
}
