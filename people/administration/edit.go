package administration

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Edit changes what is known about the user, and returns the user as they are then. allowReserved also lets
// pass usernames that the tenant reserves. An edit that breaks a rule, or that gives the user the address or
// the name of another one, is an *importing.Fault. Codes and links that wait for the user are void after a
// change of the address or the number. Sessions go on. What was changed about the user meanwhile stays.
func (s *Accounts) Edit(
	ctx context.Context, a people.Asker, id string, e importing.Edit, allowReserved bool,
) (storage.User, error) {
	for {
		u, err := s.edit(ctx, a, id, e, allowReserved)
		if !errors.Is(err, storage.ErrStale) {
			return u, err
		}
	}
}

// edit is Edit for a user who does not change meanwhile: otherwise it returns storage.ErrStale.
func (s *Accounts) edit(
	ctx context.Context, a people.Asker, id string, e importing.Edit, allowReserved bool,
) (storage.User, error) {
	before, err := s.Store.User(ctx, a.Tenant.ID, id)
	if err != nil {
		return before, err
	}
	rules := importing.Rules{
		Tenant: a.Tenant.ID, Roles: true, Reserved: a.Tenant.Settings.SignUp.ReservedUsernames, Now: time.Now(),
	}
	if allowReserved {
		rules.Reserved = []string{}
	}
	u := before
	if err := e.Change(&u, rules); err != nil {
		return before, err
	}
	kinds := changesOf(before, u)
	if len(kinds) == 0 {
		return before, nil
	}
	if err := importing.CheckFree(ctx, s.Store, u); err != nil {
		return before, err
	}
	ch := storage.Change{
		TenantID: a.Tenant.ID, UserID: id, Now: rules.Now, Update: &u, UpdateOf: before.UpdatedAt,
		ForgetCodes: u.EmailKey != before.EmailKey || u.Phone != before.Phone,
	}
	for _, kind := range kinds {
		ch.Events = append(ch.Events, a.Event(storage.Event{Kind: kind, UserID: id}))
	}
	err = s.Store.Apply(ctx, ch)
	if errors.Is(err, storage.ErrExists) {
		err = importing.Taken(u)
	}
	return u, err
}

// changesOf returns the kinds of events that tell the difference between the users.
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
