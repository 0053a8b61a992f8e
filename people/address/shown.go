package address

import "strings"

// Shown returns a stored address as users read it, with the letters of the domain in place of
// A-labels. It is for pages and mails only: the result is not compared, and no mail is sent to it.
func Shown(stored string) string {
	local, domain, _ := strings.Cut(stored, "@")
	if !strings.Contains(domain, "xn--") {
		return stored
	}
	letters, err := domains.ToUnicode(domain)
	if back, again := domains.ToASCII(letters); err != nil || again != nil || back != domain {
		return stored
	}
	return local + "@" + letters
}

// Shown returns the address as users read it.
func (c Claimed) Shown() string { return Shown(c.String()) }
