package address

import (
	"errors"
	"regexp"
	"strings"

	"golang.org/x/text/secure/precis"

	"github.com/vouchsafe/vouchsafe/storage"
)

// ErrSpecial means that mail servers may route the local part of an address elsewhere or decode it,
// or that it is easily mistaken for another one. No user may claim such an address.
var ErrSpecial = errors.New("has before the @ what mail servers may treat specially: use letters, digits and . _ - + " +
	"' & = only, and no dot at either end or beside another")

// Claimed is an address that may become an account's once it is proven. Only Claim makes one. The
// zero value is no address.
type Claimed struct{ of Address }

// Claim reads an address that a user claims, or that an operator or an upstream provider gives for
// a user. It returns ErrAddress if it is not an address, and ErrSpecial if it is refused.
func Claim(typed string) (Claimed, error) {
	a, err := Read(typed)
	if err != nil {
		return Claimed{}, err
	}
	if !plain(a.local) {
		return Claimed{}, ErrSpecial
	}
	return Claimed{a}, nil
}

// Address returns the address that is claimed.
func (c Claimed) Address() Address { return c.of }

// Key returns the Key of the address.
func (c Claimed) Key() string { return c.of.Key() }

// Domain returns the Domain of the address.
func (c Claimed) Domain() string { return c.of.domain }

// Recipient returns the Recipient of the address.
func (c Claimed) Recipient() Recipient { return c.of.Recipient() }

// String returns the address as it is stored and as clients get it. It is the recipient, which is
// an addr-spec of RFC 5322 as OpenID Connect Core section 5.1 demands.
func (c Claimed) String() string { return string(c.of.Recipient()) }

// Give sets the user's address and its key.
func (c Claimed) Give(u *storage.User) { u.Email, u.EmailKey = c.String(), c.Key() }

// local decides which letters and digits outside of ASCII a local part may have: those of PRECIS
// identifiers (RFC 8264 section 4.2). Invisible characters and those that stand for others are
// refused.
var local = precis.NewIdentifier(precis.BidiRule)

// handled matches local parts that mail servers take apart although they look plain: senders
// rewritten by forwarders (SRS), signed senders (BATV), and Exchange's form for addresses of other
// systems.
var handled = regexp.MustCompile(`(?i)^(srs[0-9][-+=]|prvs=|btv1=|imcea[a-z0-9]*-)`)

// plain reports whether every mail server delivers to the local part as it is written.
//
// Postfix, Sendmail and Exim may route by % and ! (RFC 5321 section 3.6.1 and appendix C, RFC 1123
// section 5.2.16). X.400 gateways and Lotus route by /. Exim's default configuration refuses these,
// and | # ? and the back quote as well. Exchange forwards by #EXT#. Mail programs decode =?…?= (RFC
// 2047). Exim executed ${…} (CVE-2019-10149). A leading - is an option to a program that is called
// through a pipe.
func plain(s string) bool {
	if strings.ContainsAny(s, "%!/|#?`${}*^~") || handled.MatchString(s) {
		return false
	}
	if s[0] == '.' || s[0] == '-' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	if isASCII(s) {
		return true
	}
	same, err := local.String(s)
	return err == nil && same == s
}
