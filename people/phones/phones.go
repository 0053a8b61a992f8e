// Package phones reads phone numbers that users type, and decides which of them can get text
// messages.
package phones

import (
	"errors"
	"slices"

	"github.com/nyaruka/phonenumbers"
)

var (
	// ErrNumber means that a text is not a phone number.
	ErrNumber = errors.New("no phone number")
	// ErrKind means that a number cannot get text messages, or is of a kind that is expensive for
	// the sender: premium rate, shared cost, pager.
	ErrKind = errors.New("not the number of a mobile phone")
	// ErrRegion means that a number belongs to a country that the tenant does not allow.
	ErrRegion = errors.New("a number of another country")
)

// maxText bounds the length of the text that is read, in bytes.
const maxText = 64

// Parse returns the number of a mobile phone in E.164. regions are the ISO 3166 codes of the
// countries that it may belong to; without any, all are allowed. A number without a country code
// belongs to the first of them. Parse returns ErrNumber, ErrKind or ErrRegion.
func Parse(text string, regions []string) (string, error) {
	home := ""
	if len(regions) > 0 {
		home = regions[0]
	}
	if len(text) > maxText {
		return "", ErrNumber
	}
	n, err := phonenumbers.Parse(text, home)
	if err != nil || n.GetExtension() != "" || !phonenumbers.IsValidNumber(n) {
		return "", ErrNumber
	}
	if len(regions) > 0 && !slices.Contains(regions, phonenumbers.GetRegionCodeForNumber(n)) {
		return "", ErrRegion
	}
	switch phonenumbers.GetNumberType(n) {
	// the numbers of the United States do not show the difference
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return phonenumbers.Format(n, phonenumbers.E164), nil
	}
	return "", ErrKind
}

// IsRegion reports whether code is the ISO 3166 code of a country that has phone numbers.
func IsRegion(code string) bool { return phonenumbers.GetSupportedRegions()[code] }
