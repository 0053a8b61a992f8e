package main

import (
	"strings"
	"testing"
)

// TestAppsOfTenantsGetALogin sets the logins of two tenants.
func TestAppsOfTenantsGetALogin(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.do(t, "tenant", "add", "acme")
	login := func(password string, args ...string) (out, errs string, code int) {
		return sh.run(t, password, append([]string{"tenant", "login", "--password-stdin"}, args...)...)
	}
	for range 2 { // again for another password
		if out, errs, code := login("Tidal7Lantern", "acme", "--email", "app@example.com"); code != 0 ||
			!strings.Contains(out, "acme") {
			t.Errorf("got %d %s%s", code, out, errs)
		}
	}
	for _, c := range []struct{ password, tenant, email, says string }{
		{"tidal7lantern", "acme", "app@example.com", "a capital"}, {"", "acme", "app@example.com", ""},
		{"Tidal7Lantern", "default", "App@Example.com", "another tenant"},
		{"Tidal7Lantern", "nobody", "b@example.com", "nobody"}, {"Tidal7Lantern", "acme", "app", "isn't an email address"},
	} {
		if out, errs, code := login(c.password, c.tenant, "--email", c.email); code == 0 || !strings.Contains(errs, c.says) {
			t.Errorf("%+v: got %d %s%s", c, code, out, errs)
		}
	}
}
