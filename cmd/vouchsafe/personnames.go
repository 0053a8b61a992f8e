package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/phones"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
)

var phoneNumber = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)

// giveUsername gives a person the user name that a file or a flag has for them. Products that
// know no other name than the address write it there too: that is none.
func giveUsername(u *storage.User, typed string, reserved []string) error {
	u.Username = ""
	if strings.TrimSpace(typed) == "" {
		return nil
	}
	if email, err := address.Read(typed); err == nil && email.Key() == u.EmailKey {
		return nil
	} else if err == nil {
		return fmt.Errorf("username %.80q is an e-mail address, and not theirs: users can sign in with their address anyway", typed)
	}
	name, err := username.Claim(typed, reserved)
	if errors.Is(err, username.ErrReserved) {
		return fmt.Errorf("username %.80q %w: --reserved allows it", typed, err)
	}
	if err != nil {
		return fmt.Errorf("username %.80q %w", typed, err)
	}
	name.Give(u)
	return nil
}

// checkPhone holds a number to the form that people are found by.
func checkPhone(u *storage.User) error {
	if u.Phone == "" {
		if u.PhoneVerified {
			return errors.New("phone_number_verified is true, and there is no phone_number")
		}
		return nil
	}
	if !phoneNumber.MatchString(u.Phone) {
		return fmt.Errorf("phone_number %.40q is not in international form, such as +4312345678", u.Phone)
	}
	if !u.PhoneVerified {
		return nil
	}
	switch number, err := phones.Parse(u.Phone, nil); {
	case errors.Is(err, phones.ErrNumber):
		return fmt.Errorf("phone_number %.40q is not assigned, and cannot have been verified", u.Phone)
	case err == nil:
		u.Phone = number
	}
	return nil
}

// freePhone refuses a verified number that another person has: it would name neither of them.
func freePhone(ctx context.Context, s storage.Users, u storage.User) error {
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
	return &takenPhone{other.ID}
}

// takenPhone says who has a number already.
type takenPhone struct{ by string }

func (t *takenPhone) Error() string {
	return "somebody else, " + t.by + ", has its phone_number, verified, already"
}
