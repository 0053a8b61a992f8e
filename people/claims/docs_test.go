package claims_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/golden"
	"github.com/vouchsafe/vouchsafe/people/claims"
)

// TestClaimDocs compares docs/claims.md with the table.
func TestClaimDocs(t *testing.T) {
	golden.Check(t, "../../docs/claims.md", func(string) string {
		var b strings.Builder
		b.WriteString(claimsIntro)
		for _, c := range claims.Standard.All() {
			scope := "-"
			if c.Scope != "" {
				scope = "`" + c.Scope + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", c.Name, scope, c.Type, editor(&c), upstream(&c))
		}
		b.WriteString(claimsEnd)
		return b.String()
	})
}

const claimsIntro = `# Claims

A claim is what an app may learn about a user: in the ID token, at the userinfo endpoint, and by its
name in the ` + "`claims`" + ` parameter. An app gets the claims of the scopes that were granted to it. Claims that
are not known are left out.

| claim | scope | type | who sets it | upstream providers fill it |
|---|---|---|---|---|
`

const claimsEnd = `
Claims without a scope belong to the protocol and are in tokens as OpenID Connect says, or are members
of the claim that their name begins with. A user sets texts on the profile page; an administrator sets
them by an import. An upstream provider fills a text only while it is empty.
`

// editor returns who sets a claim.
func editor(c *claims.Claim) string {
	switch {
	case c.Protocol():
		return "the protocol"
	case c.Editor == claims.Owner:
		return "the user"
	case c.Editor == claims.Administrator:
		return "an administrator"
	}
	return "follows from the account"
}

// upstream returns yes for a claim that upstream providers fill.
func upstream(c *claims.Claim) string {
	if c.Upstream {
		return "yes"
	}
	return ""
}
