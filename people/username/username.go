package username

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"

	"github.com/vouchsafe/vouchsafe/storage"
)

// maxLength is how long a name may be, in characters.
const maxLength = 64

var (
	// ErrName says that a text cannot be a user name.
	ErrName = errors.New("is not a user name: use letters and digits of one script, and . _ -, at most 64 characters")
	// ErrReserved says that a name is kept from people.
	ErrReserved = errors.New("is a reserved user name")
)

// Claimed is a name that may become a person's. Only Claim makes one; the zero value is none.
type Claimed struct{ name, key string }

// Claim reads a name that a person is to have. It is ErrName for what cannot be one, and
// ErrReserved for what is taken for one of the reserved names; nil stands for Reserved.
func Claim(typed string, reserved []string) (Claimed, error) {
	if len(typed) > 1024 {
		return Claimed{}, ErrName
	}
	name, err := precis.UsernameCaseMapped.String(strings.TrimFunc(typed, surrounds))
	if err != nil || utf8.RuneCountInString(name) > maxLength || strings.ContainsFunc(name, outside) || !strings.ContainsFunc(name, isWord) || !oneScript(name) {
		return Claimed{}, ErrName
	}
	key, ok := Key(name)
	if !ok {
		return Claimed{}, ErrName
	}
	if isReserved(name, reserved) {
		return Claimed{}, ErrReserved
	}
	return Claimed{name, key}, nil
}

// String is the name as it is stored and told.
func (c Claimed) String() string { return c.name }

// Key is by which the name is compared (storage.User.UsernameKey).
func (c Claimed) Key() string { return c.key }

// Skeleton is what the name has in common with those that look like it.
func (c Claimed) Skeleton() string {
	if c.key == "" {
		return ""
	}
	return Skeleton(c.key)
}

// Give makes the name that of a person.
func (c Claimed) Give(u *storage.User) {
	u.Username, u.UsernameKey, u.UsernameSkeleton = c.name, c.key, c.Skeleton()
}

// Key is the form in which names are compared: without case, compatibility forms and the space
// around them. It takes names that Claim refuses, for people have them from earlier. False
// when no name can be meant: they have letters, digits and . _ - only, and never an @, so that
// they cannot pass for an e-mail address.
func Key(typed string) (key string, ok bool) {
	if len(typed) > 1024 || !utf8.ValidString(typed) {
		return "", false
	}
	s := norm.NFKC.String(strings.TrimFunc(typed, surrounds))
	// Folding alone swaps the two cases of Cherokee; lower case settles it.
	s = norm.NFKC.String(strings.ToLower(cases.Fold().String(s)))
	if s == "" || utf8.RuneCountInString(s) > maxLength || strings.ContainsFunc(s, outside) {
		return "", false
	}
	return s, true
}

// surrounds says whether a character around a name means nothing: white space, and what
// copying brings along unseen.
func surrounds(r rune) bool {
	switch r {
	case '\u00ad', '\u200b', '\u200e', '\u200f', '\u2060', '\ufeff':
		return true
	}
	return unicode.IsSpace(r)
}

// outside says whether a character cannot be in a name.
func outside(r rune) bool { return !isWord(r) && !strings.ContainsRune("._-", r) }

// isWord says whether a character is part of words: controls, spaces, and the invisible ones
// that make two names look like one are not.
func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r) }
