package login

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/vouchsafe/vouchsafe/login/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	maxEmail    = address.MaxLength
	maxUsername = 64 // characters
)

// claimAs reads the address that a person enters as theirs. What is wrong with it is a fault of
// the form's field, which none says when it is no address at all.
func claimAs(field, typed, none string) (address.Claimed, error) {
	c, err := address.Claim(typed)
	switch {
	case errors.Is(err, address.ErrSpecial):
		return c, invalidf(field, "email.special")
	case err != nil:
		return c, invalidf(field, none)
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

// NormalUsername is the form in which user names are compared
// (storage.User.UsernameKey). False when it cannot be one: they have letters, digits
// and . _ - only, and never an @, so that they cannot pass for an e-mail address.
func NormalUsername(s string) (key string, ok bool) {
	s, ok = folded(s)
	if !ok || s == "" || utf8.RuneCountInString(s) > maxUsername {
		return "", false
	}
	for _, r := range s {
		if !wordRune(r) && !strings.ContainsRune("._-", r) {
			return "", false
		}
	}
	return s, true
}

// normalName is the key of what somebody typed who may mean either.
func normalName(s string) (key string, ok bool) {
	if a, err := address.Read(s); err == nil {
		return a.Key(), true
	}
	return NormalUsername(s)
}

// folded is s without what people do not see or mean: surrounding space, compatibility
// forms, case. False when it is too long to be looked at, or not text.
func folded(s string) (string, bool) {
	if len(s) > 1024 || !utf8.ValidString(s) {
		return "", false
	}
	s = norm.NFKC.String(strings.TrimSpace(s))
	// Folding alone swaps the two cases of Cherokee; lower case settles it.
	s = norm.NFKC.String(strings.ToLower(cases.Fold().String(s)))
	return s, true
}

// wordRune says whether r is part of words: controls, spaces, and the invisible
// characters that make two names look like one are not.
func wordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r)
}
