package administration

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ErrNoRole says that there is no such role of administrators.
var ErrNoRole = errors.New("no such role: write owner, admin, support or auditor")

// Administrators returns the administrators of the asker's tenant by id: at most limit after the given id.
func (s *Accounts) Administrators(
	ctx context.Context, a people.Asker, after string, limit int,
) ([]storage.User, error) {
	return s.Store.Administrators(ctx, a.Tenant.ID, after, limit)
}

// SetRole makes the user an administrator with the role, or with "" takes the role away. ErrNoRole;
// storage.ErrLastOwner: the tenant would be left without an owner. The first administrator of the default tenant
// spends the link by which one is made.
func (s *Accounts) SetRole(ctx context.Context, a people.Asker, id, role string) error {
	if role != "" && !slices.Contains(AdminRoles, role) {
		return ErrNoRole
	}
	for first := true; ; first = false {
		err := s.setRole(ctx, a, id, role, first && role != "" && a.Tenant.ID == storage.DefaultTenant)
		if !errors.Is(err, storage.ErrStale) {
			return err
		}
		// Either there is an administrator already, or the role was changed at this moment: then there was one, too.
	}
}

// setRole is SetRole for a role that exists. With first it spends the link by which the first administrator is made.
// storage.ErrStale: that is spent, or the user has another role than a moment ago.
func (s *Accounts) setRole(ctx context.Context, a people.Asker, id, role string, first bool) error {
	u, err := s.Store.User(ctx, a.Tenant.ID, id)
	if err != nil || u.AdminRole == role {
		return err
	}
	ch := storage.Change{
		TenantID: a.Tenant.ID, UserID: id, Now: time.Now(), RoleWas: &u.AdminRole, SetAdmin: &role,
		Events: []storage.Event{a.Event(storage.Event{Kind: storage.EventAdministratorSet, UserID: id,
			Detail: map[string]string{"role": role, "was": u.AdminRole}})},
	}
	if first {
		ch.Spend = []storage.Spent{storage.FirstAdministrator()}
	}
	return s.Store.Apply(ctx, ch)
}
