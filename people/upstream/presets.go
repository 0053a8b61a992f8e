package upstream

import (
	"maps"
	"slices"
)

// Preset is what is known of a kind of provider beforehand. Its calls are in package internal/upstreams.
type Preset struct {
	Name   string
	Issuer string
	Scopes []string
	// OpenID says that the provider knows OpenID Connect. Any other has an API of its own.
	OpenID bool
	// AnswersAs is the iss that answers of a provider without OpenID may carry.
	AnswersAs string
	// Claims are the provider's names for claims of ours, where they differ.
	Claims map[string]string
	// Verified are the values of email_verified that the provider documents for yes, beside the
	// boolean true.
	Verified []any
	// Fresh are parameters by which the provider has users prove themselves anew, as far as it
	// knows such. The proof counts only if the ID token says when it was given: a user can leave
	// any parameter out on the way.
	Fresh map[string]string
	// Forces says that the provider then asks the user in any case. An ID token that names an
	// earlier time was not asked for by what we sent.
	Forces bool
	// FormPost has the answer come as a form that the provider's page posts.
	FormPost bool
	// Hosted says that hd names the organisation that an account belongs to.
	Hosted bool
	// Templated allows a template in the issuer, which stands for many directories.
	Templated bool
	// SecretIsKey says that client secrets are made, one for each call, with a key of Apple's.
	SecretIsKey bool
}

var openIDScopes = []string{"openid", "profile", "email"}

var presets = map[string]Preset{
	"":     {OpenID: true, Scopes: openIDScopes, Fresh: map[string]string{"prompt": "login"}, Forces: true},
	"oidc": {OpenID: true, Scopes: openIDScopes, Fresh: map[string]string{"prompt": "login"}, Forces: true},
	"google": {
		Name: "Google", OpenID: true, Issuer: "https://accounts.google.com", Scopes: openIDScopes,
		// It knows neither prompt=login nor max_age. auth_time is there for apps that are
		// verified and have switched "session age claims" on.
		Fresh: map[string]string{"prompt": "select_account"}, Hosted: true,
	},
	"microsoft": {
		Name: "Microsoft", OpenID: true, Issuer: "https://login.microsoftonline.com/common/v2.0", Scopes: openIDScopes,
		// Administrators of a directory write into email what they like; xms_edov says that the
		// directory has proven the domain.
		Claims:   map[string]string{"email_verified": "xms_edov"},
		Verified: []any{"1", "true", 1.0}, // as its directories send it
		// auth_time is one of the optional claims of an app's registration.
		Fresh: map[string]string{"prompt": "login"}, Forces: true, Templated: true,
	},
	"apple": {
		Name: "Apple", OpenID: true, Issuer: "https://appleid.apple.com", Scopes: []string{"openid", "name", "email"},
		Verified: []any{"true"}, FormPost: true, // a text or a boolean; it asks again by no parameter
		SecretIsKey: true,
	},
	"facebook": {
		Name: "Facebook", Issuer: "https://www.facebook.com", Scopes: []string{"public_profile", "email"},
		AnswersAs: "https://www.facebook.com", Fresh: map[string]string{"auth_type": "reauthenticate"},
	},
	"github": {
		Name: "GitHub", Issuer: "https://github.com", Scopes: []string{"read:user", "user:email"},
		AnswersAs: "https://github.com/login/oauth", Fresh: map[string]string{"prompt": "select_account"},
	},
	"discord": {
		Name: "Discord", Issuer: "https://discord.com", Scopes: []string{"identify", "email"},
		AnswersAs: "https://discord.com", Fresh: map[string]string{"prompt": "consent"},
	},
	"vk": {
		Name: "VK", Issuer: "https://oauth.vk.com", Scopes: []string{"email"},
		AnswersAs: "https://oauth.vk.com", Fresh: map[string]string{"revoke": "1"},
	},
}

// Presets returns the names of all presets, sorted.
func Presets() []string {
	names := slices.Sorted(maps.Keys(presets))
	return slices.DeleteFunc(names, func(s string) bool { return s == "" })
}
