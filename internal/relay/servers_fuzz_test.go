package relay

import (
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/vouchsafe/vouchsafe/people/mail"
)

// FuzzSenders: a server's address is taken or refused, and the refusal does not quote the
// password in it.
func FuzzSenders(f *testing.F) {
	for _, s := range []string{"smtp://u:s3cretcanary@h:587", "smtps://u:s3cretcanary@h",
		"smtp://u:s3cretcanary@h:99999999999999999999", "smtp://u:s3cret%zzcanary@h", "http://u:s3cretcanary@h",
		"smtp://[::1]:25", "smtp://u:s3cretcanary@h:x", "smtp://h\r\nX", "https://u:s3cretcanary@h/?q"} {
		f.Add(s, "Example <no-reply@example.com>")
	}
	f.Add("smtp://h", "a@example.com\r\nBcc: b@example.com")
	f.Add("smtp://h", "a@example.com, b@example.com")
	f.Fuzz(func(t *testing.T, address, from string) {
		s, err := NewSMTP(address, from, nil)
		if err == nil && (s.host == "" || strings.ContainsFunc(s.from.Address, unicode.IsControl) ||
			mail.CheckAddress(s.from.Address) != nil) {
			t.Errorf("%q, %q: sends to %q as %q", address, from, s.host, s.from)
		}
		if err != nil && strings.Contains(err.Error(), "s3cretcanary") {
			t.Errorf("%v", err)
		}
		if _, err := NewWebhook(address, strings.Repeat("k", 32), http.DefaultClient); err != nil &&
			strings.Contains(err.Error(), "s3cretcanary") {
			t.Errorf("%v", err)
		}
	})
}
