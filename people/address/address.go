package address

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

const (
	// MaxLength is the maximum length of an address, in bytes (RFC 5321 section 4.5.3.1.3).
	MaxLength = 254
	// maxLocal is the maximum length of the local part, in bytes (section 4.5.3.1.1).
	maxLocal = 64
	// maxTyped is the maximum length of the text that is read, in bytes.
	maxTyped = 1024
)

// ErrAddress means that a text is not an email address that a user can have.
var ErrAddress = errors.New("is not an email address")

// Address is an e-mail address that was read. It serves to find accounts and their mailboxes; an
// address that becomes an account's is a Claimed. The zero value is no address.
type Address struct {
	local  string // as it was typed, in NFC
	domain string // in A-labels
}

// Read reads an address by which an account may be known. It returns ErrAddress if it is not one.
// It accepts some addresses that Claim refuses, because accounts may have them from earlier. White
// space and invisible characters at the ends are dropped, and full-width letters are converted.
// Quoted local parts and address literals are refused.
func Read(typed string) (Address, error) {
	if len(typed) > maxTyped || !utf8.ValidString(typed) {
		return Address{}, ErrAddress
	}
	s := strings.TrimFunc(width.Fold.String(typed), surrounds)
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return Address{}, ErrAddress
	}
	local := norm.NFC.String(s[:at])
	domain, err := readDomain(s[at+1:])
	if err != nil || local == "" || len(local) > maxLocal || strings.ContainsFunc(local, notAtext) {
		return Address{}, ErrAddress
	}
	a := Address{local, domain}
	if len(a.Recipient()) > MaxLength || len(a.Key()) > MaxLength {
		return Address{}, ErrAddress
	}
	return a, nil
}

// Recipient is an address in the form that mail servers get: the local part as it was typed, and
// the domain in A-labels, which all mail servers read the same way. "" is no address.
type Recipient string

// Recipient returns the address to which mail is sent.
func (a Address) Recipient() Recipient { return Recipient(a.join(a.local)) }

// Key returns the form by which addresses are compared (storage.User.EmailKey). The case of the
// local part does not count: mail systems do not tell Jo@ and jo@ apart, and neither do users. A
// +tag counts, because only the mail system knows which mailbox it belongs to.
func (a Address) Key() string { return a.join(lower(a.local)) }

// Domain returns the domain in A-labels and lower case, as settings have domains.
func (a Address) Domain() string { return a.domain }

// join returns the local part and the domain as an address, or "" for the zero value.
func (a Address) join(local string) string {
	if a.domain == "" {
		return ""
	}
	return local + "@" + a.domain
}

// lower returns s in lower case and NFC. It does not give a sigma at the end of a word its other
// form.
func lower(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return norm.NFC.String(cases.Lower(language.Und, cases.HandleFinalSigma(false)).String(s))
}

// isASCII reports whether s is ASCII.
func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
