package importing

import (
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Edit is what an administrator changes about a user. nil leaves a field as it is, and "" empties it.
type Edit struct {
	Email, Username, Phone       *string
	EmailVerified, PhoneVerified *bool
	Profile                      *storage.Profile // all of it
	Admin                        *bool
	Roles                        *[]string // all of them
}

// Change changes the user by the rules that hold for rows. All that is wrong is an error of type Faults. An address
// or a number that is new is not verified unless the edit says so.
func (e Edit) Change(u *storage.User, rules Rules) error {
	u.UpdatedAt = rules.Now
	return Collect(
		func() error { return e.changeEmail(u) },
		func() error { return e.changeUsername(u, rules) },
		func() error { return e.changePhone(u) },
		func() error {
			u.Roles = e.RolesAfter(u.Roles)
			if e.Profile == nil {
				return nil
			}
			u.Profile = *e.Profile
			return checkTexts(*u)
		},
	)
}

// changeUsername changes the username. The user must keep an address or a username.
func (e Edit) changeUsername(u *storage.User, rules Rules) error {
	if e.Username != nil && *e.Username != u.Username {
		u.Username, u.UsernameKey, u.UsernameSkeleton = "", "", ""
		if err := giveUsername(u, *e.Username, rules.Reserved); err != nil {
			return err
		}
	}
	if u.Username == "" && u.Email == "" && (e.Email == nil || strings.TrimSpace(*e.Email) == "") {
		return ofRule("names.missing", "neither an email address nor a username would be left")
	}
	return nil
}

// RolesAfter returns the roles of a user after the edit, who has these now.
func (e Edit) RolesAfter(roles []string) []string {
	if e.Admin != nil {
		roles = slices.DeleteFunc(slices.Clone(roles), func(r string) bool { return r == storage.RoleAdmin })
		if *e.Admin {
			roles = append(roles, storage.RoleAdmin)
		}
	}
	if e.Roles != nil {
		roles = *e.Roles
	}
	return roles
}

// changeEmail changes the address, and whether it is verified.
func (e Edit) changeEmail(u *storage.User) error {
	if e.Email != nil && *e.Email != u.Email {
		before := u.EmailKey
		address.Claimed{}.Give(u) // none
		if strings.TrimSpace(*e.Email) != "" {
			email, err := address.Claim(*e.Email)
			if err != nil {
				return ofRule("email.form", "email %.80q %v", *e.Email, err)
			}
			email.Give(u)
		}
		u.EmailVerified = u.EmailVerified && u.EmailKey == before
	}
	if e.EmailVerified != nil {
		u.EmailVerified = *e.EmailVerified
	}
	if u.EmailVerified && u.Email == "" {
		return ofRule("email.missing", "an email address that does not exist cannot be verified")
	}
	return nil
}

// changePhone changes the number, and whether it is verified.
func (e Edit) changePhone(u *storage.User) error {
	if e.Phone == nil && e.PhoneVerified == nil {
		return nil
	}
	if e.Phone != nil && *e.Phone != u.Phone {
		u.Phone, u.PhoneVerified = *e.Phone, false
	}
	if e.PhoneVerified != nil {
		u.PhoneVerified = *e.PhoneVerified
	}
	return checkPhone(u)
}
