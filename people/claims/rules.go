package claims

import (
	"cmp"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// The places where a claim can be given: the values of in.
const (
	InIDToken       = "id_token"
	InUserinfo      = "userinfo"
	InAccessToken   = "access_token"
	InIntrospection = "introspection"
)

// Places are all places where a claim can be given.
var Places = []string{InIDToken, InUserinfo, InAccessToken, InIntrospection}

// usualPlaces are the places of built-in claims, and of rules that name none.
var usualPlaces = Places[:2]

// Rules are the rows that a tenant and one of its clients add to the table.
type Rules struct{ tenant, client []storage.ClaimRule }

// RulesOf returns the rules of a tenant and its client. Each of them may be nil.
func RulesOf(t *storage.Tenant, c *storage.Client) (r Rules) {
	if t != nil {
		r.tenant = t.Settings.Claims
	}
	if c != nil {
		r.client = c.Claims
	}
	return r
}

// Named returns the rule of a claim, or nil. A rule of the client takes the place of the tenant's.
func (r Rules) Named(claim string) *storage.ClaimRule {
	for _, rules := range [][]storage.ClaimRule{r.client, r.tenant} {
		for i := range rules {
			if rules[i].Claim == claim {
				return &rules[i]
			}
		}
	}
	return nil
}

// All yields the rules that apply: the client's, and those of the tenant whose claims the client has no rule
// for.
func (r Rules) All(yield func(*storage.ClaimRule) bool) {
	for i := range r.client {
		if !yield(&r.client[i]) {
			return
		}
	}
	own := Rules{client: r.client}
	for i := range r.tenant {
		if own.Named(r.tenant[i].Claim) == nil && !yield(&r.tenant[i]) {
			return
		}
	}
}

// ScopeOf returns the scope that asks for a claim, as the client gets it; "" when none does.
func (r Rules) ScopeOf(claim string) string {
	if rule := r.Named(claim); rule != nil {
		return scopeOf(rule)
	}
	return Standard.ScopeOf(claim)
}

// Meaning returns the claim or source that a claim tells the same as, for the words that users read.
func (r Rules) Meaning(claim string) string {
	if rule := r.Named(claim); rule != nil {
		return strings.TrimPrefix(rule.From, sourceProfile+".")
	}
	return claim
}

// AboutUsers reports whether a claim tells something about users, so that a client needs their consent.
func (r Rules) AboutUsers(claim string) bool {
	if rule := r.Named(claim); rule != nil {
		return aboutUsers(rule)
	}
	c := Standard.Named(claim)
	return c != nil && c.Value != nil
}

// OfScope returns the claims about users that rules give for a scope.
func (r Rules) OfScope(scope string) (names []string) {
	for rule := range r.All {
		if scopeOf(rule) == scope && aboutUsers(rule) {
			names = append(names, rule.Claim)
		}
	}
	return names
}

// Scopes returns the scopes of the tenant's rules that no built-in claim has, each once.
func (r Rules) Scopes() []string {
	var all []string
	for rule := range r.All {
		if s := rule.Scope; s != "" && s != "openid" && Standard.OfScope(s) == nil && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// Names returns the names of the claims of the rules that no built-in claim has.
func (r Rules) Names() []string {
	var all []string
	for rule := range r.All {
		if Standard.Named(rule.Claim) == nil {
			all = append(all, rule.Claim)
		}
	}
	return all
}

// NeedBelonging reports whether a rule reads groups or roles.
func (r Rules) NeedBelonging() bool {
	for rule := range r.All {
		if rule.From == sourceGroups || rule.From == sourceRoles {
			return true
		}
	}
	return false
}

// NeedIdentities reports whether a rule reads the user's accounts at upstream providers.
func (r Rules) NeedIdentities() bool {
	for rule := range r.All {
		if _, ok := UpstreamOf(rule); ok {
			return true
		}
	}
	return false
}

// scopeOf returns the scope that asks for a rule's claim. Without a scope of its own, the rule has that of the
// built-in claim whose place it takes.
func scopeOf(r *storage.ClaimRule) string { return cmp.Or(r.Scope, Standard.ScopeOf(r.Claim)) }

// aboutUsers reports whether the rule tells something about users.
func aboutUsers(r *storage.ClaimRule) bool {
	kind, _, _ := strings.Cut(r.From, ".")
	return r.Value == nil && kind != sourceClient && kind != sourceTenant
}

// placesOf returns where the rule's claim is given to the client.
func placesOf(r *storage.ClaimRule, c *storage.Client) []string {
	switch {
	case len(r.In) > 0:
		return r.In
	case c != nil && c.IDTokenClaims != nil && !*c.IDTokenClaims:
		return []string{InUserinfo}
	}
	return usualPlaces
}
