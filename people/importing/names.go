package importing

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/phones"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
)

var phoneNumber = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)

// giveUsername gives the user the name that a file or an administrator has for them. Products that know
// no other name than the address write the address there, too: that is no user name.
func giveUsername(u *storage.User, typed string, reserved []string) error {
	u.Username = ""
	if strings.TrimSpace(typed) == "" {
		return nil
	}
	if email, err := address.Read(typed); err == nil && email.Key() == u.EmailKey {
		return nil
	} else if err == nil {
		return ofRule("username.address",
			"username %.80q is an email address, but not theirs: users can sign in with their address anyway", typed)
	}
	name, err := username.Claim(typed, reserved)
	if errors.Is(err, username.ErrReserved) {
		return ofRule("username.reserved", "username %.80q %v", typed, err)
	}
	if err != nil {
		return ofRule("username.form", "username %.80q %v", typed, err)
	}
	name.Give(u)
	return nil
}

// checkPhone checks that the number is in the form by which users are found.
func checkPhone(u *storage.User) error {
	if u.Phone == "" {
		if u.PhoneVerified {
			return ofRule("phone_number.missing", "phone_number_verified is true, and there is no phone_number")
		}
		return nil
	}
	if !phoneNumber.MatchString(u.Phone) {
		return ofRule("phone_number.form", "phone_number %.40q is not in international form, such as +4312345678", u.Phone)
	}
	if !u.PhoneVerified {
		return nil
	}
	switch number, err := phones.Parse(u.Phone, nil); {
	case errors.Is(err, phones.ErrNumber):
		return ofRule("phone_number.unassigned", "phone_number %.40q is not assigned, and cannot have been verified", u.Phone)
	case err == nil:
		u.Phone = number
	}
	return nil
}

// CheckFree refuses a verified number that another user has, with a Fault: the number would name neither
// of them.
func CheckFree(ctx context.Context, s storage.Users, u storage.User) error {
	if !u.PhoneVerified {
		return nil
	}
	other, err := s.UserByPhone(ctx, u.TenantID, u.Phone)
	switch {
	case errors.Is(err, storage.ErrNotFound), err == nil && other.ID == u.ID:
		return nil
	case err != nil:
		return err
	}
	return ofRule("phone_number.taken", "another user, %s, already has this phone_number, verified", other.ID)
}
