package calls

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
	claims map[string]string
	// verified says which values of email_verified the provider documents for yes, beside the
	// boolean true.
	verified []any
	// fresh are parameters that have the person prove themselves anew, as far as the provider
	// knows such. That it did so counts only when its ID token says when: a person can leave
	// any parameter out on the way.
	fresh map[string]string
	// forces says that the provider then asks the person in any case. One whose ID token
	// names an earlier time has not been asked what we sent.
	forces bool
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
	"":     {scopes: openIDScopes, fresh: map[string]string{"prompt": "login"}, forces: true},
	"oidc": {scopes: openIDScopes, fresh: map[string]string{"prompt": "login"}, forces: true},
	"google": {
		name: "Google", issuer: "https://accounts.google.com", scopes: openIDScopes,
		// It knows neither prompt=login nor max_age. auth_time is there for apps that are
		// verified and have switched "session age claims" on.
		fresh: map[string]string{"prompt": "select_account"}, hosted: true,
	},
	"microsoft": {
		name: "Microsoft", issuer: "https://login.microsoftonline.com/common/v2.0", scopes: openIDScopes,
		// Anybody with a directory writes into email what they like; xms_edov says that the
		// directory has proven the domain.
		claims:   map[string]string{"email_verified": "xms_edov"},
		verified: []any{"1", "true", 1.0}, // as its directories send it
		// auth_time is one of the optional claims of an app's registration.
		fresh: map[string]string{"prompt": "login"}, forces: true, templated: true,
	},
	"apple": {
		name: "Apple", issuer: appleIssuer, scopes: []string{"openid", "name", "email"},
		verified: []any{"true"}, formPost: true, // a text or a boolean; it asks again by no parameter
		secret: appleSecret, first: appleUser,
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
