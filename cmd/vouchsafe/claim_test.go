package main

import (
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/people/claims"
)

// TestClaimExplain: each claim is shown with where it is given, and a rule with its place in the file as long as
// the file says what is stored.
func TestClaimExplain(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	const file = `clients:
  - client_id: web
    token_endpoint_auth_method: none
    redirect_uris: [https://web.example/callback]
    first_party: true
    scope: openid email
    claims:
      - {claim: tier, value: gold, in: [access_token]}
      - {claim: mail, from: profile.email}
`
	sh.file(t, "clients.yaml", file)
	sh.do(t, "client", "apply", "clients.yaml")
	sh.do(t, "user", "add", "jo@example.com", "--verified")
	out := sh.do(t, "claim", "explain", "jo@example.com", "web")
	for _, want := range []string{
		`tier "gold" access_token value client, clients.yaml:8:9`,
		`mail "jo@example.com" id_token, userinfo profile.email client, clients.yaml:9:9`,
		`email "jo@example.com" id_token, userinfo profile.email built in`,
		`nickname - not in id_token, userinfo: the client's scope doesn't have profile profile.nickname built in`,
	} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("want %q in\n%s", want, out)
		}
	}
	sh.file(t, "clients.yaml", strings.Replace(file, "gold", "silver", 1)) // not applied
	var all []claims.Explanation
	sh.read(t, &all, "claim", "explain", "jo@example.com", "web", "--scope", "openid", "--json")
	for _, e := range all {
		switch {
		case e.Claim == "tier" && (string(e.Value) != `"gold"` || e.Place != ""):
			t.Errorf("got %+v", e)
		case e.Claim == "email" && e.Absent != "the scope email isn't asked for":
			t.Errorf("got %+v", e)
		}
	}
	if _, errs, code := sh.run(t, "", "claim", "explain", "jo@example.com", "nope"); code != 1 ||
		!strings.Contains(errs, `there is no client "nope"`) {
		t.Errorf("exit %d, %s", code, errs)
	}
}
