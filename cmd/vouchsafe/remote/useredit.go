package remote

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// EditUser changes the record of the user in one request, and then groups, roles and the password's end one by one.
func (d Desk) EditUser(
	ctx context.Context, id string, e administration.Edit, _ bool,
) (storage.User, bool, error) {
	was, err := d.User(ctx, id)
	if err != nil {
		return was, false, err
	}
	after, changed := was, false
	if patch := patchOf(was, e); len(patch) > 0 {
		var u user
		if err := d.api.Send(ctx, http.MethodPatch, pathOf(id), patch, &u); err != nil {
			return was, false, err
		}
		after = u.record()
		changed = !after.UpdatedAt.Equal(was.UpdatedAt)
	}
	more, err := d.editAccess(ctx, id, e)
	return after, changed || more, err
}

// patchOf returns the merge patch of a user's record that the edit stands for.
func patchOf(was storage.User, e administration.Edit) map[string]any {
	patch := map[string]any{}
	for name, text := range map[string]*string{"email": e.Email, "username": e.Username, "phone_number": e.Phone} {
		if text != nil {
			patch[name] = *text
		}
	}
	// As at the command line, what is new is not verified unless the edit says so.
	unless := func(name string, verified *bool, is string, now *string) {
		switch {
		case verified != nil:
			patch[name] = *verified
		case now != nil && *now != is:
			patch[name] = false
		}
	}
	unless("email_verified", e.EmailVerified, was.Email, e.Email)
	unless("phone_number_verified", e.PhoneVerified, was.Phone, e.Phone)
	if e.Profile != nil {
		patch["profile"] = replaced(was.Profile, *e.Profile)
	}
	if e.Admin != nil {
		patch["roles"] = e.RolesAfter(was.Roles)
	}
	if len(e.Attributes) > 0 {
		patch["attributes"] = e.Attributes
	}
	return patch
}

// replaced returns the merge patch that makes one value the other, whose members are objects in JSON.
func replaced(was, now any) map[string]any {
	from, to := members(was), members(now)
	patch := map[string]any{}
	for name := range from {
		if _, stays := to[name]; !stays {
			patch[name] = nil
		}
	}
	for name, value := range to {
		if !reflect.DeepEqual(from[name], value) {
			patch[name] = value
		}
	}
	return patch
}

// members returns a value as the members of its JSON object.
func members(v any) (m map[string]any) {
	raw, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	if err != nil {
		return nil
	}
	return m
}

// editAccess changes groups, roles and the password's end, and reports whether there was anything to change.
func (d Desk) editAccess(ctx context.Context, id string, e administration.Edit) (changed bool, err error) {
	for _, memberships := range []struct {
		groups []string
		do     func(ctx context.Context, user, group string) (bool, error)
	}{{e.Join, d.Join}, {e.Leave, d.Leave}} {
		for _, g := range memberships.groups {
			did, err := memberships.do(ctx, id, g)
			if err != nil {
				return changed, err
			}
			changed = changed || did
		}
	}
	holder := storage.RoleHolder{User: id}
	for _, roles := range []struct {
		names []storage.RoleName
		do    func(ctx context.Context, r storage.RoleName, h storage.RoleHolder) error
	}{{e.Give, d.GiveRole}, {e.Take, d.TakeRole}} {
		for _, r := range roles.names {
			if err := roles.do(ctx, r, holder); err != nil {
				return changed, err
			}
			changed = true
		}
	}
	if e.NewPassword != nil {
		did, err := d.switchExpiry(ctx, id, *e.NewPassword)
		if err != nil {
			return changed, err
		}
		changed = changed || did
	}
	return changed, nil
}

// switchExpiry says whether the user's password has to be changed, and reports whether that is new.
func (d Desk) switchExpiry(ctx context.Context, id string, expired bool) (bool, error) {
	var has factors
	if err := d.api.Get(ctx, pathOf(id, "factors"), &has); err != nil {
		return false, err
	}
	verb := ":keep-password"
	if expired {
		verb = ":expire-password"
	}
	return has.PasswordExpired != expired, d.api.Send(ctx, http.MethodPost, pathOf(id)+verb, nil, nil)
}
