package address

import (
	"errors"
	"regexp"
	"strings"

	"golang.org/x/text/secure/precis"

	"github.com/vouchsafe/vouchsafe/storage"
)

// ErrSpecial says that an address has a local part which mail servers may route elsewhere or
// decode, or which is easily mistaken for another, so that nobody may claim it.
var ErrSpecial = errors.New("has before the @ what mail servers may treat specially: use letters, digits and . _ - + ' & = only, and no dot at either end or beside another")

// Claimed is an address that may become an account's, once it is proven. Only Claim makes
// one; the zero value is none.
type Claimed struct{ of Address }

// Claim reads an address that a person says is theirs, or that an operator or a provider says
// is a person's. It is ErrAddress for what is none and ErrSpecial for what is refused.
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

// Address is the address that is claimed.
func (c Claimed) Address() Address { return c.of }

// Key is that of the address.
func (c Claimed) Key() string { return c.of.Key() }

// Domain is that of the address.
func (c Claimed) Domain() string { return c.of.domain }

// Recipient is that of the address.
func (c Claimed) Recipient() Recipient { return c.of.Recipient() }

// String is the address as it is stored and as clients are told it: the recipient, which is an
// addr-spec of RFC 5322 as OpenID Connect Core section 5.1 wants it.
func (c Claimed) String() string { return string(c.of.Recipient()) }

// Give makes the address that of a person.
func (c Claimed) Give(u *storage.User) { u.Email, u.EmailKey = c.String(), c.Key() }

// local is what the local part may be made of: letters and digits of any script as PRECIS has
// them for identifiers (RFC 8264 section 4.2), neither invisible characters nor those that
// stand for others.
var local = precis.NewIdentifier(precis.BidiRule)

// handled are what mail servers take apart in a local part of plain characters: the
// envelopes of forwarders (SRS), signed senders (BATV), and Exchange's of other systems.
var handled = regexp.MustCompile(`(?i)^(srs[0-9][-+=]|prvs=|btv1=|imcea[a-z0-9]*-)`)

// plain says whether every mail server delivers to the local part as it stands.
//
// Postfix, Sendmail and Exim may route by % and ! (RFC 5321 section 3.6.1 and appendix C, RFC
// 1123 section 5.2.16), X.400 gateways and Lotus by /, and Exim's own configuration refuses
// these and | # ? and the back quote; Exchange forwards by #EXT#. Mail programs decode
// =?…?= (RFC 2047), and ${…} was run by Exim (CVE-2019-10149). A - in front is an option to
// what is called by a pipe.
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
