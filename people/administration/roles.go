package administration

import (
	"cmp"
	"context"
	"regexp"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// roleForm matches the names of roles: apps compare them, and show them in addresses and lists.
var roleForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$`)

// AddRole adds a role at a client or an API. What is wrong with the name or the title is an error of type
// importing.Faults. storage.ErrExists: there is such a role. storage.ErrNotFound: there is no such client or API.
func (s *Accounts) AddRole(
	ctx context.Context, a people.Asker, name storage.RoleName, title string,
) (storage.Role, error) {
	var fs importing.Faults
	if !roleForm.MatchString(name.Name) {
		fs = append(fs, importing.NewFault("name", "role.form", "%.80q is no name of a role: write letters, digits and "+
			". _ : / -, a letter or digit first, at most 100 characters", name.Name))
	}
	checkTitle(&fs, title)
	at := now()
	r := storage.Role{TenantID: a.Tenant.ID, RoleName: name, Title: title, CreatedAt: at, UpdatedAt: at}
	if err := fs.Err(); err != nil {
		return r, err
	}
	if name.API != "" && a.Tenant.Settings.API(name.API) == nil {
		return r, storage.ErrNotFound
	}
	return r, s.Store.AddRole(ctx, r, roleEvent(a, storage.EventRoleAdded, name, nil))
}

// RenameRole gives the role, as it was read, another title. Its name stays: apps know the role by it.
// storage.ErrStale: it has changed since.
func (s *Accounts) RenameRole(ctx context.Context, a people.Asker, r storage.Role, title string) (storage.Role, error) {
	if r.Title == title {
		return r, nil
	}
	var fs importing.Faults
	checkTitle(&fs, title)
	if err := fs.Err(); err != nil {
		return r, err
	}
	was := r.UpdatedAt
	r.TenantID, r.Title, r.UpdatedAt = a.Tenant.ID, title, now()
	return r, s.Store.UpdateRole(ctx, r, was, roleEvent(a, storage.EventRoleChanged, r.RoleName, nil))
}

// RemoveRole removes the role, and takes it from all that have it. storage.ErrStale: the role has changed since it
// was read with its UpdatedAt, unless that is zero.
func (s *Accounts) RemoveRole(ctx context.Context, a people.Asker, r storage.Role) error {
	r.TenantID = a.Tenant.ID
	return s.Store.RemoveRole(ctx, r, time.Now(), roleEvent(a, storage.EventRoleRemoved, r.RoleName, nil))
}

// GiveRole gives the role to a user, a group or a client. storage.ErrNotFound: there is no such role or holder.
// storage.ErrExists: the holder has it. storage.ErrStale: see people.Asker.Judged.
func (s *Accounts) GiveRole(ctx context.Context, a people.Asker, name storage.RoleName, to storage.RoleHolder) error {
	to.RoleWas = a.RoleWas(to.User)
	return s.Store.GiveRole(ctx, a.Tenant.ID, name, to, time.Now(), holderEvent(a, name, to,
		storage.EventRoleGiven, storage.EventRoleAssigned))
}

// TakeRole takes the role from a user, a group or a client. storage.ErrNotFound: the holder does not have it itself.
// storage.ErrStale: see people.Asker.Judged.
func (s *Accounts) TakeRole(ctx context.Context, a people.Asker, name storage.RoleName, from storage.RoleHolder) error {
	from.RoleWas = a.RoleWas(from.User)
	return s.Store.TakeRole(ctx, a.Tenant.ID, name, from, holderEvent(a, name, from,
		storage.EventRoleTaken, storage.EventRoleUnassigned))
}

// holderEvent returns the event about a user who is the holder, or the one about another holder.
func holderEvent(a people.Asker, name storage.RoleName, h storage.RoleHolder, ofUser, ofOther string) storage.Event {
	if h.User != "" {
		e := AboutRole(ofUser, name, nil)
		e.UserID = h.User
		return a.Event(e)
	}
	if h.Group != "" {
		return roleEvent(a, ofOther, name, map[string]string{"to_group": h.Group})
	}
	return roleEvent(a, ofOther, name, map[string]string{"to_client": h.Client})
}

// roleEvent returns an event about the role.
func roleEvent(a people.Asker, kind string, r storage.RoleName, detail map[string]string) storage.Event {
	return a.Event(AboutRole(kind, r, detail))
}

// AboutRole returns an event about the role that is not completed yet.
func AboutRole(kind string, r storage.RoleName, detail map[string]string) storage.Event {
	if detail == nil {
		detail = map[string]string{}
	}
	detail["role"] = r.Name
	if r.API != "" {
		detail["api"] = r.API
	} else {
		detail["client"] = r.Client
	}
	return storage.Event{Kind: kind, Detail: detail}
}

// roleOwner names a role's client or API in sentences.
func roleOwner(r storage.RoleName) string { return cmp.Or(r.API, r.Client) }
