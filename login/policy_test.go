package login

import (
	"net/http"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/people/password"
)

func TestSetupSaysWhatToChooseInstead(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.Policy = &password.Policy{MinLength: 10, MinScore: 2} })
	v := s.visitor()
	if p := v.get("/setup?token=setup-default"); !strings.Contains(p.body, "At least 10 characters.") ||
		!strings.Contains(p.body, `minlength="10"`) {
		t.Error("the page does not say how long it is to be")
	}
	for secret, want := range map[string]string{
		"kx9mq2vp!": "Use at least 10 characters.", "1234567890": english["setup.common"],
		"Qwertyuiop":       english["setup.common"],
		"abcdefghijkl1985": english["setup.weak"], "Vouchsafe1985": english["setup.weak"],
		"admin.nimda": english["setup.name"], "ADMIN.nimda@example.com": english["setup.name"],
	} {
		p := v.post("/setup", "token", "setup-default", "email", "admin.nimda@example.com", "password", secret)
		if p.status != http.StatusUnprocessableEntity || !strings.Contains(p.body, want) ||
			strings.Contains(p.body, secret+`"`) && !strings.Contains(secret, "@") {
			t.Errorf("%s: got %d without %q", secret, p.status, want)
		}
	}
	if p := v.post("/setup", "token", "setup-default", "email", "admin.nimda@example.com", "password",
		right); p.leads() != "/" {
		t.Errorf("got %d", p.status)
	}
}
