package main

import (
	"strings"
	"testing"
)

// TestCommandsOfKeratin runs the commands of Keratin AuthN with its variables.
func TestCommandsOfKeratin(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	if _, errs, code := sh.run(t, "", "server"); code != 1 || !strings.Contains(errs, "AUTHN_URL is required") {
		t.Errorf("server without its variables: got %d\n%s", code, errs)
	}
	sh.env = append(sh.env, "AUTHN_URL=http://localhost:7001", "APP_DOMAINS=localhost", "HTTP_AUTH_USERNAME=app",
		"HTTP_AUTH_PASSWORD=the password of the app")
	if out, errs, code := sh.run(t, "", "migrate"); code != 0 || !strings.Contains(out, "up to date") {
		t.Errorf("migrate: got %d\n%s%s", code, out, errs)
	}
	for _, c := range []struct{ variable, says string }{
		{"DATABASE_URL=mysql://u@db/authn", "isn't a PostgreSQL database"}, {"APP_DOMAINS=*", "APP_DOMAINS"},
		{"PROXIED=true", "VOUCHSAFE_TRUSTED_PROXIES"},
	} {
		wrong := *sh
		wrong.env = append(append([]string{}, sh.env...), c.variable)
		for _, command := range []string{"server", "migrate"} {
			if _, errs, code := wrong.run(t, "", command); code != 1 || !strings.Contains(errs, c.says) {
				t.Errorf("%s with %s: got %d\n%s", command, c.variable, code, errs)
			}
		}
	}
}
