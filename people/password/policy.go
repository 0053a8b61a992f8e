package password

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// MinLength is the least length of a new password, in characters: what Policy has by default, and as
// little as it can be told (NIST SP 800-63B section 3.1.1.2).
const MinLength = 8

// MinScore is the least Score of a new password by default: not to be guessed in a
// hundred million tries would be 3; this keeps out what falls within a million.
const MinScore = 2

// What can be wrong with a new password. The text of an error that Policy.Check gives is
// for people: it says what to choose instead.
var (
	ErrTooShort = errors.New("the password is too short")
	ErrTooLong  = errors.New("the password is too long")
	// ErrIsName says that it is the person's name or address, or a part of one.
	ErrIsName = errors.New("the password is a name of its account")
	// ErrCommon says that it is among those that are tried first.
	ErrCommon = errors.New("the password is a very common one")
	// ErrWeak says that its Score is below the least.
	ErrWeak = errors.New("the password is easy to guess")
	// ErrBreached says that Breaches knows it.
	ErrBreached = errors.New("the password is known from a breach")
)

// uncommonGuesses is the decimal logarithm of the guesses from which a password is none of the
// common ones, whatever common says: it takes one of 16,384 others for one.
const uncommonGuesses = 16

// Policy says which new passwords are good enough (NIST SP 800-63B section 3.1.1.2).
// There are no rules on what characters they are of. The zero value is ready.
type Policy struct {
	// MinLength is the least length, in characters. Default, and least, MinLength.
	MinLength int
	// MinScore is the least Score. 0 asks for none.
	MinScore int
	// Breaches is asked last. Default: nobody is.
	Breaches *Breaches
}

// Shortest is the least length in force.
func (p *Policy) Shortest() int { return max(MinLength, p.MinLength) }

// Check says what is wrong with a new password of somebody with the given names and
// addresses, if something is.
func (p *Policy) Check(ctx context.Context, password string, about ...string) error {
	if len(password) > MaxLength {
		return fmt.Errorf("%w: use at most %d bytes", ErrTooLong, MaxLength)
	}
	password = composed(password)
	switch {
	case length(password) < p.Shortest():
		return fmt.Errorf("%w: use at least %d characters, for example a few words", ErrTooShort, p.Shortest())
	case isPart(password, about):
		return fmt.Errorf("%w: use something that is not a name or an address", ErrIsName)
	case common(password) && guesses(password, nil) < uncommonGuesses:
		return fmt.Errorf("%w, which attackers try first: use something of your own, for example four words that do not belong together", ErrCommon)
	case p.MinScore > 0 && Score(password, about...) < p.MinScore:
		return fmt.Errorf("%w: make it longer, for example with another word or two that do not belong to it", ErrWeak)
	case p.Breaches.know(ctx, password):
		return fmt.Errorf("%w at another site: use one that you have used nowhere else", ErrBreached)
	}
	return nil
}

// isPart says whether the password is one of the names, or a part of one, whatever the
// case of its letters.
func isPart(password string, about []string) bool {
	folded := strings.ToLower(password)
	for _, a := range about {
		for _, part := range parts(a) {
			if part == folded {
				return true
			}
		}
	}
	return false
}
