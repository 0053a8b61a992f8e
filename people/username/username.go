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

// maxLength is the maximum length of a name, in characters.
const maxLength = 64

var (
	// ErrName means that a text cannot be a user name.
	ErrName = errors.New("is not a username: use letters and digits of one script, and . _ -, at most 64 characters")
	// ErrReserved means that users may not take a name.
	ErrReserved = errors.New("is a reserved username")
)

// Claimed is a name that may become a user's. Only Claim makes one. The zero value is no name.
type Claimed struct{ name, key string }

// Claim reads a name that a user is to get. It returns ErrName if it cannot be a name, and
// ErrReserved if it looks like one of the reserved names. A nil list stands for Reserved.
func Claim(typed string, reserved []string) (Claimed, error) {
	if len(typed) > 1024 {
		return Claimed{}, ErrName
	}
	name, err := precis.UsernameCaseMapped.String(strings.TrimFunc(typed, surrounds))
	if err != nil || utf8.RuneCountInString(name) > maxLength || strings.ContainsFunc(name, outside) ||
		!strings.ContainsFunc(name, isWord) || !oneScript(name) {
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

// String returns the name as it is stored and shown.
func (c Claimed) String() string { return c.name }

// Key returns the form by which names are compared (storage.User.UsernameKey).
func (c Claimed) Key() string { return c.key }

// Skeleton returns the form that names which look alike have in common, or "" for the zero value.
func (c Claimed) Skeleton() string {
	if c.key == "" {
		return ""
	}
	return Skeleton(c.key)
}

// Give sets the user's name, key and skeleton.
func (c Claimed) Give(u *storage.User) {
	u.Username, u.UsernameKey, u.UsernameSkeleton = c.name, c.key, c.Skeleton()
}

// Key returns the form in which names are compared: without case, compatibility forms, and white
// space at the ends. It accepts names that Claim refuses, because accounts may have them from
// earlier. It reports false if typed cannot be a name. Names consist of letters, digits and . _ -
// and never contain an @, so that they cannot be confused with e-mail addresses.
func Key(typed string) (key string, ok bool) {
	if len(typed) > 1024 || !utf8.ValidString(typed) {
		return "", false
	}
	s := norm.NFKC.String(strings.TrimFunc(typed, surrounds))
	// Case folding alone swaps the two cases of Cherokee. Lower case corrects that.
	s = norm.NFKC.String(strings.ToLower(cases.Fold().String(s)))
	if s == "" || utf8.RuneCountInString(s) > maxLength || strings.ContainsFunc(s, outside) {
		return "", false
	}
	return s, true
}

// surrounds reports whether a character at either end of a name is dropped: white space, and
// invisible characters that copying adds.
func surrounds(r rune) bool {
	switch r {
	case '\u00ad', '\u200b', '\u200e', '\u200f', '\u2060', '\ufeff':
		return true
	}
	return unicode.IsSpace(r)
}

// outside reports whether a character cannot be part of a name.
func outside(r rune) bool { return !isWord(r) && !strings.ContainsRune("._-", r) }

// isWord reports whether a character is a letter, mark or number. Controls, spaces and invisible
// characters, which can make two names look the same, are not.
func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r) }
