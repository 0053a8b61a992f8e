package upstreams

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	table "github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// claims are what a provider says, by its own names.
type claims map[string]any

// text returns a claim that is a string fit to be shown on one line; "" otherwise.
func (c claims) text(name string, most int) string {
	s, _ := c.at(name).(string)
	s = strings.TrimSpace(s)
	if utf8.RuneCountInString(s) > most || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	}) {
		return ""
	}
	return s
}

// at returns a claim, by its name or by a path of names with dots between.
func (c claims) at(name string) any {
	if v, ok := c[name]; ok {
		return v
	}
	first, rest, nested := strings.Cut(name, ".")
	if inner, ok := c[first].(map[string]any); ok && nested {
		return claims(inner).at(rest)
	}
	return nil
}

// claim returns the provider's name for a claim of ours.
func (p *provider) claim(name string) string {
	if theirs := p.Claims[name]; theirs != "" {
		return theirs
	}
	if theirs := p.Kind.Claims[name]; theirs != "" {
		return theirs
	}
	return name
}

// identity returns what the claims say, without the subject.
func (p *provider) identity(c claims) upstream.Identity {
	var id upstream.Identity
	p.add(&id, c)
	return id
}

// add fills what is still empty. An address and whether it is verified are taken from
// one source: what one says of an address must not be held for another's.
func (p *provider) add(id *upstream.Identity, said claims) {
	id.Said = append(id.Said, said)
	if id.Email == "" {
		if email := said.text(p.claim("email"), 254); email != "" {
			id.Email, id.EmailVerified = email, p.verified(said)
		}
	}
	if p.Kind.Hosted && id.Hosted == "" {
		id.Hosted = said.text("hd", 253)
	}
	if id.AMR == nil {
		list, _ := said.at("amr").([]any)
		for _, v := range list {
			if s, ok := v.(string); ok && len(s) < 32 && len(id.AMR) < 16 {
				id.AMR = append(id.AMR, s)
			}
		}
	}
	p.addGroups(id, said)
	for _, c := range table.Standard.All() {
		if !c.Upstream || *c.Text(&id.Profile) != "" {
			continue
		}
		if c.Form == table.URL {
			*c.Text(&id.Profile) = secureURL(said.text(p.claim(c.Name), 2000))
		} else {
			*c.Text(&id.Profile) = said.text(p.claim(c.Name), 200)
		}
	}
}

// maxGroups bounds how many groups of a provider are looked at.
const maxGroups = 5000

// addGroups takes over the tenant's groups that the provider says the user is in: a list of names, or one name.
func (p *provider) addGroups(id *upstream.Identity, said claims) {
	list, ok := said.at(p.groupsClaim()).([]any)
	if one, is := said.at(p.groupsClaim()).(string); is {
		list, ok = []any{one}, true
	}
	if len(p.Groups) == 0 || id.GroupsSaid || !ok {
		return
	}
	id.GroupsSaid = true
	for i, theirs := range list {
		name, _ := theirs.(string)
		if ours := p.Groups[name]; ours != "" && !slices.Contains(id.Groups, ours) && i < maxGroups {
			id.Groups = append(id.Groups, ours)
		}
	}
}

// groupsClaim returns the provider's claim that lists groups.
func (p *provider) groupsClaim() string { return cmp.Or(p.GroupsClaim, "groups") }

// leavesOutGroups reports whether the provider says that there are too many groups for a token (Microsoft): that
// the claim is missing does not mean that the user is in none.
func (p *provider) leavesOutGroups(said claims) bool {
	names, _ := said["_claim_names"].(map[string]any)
	return names[p.groupsClaim()] != nil || said["hasgroups"] == true
}

// verified takes the boolean true and, of a provider that documents them, other values that mean it. It is about the
// claim email, not about an address from another: users may be free to write what they like there. An operator who
// knows better names the claim for email_verified as well.
func (p *provider) verified(c claims) bool {
	if p.claim("email") != "email" && p.Claims["email_verified"] == "" {
		return false
	}
	v := c.at(p.claim("email_verified"))
	documented := p.Claims["email_verified"] == "" && slices.Contains(p.Kind.Verified, v)
	return v == true || documented || v == "true" && cognito.MatchString(p.Issuer)
}

// cognito are the issuers of Amazon's user pools, whose userinfo has booleans as texts.
var cognito = regexp.MustCompile(`^https://cognito-idp\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/`)

// secureURL returns the URL if it can be shown as a picture or a link: https, with a host, without a user. It returns
// "" for all others.
func secureURL(s string) string {
	if u, err := url.Parse(s); err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil {
		return u.String()
	}
	return ""
}

// fullName joins what parts of a name there are.
func fullName(p *storage.Profile) {
	if p.Name == "" {
		p.Name = strings.TrimSpace(p.GivenName + " " + p.FamilyName)
	}
}
