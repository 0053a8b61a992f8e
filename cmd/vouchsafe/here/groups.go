package here

import (
	"context"
	"errors"
	"iter"

	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Group implements desk.Groups, as the other methods below do.
func (d *Desk) Group(ctx context.Context, id string) (storage.Group, error) {
	return d.Store.Group(ctx, d.tenant(), id)
}

func (d *Desk) Groups(ctx context.Context, after string) iter.Seq2[storage.Group, error] {
	return from(after, func(after string) ([]storage.Group, error) {
		return d.Store.Groups(ctx, d.tenant(), after, listing.PageSize)
	}, func(g storage.Group) string { return g.ID })
}

func (d *Desk) AddGroup(ctx context.Context, id, title string) (storage.Group, error) {
	return d.Accounts.AddGroup(ctx, d.Asker, id, title)
}

func (d *Desk) RenameGroup(ctx context.Context, id, title string) (storage.Group, error) {
	g, err := d.Group(ctx, id)
	if err != nil {
		return g, err
	}
	return d.Accounts.RenameGroup(ctx, d.Asker, g, title)
}

func (d *Desk) RemoveGroup(ctx context.Context, id string) error {
	return d.Accounts.RemoveGroup(ctx, d.Asker, storage.Group{ID: id})
}

func (d *Desk) Members(ctx context.Context, id, after string) iter.Seq2[storage.User, error] {
	return from(after, func(after string) ([]storage.User, error) {
		return d.Store.Members(ctx, d.tenant(), id, after, listing.PageSize)
	}, func(u storage.User) string { return u.ID })
}

func (d *Desk) Join(ctx context.Context, user, group string) (bool, error) {
	return d.Accounts.Join(ctx, d.Asker, user, group)
}

func (d *Desk) Leave(ctx context.Context, user, group string) (bool, error) {
	return d.Accounts.Leave(ctx, d.Asker, user, group)
}

// Role implements desk.Roles, as the other methods below do.
func (d *Desk) Role(ctx context.Context, r storage.RoleName) (storage.Role, error) {
	return d.Store.Role(ctx, d.tenant(), r)
}

func (d *Desk) Roles(ctx context.Context, owner storage.RoleName, after string) iter.Seq2[storage.Role, error] {
	return from(after, func(after string) ([]storage.Role, error) {
		if owner.API != "" {
			return d.Store.RolesOfAPI(ctx, d.tenant(), owner.API, after, listing.PageSize)
		}
		return d.Store.RolesOfClient(ctx, d.tenant(), owner.Client, after, listing.PageSize)
	}, func(r storage.Role) string { return r.Name })
}

func (d *Desk) AddRole(ctx context.Context, r storage.RoleName, title string) (storage.Role, error) {
	return d.Accounts.AddRole(ctx, d.Asker, r, title)
}

func (d *Desk) RenameRole(ctx context.Context, r storage.RoleName, title string) (storage.Role, error) {
	was, err := d.Role(ctx, r)
	if err != nil {
		return was, err
	}
	return d.Accounts.RenameRole(ctx, d.Asker, was, title)
}

func (d *Desk) RemoveRole(ctx context.Context, r storage.RoleName) error {
	return d.Accounts.RemoveRole(ctx, d.Asker, storage.Role{RoleName: r})
}

func (d *Desk) GiveRole(ctx context.Context, r storage.RoleName, to storage.RoleHolder) error {
	err := d.Accounts.GiveRole(ctx, d.Asker, r, to)
	if errors.Is(err, storage.ErrExists) {
		return nil
	}
	return err
}

func (d *Desk) TakeRole(ctx context.Context, r storage.RoleName, from storage.RoleHolder) error {
	return d.Accounts.TakeRole(ctx, d.Asker, r, from)
}

func (d *Desk) Holders(ctx context.Context, r storage.RoleName) iter.Seq2[storage.RoleHolder, error] {
	ofGroup := func(g storage.Group) storage.RoleHolder { return storage.RoleHolder{Group: g.ID} }
	ofClient := func(id string) storage.RoleHolder { return storage.RoleHolder{Client: id} }
	ofUser := func(u storage.User) storage.RoleHolder { return storage.RoleHolder{User: u.ID} }
	return func(yield func(storage.RoleHolder, error) bool) {
		_ = holdersOf(ctx, d.tenant(), r, d.Store.GroupHolders, ofGroup, yield) &&
			holdersOf(ctx, d.tenant(), r, d.Store.ClientHolders, ofClient, yield) &&
			holdersOf(ctx, d.tenant(), r, d.Store.UserHolders, ofUser, yield)
	}
}

// holdersOf yields the holders of one kind, and reports whether more may be yielded.
func holdersOf[T any](
	ctx context.Context, tenant string, r storage.RoleName,
	page func(ctx context.Context, tenant string, r storage.RoleName, after string, limit int) ([]T, error),
	of func(T) storage.RoleHolder, yield func(storage.RoleHolder, error) bool,
) bool {
	read := func(after string) ([]T, error) { return page(ctx, tenant, r, after, listing.PageSize) }
	id := func(one T) string { h := of(one); return h.User + h.Group + h.Client }
	for one, err := range listing.All(read, id) {
		if !yield(of(one), err) {
			return false
		}
	}
	return true
}
