package login

import (
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

func TestTheStartPageLeadsDevelopersToThePlayground(t *testing.T) {
	t.Parallel()
	link := `<a href="/dev">` + english["home.play"]
	s := newSite(t, func(c *Config) { c.Site.Playground = "/dev" })
	s.user("default", "jo@example.com", "", right)
	v := s.visitor()
	if p := v.get("/"); !strings.Contains(p.body, link) {
		t.Error("signed out: there is no link")
	}
	v.signIn("jo@example.com", right)
	if p := v.get("/"); p.location() != "/account" {
		t.Errorf("signed in: got %d to %q", p.status, p.location())
	}
	if p := v.get("/account"); !strings.Contains(p.body, link) {
		t.Error("signed in: there is no link")
	}
	s.acme(storage.Branding{})
	if p := v.get("/t/acme/"); !strings.Contains(p.body, `<a href="/t/acme/dev">`+english["home.play"]) {
		t.Error("another tenant: there is no link to its own playground")
	}
	if p := newSite(t, nil).visitor().get("/"); strings.Contains(p.body, english["home.play"]) {
		t.Error("there is a link where there is no playground")
	}
}
