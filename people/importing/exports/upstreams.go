package exports

import (
	"fmt"
	"strings"

	"github.com/vouchsafe/vouchsafe/people/importing"
)

// presets are the presets of upstreams by the names that products have for these providers.
var presets = map[string]string{
	"google": "google", "google.com": "google", "google-oauth2": "google", "google_oauth2": "google",
	"facebook": "facebook", "facebook.com": "facebook",
	"github": "github", "github.com": "github",
	"apple": "apple", "apple.com": "apple",
	"discord": "discord",
}

// microsoft are the names that products have for Microsoft. The id that they keep of a user is not the one by
// which users are known here, which has the directory in it.
var microsoft = map[string]bool{
	"microsoft": true, "microsoft.com": true, "microsoftonline": true, "windowslive": true, "azure": true,
	"azuread": true, "waad": true, "azureadv2": true,
}

// link gives the row an account at an upstream, or notes why it cannot come.
func (f *files) link(read *importing.Read, a account) {
	id, why := f.upstreamOf(string(a.provider))
	if why != "" {
		lost(read, "the account at %s is not imported: %s", a.provider, why)
		return
	}
	read.Row.Identities = append(read.Row.Identities,
		importing.Identity{Provider: id, Subject: string(a.subject), Email: string(a.email)})
}

// upstreamOf returns the id of the tenant's upstream that the product has under the name, or why there is none.
func (f *files) upstreamOf(name string) (id, why string) {
	if id = f.Names[name]; id != "" {
		return id, ""
	}
	lower := strings.ToLower(name)
	if microsoft[lower] {
		return "", "users of Microsoft have another id here, and link it again by signing in"
	}
	preset, known := presets[lower]
	var all []string
	for _, u := range f.Upstreams {
		if u.ID == name {
			return u.ID, ""
		}
		if known && u.Preset == preset {
			all = append(all, u.ID)
		}
	}
	switch len(all) {
	case 1:
		return all[0], ""
	case 0:
		return "", fmt.Sprintf("the tenant has no such upstream (add it, or say --upstream %s=ID)", name)
	}
	return "", fmt.Sprintf("the tenant has several such upstreams (say --upstream %s=ID)", name)
}
