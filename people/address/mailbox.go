package address

import "strings"

// Mailbox returns a name for the mailbox that the address most probably leads to. It serves to
// count what is sent there, and nothing else: only the mail system knows whether two addresses lead
// to one mailbox. A +tag is removed for all hosts, and at large hosts whatever they are known to
// ignore.
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
		box, domain = sub, "fastmail.com" // anything@jo.fastmail.com leads to the mailbox jo
	}
	return Address{local: box, domain: domain}.Key()
}

// host says how a mail provider reads the addresses of one of its domains.
type host struct {
	domain  string // the one domain under which all its mailboxes are counted
	ignores string // characters that are ignored
	tag     string // what begins a tag, besides +
}

var (
	google = host{domain: "gmail.com", ignores: "."}
	proton = host{domain: "proton.me", ignores: ".-_"}
	yandex = host{domain: "yandex.ru", ignores: ".-"} // the two are interchangeable there
	icloud = host{domain: "icloud.com"}
)

// hosts are the large mail providers, by domain.
var hosts = map[string]host{
	"gmail.com": google, "googlemail.com": google,
	"proton.me": proton, "protonmail.com": proton, "protonmail.ch": proton, "pm.me": proton,
	"yandex.ru": yandex, "yandex.com": yandex, "yandex.by": yandex, "yandex.kz": yandex,
	"yandex.ua": yandex, "ya.ru": yandex,
	"icloud.com": icloud, "me.com": icloud, "mac.com": icloud,
	"yahoo.com": {domain: "yahoo.com", tag: "-"}, "ymail.com": {domain: "ymail.com", tag: "-"},
}
