package login

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/vouchsafe/vouchsafe/login/mail"
)

const (
	maxEmail    = 254 // bytes, RFC 5321 section 4.5.3.1.3
	maxUsername = 64  // characters
)

// domains is idna.Lookup that also minds the lengths of RFC 1035.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.VerifyDNSLength(true))

// NormalEmail is the form in which e-mail addresses are compared (storage.User.EmailKey):
// two spellings of one mailbox have the same, so that they are one account and one
// counter of guesses. Case is folded in the local part too: no mail system worth
// reaching tells Jo@ and jo@ apart, and people do not either. A +tag is kept, for to
// whom it belongs is for the mailbox's host to say. False when it is no address that
// people have: quoted local parts and address literals are refused.
func NormalEmail(s string) (key string, ok bool) {
	s, ok = folded(s)
	if !ok || len(s) > maxEmail {
		return "", false
	}
	local, domain, _ := strings.Cut(s, "@")
	if local == "" || len(local) > 64 || domain == "" || strings.Contains(domain, "@") {
		return "", false
	}
	for _, r := range local {
		if !wordRune(r) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", r) { // atext, RFC 5322 section 3.2.3
			return "", false
		}
	}
	domain, err := domains.ToASCII(domain)
	if err != nil || strings.HasSuffix(domain, ".") {
		return "", false
	}
	key = local + "@" + domain
	return key, len(key) <= maxEmail
}

// mailbox reads an address that a person claims to be theirs: its key, and where to write to
// them. An address that the key brings together with another one, by more than the case of
// letters and how the domain is written, is refused: mail to the one would prove the other.
func mailbox(s string) (to, key string, ok bool) {
	key, ok = NormalEmail(s)
	if !ok {
		return "", "", false
	}
	local, _, _ := strings.Cut(norm.NFC.String(strings.TrimSpace(s)), "@")
	same, domain, _ := strings.Cut(key, "@")
	to = local + "@" + domain
	return to, key, strings.ToLower(local) == same && mail.CheckAddress(to) == nil
}

// withASCIIDomain is an address with its domain as keys have it, for mail servers differ about
// other spellings: some take faß.de for fass.de.
func withASCIIDomain(addr string) string {
	local, domain, _ := strings.Cut(addr, "@")
	if ascii, err := domains.ToASCII(domain); err == nil {
		return local + "@" + ascii
	}
	return addr
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
	if key, ok := NormalEmail(s); ok {
		return key, true
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
