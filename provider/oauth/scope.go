package oauth

import (
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// AskedScopes returns the scopes that the client asks for, each once. offline_access is dropped for a
// client that cannot refresh (OIDC Core 11). Whether the client may ask for them is not checked.
func AskedScopes(c *storage.Client, scope string) []string {
	var asked []string
	for _, s := range strings.Fields(scope) {
		if slices.Contains(asked, s) || s == "offline_access" && !c.MayUse("refresh_token") {
			continue
		}
		asked = append(asked, s)
	}
	return asked
}
