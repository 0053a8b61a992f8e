package claims

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Values of as.
const (
	AsList   = "list"
	AsString = "string"
)

// Bounds of rules.
const (
	maxRules   = 64
	maxName    = 128 // bytes of a claim's name
	maxLiteral = 1024
)

// nameForm matches names of claims: visible ASCII that needs no escaping in JSON, YAML or a URL. Dots are part
// of the name.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:/#~@-]*$`)

// reserved are the names that the protocol gives a meaning to, in lower case: a rule with one of them could
// make an API or an app take a token for another user's, another client's or another kind's. Programs in Go read
// members of JSON without regard to case.
var reserved = lowerSet(slices.Concat(Standard.Protocol(), []string{
	"client_id", "jti", "grant_id", "key_id", "scope", // RFC 9068
	"nbf", "cnf", // RFC 7519, RFC 7800
	"may_act", "sub_id", // RFC 8693, RFC 9493
	"c_hash", "s_hash", "sub_jwk", "_claim_names", "_claim_sources", // OpenID Connect Core
	"events",                                      // RFC 8417: of logout tokens
	"authorization_details",                       // RFC 9396
	"status",                                      // token status lists
	"active", "token_type", "token_introspection", // RFC 7662, RFC 9701
}))

// trusted are the claims by which apps link accounts or reach users: what they say was verified.
var trusted = []string{"email", "email_verified", "phone_number", "phone_number_verified"}

// Fault is one thing that is wrong with a list of rules.
type Fault struct {
	Path    string // INDEX.FIELD, as in a file
	Message string // what is wrong, and what to write instead
}

// checks collects what is wrong with rules.
type checks struct {
	faults []Fault
	at     int // the rule's place in its list
}

// wrong adds a fault of a field of the rule.
func (c *checks) wrong(field, format string, args ...any) {
	c.faults = append(c.faults, Fault{fmt.Sprintf("%d.%s", c.at, field), fmt.Sprintf(format, args...)})
}

// Check returns all that is wrong with the rules of a tenant or a client.
func Check(rules []storage.ClaimRule) []Fault {
	c := &checks{}
	if len(rules) > maxRules {
		c.at = maxRules
		c.wrong("claim", "is one too many: write at most %d", maxRules)
		return c.faults
	}
	seen := map[string]string{}
	for i := range rules {
		c.at = i
		r := &rules[i]
		if before, twice := seen[strings.ToLower(r.Claim)]; twice {
			c.wrong("claim", "%q stands there already, as %q: apps that ignore case would read one of them", r.Claim, before)
		}
		seen[strings.ToLower(r.Claim)] = r.Claim
		c.name(r)
		c.source(r)
		c.given(r)
	}
	return c.faults
}

// name checks the claim's name.
func (c *checks) name(r *storage.ClaimRule) {
	lower := strings.ToLower(r.Claim)
	standard := func(name string) bool { return strings.ToLower(name) == lower && name != r.Claim }
	switch i := slices.IndexFunc(Standard.All(), func(c Claim) bool { return standard(c.Name) }); {
	case r.Claim == "":
		c.wrong("claim", "is missing: write the claim's name, such as groups")
	case len(r.Claim) > maxName || !nameForm.MatchString(r.Claim):
		c.wrong("claim", "%q isn't a name: write letters, digits and _ . : / # ~ @ -, at most %d, and no spaces",
			r.Claim, maxName)
	case isReserved(r.Claim):
		c.wrong("claim", "%q is reserved: the protocol sets it. Write another name", r.Claim)
	case slices.Contains(trusted, lower):
		c.wrong("claim", "%q can't be replaced: apps trust that it was verified. Write another name", r.Claim)
	case i >= 0:
		c.wrong("claim", "%q differs from a built-in claim by its letters' case only: write %s, or another name",
			r.Claim, Standard.All()[i].Name)
	}
}

// source checks where the value comes from, and its form.
func (c *checks) source(r *storage.ClaimRule) {
	switch {
	case r.From == "" && r.Value == nil:
		c.wrong("from", "is missing: write where the value comes from, such as profile.name; or value, for one that is "+
			"the same for all")
		return
	case r.From != "" && r.Value != nil:
		c.wrong("value", "can't be used together with from: write one of them")
		return
	case r.Value != nil:
		c.literal(r)
		return
	}
	typ, fault := sourceType(r.From)
	if fault != "" {
		c.wrong("from", "%q: %s", r.From, fault)
		return
	}
	if r.As != "" && r.As != AsList && r.As != AsString {
		c.wrong("as", "%q isn't allowed: write list or string", r.As)
	}
	if r.As != "" && typ == Object {
		c.wrong("as", "is not for %s, which is an object: remove it", r.From)
	}
	c.prefix(r, typ)
}

// prefix checks prefix and strip_prefix.
func (c *checks) prefix(r *storage.ClaimRule, typ Type) {
	switch {
	case r.Prefix != "" && typ != List && typ != "":
		c.wrong("prefix", "is for lists, and %s is none: remove it", r.From)
	case r.StripPrefix && r.Prefix == "":
		c.wrong("strip_prefix", "needs prefix: write the beginning that is taken off")
	}
}

// literal checks a value that is the same for all.
func (c *checks) literal(r *storage.ClaimRule) {
	if len(r.Value) > maxLiteral {
		c.wrong("value", "has %d bytes: write at most %d", len(r.Value), maxLiteral)
	}
	if !isLiteral(r.Value) {
		c.wrong("value", "want a text, a number, true, false, or a list of texts")
	}
	for name, has := range map[string]bool{"prefix": r.Prefix != "", "strip_prefix": r.StripPrefix, "as": r.As != ""} {
		if has {
			c.wrong(name, "isn't used with value: remove it")
		}
	}
}

// isLiteral reports whether raw is JSON of a text, a number, true, false or a list of texts.
func isLiteral(raw json.RawMessage) bool {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return false
	}
	switch v := v.(type) {
	case string, float64, bool:
		return true
	case []any:
		return !slices.ContainsFunc(v, func(e any) bool { _, ok := e.(string); return !ok })
	}
	return false
}

// given checks where the claim is given, and for which scope.
func (c *checks) given(r *storage.ClaimRule) {
	for i, place := range r.In {
		switch {
		case !slices.Contains(Places, place):
			c.wrong(fmt.Sprintf("in.%d", i), "%q isn't allowed: write any of %s", place, strings.Join(Places, ", "))
		case slices.Contains(r.In[:i], place):
			c.wrong(fmt.Sprintf("in.%d", i), "%q appears twice: remove one", place)
		case place == InIntrospection && strings.EqualFold(r.Claim, "username"):
			c.wrong(fmt.Sprintf("in.%d", i), "introspection has a username of its own (RFC 7662): write another name")
		}
	}
	switch {
	case r.Scope == "openid" && aboutUsers(r), r.Scope == "offline_access":
		c.wrong("scope", "%s doesn't tell users that the app sees this: write another scope", r.Scope)
	case r.Scope != "" && !storage.IsScope(r.Scope):
		c.wrong("scope", "%q has a character that is not allowed: write one word of visible ASCII without \" and \\",
			r.Scope)
	case len(r.Scope) > maxName:
		c.wrong("scope", "has %d characters: write at most %d", len(r.Scope), maxName)
	}
}

// isReserved reports whether a claim has the name of one of the protocol, in any case.
func isReserved(claim string) bool { return reserved[strings.ToLower(claim)] }

// lowerSet returns the words in lower case.
func lowerSet(words []string) map[string]bool {
	set := map[string]bool{}
	for _, w := range words {
		set[strings.ToLower(w)] = true
	}
	return set
}
