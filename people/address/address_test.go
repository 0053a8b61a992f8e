package address

import (
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct{ recipient, key string }{
		"jo@example.com":             {"jo@example.com", "jo@example.com"},
		" Jo@Example.COM\t":          {"Jo@example.com", "jo@example.com"},
		"\ufeffjo@example.com\u200b": {"jo@example.com", "jo@example.com"},
		"ｊｏ＠ｅｘａｍｐｌｅ．ｃｏｍ":             {"jo@example.com", "jo@example.com"},
		"jo@example。com":             {"jo@example.com", "jo@example.com"},
		"JO+Shop@example.com":        {"JO+Shop@example.com", "jo+shop@example.com"},
		"straße@example.com":         {"straße@example.com", "straße@example.com"},
		"STRASSE@example.com":        {"STRASSE@example.com", "strasse@example.com"},
		"Jörg@example.com":           {"Jörg@example.com", "jörg@example.com"},
		"cafe\u0301@example.com":     {"caf\u00e9@example.com", "caf\u00e9@example.com"},
		"jo@bücher.example":          {"jo@xn--bcher-kva.example", "jo@xn--bcher-kva.example"},
		"jo@BU\u0308CHER.example":    {"jo@xn--bcher-kva.example", "jo@xn--bcher-kva.example"},
		"jo@XN--BCHER-KVA.example":   {"jo@xn--bcher-kva.example", "jo@xn--bcher-kva.example"},
		"boss@faß.example":           {"boss@xn--fa-hia.example", "boss@xn--fa-hia.example"},
		"boss@FAẞ.example":           {"boss@xn--fa-hia.example", "boss@xn--fa-hia.example"},
		"boss@fass.example":          {"boss@fass.example", "boss@fass.example"},
		"boss@σ.example":             {"boss@xn--4xa.example", "boss@xn--4xa.example"},
		"boss@Σ.example":             {"boss@xn--4xa.example", "boss@xn--4xa.example"},
		"boss@ς.example":             {"boss@xn--3xa.example", "boss@xn--3xa.example"},
		"o'neil@example.com":         {"o'neil@example.com", "o'neil@example.com"},
		"root@localhost":             {"root@localhost", "root@localhost"},
		// some have it from earlier
		"x%y.example@example.com":                {"x%y.example@example.com", "x%y.example@example.com"},
		"a..b@example.com":                       {"a..b@example.com", "a..b@example.com"},
		"":                                       {},
		"jo":                                     {},
		"@example.com":                           {},
		"jo@":                                    {},
		"jo@a@example.com":                       {},
		"jo@example.com@":                        {},
		"@a.example,@b.example:jo@c.de":          {},
		`"jo"@example.com`:                       {},
		`"a@b"@example.com`:                      {},
		"jo doe@example.com":                     {},
		"jo@exa mple.com":                        {},
		"jo\x00@example.com":                     {},
		"jo@example.com\r\nBcc: x":               {},
		"jo\u200b@example.com":                   {},
		"jo\u202e@example.com":                   {},
		"jo@[127.0.0.1]":                         {},
		"jo@127.0.0.1":                           {},
		"jo@１２７.0.0.1":                           {},
		"jo@example..com":                        {},
		"jo@example.com.":                        {},
		"jo@-example.com":                        {},
		"jo@exa_mple.com":                        {},
		"jo@xn--fass-.de":                        {}, // an A-label of plain letters
		"jo@xn--a.de":                            {},
		"<script>@example.com":                   {},
		"jo\xff@example.com":                     {},
		"Jo <jo@example.com>":                    {},
		"jo@example.com, b@b.b":                  {},
		"jo(x)@example.com":                      {},
		strings.Repeat("a", 65) + "@example.com": {},
		"a@" + strings.Repeat("a.", 130) + "com": {},
		strings.Repeat("a", 1<<20) + "@example.com":     {},
		strings.Repeat("\u0130", 40) + "@example.com":   {},
		"a@" + strings.Repeat("a", 64) + ".example.com": {},
	} {
		a, err := Read(in)
		if got := string(a.Recipient()); got != want.recipient || a.Key() != want.key || (err == nil) != (want.key != "") {
			t.Errorf("%.60q: got %q, %q, %v, want %q, %q", in, got, a.Key(), err, want.recipient, want.key)
		}
	}
}

// TestClaim: users may not claim addresses that mail servers may route elsewhere, decode or
// mistake. The local parts come from public reports about Postfix, Exim, Exchange and mail
// libraries.
func TestClaim(t *testing.T) {
	t.Parallel()
	for _, local := range []string{
		"jo", "Jo.Doe", "o'neil", "jo+shop", "r&d", "jo_doe-2", "x=y", "a", "0", "jörg", "чебурашка", "用户",
		"उपयोगकर्ता", "ｊｏ", "_jo", "jo-",
	} {
		if c, err := Claim(local + "@company.example"); err != nil || c.Domain() != "company.example" || c.Key() == "" {
			t.Errorf("%q: got %v, want that it can be claimed", local, err)
		}
	}
	for _, local := range []string{
		"attacker%evil.example", "evil.example!attacker", "%evil.example", "a!b!c", "jo|id", "|id", "/etc/passwd",
		"/S=Jo/O=Evil/", "jo#EXT#", "jo_evil.example#EXT#",
		"=?utf-8?q?jo=40evil.example=3e=00?=", "=?utf-7?q?&AGEAYgBj-?=", "=?x?q?=41=42?=jo", "jo?x", "jo`id`", "${run{id}}",
		"$(id)", "~root", "{jo}", "jo*", "jo^x",
		".jo", "jo.", "jo..doe", "..", ".", "-jo", "-oQ/tmp", "SRS0=AbCd=XY=evil.example=jo", "srs1+x=y==z",
		"prvs=12345678=jo", "btv1==x==jo",
		"IMCEASMTP-jo+40evil+2Eexample", "imceaex-x", "ſ", "ﬁn", "①", "jo’s", "a\u05d01", "\u0660\u06f0", "a·b",
	} {
		if c, err := Claim(local + "@company.example"); err == nil {
			t.Errorf("%q may be claimed as %q", local, c)
		}
	}
	if (Claimed{}).Key() != "" || (Claimed{}).String() != "" {
		t.Error("no address has a key")
	}
}

func TestDomain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"example.com": "example.com", " Example.COM ": "example.com", "bücher.example": "xn--bcher-kva.example",
		"faß.example":  "xn--fa-hia.example",
		"fass.example": "fass.example", "localhost": "", "": "", "example.com.": "", "*.example.com": "",
		"jo@example.com": "", "10.0.0.1": "", "a b.c": "",
	} {
		if got, err := Domain(in); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestMailbox(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Jo@example.com": "jo@example.com", "jo+a+b@example.com": "jo@example.com", "j.o@example.com": "j.o@example.com",
		"+x@example.com":         "@example.com",
		"J.o.D+x@GoogleMail.com": "jod@gmail.com", "jod@gmail.com": "jod@gmail.com", "jo-x@gmail.com": "jo-x@gmail.com",
		"j_o-d.x+1@pm.me": "jodx@proton.me", "j-o.d@ya.ru": "jod@yandex.ru", "jo@mac.com": "jo@icloud.com",
		"jo-shop@yahoo.com":    "jo@yahoo.com",
		"shop@jo.fastmail.com": "jo@fastmail.com", "jo+x@fastmail.com": "jo@fastmail.com",
		"Ä+x@bücher.example": "ä@xn--bcher-kva.example",
	} {
		a, err := Read(in)
		if got := a.Mailbox(); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
		}
	}
}

// FuzzAddress: an address that was read can be read again and stays the same, and it is one line
// wherever it is written.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"Jo@Example.com", "jo@faß.de", "jo@xn--fa-hia.de", "JO+x@bücher.example",
		"jo@example.com\r\nBcc: all@example.com", "jo@example.com,ann@example.com", "<jo@example.com>",
		"\"jo doe\"@example.com", "jo@[127.0.0.1]", "ſ@example.com", "jo@example.com.", "jo@ex\u200bample.com",
		"ｊｏ@example.com", "ΣΑΣ@Σας.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Read(s)
		if err != nil {
			return
		}
		to := string(a.Recipient())
		if again, err := Read(to); err != nil || again != a {
			t.Errorf("%q is written to as %q, which is read as %q, %v", s, to, again, err)
		}
		if again, err := Read(a.Key()); err != nil || again.Key() != a.Key() {
			t.Errorf("%q has the key %q, which has %q, %v", s, a.Key(), again.Key(), err)
		}
		if strings.ContainsAny(to, "\r\n,<>\" \x00") || strings.Count(to, "@") != 1 ||
			len(to) > MaxLength || !isASCII(a.Domain()) {
			t.Errorf("%q is written to as %q", s, to)
		}
		if c, err := Claim(s); err == nil {
			if again, err := Claim(c.String()); err != nil || again != c {
				t.Errorf("%q is stored as %q, which may not be claimed: %v", s, c, err)
			}
		}
	})
}
