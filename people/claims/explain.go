package claims

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Explanation says what a client gets of one claim about a user in some places, and why.
type Explanation struct {
	Claim string `json:"claim"`
	// Value is what the claim is, whether or not it is given; nil if it is not known.
	Value json.RawMessage `json:"value,omitempty"`
	// In are the places that this is about: those that the rule names.
	In []string `json:"in"`
	// Absent says why the client does not get the claim there; "" if it does.
	Absent string `json:"absent,omitempty"`
	Scope  string `json:"scope,omitempty"` // that asks for it
	From   string `json:"from"`            // the rule's source, or "value"
	// Rule is BuiltIn, or which record adds the row: OfTenant or OfClient.
	Rule string `json:"rule"`
	// Place is where a file declares the rule, FILE:LINE:COLUMN; "" for one that the database alone has.
	Place string `json:"place,omitempty"`
}

// Values of Explanation.Rule.
const (
	BuiltIn  = "built in"
	OfTenant = "tenant"
	OfClient = "client"
)

// Declared says where files declare the rules of a tenant and a client, by the rules' claims.
type Declared struct{ Tenant, Client map[string]string }

// Explain says of each claim about the user whether the client gets it with these scopes, and why: first the
// built-in rows, then the tenant's, then the client's. It evaluates them as tokens do.
func (s *Subject) Explain(scopes []string, files Declared) []Explanation {
	rules := s.Rules()
	all := s.explainBuiltIn(rules, scopes)
	tooLarge := map[string][]string{} // claims, by place
	for _, in := range Places {
		_, tooLarge[in] = s.give(s.ask(in, scopes))
	}
	for i := range rules.tenant {
		r := &rules.tenant[i]
		for _, e := range s.explainRule(r, scopes, tooLarge) {
			e.Rule, e.Place = OfTenant, files.Tenant[r.Claim]
			if rules.Named(r.Claim) != r {
				e.Absent = "the client has a rule of its own"
			}
			all = append(all, e)
		}
	}
	for i := range rules.client {
		r := &rules.client[i]
		for _, e := range s.explainRule(r, scopes, tooLarge) {
			e.Rule, e.Place = OfClient, files.Client[r.Claim]
			all = append(all, e)
		}
	}
	return all
}

// explainBuiltIn explains the built-in claims that no rule takes the place of.
func (s *Subject) explainBuiltIn(rules Rules, scopes []string) []Explanation {
	sub := appendText(nil, s.Names.User(s.User.ID))
	all := []Explanation{{Claim: "sub", Value: sub, In: Places, From: "the account", Rule: BuiltIn}}
	for _, c := range Standard.All() {
		if c.Value == nil || rules.Named(c.Name) != nil {
			continue
		}
		e := Explanation{Claim: c.Name, Scope: c.Scope, From: sourceProfile + "." + c.Name, Rule: BuiltIn,
			In: placesOf(&storage.ClaimRule{}, s.Client)}
		v := c.Value(s.User)
		if v != nil {
			e.Value, _ = json.Marshal(v) // a text, a number or an address
		}
		switch {
		case !slices.Contains(scopes, c.Scope):
			e.Absent = s.lacks(c.Scope)
		case v == nil:
			e.Absent = s.missing(e.From)
		}
		all = append(all, e)
	}
	return all
}

// explainRule explains the claim of a rule. Places of which the same is to be said are together. tooLarge are
// the claims that do not fit, by place.
func (s *Subject) explainRule(r *storage.ClaimRule, scopes []string, tooLarge map[string][]string) (all []Explanation) {
	for _, in := range placesOf(r, s.Client) {
		e := Explanation{Claim: r.Claim, In: []string{in}, Scope: scopeOf(r), From: cmp.Or(r.From, "value")}
		ask := s.ask(in, scopes)
		e.Value = s.appendValue(nil, r, ask)
		switch why := s.withheld(r, ask); {
		case errors.Is(why, errScope):
			e.Absent = s.lacks(e.Scope)
		case why != nil:
			e.Absent = why.Error()
		case e.Value == nil:
			e.Absent = s.missing(r.From)
		case slices.Contains(tooLarge[in], r.Claim):
			e.Absent = fmt.Sprintf("too large: the claims of rules may have %d bytes in a token, and %d at userinfo and "+
				"introspection", maxInToken, maxInAnswer)
		}
		same := func(o Explanation) bool { return o.Absent == e.Absent && string(o.Value) == string(e.Value) }
		if i := slices.IndexFunc(all, same); i >= 0 {
			all[i].In = append(all[i].In, in)
		} else {
			all = append(all, e)
		}
	}
	return all
}

// ask returns what a client asks for in a place without naming an audience.
func (s *Subject) ask(in string, scopes []string) Ask {
	a := Ask{In: in, Scopes: scopes}
	if in == InAccessToken || in == InIntrospection {
		a.Audience = s.Client.Audience
	}
	return a
}

// lacks says why the client does not have a scope.
func (s *Subject) lacks(scope string) string {
	if slices.Contains(s.Client.Scopes(), scope) {
		return "the scope " + scope + " isn't asked for"
	}
	return "the client's scope doesn't have " + scope
}

// missing says why a source has no value.
func (s *Subject) missing(from string) string {
	kind, name, _ := strings.Cut(from, ".")
	switch kind {
	case sourceRoles:
		return "the access token is for several APIs, and each would take the others' roles for its own"
	case sourceAttributes:
		if s.Tenant.Settings.Attribute(name) == nil {
			return "the tenant has no attribute " + name
		}
	case sourceClient, sourceTenant:
		return "the " + kind + " has no " + name
	case sourceUpstream:
		id, _, _ := strings.Cut(name, ".")
		return "the user has no account at " + id
	}
	return "the user has none"
}
