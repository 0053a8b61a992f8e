package administration

import (
	"context"
	"strings"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Listed is a user in a list.
type Listed struct {
	storage.User
	Standing storage.Standing
}

// List returns the users of the asker's tenant by id: at most limit after the given id.
func (s *Accounts) List(ctx context.Context, a people.Asker, after string, limit int) ([]Listed, error) {
	users, err := s.Store.Users(ctx, a.Tenant.ID, after, limit)
	if err != nil {
		return nil, err
	}
	return s.ShowAll(ctx, a.Tenant.ID, users)
}

// ShowAll returns users of the tenant who were read as lists show them.
func (s *Accounts) ShowAll(ctx context.Context, tenant string, users []storage.User) ([]Listed, error) {
	ids := make([]string, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	standings, err := s.Store.Standings(ctx, tenant, ids)
	if err != nil {
		return nil, err
	}
	listed := make([]Listed, len(users))
	for i, u := range users {
		listed[i] = Listed{u, standings[u.ID]}
	}
	return listed, nil
}

// Show returns a user who was read as lists show one.
func (s *Accounts) Show(ctx context.Context, u storage.User) (Listed, error) {
	listed, err := s.ShowAll(ctx, u.TenantID, []storage.User{u})
	if err != nil {
		return Listed{User: u}, err
	}
	return listed[0], nil
}

// Filter chooses users of a list: those that have everything that is set.
type Filter struct {
	Unverified     bool   // the address is not verified, or missing
	Disabled       bool   // locked out
	NoSecondFactor bool   // see storage.HasSecondFactor
	Query          string // part of the address, username, name or number, in any case
}

// Matches reports whether the filter chooses the user.
func (f Filter) Matches(u Listed) bool {
	switch {
	case f.Unverified && u.EmailVerified, f.Disabled && !u.Disabled, f.NoSecondFactor && u.Standing.SecondFactor:
		return false
	case f.Query == "":
		return true
	}
	query := strings.ToLower(f.Query)
	p := u.Profile
	for _, text := range []string{u.Email, u.Username, u.Phone, p.Name, p.GivenName, p.FamilyName} {
		if strings.Contains(strings.ToLower(text), query) {
			return true
		}
	}
	return false
}
