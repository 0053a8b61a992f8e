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
	u, err := s.Store.User(ctx, a.Tenant.ID, id)
	if err != nil || u.AdminRole == role {
		return err
	}
	ch := storage.Change{
		TenantID: a.Tenant.ID, UserID: id, Now: time.Now(), SetAdmin: &role,
		Events: []storage.Event{a.Event(storage.Event{Kind: storage.EventAdministratorSet, UserID: id,
			Detail: map[string]string{"role": role, "was": u.AdminRole}})},
	}
	if role != "" && a.Tenant.ID == storage.DefaultTenant {
		ch.Spend = []storage.Spent{storage.FirstAdministrator()}
	}
	err = s.Store.Apply(ctx, ch)
	if errors.Is(err, storage.ErrStale) && ch.Spend != nil { // there is an administrator
		ch.Spend = nil
		err = s.Store.Apply(ctx, ch)
	}
	return err
}
