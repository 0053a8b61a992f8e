package provider

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/storage"
)

// asker is a client of the operator's own, whose requests differ in what they ask of the
// way of signing in.
type asker struct {
	*visitor
	client *storage.Client
}

func startAsking(t testing.TB) *asker {
	t.Helper()
	s := startTokens(t, func(c *Config) {
		c.Sessions = &browser.Sessions{Store: c.Store.(sessions.Store), Idle: time.Hour, Lifetime: time.Hour}
		c.Pages = Pages{
			Login: "/login", Select: "/select", SecondFactor: "/second-factor", NoAccess: "/no-access", Consent: "/consent",
		}
	})
	return &asker{&visitor{s, map[string]string{}}, s.client(func(c *storage.Client) { c.FirstParty = true })}
}

// asks gives where the browser is sent: a page of ours, or what the client is told.
func (a *asker) asks(more ...string) (page string, params url.Values) {
	a.Helper()
	q := values("client_id", a.client.ClientID, "redirect_uri", testRedirect, "response_type", "code", "scope", "openid",
		"code_challenge", s256(testVerifier), "code_challenge_method", "S256")
	for name, v := range values(more...) {
		q[name] = v
	}
	return a.goesTo(a.visit("/authorize?" + q.Encode()))
}

func (a *asker) goesTo(to string, status int) (page string, params url.Values) {
	a.Helper()
	u, err := url.Parse(to)
	if err != nil || to == "" {
		a.Fatalf("got %d to %q", status, to)
	}
	if strings.HasPrefix(to, testRedirect) {
		return "", u.Query()
	}
	return u.Path, u.Query()
}

// acr is what the ID token of a code says.
func (a *asker) acr(code string) any {
	a.Helper()
	reply := a.redeem(a.client, code)
	if reply.status != http.StatusOK {
		a.Fatalf("redeem: %s", reply.raw)
	}
	return payload(a, reply.str("id_token"))["acr"]
}

func essential(acr string) string {
	return `{"id_token":{"acr":{"essential":true,"values":["` + acr + `"]}}}`
}

const mfa, password = storage.ACRMultiFactor, storage.ACRPassword

// TestClientsAskForASecondFactor: acr_values, the claims parameter, the registration and
// the rules of client and tenant hold a request up until the session is as strong
// (RFC 9470), and no more strongly than that.
func TestClientsAskForASecondFactor(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		session string
		ask     []string
		client  func(*storage.Client)
		want    string // the acr, or the page
	}{
		"nothing":                           {password, nil, nil, password},
		"nothing, of a strong session":      {storage.ACRPhishingResistant, nil, nil, storage.ACRPhishingResistant},
		"acr_values":                        {password, []string{"acr_values", mfa}, nil, "/second-factor"},
		"acr_values, satisfied":             {mfa, []string{"acr_values", mfa}, nil, mfa},
		"acr_values, more than satisfied":   {storage.ACRPhishingResistant, []string{"acr_values", mfa}, nil, mfa},
		"acr_values, too weak for the keys": {mfa, []string{"acr_values", "phr"}, nil, "/second-factor"},
		"acr_values, hardware": {storage.ACRPhishingResistant,
			[]string{"acr_values", "phrh"}, nil, "/second-factor"},
		"a remembered device is no proof": {storage.ACRRemembered, []string{"acr_values", mfa}, nil, "/second-factor"},
		"acr_values, the second will do":  {password, []string{"acr_values", mfa + " " + password}, nil, password},
		"acr_values, the first preferred": {mfa, []string{"acr_values", mfa + " " + password}, nil, mfa},
		"acr_values that are unknown":     {password, []string{"acr_values", "gold"}, nil, password},
		"acr_values, one unknown":         {password, []string{"acr_values", "gold " + mfa}, nil, "/second-factor"},
		"claims":                          {password, []string{"claims", essential(mfa)}, nil, "/second-factor"},
		"claims, satisfied":               {mfa, []string{"claims", essential(mfa)}, nil, mfa},
		"claims, to the letter":           {mfa, []string{"claims", essential(password)}, nil, password},
		"claims that are unknown": {password, []string{"claims", essential("gold")}, nil,
			"unmet_authentication_requirements"},
		"claims, voluntary": {password,
			[]string{"claims", `{"id_token":{"acr":{"value":"` + mfa + `"}}}`}, nil, "/second-factor"},
		"claims, voluntary and unknown": {password,
			[]string{"claims", `{"id_token":{"acr":{"value":"gold"}}}`}, nil, password},
		"claims, any": {password,
			[]string{"claims", `{"id_token":{"acr":{"essential":true}}}`}, nil, password},
		"claims of a strange type": {password,
			[]string{"claims", `{"id_token":{"acr":{"essential":true,"value":7}}}`}, nil, password},
		"registered": {password, nil, func(c *storage.Client) {
			c.DefaultACRValues = []string{mfa}
		}, "/second-factor"},
		"registered, asked for less": {password, []string{"acr_values", password}, func(c *storage.Client) {
			c.DefaultACRValues = []string{mfa}
		}, password},
		"always": {password, nil, func(c *storage.Client) { c.SecondFactor = "always" }, "/second-factor"},
		"always, remembered": {storage.ACRRemembered, nil, func(c *storage.Client) {
			c.SecondFactor = "always"
		}, storage.ACRRemembered},
		"always, asked for less": {password, []string{"acr_values", password}, func(c *storage.Client) {
			c.SecondFactor = "always"
		}, "/second-factor"},
		"when enrolled, who is not": {password, nil, func(c *storage.Client) { c.SecondFactor = "enrolled" }, password},
		"never":                     {password, nil, func(c *storage.Client) { c.SecondFactor = "never" }, password},
		"prompt=none":               {password, []string{"acr_values", mfa, "prompt", "none"}, nil, "interaction_required"},
		"prompt=none, satisfied":    {mfa, []string{"acr_values", mfa, "prompt", "none"}, nil, mfa},
	} {
		t.Run(name, func(t *testing.T) {
			a := startAsking(t)
			if tc.client != nil {
				tc.client(a.client)
				a.put(a.client)
			}
			a.starts(a.user, tc.session, "pwd")
			page, params := a.asks(tc.ask...)
			got := page
			switch {
			case params.Get("error") != "":
				got = params.Get("error")
			case page == "":
				got, _ = a.acr(params.Get("code")).(string)
			}
			if got != tc.want {
				t.Errorf("got %q (%v), want %q", got, params, tc.want)
			}
		})
	}
}

func TestAClientMayAskThoseWhoHaveASecondFactor(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	a.client.SecondFactor = "enrolled"
	a.put(a.client)
	if err := a.store.(storage.Changes).Apply(t.Context(),
		storage.Change{TenantID: a.tenant.ID, UserID: a.user.ID, Now: time.Now(),
			Credentials: []storage.Credential{{TenantID: a.tenant.ID, UserID: a.user.ID, Kind: storage.TOTPCredential,
				Data: []byte("x"), CreatedAt: time.Now(), UpdatedAt: time.Now()}}}); err != nil {
		t.Fatal(err)
	}
	a.starts(a.user, password, "pwd")
	if page, _ := a.asks(); page != "/second-factor" {
		t.Errorf("by password: got %q", page)
	}
	a.starts(a.user, mfa, "pwd", "otp", "mfa")
	if page, params := a.asks(); page != "" || params.Get("code") == "" {
		t.Errorf("by both: got %q %v", page, params)
	}
}

// A13: going on to /authorize without the step is sent back to it.
func TestALetterDoesNotSkipTheSecondFactor(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	a.starts(a.user, password, "pwd")
	page, params := a.asks("acr_values", mfa)
	for range 3 {
		again, _ := a.goesTo(a.visit("/authorize?i=" + params.Get("i")))
		if page != "/second-factor" || again != page {
			t.Fatalf("got %q, then %q", page, again)
		}
	}
	a.starts(a.user, mfa, "pwd", "otp", "mfa")
	if page, params := a.goesTo(a.visit("/authorize?i=" + params.Get("i"))); page != "" ||
		a.acr(params.Get("code")) != mfa {
		t.Errorf("got %q %v", page, params)
	}
}

func TestTenantsAskForASecondFactor(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	rec, err := a.store.Tenant(t.Context(), a.tenant.ID)
	if err != nil {
		t.Fatal(err)
	}
	rec.Settings.SecondFactor.Require = storage.SecondFactorAlways
	if err := a.store.UpdateTenant(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	a.serve(a.p.Config)
	a.starts(a.user, password, "pwd")
	if page, _ := a.asks(); page != "/second-factor" {
		t.Errorf("by password: got %q", page)
	}
	a.starts(a.user, storage.ACRRemembered, "pwd")
	if page, _ := a.asks(); page != "" {
		t.Errorf("remembered: got %q", page)
	}
}
