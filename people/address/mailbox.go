package address

import "strings"

// Mailbox names the mailbox that the address very likely ends in, for counting what is sent
// there. It never tells accounts apart, and nothing is sent to it: that two addresses end in
// one mailbox is for its host to know, and here a guess. A +tag is left out everywhere, and
// at hosts of many people what those are known to leave out.
func (a Address) Mailbox() string {
	box, _, _ := strings.Cut(lower(a.local), "+")
	domain := a.domain
	if host, ok := hosts[domain]; ok {
		domain = host.domain
		for _, mark := range host.ignores {
			box = strings.ReplaceAll(box, string(mark), "")
		}
		if host.tag != "" {
			box, _, _ = strings.Cut(box, host.tag)
		}
	} else if sub, ok := strings.CutSuffix(domain, ".fastmail.com"); ok && !strings.Contains(sub, ".") {
		box, domain = sub, "fastmail.com" // anything@jo.fastmail.com is Jo's
	}
	return Address{local: box, domain: domain}.Key()
}

// host is what a provider makes of the addresses of one of its domains.
type host struct {
	domain  string // under which all its mailboxes are
	ignores string // characters that do not count
	tag     string // what begins a tag, beside +
}

var (
	google = host{domain: "gmail.com", ignores: "."}
	proton = host{domain: "proton.me", ignores: ".-_"}
	yandex = host{domain: "yandex.ru", ignores: ".-"} // each stands for the other there
	icloud = host{domain: "icloud.com"}
)

var hosts = map[string]host{
	"gmail.com": google, "googlemail.com": google,
	"proton.me": proton, "protonmail.com": proton, "protonmail.ch": proton, "pm.me": proton,
	"yandex.ru": yandex, "yandex.com": yandex, "yandex.by": yandex, "yandex.kz": yandex, "yandex.ua": yandex, "ya.ru": yandex,
	"icloud.com": icloud, "me.com": icloud, "mac.com": icloud,
	"yahoo.com": {domain: "yahoo.com", tag: "-"}, "ymail.com": {domain: "ymail.com", tag: "-"},
}
