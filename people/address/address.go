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
	// MaxLength is how long an address may be, in bytes (RFC 5321 section 4.5.3.1.3).
	MaxLength = 254
	// maxLocal is how long its local part may be, in bytes (section 4.5.3.1.1).
	maxLocal = 64
	// maxTyped is how much is looked at.
	maxTyped = 1024
)

// ErrAddress says that a text is not an e-mail address that people have.
var ErrAddress = errors.New("is not an e-mail address")

// Address is an e-mail address that was read. It finds accounts and their mailboxes; what
// becomes an account's is a Claimed. The zero value is no address.
type Address struct {
	local  string // as it was typed, in NFC
	domain string // in A-labels
}

// Read reads an address by which an account may be known, ErrAddress when it is none. It
// takes some that Claim refuses, for accounts have them from earlier. Space and invisible
// characters around it are left out, and full-width letters are taken for those they mean.
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

// Recipient is an address as a mail server is given it: the local part as it was typed, the
// domain in A-labels, which every mail server reads the same way. "" is none.
type Recipient string

// Recipient is where mail for the address goes.
func (a Address) Recipient() Recipient { return Recipient(a.join(a.local)) }

// Key is by which addresses are compared (storage.User.EmailKey). The case of the local part
// does not count: no mail system worth reaching tells Jo@ and jo@ apart, and people do not
// either. A +tag counts, for to whom it belongs is for the mailbox's host to say.
func (a Address) Key() string { return a.join(lower(a.local)) }

// Domain is the domain in A-labels and lower case, as settings have domains.
func (a Address) Domain() string { return a.domain }

func (a Address) join(local string) string {
	if a.domain == "" {
		return ""
	}
	return local + "@" + a.domain
}

// lower is s in lower case, in NFC. A sigma stays what it is wherever it stands.
func lower(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return norm.NFC.String(cases.Lower(language.Und, cases.HandleFinalSigma(false)).String(s))
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
