package settings

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/internal/golden"
)

// settle reads settings in an empty folder, with a vouchsafe.yaml unless it is "".
func settle(t *testing.T, yaml string, environ []string, flags map[string]string) (*Config, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	if yaml != "" {
		write(t, "vouchsafe.yaml", yaml)
	}
	return Load(flags, "", environ)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const goodSecret = "Zq8vK1mT0xWc5RrB7yLd3hNnJ6uPsG2f"

func TestNothingSetIsAServerOnLocalhost(t *testing.T) {
	c, err := settle(t, "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Issuer != "http://localhost:8080" || c.Listen != "localhost:8080" || c.Production() ||
		!c.InDevelopment() || !c.Local() {
		t.Errorf("got issuer %q, listen %q, production %v, development %v, local %v", c.Issuer, c.Listen, c.Production(),
			c.InDevelopment(), c.Local())
	}
}

func TestLaterSourcesWin(t *testing.T) {
	file := "access_token_lifetime: 1m\nid_token_lifetime: 1m\nlog_level: debug\ntrusted_proxies: " +
		"[10.0.0.0/8, 192.0.2.7]\n"
	env := []string{"VOUCHSAFE_ID_TOKEN_LIFETIME=2m", "VOUCHSAFE_LOG_LEVEL=warn", "VOUCHSAFE_LOG_FORMAT="}
	c, err := settle(t, file, env, map[string]string{"log_level": "error"})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{c.AccessTokenLifetime.Or(0).String(), c.IDTokenLifetime.Or(0).String(), c.LogLevel, c.LogFormat,
		c.Printed(Named("trusted_proxies"))}
	want := []string{"1m0s", "2m0s", "error", "auto", "10.0.0.0/8,192.0.2.7/32"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNotEverybodyIsATrustedProxy(t *testing.T) {
	for _, all := range []string{"0.0.0.0/0", "::/0", "10.0.0.0/8,192.0.2.1/0"} {
		_, err := settle(t, "", []string{"VOUCHSAFE_TRUSTED_PROXIES=" + all}, nil)
		if err == nil || !strings.Contains(err.Error(), "VOUCHSAFE_TRUSTED_PROXIES") {
			t.Errorf("%s: got %v, want it refused", all, err)
		}
	}
}

func TestAllFaultsAreToldAtOnceWithTheirPlace(t *testing.T) {
	file := `isuer: http://localhost:8080
listen: nowhere
log_level: loud
access_token_lifetime: 10 minutes
session_idle: 0s
listen: localhost:1
trusted_proxies: [10.0.0.0/8, everybody]
development: maybe
stop_delay: {a: b}
`
	_, err := settle(t, file, []string{"VOUCHSAFE_LISSTEN=:1", "VOUCHSAFE_SECRET=short",
		"VOUCHSAFE_SERVICE_HOST=10.1.2.3"}, map[string]string{"code_lifetime": "1h", "refresh_token_grace": "24h"})
	want := `VOUCHSAFE_LISSTEN is not a setting: did you mean VOUCHSAFE_LISTEN?
--code-lifetime is longer than the 10m that RFC 6749 section 4.1.2 allows: write 10m or less
--refresh-token-grace is longer than 1m: a stolen refresh token would go unnoticed that long. Write 1m or less
VOUCHSAFE_SECRET is too short: a master secret has 5 bytes; it needs at least 32: make one with ` + "`openssl rand -base64 48`" + `
vouchsafe.yaml:2:9 "nowhere" isn't an address to listen on: write HOST:PORT, such as localhost:8080, or :8080 for all, or unix: and the path of a socket
vouchsafe.yaml:1:1 isuer is not a setting: did you mean issuer?
vouchsafe.yaml:3:12 "loud" is not among its values: write one of debug, info, warn, error
vouchsafe.yaml:4:24 "10 minutes" isn't a duration: write, for example, 15m or 720h
vouchsafe.yaml:5:15 must be more than nothing: write, for example, 168h
vouchsafe.yaml:6:1 listen stands in line 2 already: keep one of the two
vouchsafe.yaml:7:18 "everybody" is not a network: write an address, or a network such as 10.0.0.0/8
vouchsafe.yaml:8:14 "maybe": write true or false
vouchsafe.yaml:9:13 stop_delay: want a value, or a list of them`
	if err == nil {
		t.Fatal("got no fault")
	}
	got := map[string]bool{}
	for _, line := range strings.Split(err.Error(), "\n") {
		got[line] = true
	}
	for _, line := range strings.Split(want, "\n") {
		if !got[line] {
			t.Errorf("missing: %s", line)
		}
		delete(got, line)
	}
	for line := range got {
		t.Errorf("not expected: %s", line)
	}
}

func TestBrokenYAMLIsToldWithItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"listen: [a\nb: c": "vouchsafe.yaml:2:2",
		"- listen":         "vouchsafe.yaml:1:1 want a mapping",
		"a: 1\n---\nb: 2":  "is a second document",
	} {
		if _, err := settle(t, text, nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func TestProductionRefusesToGuess(t *testing.T) {
	const db = "VOUCHSAFE_DATABASE_URL=postgres://vouchsafe:hunter2hunter2@db/vouchsafe"
	for _, c := range []struct {
		name string
		env  []string
		want string // in the error; "" for none
	}{
		{"all that is needed", []string{db, "VOUCHSAFE_SECRET=" + goodSecret, "VOUCHSAFE_ISSUER=https://id.example.com"}, ""},
		{"http on loopback", []string{db, "VOUCHSAFE_SECRET=" + goodSecret, "VOUCHSAFE_ISSUER=http://localhost:8080"}, ""},
		{"no secret", []string{db, "VOUCHSAFE_ISSUER=https://id.example.com"}, "VOUCHSAFE_SECRET is missing"},
		{"no issuer", []string{db, "VOUCHSAFE_SECRET=" + goodSecret}, "VOUCHSAFE_ISSUER is missing"},
		{"http", []string{db, "VOUCHSAFE_SECRET=" + goodSecret, "VOUCHSAFE_ISSUER=http://id.example.com"},
			"write https://id.example.com"},
		{"a path", []string{db, "VOUCHSAFE_SECRET=" + goodSecret, "VOUCHSAFE_ISSUER=https://id.example.com/"},
			"write https://id.example.com"},
		{"no randomness", []string{db, "VOUCHSAFE_SECRET=" + strings.Repeat("secret", 8),
			"VOUCHSAFE_ISSUER=https://id.example.com"}, "is not random"},
		{"a database that was meant", []string{"VOUCHSAFE_DATABASE_URL=", "VOUCHSAFE_ISSUER=https://id.example.com"},
			"VOUCHSAFE_DATABASE_URL is empty"},
		{"another database", []string{"VOUCHSAFE_DATABASE_URL=mysql://root:hunter2hunter2@db/x",
			"VOUCHSAFE_SECRET=" + goodSecret, "VOUCHSAFE_ISSUER=https://id.example.com"}, "isn't a PostgreSQL URL"},
	} {
		_, err := settle(t, "", c.env, nil)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: got %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error tells the password: %v", c.name, err)
		}
	}
}

func TestProductionIsNotConfiguredByChance(t *testing.T) {
	file := "database_url: postgres://db/x\nissuer: https://id.example.com\nsecret: " + goodSecret + "\n"
	if _, err := settle(t, file, nil, nil); err == nil || !strings.Contains(err.Error(), "--config vouchsafe.yaml") {
		t.Errorf("found: got %v", err)
	}
	c, err := Load(nil, "vouchsafe.yaml", nil)
	if err != nil || !c.Production() || c.StopDelay.Or(0) != 3*time.Second {
		t.Errorf("named: got %v, %+v", err, c)
	}
	// Nor are its clients.
	write(t, "clients.yaml", "clients: []\n")
	if c, err = Load(nil, "vouchsafe.yaml", nil); err != nil || c.Clients != "" {
		t.Errorf("got clients %q, %v", c.Clients, err)
	}
}

func TestSecretsComeFromFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	write(t, path, goodSecret+"\n")
	for _, c := range []struct {
		yaml string
		env  []string
	}{
		{"", []string{"VOUCHSAFE_SECRET_FILE=" + path}},
		{"secret_file: " + path, nil},
	} {
		got, err := settle(t, c.yaml, c.env, nil)
		if err != nil || string(got.Secret) != goodSecret {
			t.Errorf("%v: got %v", c, err)
		}
	}
	_, err := settle(t, "", []string{"VOUCHSAFE_SECRET_FILE=" + path, "VOUCHSAFE_SECRET=" + goodSecret}, nil)
	if err == nil || !strings.Contains(err.Error(), "both set") {
		t.Errorf("both: got %v", err)
	}
	_, err = settle(t, "", []string{"VOUCHSAFE_SECRET_FILE=/nowhere"}, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "VOUCHSAFE_SECRET_FILE names a file that cannot be read") {
		t.Errorf("missing: got %v", err)
	}
	if _, err := settle(t, "secret_file: []", nil, nil); err == nil ||
		!strings.Contains(err.Error(), "yaml:1:14 secret_file: want a value") {
		t.Errorf("no name: got %v", err)
	}
	if _, err := settle(t, "listen_file: x", nil, nil); err == nil {
		t.Error("a setting that is no secret was taken from a file")
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	c := Config{Secret: goodSecret, DatabaseURL: "postgres://u:" + goodSecret + "@h/d",
		RedisURL: "redis://:" + goodSecret + "@h"}
	all, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range All() {
		all = append(all, c.Printed(s)...)
	}
	all = fmt.Appendf(all, "%v %+v %#v %s %q", c, c, c, c.Secret, c.Secret)
	if strings.Contains(string(all), goodSecret) {
		t.Errorf("a secret is printed: %s", all)
	}
}

func TestOnlyThisMachineHasADeveloperPage(t *testing.T) {
	for _, c := range []struct {
		listen, issuer string
		want           bool
	}{
		{"localhost:8080", "http://localhost:8080", true},
		{"127.0.0.1:8080", "http://127.0.0.1:8080", true},
		{"[::1]:8080", "http://id.localhost:8080", true},
		{":8080", "http://localhost:8080", false},
		{"0.0.0.0:8080", "http://localhost:8080", false},
		{"192.0.2.1:8080", "http://localhost:8080", false},
		{"localhost:8080", "https://id.example.com", false},
		{"localhost:8080", "https://localhost.example.com", false},
	} {
		got, err := settle(t, "", []string{"VOUCHSAFE_LISTEN=" + c.listen, "VOUCHSAFE_ISSUER=" + c.issuer}, nil)
		if err != nil || got.Local() != c.want || got.AcceptsSamples() != c.want {
			t.Errorf("%s at %s: got local %v, samples %v, %v, want %v", c.issuer, c.listen, got.Local(),
				got.AcceptsSamples(), err, c.want)
		}
	}
}

// Clients compare issuers letter by letter, and requests come for hosts as browsers write
// them: a server with another spelling would answer no request.
func TestIssuersAreWrittenAsBrowsersWriteThem(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://id.example.com":        "",
		"https://id.example.com:8443":   "",
		"https://id.example.com:80":     "",
		"https://xn--bcher-kva.example": "",
		"http://[::1]:8080":             "",
		"http://localhost":              "",
		"https://id.example.com:443":    "write https://id.example.com",
		"http://localhost:80":           "write http://localhost",
		"http://127.0.0.1:80":           "write http://127.0.0.1",
		"https://bücher.example":        "write https://xn--bcher-kva.example",
		"https://BÜCHER.example":        "write https://",
		"https://ID.example.com":        "write https://id.example.com",
		"https://faß.example":           "write https://xn--fa-hia.example",
		"https://[2001:db8:0::1]":       "write https://[2001:db8::1]",
		"https://*.example.com":         "has no host that requests can come for",
		"https://*":                     "has no host that requests can come for",
		"https://id.example.com.":       "has no host that requests can come for",
		"https://id.example.com:":       "has no host that requests can come for",
		"https://id.example.com:08443":  "has no host that requests can come for",
		"https://id.example.com:99999":  "has no host that requests can come for",
	} {
		_, err := settle(t, "", []string{"VOUCHSAFE_ISSUER=" + issuer}, nil)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: got %v", issuer, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %q", issuer, err, want)
		}
	}
	if c, err := settle(t, "", []string{"VOUCHSAFE_LISTEN=localhost:80"}, nil); err != nil ||
		c.Issuer != "http://localhost" {
		t.Errorf("at port 80: got issuer %q, %v", c.Issuer, err)
	}
}

// TestEverySettingIsDocumented compares the sample file with what the comments say.
func TestEverySettingIsDocumented(t *testing.T) {
	t.Parallel()
	for _, s := range All() {
		if len(s.Doc()) < 20 {
			t.Errorf("%s has no comment worth the name", s.Name)
		}
	}
	golden.Check(t, "../../examples/vouchsafe.yaml", func(string) string { return Sample() })
}

// TestSampleSettingsWork takes every comment mark off the sample's settings.
func TestSampleSettingsWork(t *testing.T) {
	var yaml strings.Builder
	for line := range strings.Lines(Sample()) {
		if rest, ok := strings.CutPrefix(line, "#"); ok && !strings.HasPrefix(rest, " ") {
			line = rest
		}
		yaml.WriteString(line)
	}
	t.Chdir(t.TempDir())
	write(t, "named.yaml", yaml.String())
	if _, err := Load(nil, "named.yaml", []string{"VOUCHSAFE_SECRET=" + goodSecret,
		"AUTHN_URL=https://authn.example.com", "APP_DOMAINS=app.example.com", "HTTP_AUTH_USERNAME=app",
		"HTTP_AUTH_PASSWORD=a-long-password"}); err != nil {
		t.Error(err)
	}
}
