package password

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/people/password/strength"
)

// MinLength is the minimum length of a new password, in characters: the default of Policy, and the
// least that it accepts (NIST SP 800-63B section 3.1.1.2).
const MinLength = 8

// MinScore is the default minimum strength.Score of a new password. It refuses passwords that are found
// within a million guesses.
const MinScore = 2

// The errors of Policy.Check. Their text is in English and for developers; pages have texts of
// their own for each.
var (
	ErrTooShort = errors.New("the password is too short")
	ErrTooLong  = errors.New("the password is too long")
	// ErrIsName means that the password is a name or address of the user, or a part of one.
	ErrIsName = errors.New("the password is a name of its account")
	// ErrCommon means that the password is among those that attackers try first.
	ErrCommon = errors.New("the password is a very common one")
	// ErrWeak means that the strength.Score of the password is less than the minimum.
	ErrWeak = errors.New("the password is easy to guess")
	// ErrBreached means that Breaches knows the password.
	ErrBreached = errors.New("the password is known from a breach")
)

// Refused reports whether err is one of the errors above.
func Refused(err error) bool {
	for _, e := range []error{ErrTooShort, ErrTooLong, ErrIsName, ErrCommon, ErrWeak, ErrBreached} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// uncommonGuesses is the decimal logarithm of the number of guesses from which a password is not
// treated as common, even if strength.Common says so: that function is wrong for one of 16,384 passwords.
const uncommonGuesses = 16

// Policy decides which new passwords are good enough (NIST SP 800-63B section 3.1.1.2). It has no
// rules about kinds of characters. The zero value is ready for use.
type Policy struct {
	// MinLength is the minimum length in characters. The default, and the least that has an effect,
	// is the constant MinLength.
	MinLength int
	// MinScore is the minimum strength.Score. 0 means none.
	MinScore int
	// Breaches are asked last. If it is nil, no breach is known.
	Breaches Breaches
}

// Breaches knows passwords from breaches of other sites. Package breaches asks a service for them.
type Breaches interface {
	Knows(ctx context.Context, password string) bool
}

// Shortest returns the minimum length in force, in characters.
func (p *Policy) Shortest() int { return max(MinLength, p.MinLength) }

// Check returns an error that wraps one of the errors above if the new password is not good enough.
// about are names and addresses of the user.
func (p *Policy) Check(ctx context.Context, password string, about ...string) error {
	if len(password) > MaxLength {
		return fmt.Errorf("%w: use at most %d bytes", ErrTooLong, MaxLength)
	}
	password = composed(password)
	switch {
	case utf8.RuneCountInString(password) < p.Shortest():
		return fmt.Errorf("%w: use at least %d characters, for example a few words", ErrTooShort, p.Shortest())
	case isPart(password, about):
		return fmt.Errorf("%w: use something that is not a name or an address", ErrIsName)
	case strength.Common(password) && strength.Guesses(password, nil) < uncommonGuesses:
		return fmt.Errorf("%w, which attackers try first: use something of your own, for example four words that do "+
			"not belong together", ErrCommon)
	case p.MinScore > 0 && strength.Score(password, about...) < p.MinScore:
		return fmt.Errorf("%w: make it longer, for example with another word or two that do not belong to it", ErrWeak)
	case p.Breaches != nil && p.Breaches.Knows(ctx, password):
		return fmt.Errorf("%w at another site: use one that you have used nowhere else", ErrBreached)
	}
	return nil
}

// isPart reports whether the password is one of the names or a part of one, in upper or lower case.
func isPart(password string, about []string) bool {
	folded := strings.ToLower(password)
	for _, a := range about {
		for _, part := range strength.Parts(a) {
			if part == folded {
				return true
			}
		}
	}
	return false
}
