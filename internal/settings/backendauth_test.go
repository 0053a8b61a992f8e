package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// backendAuthEnv is an environment of backend-auth, with more variables.
func backendAuthEnv(more ...string) []string {
	return append([]string{"VOUCHSAFE_BACKEND_AUTH=https://auth.example.com/"}, more...)
}

func TestBackendAuthVariablesAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/backend-auth.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range BackendAuthVariables {
		if row := fmt.Sprintf("| `%s` | %s |\n", v.Name, v.Effect); !strings.Contains(string(page), row) {
			t.Errorf("docs/backend-auth.md lacks the row\n%s", row)
		}
	}
}

func TestBackendAuthVariables(t *testing.T) {
	t.Parallel()
	c, err := Load(nil, "", []string{"PORT=nonsense", "THROTTLER_MAX=x"})
	if err != nil || c.BackendAuthVariables != nil {
		t.Errorf("got %v, %v without the setting backend_auth: its variables are read", c.BackendAuthVariables, err)
	}
	c, err = Load(nil, "", backendAuthEnv())
	if err != nil {
		t.Fatal(err)
	}
	b := c.BackendAuthVariables
	if b.URL != "https://auth.example.com" || b.Port != 0 || b.ThrottleMost != 5 || b.ThrottleWindow != time.Second ||
		b.TokenLife != 7*24*time.Hour || len(b.Registrars) != 0 || b.ForceHTTPS || b.OwnListener() {
		t.Errorf("got %+v", b)
	}
	c, err = Load(nil, "", backendAuthEnv("PORT=3000", "HTTPS_PORT=4000", "HTTPS_SERVER=enabled", "FORCE_HTTPS=enabled",
		"REDIS_URL=redis://cache:6379/2", "REDIS_PASSWORD=p@ss", "REDIS_PAGE_LENGTH=20", "THROTTLER_MAX=7",
		"THROTTLER_INTERVAL=500", "THROTTLER_MIN_DIFF=10", "THROTTLER_WHITE_LIST=127.0.0.1, ::ffff:10.0.0.1",
		"JWT_KEY=0123456789abcdef0123456789abcdef", "JWT_KEY_EXP=60", "TENANT_WHITE_LIST=*", "MAINTAIN_TLS_PORT=6000",
		"MAINTAIN_TLS_PEM=/a", "MAINTAIN_TLS_CA=/b", "MAINTAIN_TLS_CA_CN=Our CA", "FB_CLIENT_ID=i", "FB_CLIENT_SECRET=s"))
	if err != nil {
		t.Fatal(err)
	}
	b = c.BackendAuthVariables
	if b.Port != 3000 || b.MaintainPort != 6000 || b.PageLength != 20 || b.ThrottleMost != 7 ||
		b.ThrottleWindow != 500*time.Millisecond || b.ThrottleBetween != 10*time.Millisecond || len(b.Unthrottled) != 2 ||
		b.Unthrottled[1].String() != "10.0.0.1/32" || b.TokenLife != time.Minute || len(b.Registrars) != 2 ||
		b.HTTPSPort != "4000" || !b.ForceHTTPS || string(b.Upstreams["fb"].ClientSecret) != "s" || len(b.Notes) != 1 {
		t.Errorf("got %+v", b)
	}
	if c.RedisURL != "redis://:p%40ss@cache:6379/2" || c.Secret != "0123456789abcdef0123456789abcdef" {
		t.Errorf("got Redis at %q", string(c.RedisURL))
	}
	c, err = Load(nil, "", backendAuthEnv("REDIS_HOST=cache", "JWT_KEY=short"))
	if err != nil || c.RedisURL != "redis://cache:6379" || c.Secret != "" || len(c.BackendAuthVariables.Notes) != 1 {
		t.Errorf("got %q, %v", string(c.RedisURL), err)
	}
}

func TestBackendAuthVariablesThatAreWrong(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{
		"PORT=0", "PORT=x", "HTTPS_PORT=70000", "FORCE_HTTPS=yes", "REDIS_PAGE_LENGTH=0", "THROTTLER_MAX=-1",
		"THROTTLER_INTERVAL=0", "THROTTLER_MIN_DIFF=x", "THROTTLER_WHITE_LIST=example.com", "JWT_KEY_EXP=0",
		"TENANT_WHITE_LIST=10.0.0.0/33", "TENANT_WHITE_LIST=,", "MAINTAIN_TLS_PORT=6000", "FB_CLIENT_ID=i",
		"VOUCHSAFE_BACKEND_AUTH=auth.example.com", "VOUCHSAFE_BACKEND_AUTH=http://localhost:8080",
		"VOUCHSAFE_BACKEND_AUTH=http://localhost:8080/auth", "PORT_FILE=/does/not/exist",
	} {
		name, _, _ := strings.Cut(wrong, "=")
		if _, err := Load(nil, "", backendAuthEnv(wrong)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", wrong, err)
		}
	}
	_, err := Load(nil, "", keratinEnv("VOUCHSAFE_BACKEND_AUTH=https://auth.example.com", "PORT=3000"))
	if err == nil || !strings.Contains(err.Error(), "PORT") {
		t.Errorf("got %v with a port that two products read", err)
	}
	if _, err := Load(nil, "", keratinEnv("VOUCHSAFE_BACKEND_AUTH=https://auth.example.com")); err != nil {
		t.Errorf("got %v for both products, at hosts of their own", err)
	}
}

// TestSettingsComeFromFiles reads each setting that is no path from a file.
func TestSettingsComeFromFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, s := range All() {
		variable := s.Env() + "_FILE"
		_, err := Load(nil, "", []string{variable + "=" + filepath.Join(dir, "none")})
		want := variable + " names a file that cannot be read"
		if !s.FromFile() {
			want = variable + " is not a setting"
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	path := filepath.Join(dir, "level")
	if err := os.WriteFile(path, []byte("debug\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(nil, "", []string{"VOUCHSAFE_LOG_LEVEL_FILE=" + path}); err != nil || c.LogLevel != "debug" {
		t.Errorf("got %+v, %v", c.LogLevel, err)
	}
}

// TestBackendAuthVariablesComeFromFiles reads variables, of backend-auth and of Keratin AuthN, from files.
func TestBackendAuthVariablesComeFromFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := file("key", "\ufeff 0123456789abcdef0123456789abcdef\r\n")
	for _, v := range BackendAuthVariables {
		missing := filepath.Join(dir, "none")
		if _, err := Load(nil, "", backendAuthEnv(v.Name+"_FILE="+missing)); err == nil ||
			!strings.Contains(err.Error(), v.Name+"_FILE") {
			t.Errorf("%s_FILE: got %v for a file that is not there", v.Name, err)
		}
	}
	c, err := Load(nil, "", backendAuthEnv("JWT_KEY_FILE="+key, "THROTTLER_MAX_FILE="+file("max", "9\n")))
	if err != nil || c.Secret != "0123456789abcdef0123456789abcdef" || c.BackendAuthVariables.ThrottleMost != 9 {
		t.Errorf("got %+v, %v", c.BackendAuthVariables, err)
	}
	if _, err := Load(nil, "", backendAuthEnv("JWT_KEY_FILE="+file("empty", " \n"))); err == nil ||
		!strings.Contains(err.Error(), "empty") {
		t.Errorf("got %v for an empty file", err)
	}
	if _, err := Load(nil, "", backendAuthEnv("JWT_KEY_FILE="+key, "JWT_KEY=x")); err == nil ||
		!strings.Contains(err.Error(), "both set") {
		t.Errorf("got %v for both", err)
	}
	c, err = Load(nil, "", keratinEnv("APP_SIGNING_KEY_FILE="+key))
	half := "\x01\x23\x45\x67\x89\xab\xcd\xef" // the key is in hexadecimal digits
	if err != nil || c.KeratinAuthN.SigningKey != half+half {
		t.Errorf("Keratin AuthN: got %v", err)
	}
}
