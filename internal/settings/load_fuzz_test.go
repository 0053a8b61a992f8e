package settings

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// hiddenSettings are the settings that are never printed.
func hiddenSettings() []*Setting {
	return slices.DeleteFunc(slices.Clone(All()), func(s *Setting) bool { return !s.Secret })
}

// placed is how each line about a fault begins: with a setting or a place in a file.
var placed = regexp.MustCompile(`^(VOUCHSAFE_\S*|[a-z_./0-9-]+\.yaml(:\d+:\d+)?) `)

// FuzzSettings reads any environment and any file. What is taken is taken again when it is
// written down as it is printed; what is not is told with its place; and no secret is in
// either.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{"", "VOUCHSAFE_LISTEN=:1\nVOUCHSAFE_LISSTEN=:2\nPATH=/bin",
		"VOUCHSAFE_ISSUER=http://[::1%25eth0]:80", "VOUCHSAFE_ISSUER=https://id.example.com\x00/",
		"VOUCHSAFE_TRUSTED_PROXIES=10.0.0.0/8,::ffff:1.2.3.4/96,fe80::1%eth0",
		"VOUCHSAFE_SESSION_IDLE=9223372036854775807ns\nVOUCHSAFE_SESSION_LIFETIME=1e9h",
		"VOUCHSAFE_PASSWORD_MIN_LENGTH=-1\nVOUCHSAFE_ARGON2_MEMORY=99999999999999999999\nVOUCHSAFE_ARGON2_LANES=0",
		"VOUCHSAFE_DEVELOPMENT=TRUE\nVOUCHSAFE_LISTEN=\nVOUCHSAFE_DATABASE_URL=", "VOUCHSAFE_=1\n=2\nVOUCHSAFE_LISTEN",
		"VOUCHSAFE_" + strings.Repeat("A", 5000) + "=1", "VOUCHSAFE_IaSUER=x",
		"VOUCHSAFE_MAIL_FROM=A\r\nBcc: b@example.com <a@example.com>"} {
		for i := range hiddenSettings() {
			f.Add(s, []byte("listen: 127.0.0.1:1\ntrusted_proxies: [10.0.0.0/8, 192.0.2.7]\n"), uint8(i), "smtp://u:p@h:1")
		}
	}
	for _, s := range []string{"issuer: &a https://id.example.com\nlisten: *a\n", "secret: *a", "database_url: {a: b}\n",
		"redis_url: [a, [b]]\n", "secret: !!binary AA==\n", "log_level: [info, warn]\n", "development: yes\n",
		"a: &a [x,x]\nb: &b [*a,*a]\ntrusted_proxies: *b\n", "stop_delay: ~\n", "issuer: x\nissuer: y\n---\n", "- a",
		"\xff\xfe", "{listen: ':1'", "? {a: b}\n: c\n"} {
		f.Add("", []byte(s), uint8(0), "postgres://u:p@h/n")
		f.Add("VOUCHSAFE_ISSUER=https://id.example.com", []byte(s), uint8(2), ",")
	}
	for _, s := range []string{"*", "&", "!", "!!int ", "%", "@", "`", "'", "\"", "\"\\", "[", "{", "{a: ", "? ", "- ",
		"|", ">", "a: ", "# ", "!<"} {
		f.Add("", []byte{}, uint8(0), s) // in the file, as it is
		f.Add("VOUCHSAFE_ISSUER=https://id.example.com", []byte{}, uint8(2), s)
	}
	f.Chdir(f.TempDir())
	const canary = "Canary7"
	f.Fuzz(func(t *testing.T, environ string, text []byte, which uint8, hidden string) {
		given := environ + string(text)
		if lower := strings.ToLower(given); strings.Contains(lower, "_file") || strings.Contains(given, "CONFIG=") ||
			bytes.ContainsAny(text, "%\\!*&") && strings.Contains(lower, "file") {
			return // any file of the machine's could be named
		}
		path := filepath.Join("conf", "vouchsafe.yaml")
		if err := os.MkdirAll("conf", 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		secret := hiddenSettings()[int(which)%len(hiddenSettings())]
		env := strings.Split(environ, "\n")
		if len(text) > 0 || strings.ContainsAny(hidden, "\n\r\u0085\u2028\u2029") {
			env = append(env, secret.Env()+"="+hidden+canary)
		} else if err := os.WriteFile(path, []byte(secret.Name+": "+hidden+canary), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(nil, path, env)
		if told := fmt.Sprintf("%v\n%+v\n%#v", err, *c, *c); !strings.Contains(given, canary) &&
			strings.Contains(told, canary) {
			t.Errorf("%s=%q: %s", secret.Env(), hidden+canary, told)
		}
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.ContainsAny(given+hidden, "\n\r") && !placed.MatchString(line) {
					t.Errorf("%q does not say where", line)
				}
			}
			return
		}
		// Written down as it is printed, and read with the same secrets.
		var again []yaml.Node
		env = nil
		for _, s := range All() {
			val := c.Printed(s)
			if s.Secret {
				if v := settingValue(c, s); v != "" {
					env = append(env, s.Env()+"="+v)
				}
				continue
			}
			if val != "" {
				again = append(again, yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s.Name},
					yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: val})
			}
		}
		m := yaml.Node{Kind: yaml.MappingNode}
		for i := range again {
			m.Content = append(m.Content, &again[i])
		}
		out, err := yaml.Marshal(&m)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, out, 0o600); err != nil {
			t.Fatal(err)
		}
		twice, err := Load(nil, path, env)
		if err != nil {
			t.Fatalf("%s\nread again: %v", out, err)
		}
		for _, s := range All() {
			if twice.Printed(s) != c.Printed(s) {
				t.Errorf("%s: %q is read as %q", s.Name, c.Printed(s), twice.Printed(s))
			}
		}
	})
}

// settingValue is a secret setting in the clear.
func settingValue(c *Config, s *Setting) string {
	return map[string]string{"database_url": string(c.DatabaseURL), "redis_url": string(c.RedisURL),
		"secret": string(c.Secret), "smtp_url": string(c.SMTPURL), "sms_url": string(c.SMSURL),
		"sms_secret": string(c.SMSSecret)}[s.Name]
}
