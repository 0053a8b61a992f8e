package conformance

import (
	"testing"
)

func parameterModules() []module {
	return []module{
		{"oidcc-display-page", succeeds("display", "page")},
		{"oidcc-display-popup", succeeds("display", "popup")},
		{"oidcc-ui-locales", succeeds("ui_locales", "se de en-GB")},
		{"oidcc-claims-locales", succeeds("claims_locales", "se")},
		{"oidcc-login-hint", loginHint},
		{"oidcc-ensure-request-with-unknown-parameter-succeeds", succeeds("extra", "foobar")},
		{"oidcc-ensure-request-with-acr-values-succeeds", acrValues},
		{"oidcc-claims-essential", claimsEssential},
	}
}

// succeeds signs in with one more parameter.
func succeeds(name, value string) func(*testing.T, *plan) {
	return func(t *testing.T, p *plan) { p.signIn(t, p.browser(t), p.request(name, value)) }
}

func loginHint(t *testing.T, p *plan) {
	r := p.request("login_hint", "jo@example.com")
	b := p.browser(t)
	page := b.Get(t, r.Path())
	prefilled := false
	for _, f := range page.Forms(t) {
		for _, values := range f.Fields {
			prefilled = prefilled || values[0] == "jo@example.com"
		}
	}
	if !prefilled {
		t.Error("the sign-in page does not hold the name of the login_hint")
	}
	a := b.Walk(t, r, page)
	p.api.Redeem(t, r, a.Code()).Want(t, 200, "")
}

func acrValues(t *testing.T, p *plan) {
	asked := "urn:mace:incommon:iap:silver urn:mace:incommon:iap:bronze"
	supported := strs(p.metadata(t)["acr_values_supported"])
	if len(supported) > 0 {
		asked = supported[0]
	}
	_, id := p.signIn(t, p.browser(t), p.request("acr_values", asked))
	if acr := id.String("acr"); acr == "" || len(supported) > 0 && acr != asked {
		t.Errorf("got acr %q, want %q", acr, asked)
	}
}

func claimsEssential(t *testing.T, p *plan) {
	reply, id := p.signIn(t, p.browser(t), p.request("claims", `{"userinfo":{"name":{"essential":true},"nickname":null}}`))
	info := p.api.Userinfo(t, reply.Access())
	wantSubject(t, info, id)
	if info.String("name") == "" || info.String("nickname") == "" || len(info.Body) != 3 {
		t.Errorf("got %s, want the name and nickname that were asked for, and no more", info.Raw)
	}
	_, id = p.signIn(t, p.browser(t), p.request("claims", `{"id_token":{"name":{"essential":true},"email":null}}`))
	if id.String("name") == "" || id.String("email") != "jo@example.com" {
		t.Errorf("got %v, want the name and email that were asked for in the ID token", id.Claims)
	}
}
