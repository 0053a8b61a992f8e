package ui

import (
	"slices"

	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Wishes says in words what a client asks for by scopes and claims: who the user is comes first, and
// how long it lasts last. A claim that one of the scopes includes is not named again. settings are those of the
// tenant, which has words of its own for the scopes of its APIs, and rules those of the client.
func Wishes(
	w texts.Words, settings *storage.TenantSettings, rules claims.Rules, scopes, names []string,
) []string {
	var out []string
	add := func(kind, name string) {
		text, ok := w[kind+"."+name]
		if kind == "claim" {
			text, ok = w[kind+"."+rules.Meaning(name)]
		}
		if own := settings.ConsentTo(name, w.Lang()); !ok && kind == "scope" && own != "" {
			text, ok = own, true
		}
		if !ok {
			text = w.Must("consent."+kind, name)
		}
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	const first, last = "openid", "offline_access"
	if slices.Contains(scopes, first) {
		add("scope", first)
	}
	for _, scope := range scopes {
		if scope != first && scope != last {
			add("scope", scope)
		}
	}
	for _, claim := range names {
		if !slices.Contains(scopes, rules.ScopeOf(claim)) && !slices.Contains(claims.Standard.Protocol(), claim) {
			add("claim", claim)
		}
	}
	if slices.Contains(scopes, last) {
		add("scope", last)
	}
	return out
}
