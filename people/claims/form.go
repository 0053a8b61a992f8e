package claims

import (
	"net/url"
	"regexp"
	"time"

	"golang.org/x/text/language"
)

// Form is the form of a text.
type Form int

// The forms of texts.
const (
	Plain    Form = iota // one line
	Lines                // several lines
	URL                  // an https URL
	Date                 // a day, a year, or a day of the year 0000
	Zone                 // a time zone of the IANA database
	Language             // a language tag (BCP 47)
)

// Fault returns the id of the text that says what is wrong with a value, or "". An empty value is
// never wrong.
func (f Form) Fault(value string) string {
	if value == "" {
		return ""
	}
	switch f {
	case URL:
		if !secureURL(value) {
			return "profile.url"
		}
	case Date:
		if !date(value) {
			return "profile.date"
		}
	case Zone: // not every machine has the list of zones
		if !zoneNames.MatchString(value) {
			return "profile.zone"
		}
	case Language:
		if _, err := language.Parse(value); err != nil {
			return "profile.language"
		}
	}
	return ""
}

// secureURL reports whether s is an absolute https URL without a user name.
func secureURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil
}

// birthdates and zoneNames match the forms of birthdate and zoneinfo.
var (
	birthdates = regexp.MustCompile(`^(\d{4}|\d{4}-\d{2}-\d{2})$`)
	zoneNames  = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*){0,2}$`)
)

// date reports whether s has one of the forms of OpenID Connect Core section 5.1: a day, a year, or
// a day of the year 0000 for users who do not give the year.
func date(s string) bool {
	full := s
	if len(s) == 4 {
		full += "-01-01"
	}
	_, err := time.Parse(time.DateOnly, full)
	return err == nil && birthdates.MatchString(s)
}
