package mail

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/vouchsafe/vouchsafe/storage"
)

// FuzzMessage: what people and tenants call themselves adds no line to a message's head,
// no paragraph to its text and no markup to its HTML (C3).
func FuzzMessage(f *testing.F) {
	for _, s := range []string{"Example", "Example\r\nBcc: all@example.com", "a\n\nPay here:\nhttps://evil.example",
		"<script>alert(1)</script>", "{{.Code}}", "\u2028x\u2029", "=?utf-8?q?x?=", "\xff", "https://evil.example",
		strings.Repeat("x", 5000), "\u202eelpmaxe"} {
		f.Add(s, s)
	}
	plainly := func(tenant, name string) (*Message, error) {
		data, err := json.Marshal(map[string]string{"Code": "1234 5678", "Link": "https://id.example/l", "Name": name,
			"Email": name, "Account": name, "Device": name, "Place": name, "Reset": "https://id.example/r", "Inviter": name})
		if err != nil {
			return nil, err
		}
		raw, err := json.Marshal(content{Tenant: tenant, Data: data})
		if err != nil {
			return nil, err
		}
		return (*Templates)(nil).render(storage.Delivery{Channel: storage.ChannelMail, Template: "confirm-email",
			Language: "en", To: "jo@example.com"}, raw)
	}
	want, err := plainly("x", "x")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, tenant, name string) {
		msg, err := plainly(tenant, name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(msg.Subject, unicode.IsControl) {
			t.Errorf("subject %q", msg.Subject)
		}
		if tenant == "" || strings.TrimSpace(strings.ToValidUTF8(tenant, "?")) == "" {
			return
		}
		if got, want := strings.Count(msg.Text, "\n"), strings.Count(want.Text, "\n"); got != want {
			t.Errorf("%q, %q: the text has %d lines, not %d", tenant, name, got, want)
		}
		if got, want := strings.Count(msg.HTML, "<"), strings.Count(want.HTML, "<"); got != want {
			t.Errorf("%q, %q: the HTML has %d tags, not %d", tenant, name, got, want)
		}
	})
}
