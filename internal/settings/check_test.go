package settings

import (
	"strings"
	"testing"
)

func TestPasswordSettingsHaveBounds(t *testing.T) {
	t.Parallel()
	for env, want := range map[string]string{
		"VOUCHSAFE_PASSWORD_MIN_LENGTH=7": "8 to 64", "VOUCHSAFE_PASSWORD_MIN_LENGTH=x": "not a number",
		"VOUCHSAFE_PASSWORD_MIN_SCORE=5":                        "0 to 4",
		"VOUCHSAFE_BREACHED_PASSWORDS_URL=http://pwned.example": "https", "VOUCHSAFE_ARGON2_MEMORY=4194304": "19456",
		"VOUCHSAFE_ARGON2_LANES=300": "out of bounds",
		"VOUCHSAFE_ARGON2_PASSES=0":  "out of bounds", "VOUCHSAFE_ARGON2_MEMORY=4294967297": "out of bounds",
		"VOUCHSAFE_ARGON2_PASSES=64": "",
	} {
		_, err := Load(nil, "", []string{env})
		if want == "" {
			want = "out of bounds" // together, with the default memory
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", env, err, want)
		}
	}
	if _, err := Load(nil, "", []string{"VOUCHSAFE_ARGON2_MEMORY=65536", "VOUCHSAFE_ARGON2_PASSES=3",
		"VOUCHSAFE_ARGON2_LANES=4", "VOUCHSAFE_PASSWORD_MIN_LENGTH=15"}); err != nil {
		t.Error(err)
	}
}

func TestCertificateSettings(t *testing.T) {
	t.Parallel()
	for env, want := range map[string]string{
		"VOUCHSAFE_MTLS_LISTEN=:8444":                                 "needs tls_cert",
		"VOUCHSAFE_MTLS_LISTEN=8444":                                  "an address to listen on",
		"VOUCHSAFE_CLIENT_CERT_HEADER=Client-Cert":                    "write into trusted_proxies",
		"VOUCHSAFE_MTLS_URL=https://a.example.com":                    "mean nothing without",
		"VOUCHSAFE_CLIENT_CA_FILE=/etc/ca.pem":                        "mean nothing without",
		"VOUCHSAFE_MTLS_URL=https://a.example.com/x MTLS_LISTEN=:844": "the URL of a host",
	} {
		first, second, two := strings.Cut(env, " ")
		all := []string{first}
		if two {
			all = append(all, "VOUCHSAFE_"+second)
		}
		if _, err := Load(nil, "", all); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", env, err, want)
		}
	}
	c, err := Load(nil, "", []string{"VOUCHSAFE_ISSUER=https://id.example.com", "VOUCHSAFE_TLS_CERT=a",
		"VOUCHSAFE_TLS_KEY=b", "VOUCHSAFE_MTLS_LISTEN=:8444"})
	if err != nil || c.MTLSURL != "https://id.example.com:8444" {
		t.Errorf("got the URL %q: %v", c.MTLSURL, err)
	}
}

func TestMailSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, from, want string }{
		{"smtp://jo:hunter2-secret@mail.example.com:587", "A <a@example.com>", ""},
		{"smtps://mail.example.com", "a@example.com", ""},
		{"smtp://jo:hunter2-secret@mail.example.com", "", "VOUCHSAFE_MAIL_FROM is missing"},
		{"mail.example.com", "", "VOUCHSAFE_MAIL_FROM is missing"},
		{"mail.example.com", "", "VOUCHSAFE_SMTP_URL is not an SMTP URL"},
		{"http://jo:hunter2-secret@mail.example.com", "a@example.com", "VOUCHSAFE_SMTP_URL is not an SMTP URL"},
		{"smtp://mail.example.com", "a\r\nBcc: b@example.com", "the sender isn't an address"},
	} {
		env := []string{"VOUCHSAFE_SMTP_URL=" + c.url}
		if c.from != "" {
			env = append(env, "VOUCHSAFE_MAIL_FROM="+c.from)
		}
		_, err := Load(nil, "", env)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q from %q: got %v, want %q", c.url, c.from, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the fault quotes the password: %v", err)
		}
	}
}

// TestSettingsOfTokensForMail belong together.
func TestSettingsOfTokensForMail(t *testing.T) {
	t.Parallel()
	all := map[string]string{
		"VOUCHSAFE_MAIL_FROM": "no-reply@example.com", "VOUCHSAFE_SMTP_URL": "smtp://no-reply%40example.com@mail.example.com",
		"VOUCHSAFE_SMTP_TOKEN_URL": "https://login.example.com/token", "VOUCHSAFE_SMTP_CLIENT_ID": "mailer",
		"VOUCHSAFE_SMTP_CLIENT_SECRET": "secret-of-it",
	}
	for name, c := range map[string]struct{ name, value, wrong string }{
		"all":                {},
		"without the client": {"VOUCHSAFE_SMTP_CLIENT_ID", "", "VOUCHSAFE_SMTP_TOKEN_URL needs smtp_client_id"},
		"without the URL":    {"VOUCHSAFE_SMTP_TOKEN_URL", "", "VOUCHSAFE_SMTP_TOKEN_URL is missing"},
		"in clear": {"VOUCHSAFE_SMTP_TOKEN_URL", "http://login.example.com/token",
			"VOUCHSAFE_SMTP_TOKEN_URL is not a URL"},
		"with a password": {"VOUCHSAFE_SMTP_URL", "smtp://jo:password@mail.example.com",
			"VOUCHSAFE_SMTP_URL has a password"},
		"without a mailbox": {"VOUCHSAFE_SMTP_URL", "smtp://mail.example.com", "VOUCHSAFE_SMTP_URL names no mailbox"},
	} {
		var env []string
		for k, v := range all {
			if k == c.name {
				v = c.value
			}
			env = append(env, k+"="+v)
		}
		_, err := Load(nil, "", env)
		if (err != nil) != (c.wrong != "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: got %v, want %q", name, err, c.wrong)
		}
	}
}

func TestLimitsThatBoundNothingAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"limit_guesses: 5":          "write, for example, 5/1m",
		"limit_guesses: 0/1m":       "write, for example, 5/1m",
		"limit_guesses: 5/1ms":      "write, for example, 5/1m",
		"limit_guesses: 5/48h":      "write, for example, 5/1m",
		"limit_guesses: 1000/1m":    "write 20/1m or less",
		"limit_factor: 100/1m":      "write 10/1m or less",
		"limit_codes_address: many": "write, for example, 5/1m",
		"sms_per_tenant: 501":       "is out of range: write 0 to sms_per_hour",
		"sms_per_tenant: -1":        "is out of range: write 0 to sms_per_hour",
	} {
		if _, err := settle(t, text+"\n", nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
