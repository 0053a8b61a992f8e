package provider

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestInitiatingUserRegistration: prompt=create, as Initiating User Registration via OpenID
// Connect 1.0 has it.
func TestInitiatingUserRegistration(t *testing.T) {
	t.Parallel()
	s := startTokens(t, func(c *Config) {
		c.Sessions = &browser.Sessions{Store: c.Store.(sessions.Store), Idle: time.Hour, Lifetime: time.Hour}
		c.Pages = Pages{Login: "/login", SignUp: "/signup"}
	})
	client := s.client(func(c *storage.Client) { c.FirstParty = true })
	v := &visitor{s, map[string]string{}}
	ask := func(prompt string) (string, int) {
		t.Helper()
		return v.visit("/authorize?" + values("client_id", client.ClientID, "redirect_uri", testRedirect, "response_type",
			"code", "scope", "openid",
			"code_challenge", strings.Repeat("a", 43), "code_challenge_method", "S256", "prompt", prompt).Encode())
	}
	v.signsIn(s.user) // who is signed in already is asked, too
	for _, prompt := range []string{"create", "login create", "create consent"} {
		to, status := ask(prompt)
		letter, ok := strings.CutPrefix(to, "/signup?i=")
		if !ok {
			t.Fatalf("%s: got %d to %q", prompt, status, to)
		}
		if to, _ := v.visit("/authorize?i=" + letter); !strings.HasPrefix(to, "/signup?i=") {
			t.Errorf("%s: without an account: got to %q", prompt, to)
		}
		v.signsIn(s.user) // by a new account, or an old one
		if to, _ := v.visit("/authorize?i=" + letter); strings.HasPrefix(to, "/signup") || strings.HasPrefix(to, "/login") {
			t.Errorf("%s: with one: got to %q", prompt, to)
		}
	}
	fails := func(prompt, code string) {
		t.Helper()
		to, _ := ask(prompt)
		if u, err := url.Parse(to); err != nil || u.Query().Get("error") != code {
			t.Errorf("%q: got to %q, want %s", prompt, to, code)
		}
	}
	fails("none create", "invalid_request")
	if got := s.p.authorize.PromptValues(s.tenant); !slices.Contains(got, "create") {
		t.Errorf("got prompts %v", got)
	}
	// Where not everybody may sign up, it is a value like any that is not known.
	for _, mode := range []string{storage.SignUpInvitation, storage.SignUpClosed} {
		s.tenant.Settings.SignUp.Mode = mode
		if got := s.p.authorize.PromptValues(s.tenant); slices.Contains(got, "create") {
			t.Errorf("%s: got prompts %v", mode, got)
		}
	}
	s.p.authorize.Pages.SignUp = ""
	fails("create", "invalid_request")
}
