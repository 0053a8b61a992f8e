package tenants

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/people/attributes"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	maxAPIs       = 200
	maxAPIScopes  = 200
	maxIdentifier = 255
	maxLine       = 200
	// An API that verifies a token without introspection does not learn that it was revoked.
	longestToken = 24 * time.Hour
)

// attributes checks what the tenant stores about its users.
func (c *checks) attributes() {
	if len(c.Attributes) > attributes.MaxDeclared {
		c.fault("attributes", "has %d entries: write at most %d", len(c.Attributes), attributes.MaxDeclared)
	}
	seen := map[string]bool{}
	for i, a := range c.Attributes {
		for _, f := range attributes.CheckDeclared(a) {
			c.fault(fmt.Sprintf("attributes.%d.%s", i, f.Name), "%s", f.Message)
		}
		if seen[a.Name] {
			c.fault(fmt.Sprintf("attributes.%d.name", i), "%q appears twice", a.Name)
		}
		seen[a.Name] = true
	}
}

// apis checks the APIs of the tenant.
func (c *checks) apis() {
	if len(c.APIs) > maxAPIs {
		c.fault("apis", "has %d entries: write at most %d", len(c.APIs), maxAPIs)
	}
	var seen []string
	for i := range c.APIs {
		at := fmt.Sprintf("apis.%d.", i)
		for _, f := range CheckAPI(&c.APIs[i]) {
			c.fault(at+f.Path, "%s", f.Message)
		}
		// One trailing slash makes no difference where tokens are asked for (RFC 8707).
		same := strings.TrimSuffix(c.APIs[i].Identifier, "/")
		if slices.Contains(seen, same) {
			c.fault(at+"identifier", "%q appears twice", c.APIs[i].Identifier)
		}
		seen = append(seen, same)
	}
}

// CheckAPI returns all that is wrong with an API.
func CheckAPI(a *storage.API) (fs []Fault) {
	wrong := func(path, format string, args ...any) { fs = append(fs, Fault{path, fmt.Sprintf(format, args...)}) }
	u, err := url.Parse(a.Identifier)
	if err != nil || u.Scheme == "" || u.Host == "" && u.Opaque == "" || strings.Contains(a.Identifier, "#") ||
		len(a.Identifier) > maxIdentifier || strings.ContainsFunc(a.Identifier, invisible) {
		wrong("identifier", "%.80q isn't an absolute URI without a fragment: write one, such as https://api.example.com",
			a.Identifier)
	}
	line(wrong, "name", a.Name)
	if len(a.Scopes) > maxAPIScopes {
		wrong("scopes", "has %d entries: write at most %d", len(a.Scopes), maxAPIScopes)
	}
	for i, s := range a.Scopes {
		checkScope(s, fmt.Sprintf("scopes.%d.", i), wrong)
		if slices.ContainsFunc(a.Scopes[:i], func(other storage.APIScope) bool { return other.Name == s.Name }) {
			wrong(fmt.Sprintf("scopes.%d.name", i), "%q appears twice", s.Name)
		}
	}
	if f := a.AccessTokenFormat; f != "" && f != "jwt" && f != "opaque" {
		wrong("access_token_format", "%q isn't allowed: write one of jwt, opaque", f)
	}
	if d := time.Duration(a.AccessTokenLifetime); d != 0 && (d < time.Second || d%time.Second != 0 || d > longestToken) {
		wrong("access_token_lifetime", "%s isn't in whole seconds and at most %s: write, for example, 10m", d, longestToken)
	}
	for i, id := range a.Clients {
		if id == "" || strings.ContainsFunc(id, invisible) {
			wrong(fmt.Sprintf("clients.%d", i), "%q isn't the id of a client", id)
		}
	}
	return fs
}

// ownScopes are scopes with a meaning of their own.
var ownScopes = append([]string{"openid", "offline_access"}, claims.Standard.Scopes()...)

// languageForm matches the names of languages that texts exist in.
var languageForm = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]+)*$`)

// checkScope checks a scope of an API.
func checkScope(s storage.APIScope, at string, wrong func(path, format string, args ...any)) {
	if len(s.Name) > maxLine || !storage.IsScope(s.Name) {
		wrong(at+"name", "%.80q isn't a scope: write visible ASCII without spaces, \" and \\", s.Name)
	}
	if slices.Contains(ownScopes, s.Name) {
		wrong(at+"name", "%q has a meaning of its own: write another name", s.Name)
	}
	line(wrong, at+"title", s.Title)
	for language, sentence := range s.Consent {
		if !languageForm.MatchString(language) {
			wrong(at+"consent."+language, "%q isn't a language: write its code, such as en or de", language)
		}
		line(wrong, at+"consent."+language, sentence)
	}
}

// line reports a text that cannot be shown in a line.
func line(wrong func(path, format string, args ...any), path, text string) {
	if len(text) > maxLine || strings.ContainsFunc(text, storage.Misleading) {
		wrong(path, "is longer than %d bytes, or has control characters", maxLine)
	}
}

// invisible reports what cannot stand in a URI or an id.
func invisible(r rune) bool { return r <= ' ' || r >= 0x7f }
