package address

import (
	"errors"
	"strings"

	"golang.org/x/net/idna"
)

// ErrDomain means that a text is not a domain that addresses can have.
var ErrDomain = errors.New("is no domain")

// domains maps domains as UTS 46 says for look-ups, non-transitional: ß, ς and joiners are kept, as
// in IDNA 2008. The rules of STD 3 and the lengths of RFC 1035 apply.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.VerifyDNSLength(true))

// Domain returns a domain in A-labels and lower case, as settings have it. It returns ErrDomain if
// typed is not a domain or has one label only.
func Domain(typed string) (string, error) {
	d, err := readDomain(strings.TrimFunc(typed, surrounds))
	if err == nil && !strings.Contains(d, ".") {
		err = ErrDomain
	}
	if err != nil {
		return "", err
	}
	return d, nil
}

// readDomain is Domain without the demand for two labels.
func readDomain(s string) (string, error) {
	// Before version 15.1, UTS 46 mapped the capital sharp s to ss; since then it maps it to ß,
	// like RFC 5895 section 2. The result must not depend on the version of the library.
	s = strings.ReplaceAll(s, "\u1e9e", "\u00df")
	d, err := domains.ToASCII(s)
	if err == nil && d != s {
		// The library checks some rules against what was typed and not against what that is mapped
		// to: ℵ is accepted among Latin letters, and is mapped to א, which is not.
		var again string
		if again, err = domains.ToASCII(d); again != d {
			err = ErrDomain
		}
	}
	if err != nil || d == "" || strings.HasSuffix(d, ".") || numeric(d[strings.LastIndexByte(d, '.')+1:]) {
		return "", ErrDomain
	}
	return d, nil
}

// numeric reports whether the last label of a domain is a number. Some mail servers read such a
// domain as an IPv4 address.
func numeric(label string) bool {
	return strings.Trim(label, "0123456789") == ""
}
