package settings

import (
	"net/http"
	"os"
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
		"BCRYPT_COST=12", "RSA_PRIVATE_KEY=x", "SECRET_KEY_BASE=short"))
	if err != nil {
		t.Fatal(err)
	}
	k := c.KeratinAuthN
	if k.URL != "https://authn.example.com/v1" || k.Path() != "/v1" || !k.Secure() || k.AccessTokenTTL != time.Minute ||
		k.RefreshTokenTTL != 30*24*time.Hour || k.SameSite != http.SameSiteNoneMode ||
		k.TimeZone.String() != "Europe/Paris" ||
		k.SignUp || c.KeratinScore() != 3 || len(k.Domains) != 2 || len(k.Upstreams) != 2 || k.Upstreams[1].TeamID != "t" ||
		len(k.Notes) != 3 || k.OwnListener() {
		t.Errorf("got %+v", k)
	}
	c, err = Load(nil, "", keratinEnv("DATABASE_URL=postgres://u@db/authn", "REDIS_URL=redis://cache:6379/2",
		"SECRET_KEY_BASE=kq8vK1mT0xWc5RrB7yLd3hNnJ6uPsG2f", "VOUCHSAFE_ISSUER=https://id.example.com"))
	if err != nil || c.DatabaseURL != "postgres://u@db/authn" || c.RedisURL != "redis://cache:6379/2" ||
		c.Secret != "kq8vK1mT0xWc5RrB7yLd3hNnJ6uPsG2f" {
		t.Errorf("got %+v, %v", c, err)
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
		"GOOGLE_OAUTH_CREDENTIALS=id", "APP_PASSWORD_RESET_URL=app.example.com",
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
