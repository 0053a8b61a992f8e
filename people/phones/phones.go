// Package phones reads phone numbers that people write, and knows which can be sent a text
// message.
package phones

import (
	"errors"
	"slices"

	"github.com/nyaruka/phonenumbers"
)

var (
	// ErrNumber says that it is no phone number.
	ErrNumber = errors.New("no phone number")
	// ErrKind says that it is one that gets no text messages, or one of those that cost
	// whoever sends there dearly: premium rates, shared costs, pagers.
	ErrKind = errors.New("not the number of a mobile phone")
	// ErrRegion says that it is of a country that is not wanted.
	ErrRegion = errors.New("a number of another country")
)

// maxText bounds what is read.
const maxText = 64

// Parse gives a mobile phone's number in E.164. regions are the ISO 3166 codes of the
// countries it may be of, any when there are none; of the first are numbers that do not say
// theirs.
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
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE: // the United States do not tell them apart
		return phonenumbers.Format(n, phonenumbers.E164), nil
	}
	return "", ErrKind
}

// IsRegion says whether a country of this ISO 3166 code has phone numbers.
func IsRegion(code string) bool { return phonenumbers.GetSupportedRegions()[code] }
