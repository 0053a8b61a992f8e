package upstream

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// preset is what is known of a provider beforehand.
type preset struct {
	name   string
	issuer string
	scopes []string
	// endpoint, when not nil, makes the provider one without OpenID, at the given base;
	// identify says who an access token's owner is.
	endpoint func(base string) oauth2.Endpoint
	identify func(ctx context.Context, p *Provider, accessToken string) (Identity, error)
	// answersAs is the iss that such a provider's answers may carry.
	answersAs string
	// claims are its names for ours, where they differ.
	claims         map[string]string
	verifiedAsText bool
	// fresh are parameters that have the person prove themselves anew.
	fresh map[string]string
	// formPost has the answer come as a form that the provider's page posts.
	formPost bool
	// hosted says that hd names the organisation an account belongs to.
	hosted bool
	// templated allows tenantTemplate in the issuer.
	templated bool
	// secret makes a client secret for one call.
	secret func(p *Provider, now time.Time) (string, error)
	// first takes what comes beside the code, once.
	first func(id *Identity, a Answer)
}

var openIDScopes = []string{"openid", "profile", "email"}

var presets = map[string]preset{
	"":     {scopes: openIDScopes, fresh: map[string]string{"prompt": "login"}},
	"oidc": {scopes: openIDScopes, fresh: map[string]string{"prompt": "login"}},
	"google": {
		name: "Google", issuer: "https://accounts.google.com", scopes: openIDScopes,
		fresh: map[string]string{"prompt": "select_account"}, hosted: true, // it has no prompt=login
	},
	"microsoft": {
		name: "Microsoft", issuer: "https://login.microsoftonline.com/common/v2.0", scopes: openIDScopes,
		// Anybody with a directory writes into email what they like; xms_edov says that the
		// directory has proven the domain.
		claims: map[string]string{"email_verified": "xms_edov"},
		fresh:  map[string]string{"prompt": "login"}, templated: true,
	},
	"apple": {
		name: "Apple", issuer: appleIssuer, scopes: []string{"openid", "name", "email"},
		verifiedAsText: true, formPost: true, secret: appleSecret, first: appleUser,
	},
	"facebook": {
		name: "Facebook", issuer: facebookIssuer, scopes: []string{"public_profile", "email"},
		endpoint: facebookEndpoint, identify: facebookUser, answersAs: facebookIssuer,
		fresh: map[string]string{"auth_type": "reauthenticate"},
	},
	"github": {
		name: "GitHub", issuer: "https://github.com", scopes: []string{"read:user", "user:email"},
		endpoint: gitHubEndpoint, identify: gitHubUser, answersAs: "https://github.com/login/oauth",
		fresh: map[string]string{"prompt": "select_account"},
	},
	"discord": {
		name: "Discord", issuer: "https://discord.com", scopes: []string{"identify", "email"},
		endpoint: discordEndpoint, identify: discordUser, answersAs: "https://discord.com",
		fresh: map[string]string{"prompt": "consent"},
	},
}

// Presets are the names of all presets.
func Presets() []string {
	names := slices.Sorted(maps.Keys(presets))
	return slices.DeleteFunc(names, func(s string) bool { return s == "" })
}

// expand puts a directory's id into the template.
func expand(template, tenant string) string {
	if !guid.MatchString(tenant) {
		return ""
	}
	return strings.ReplaceAll(template, tenantTemplate, tenant)
}
