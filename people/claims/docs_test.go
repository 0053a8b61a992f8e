package claims_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/golden"
	"github.com/vouchsafe/vouchsafe/people/claims"
)

// TestClaimDocs compares the table of docs/claims.md with the rows.
func TestClaimDocs(t *testing.T) {
	t.Parallel()
	golden.Check(t, "../../docs/claims.md", func(is string) string {
		const begin, end = "<!-- Made from people/claims by a test -->\n", "\n<!-- End -->"
		before, rest, ok := strings.Cut(is, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatal("docs/claims.md has no place for the table")
		}
		var b strings.Builder
		b.WriteString("\n| claim | scope | type | who sets it | upstream providers fill it |\n|---|---|---|---|---|\n")
		for _, c := range claims.Standard.All() {
			scope := "-"
			if c.Scope != "" {
				scope = "`" + c.Scope + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", c.Name, scope, c.Type, editor(&c), upstream(&c))
		}
		return before + begin + b.String() + end + after
	})
}

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
