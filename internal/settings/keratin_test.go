package settings

import (
	"encoding/hex"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// keratinEnv is an environment of Keratin AuthN that is complete, with more variables.
func keratinEnv(more ...string) []string {
	return append([]string{
		"VOUCHSAFE_KERATIN=default", "AUTHN_URL=https://authn.example.com/v1/",
		"APP_DOMAINS=app.example.com, *.example.org:8443",
		"HTTP_AUTH_USERNAME=app", "HTTP_AUTH_PASSWORD=the password of the app",
	}, more...)
}

func TestKeratinVariablesAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/keratin.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range KeratinVariables {
		if row := "| `" + v.Name + "` | " + v.Effect + " |\n"; !strings.Contains(string(page), row) {
			t.Errorf("docs/keratin.md lacks the row\n%s", row)
		}
	}
}

func TestKeratinVariables(t *testing.T) {
	t.Parallel()
	c, err := Load(nil, "", []string{"AUTHN_URL=nonsense", "APP_DOMAINS=*"})
	if err != nil || c.KeratinAuthN != nil {
		t.Errorf("got %v, %v without the setting keratin: its variables are read", c.KeratinAuthN, err)
	}
	c, err = Load(nil, "", keratinEnv("ACCESS_TOKEN_TTL=60", "SAME_SITE=none", "TIMEZONE=Europe/Paris", "ENABLE_SIGNUP=no",
		"PASSWORD_POLICY_SCORE=3", "GOOGLE_OAUTH_CREDENTIALS=id:secret", "APPLE_OAUTH_CREDENTIALS=id:key:teamID=t:keyID=k",
		"BCRYPT_COST=12", "RSA_PRIVATE_KEY=x", "SECRET_KEY_BASE=short", "APP_SIGNING_KEY=00ff",
		"SENTRY_DSN=https://k@sentry.example.com/1"))
	if err != nil {
		t.Fatal(err)
	}
	k := c.KeratinAuthN
	if k.URL != "https://authn.example.com/v1" || k.Path() != "/v1" || !k.Secure() || k.AccessTokenTTL != time.Minute ||
		k.RefreshTokenTTL != 30*24*time.Hour || k.SameSite != http.SameSiteNoneMode ||
		k.TimeZone.String() != "Europe/Paris" ||
		c.SentryDSN != "https://k@sentry.example.com/1" ||
		k.SignUp || c.KeratinScore() != 3 || len(k.Domains) != 2 || len(k.Upstreams) != 2 || k.Upstreams[1].TeamID != "t" ||
		len(k.Notes) != 3 || k.OwnListener() || k.SigningKey != "\x00\xff" {
		t.Errorf("got %+v", k)
	}
	c, err = Load(nil, "", keratinEnv("DATABASE_URL=postgres://u@db/authn", "REDIS_URL=redis://cache:6379/2",
		"SECRET_KEY_BASE=kq8vK1mT0xWc5RrB7yLd3hNnJ6uPsG2f", "VOUCHSAFE_ISSUER=https://id.example.com"))
	if err != nil || c.DatabaseURL != "postgres://u@db/authn" || c.RedisURL != "redis://cache:6379/2" ||
		c.Secret != "kq8vK1mT0xWc5RrB7yLd3hNnJ6uPsG2f" {
		t.Errorf("got %+v, %v", c, err)
	}
}

// TestKeratinCredentialsOfProviders reads them in the forms of older and newer releases.
func TestKeratinCredentialsOfProviders(t *testing.T) {
	t.Parallel()
	pem := "-----BEGIN PRIVATE KEY-----\nx"
	for value, secret := range map[string]string{
		"APPLE_OAUTH_CREDENTIALS=id:" + hex.EncodeToString([]byte(pem)) + ":teamID=t:keyID=k:expirySeconds=60": pem,
		"APPLE_OAUTH_CREDENTIALS=id:" + hex.EncodeToString([]byte(pem)) + ":00ff:teamID=t:keyID=k":             pem,
		"GOOGLE_OAUTH_CREDENTIALS=id:secret:00ff":                                                              "secret",
		"GOOGLE_OAUTH_CREDENTIALS=id:secret:":                                                                  "secret",
		"MICROSOFT_OAUTH_CREDENTIALS=id:secret::tenant=x":                                                      "secret",
	} {
		c, err := Load(nil, "", keratinEnv(value))
		if err != nil || len(c.KeratinAuthN.Upstreams) != 1 || string(c.KeratinAuthN.Upstreams[0].ClientSecret) != secret {
			t.Errorf("%s: got %+v, %v", value, c.KeratinAuthN, err)
		}
	}
	_, err := Load(nil, "", keratinEnv("GOOGLE_OAUTH_CREDENTIALS=id:secret:00ff:hidden=x"))
	if err == nil || strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "secret=") {
		t.Errorf("got %v, want a fault that quotes nothing", err)
	}
}

// TestKeratinSentinels finds Redis by the variables for Sentinels.
func TestKeratinSentinels(t *testing.T) {
	t.Parallel()
	c, err := Load(nil, "", keratinEnv("REDIS_IS_SENTINEL_MODE=true", "REDIS_SENTINEL_MASTER=main",
		"REDIS_SENTINEL_NODES=a:26379,b:26379", "REDIS_SENTINEL_PASSWORD=p@ss,word", "REDIS_URL=redis://ignored:6379/0"))
	if want := "redis://a:26379,b:26379/0?master_name=main&password=p%40ss%2Cword"; err != nil || string(c.RedisURL) != want {
		t.Errorf("got %q, %v, want %q", string(c.RedisURL), err, want)
	}
	c, err = Load(nil, "", keratinEnv("REDIS_IS_SENTINEL_MODE=false", "REDIS_URL=redis://one:6379/0"))
	if err != nil || string(c.RedisURL) != "redis://one:6379/0" {
		t.Errorf("got %q, %v without Sentinels", string(c.RedisURL), err)
	}
}

// TestKeratinVariablesAreReadOrAnswered goes through the variables that docs/seeds.md has from the contract: each is
// read, or the log says what to use instead.
func TestKeratinVariablesAreReadOrAnswered(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/seeds.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		if n, err := strconv.Atoi(strings.TrimSpace(cells[1])); err != nil || n < 53 || n > 82 {
			continue
		}
		for _, name := range regexp.MustCompile("`([A-Z_]{4,})`").FindAllStringSubmatch(cells[2]+cells[3], -1) {
			listed[name[1]] = true
		}
	}
	for _, v := range KeratinVariables {
		if !listed[v.Name] && v.Name != "TIMEZONE" {
			t.Errorf("docs/seeds.md does not list %s", v.Name)
		}
		delete(listed, v.Name)
		if !strings.HasPrefix(v.Effect, "No effect") {
			continue
		}
		c, err := Load(nil, "", keratinEnv(v.Name+"=x"))
		if err != nil || len(c.KeratinAuthN.Notes) != 1 {
			t.Errorf("%s has no effect, and no note says what to use instead: %v", v.Name, err)
		}
	}
	for name := range listed {
		if !strings.HasPrefix(name, "VOUCHSAFE_") {
			t.Errorf("%s is neither read nor answered", name)
		}
	}
}

func TestKeratinVariablesThatAreWrong(t *testing.T) {
	t.Parallel()
	_, err := Load(nil, "", []string{"VOUCHSAFE_KERATIN=default"})
	for _, name := range []string{"AUTHN_URL", "APP_DOMAINS", "HTTP_AUTH_USERNAME", "HTTP_AUTH_PASSWORD"} {
		if err == nil || !strings.Contains(err.Error(), name+" is required") {
			t.Errorf("got %v, which does not ask for %s", err, name)
		}
	}
	for _, wrong := range []string{
		"AUTHN_URL=ftp://x", "AUTHN_URL=https://a/b?c", "AUTHN_URL=http://localhost:8080",
		"APP_DOMAINS=https://app.example.com", "APP_DOMAINS=*.example.com", "APP_DOMAINS=app.example.com,*",
		"APP_DOMAINS=app.example.com,*:443", "ACCESS_TOKEN_TTL=0",
		"ACCESS_TOKEN_TTL=1h", "ACCESS_TOKEN_TTL=90000", "SAME_SITE=sometimes", "TIME_ZONE=Mars", "PASSWORD_POLICY_SCORE=5",
		"DATABASE_URL=mysql://u@db/authn", "DATABASE_URL=sqlite3:db", "PROXIED=true", "PORT=x", "PUBLIC_PORT=8000",
		"GOOGLE_OAUTH_CREDENTIALS=id", "APP_SIGNING_KEY=not hex", "REDIS_IS_SENTINEL_MODE=true",
		"APP_PASSWORD_RESET_URL=app.example.com",
	} {
		name, value, _ := strings.Cut(wrong, "=")
		if _, err := Load(nil, "", keratinEnv(wrong)); err == nil || !strings.Contains(err.Error(), name) &&
			!strings.Contains(err.Error(), "PORT") {
			t.Errorf("%s: got %v, want a fault that names %s and not %s", wrong, err, name, value)
		}
	}
	_, err = Load(nil, "", keratinEnv("AUTHN_URL=http://authn.example.com", "SAME_SITE=NONE"))
	if err == nil || !strings.Contains(err.Error(), "SAME_SITE") {
		t.Errorf("got %v for a cookie that browsers refuse", err)
	}
}
