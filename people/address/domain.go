package address

import (
	"errors"
	"strings"

	"golang.org/x/net/idna"
)

// ErrDomain says that a text is no domain that addresses have.
var ErrDomain = errors.New("is no domain")

// domains maps as UTS 46 has it for looking up, non-transitional: ß, ς and joiners stay what
// they are, as in IDNA 2008. The rules of STD 3 hold, and the lengths of RFC 1035.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.VerifyDNSLength(true))

// Domain reads a domain of addresses, as settings have them: in A-labels and lower case, and
// not of one label alone.
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

func readDomain(s string) (string, error) {
	// Until version 15.1 UTS 46 took the capital sharp s for ss, since then, like RFC 5895
	// section 2, for ß: readers differ by their age.
	s = strings.ReplaceAll(s, "\u1e9e", "\u00df")
	d, err := domains.ToASCII(s)
	if err == nil && d != s {
		// The rules are held against what was typed, not always against what it stands for:
		// ℵ is let in among Latin letters, and stands for א, which is not.
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

// numeric says whether a last label makes an IPv4 address of a domain, in the eyes of a mail
// server that reads those without brackets.
func numeric(label string) bool {
	return strings.Trim(label, "0123456789") == ""
}
