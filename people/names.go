package people

import (
	"errors"
	"slices"

	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
)

const maxEmail = address.MaxLength

// claimAs reads the address that a person enters as theirs. What is wrong with it is a fault of
// the form's field, which none says when it is no address at all.
func claimAs(field, typed, none string) (address.Claimed, error) {
	c, err := address.Claim(typed)
	switch {
	case errors.Is(err, address.ErrSpecial):
		return c, Invalid(field, "email.special")
	case err != nil:
		return c, Invalid(field, none)
	}
	return c, nil
}

// recipientOf is where a person reads mail; "" when nothing can be sent there.
func recipientOf(u storage.User) address.Recipient {
	a, err := address.Read(u.Email)
	if err != nil {
		return ""
	}
	return a.Recipient()
}

// normalName is the key of what somebody typed who may mean either.
func normalName(s string) (key string, ok bool) {
	if a, err := address.Read(s); err == nil {
		return a.Key(), true
	}
	return username.Key(s)
}

// ofDomain says whether the address is of one of the domains, or may be of any.
func ofDomain(email address.Claimed, domains []string) bool {
	return len(domains) == 0 || slices.Contains(domains, email.Domain())
}
