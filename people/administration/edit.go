package administration

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/attributes"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Edit is what an administrator changes about a user, all of it or nothing.
type Edit struct {
	importing.Edit
	Join, Leave []string // ids of groups
	Give, Take  []storage.RoleName
	// Attributes are set; those that are nil are removed.
	Attributes map[string]any
	// NewPassword says whether the user has to choose a new password at the next sign-in by password; nil leaves
	// it as it is.
	NewPassword *bool
}

// Edit changes what is known about the user, and returns the user as they are then, and whether there was anything to
// change. allowReserved also lets pass usernames that the tenant reserves. All that breaks a rule is importing.Faults;
// the address or the name of another user is an *importing.Fault. Codes and links that wait for the user are void after
// a change of the address or the number. Sessions go on. What was changed about the user meanwhile stays.
// storage.ErrStale: the user is not any more what people.Asker.Judged says.
func (s *Accounts) Edit(
	ctx context.Context, a people.Asker, id string, e Edit, allowReserved bool,
) (after storage.User, changed bool, err error) {
	for {
		u, ch, err := s.edit(ctx, a, id, e, allowReserved)
		if err != nil || len(ch.Events) == 0 {
			return u, false, err
		}
		err = s.Store.Apply(ctx, ch)
		if errors.Is(err, storage.ErrStale) {
			continue
		}
		if errors.Is(err, storage.ErrExists) {
			err = s.taken(ctx, u, ch.Unique, err)
		}
		return u, err == nil, err
	}
}

// taken returns the fault of a user who would have what another user has.
func taken(u storage.User, ch storage.Change) error {
	if len(ch.Unique) > 0 {
		return importing.NewFault("attributes", "attributes.taken", "another user already has the address, the username or "+
			"one of the values of %s", strings.Join(slices.Sorted(maps.Keys(ch.Unique)), ", "))
	}
	return importing.Taken(u)
}

// edit returns the user as they are after the edit, and the change that makes it. The change has no events if there
// is nothing to change.
func (s *Accounts) edit(
	ctx context.Context, a people.Asker, id string, e Edit, allowReserved bool,
) (storage.User, storage.Change, error) {
	ch := storage.Change{TenantID: a.Tenant.ID, UserID: id, Now: time.Now(), RoleWas: a.RoleWas(id)}
	u, err := s.judged(ctx, a, id)
	if err != nil {
		return u, ch, err
	}
	if err := s.editRecord(ctx, a, &u, e, allowReserved, &ch); err != nil {
		return u, ch, err
	}
	if err := s.editGroups(ctx, a, id, e, &ch); err != nil {
		return u, ch, err
	}
	if err := s.editRoles(ctx, a, id, e, &ch); err != nil {
		return u, ch, err
	}
	return u, ch, s.editPassword(ctx, a, id, e, &ch)
}

// editRecord changes the user's record, and adds that to the change.
func (s *Accounts) editRecord(
	ctx context.Context, a people.Asker, u *storage.User, e Edit, allowReserved bool, ch *storage.Change,
) error {
	rules := importing.Rules{
		Tenant: a.Tenant.ID, Roles: true, Reserved: a.Tenant.Settings.SignUp.ReservedUsernames, Now: ch.Now,
	}
	if allowReserved {
		rules.Reserved = []string{}
	}
	before := *u
	err := importing.Collect(
		func() error { return e.Edit.Change(u, rules) },
		func() error {
			if e.Attributes == nil {
				return nil
			}
			checked, err := attributes.Change(a.Tenant.Settings.Attributes, u.Attributes, e.Attributes)
			if err != nil {
				return importing.AttributeFaults(err)
			}
			u.Attributes, ch.Unique = checked.Values, checked.Unique
			return nil
		},
	)
	if err != nil {
		return err
	}
	note := func(kind string, detail map[string]string) {
		ch.Events = append(ch.Events, a.Event(storage.Event{Kind: kind, UserID: u.ID, Detail: detail}))
	}
	for _, kind := range changesOf(before, *u) {
		note(kind, nil)
	}
	if names := differing(before.Attributes, u.Attributes); len(names) > 0 {
		note(storage.EventAttributesChanged, map[string]string{"attributes": strings.Join(names, " ")})
	}
	if len(ch.Events) == 0 {
		*u, ch.Unique = before, nil
		return nil
	}
	ch.Update, ch.UpdateOf = u, before.UpdatedAt
	ch.ForgetCodes = u.EmailKey != before.EmailKey || u.Phone != before.Phone
	return importing.CheckFree(ctx, s.Store, *u)
}

// editGroups adds to the change what groups the user joins and leaves.
func (s *Accounts) editGroups(ctx context.Context, a people.Asker, id string, e Edit, ch *storage.Change) error {
	if len(e.Join)+len(e.Leave) == 0 {
		return nil
	}
	have, err := s.Store.MembershipsOf(ctx, a.Tenant.ID, id)
	if err != nil {
		return err
	}
	for _, group := range e.Leave {
		if slices.ContainsFunc(have, func(m storage.Membership) bool { return m.GroupID == group }) {
			ch.Leave = append(ch.Leave, storage.Membership{GroupID: group, Upstream: storage.AllIDs})
			ch.Events = append(ch.Events, userGroupEvent(a, storage.EventGroupLeft, id, group))
		}
	}
	for _, group := range e.Join {
		if _, err := s.Store.Group(ctx, a.Tenant.ID, group); err != nil {
			return missing(err, "group", "group.missing", "there is no group %s", group)
		}
		if !slices.ContainsFunc(have, func(m storage.Membership) bool { return m.GroupID == group && m.Upstream == "" }) {
			ch.Join = append(ch.Join, storage.Membership{GroupID: group})
			ch.Events = append(ch.Events, userGroupEvent(a, storage.EventGroupJoined, id, group))
		}
	}
	return nil
}

// editRoles adds to the change what roles the user is given and loses.
func (s *Accounts) editRoles(ctx context.Context, a people.Asker, id string, e Edit, ch *storage.Change) error {
	if len(e.Give)+len(e.Take) == 0 {
		return nil
	}
	have, err := s.Store.RolesGiven(ctx, a.Tenant.ID, storage.RoleHolder{User: id})
	if err != nil {
		return err
	}
	for _, r := range e.Take {
		if slices.Contains(have, r) {
			ch.TakeRoles = append(ch.TakeRoles, r)
			ch.Events = append(ch.Events, holderEvent(a, r, storage.RoleHolder{User: id}, storage.EventRoleTaken, ""))
		}
	}
	for _, r := range e.Give {
		if _, err := s.Store.Role(ctx, a.Tenant.ID, r); err != nil {
			return missing(err, "role", "role.missing", "there is no role %s at %s", r.Name, roleOwner(r))
		}
		if !slices.Contains(have, r) {
			ch.GiveRoles = append(ch.GiveRoles, r)
			ch.Events = append(ch.Events, holderEvent(a, r, storage.RoleHolder{User: id}, storage.EventRoleGiven, ""))
		}
	}
	return nil
}

// missing returns a fault if the error is storage.ErrNotFound, and the error otherwise.
func missing(err error, field, id, format string, args ...any) error {
	if errors.Is(err, storage.ErrNotFound) {
		return importing.NewFault(field, id, format, args...)
	}
	return err
}

// userGroupEvent returns an event about a user and a group.
func userGroupEvent(a people.Asker, kind, userID, group string) storage.Event {
	return a.Event(storage.Event{Kind: kind, UserID: userID, Detail: map[string]string{"group": group}})
}

// editPassword adds to the change whether the user has to choose a new password.
func (s *Accounts) editPassword(ctx context.Context, a people.Asker, id string, e Edit, ch *storage.Change) error {
	if e.NewPassword == nil {
		return nil
	}
	cred, err := s.Store.Credential(ctx, a.Tenant.ID, id, storage.PasswordCredential, "")
	if err != nil {
		return missing(err, "password", "password.missing", "the user has no password")
	}
	if *e.NewPassword == !cred.ExpiresAt.IsZero() {
		return nil
	}
	was := cred.Data
	cred.ExpiresAt, cred.UpdatedAt = time.Time{}, ch.Now
	if *e.NewPassword {
		cred.ExpiresAt = ch.Now
		ch.Events = append(ch.Events, a.Event(storage.Event{Kind: storage.EventPasswordExpired, UserID: id}))
	} else {
		ch.Events = append(ch.Events, a.Event(storage.Event{Kind: storage.EventPasswordKept, UserID: id}))
	}
	ch.Swap = append(ch.Swap, storage.CredentialSwap{Credential: cred, Was: was})
	return nil
}

// differing returns the names of the attributes that differ, in order.
func differing(before, after map[string]any) (names []string) {
	all := maps.Clone(before)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, after)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !reflect.DeepEqual(before[name], after[name]) {
			names = append(names, name)
		}
	}
	return names
}

// changesOf returns the kinds of events that tell the difference between the users, but for attributes.
func changesOf(before, after storage.User) (kinds []string) {
	switch {
	case before.Email != after.Email, before.EmailVerified && !after.EmailVerified:
		kinds = append(kinds, storage.EventEmailChanged)
	case !before.EmailVerified && after.EmailVerified:
		kinds = append(kinds, storage.EventEmailConfirmed)
	}
	switch {
	case before.Phone != "" && after.Phone == "":
		kinds = append(kinds, storage.EventPhoneRemoved)
	case before.Phone != after.Phone, before.PhoneVerified != after.PhoneVerified:
		kinds = append(kinds, storage.EventPhoneChanged)
	}
	if before.Username != after.Username || !reflect.DeepEqual(before.Profile, after.Profile) ||
		!reflect.DeepEqual(before.Roles, after.Roles) {
		kinds = append(kinds, storage.EventProfileChanged)
	}
	return kinds
}
