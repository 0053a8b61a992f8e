package address

import "strings"

// Shown is an address as people read it: what is stored, with the domain in the letters that
// it stands for. It is for pages and mails alone; nothing is compared by it or sent to it.
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

// Shown is the address as people read it.
func (c Claimed) Shown() string { return Shown(c.String()) }
