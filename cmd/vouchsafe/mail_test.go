package main

import (
	"strings"
	"testing"
)

func TestMailSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, from, want string }{
		{"smtp://jo:hunter2-secret@mail.example.com:587", "A <a@example.com>", ""},
		{"smtps://mail.example.com", "a@example.com", ""},
		{"smtp://jo:hunter2-secret@mail.example.com", "", "VOUCHSAFE_MAIL_FROM is missing"},
		{"mail.example.com", "", "VOUCHSAFE_MAIL_FROM is missing"}, {"mail.example.com", "", "VOUCHSAFE_SMTP_URL is not an SMTP URL"},
		{"http://jo:hunter2-secret@mail.example.com", "a@example.com", "VOUCHSAFE_SMTP_URL is not an SMTP URL"},
		{"smtp://mail.example.com", "a\r\nBcc: b@example.com", "the sender is no address"},
	} {
		env := []string{"VOUCHSAFE_SMTP_URL=" + c.url}
		if c.from != "" {
			env = append(env, "VOUCHSAFE_MAIL_FROM="+c.from)
		}
		_, err := loadConfig(nil, "", env)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q from %q: got %v, want %q", c.url, c.from, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the fault quotes the password: %v", err)
		}
	}
}
