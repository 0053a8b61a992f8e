package upstream

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/people/address"
	table "github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

var idForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)

// mapped returns the claims of ours that can be taken from a provider.
func mapped() []string {
	return append([]string{"email", "email_verified"}, table.Standard.UpstreamNames()...)
}

// Fault is one thing that is wrong with an upstream's settings.
type Fault struct {
	Field   string // as in tenants.yaml
	Message string // what is wrong and what to write instead
}

// Validate returns all that is wrong with an upstream, except for its secret.
func Validate(u storage.Upstream) []Fault {
	var faults []Fault
	wrong := func(field, format string, args ...any) {
		faults = append(faults, Fault{field, fmt.Sprintf(format, args...)})
	}
	if !idForm.MatchString(u.ID) {
		wrong("id", "%q isn't a valid id: write up to 32 lower-case letters, digits and hyphens", u.ID)
	}
	validate(u, wrong)
	return faults
}

// ValidateSecret returns what is wrong with an upstream's secret; "" for nothing.
func ValidateSecret(u storage.Upstream, secret string) string {
	kind, ok := presets[u.Preset]
	if kind.SecretIsKey {
		if _, err := ReadAppleKey(secret); err != nil {
			return "isn't a key from Apple: write the contents of the .p8 file, from BEGIN to END"
		}
	} else if ok && !kind.OpenID && secret == "" {
		return "is missing: " + kind.Name + " gives it to you with the client id"
	}
	return ""
}

func validate(u storage.Upstream, wrong func(field, format string, args ...any)) {
	kind, ok := presets[u.Preset]
	if !ok {
		wrong("preset", "%q is unknown: write one of %s", u.Preset, strings.Join(Presets(), ", "))
	}
	if u.ClientID == "" {
		wrong("client_id", "is missing: the provider gives it to you when you register Vouchsafe there")
	}
	switch {
	case u.Issuer == "" && ok && kind.Issuer == "":
		wrong("issuer", "is missing: write the provider's, such as https://login.example.com")
	case u.Issuer != "":
		if !isIssuer(u.Issuer) {
			wrong("issuer", "%q isn't an issuer URL: write the issuer of the provider's discovery document", u.Issuer)
		}
	}
	if apple := kind.SecretIsKey; apple && (u.TeamID == "" || u.KeyID == "") {
		wrong("team_id", "and key_id are needed with apple")
	} else if !apple && (u.TeamID != "" || u.KeyID != "") {
		wrong("team_id", "and key_id are apple's only")
	}
	if len(u.Scopes) > 0 && ok && kind.OpenID && !slices.Contains(u.Scopes, "openid") {
		wrong("scopes", "don't include openid, without which the provider doesn't say who the user is: add it")
	}
	for ours, theirs := range u.Claims {
		if !slices.Contains(mapped(), ours) {
			wrong("claims", "%q cannot be taken from a provider: write one of %s", ours, strings.Join(mapped(), ", "))
		}
		if theirs == "" {
			wrong("claims", "%q names no claim", ours)
		}
	}
	for theirs, ours := range u.Groups {
		if theirs == "" || !storage.ValidGroupID(ours) {
			wrong("groups", "%q: %q isn't the id of a group: %s", theirs, ours, storage.GroupIDRule)
		}
	}
	if len(u.Groups) > 0 && ok && !kind.OpenID {
		wrong("groups", "can't be taken from %s, which says none: remove them", kind.Name)
	}
	if u.GroupsClaim != "" && len(u.Groups) == 0 {
		wrong("groups_claim", "is not used without groups: write what they are here, such as {Engineering: engineers}")
	}
	for field, list := range map[string][]string{"authoritative_domains": u.AuthoritativeDomains, "domains": u.Domains} {
		for _, d := range list {
			if domain, err := address.Domain(d); err != nil || domain != d {
				wrong(field, "%q isn't a domain: write it like example.com. Subdomains need entries of their own", d)
			}
		}
	}
	if len(u.Domains) > 0 && (u.Preset == "facebook" || u.DistrustEmail) {
		wrong("domains", "need a provider whose word on addresses is accepted: remove distrust_email, or remove domains")
	}
	if u.SignUp != "" && u.SignUp != storage.SignUpOpen && u.SignUp != storage.SignUpClosed {
		wrong("sign_up", "%q is unknown: write open or closed", u.SignUp)
	}
}

// isIssuer reports whether the text is an address that may be an issuer. http is for stand-ins.
func isIssuer(text string) bool {
	iss, err := url.Parse(text)
	return err == nil && iss.Host != "" && (iss.Scheme == "https" || iss.Scheme == "http") &&
		iss.User == nil && iss.RawQuery == "" && iss.Fragment == ""
}
