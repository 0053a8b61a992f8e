package ui

import (
	"cmp"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Wishes says in words what a client asks for by scopes, claims and APIs: who the user is comes first, and
// how long it lasts last. A claim that one of the scopes includes is not named again. settings are those of the
// tenant, which has words of its own for the scopes of its APIs, and rules those of the client.
func Wishes(
	w texts.Words, settings *storage.TenantSettings, rules claims.Rules, scopes, names, resources []string,
) []string {
	in := wording{w, settings, rules}
	var out []string
	add := func(all ...string) {
		for _, text := range all {
			if !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	const first, last = "openid", "offline_access"
	if slices.Contains(scopes, first) {
		add(in.scope(first)...)
	}
	for _, scope := range scopes {
		if scope != first && scope != last {
			add(in.scope(scope)...)
		}
	}
	for _, claim := range names {
		if !slices.Contains(scopes, rules.ScopeOf(claim)) && !slices.Contains(claims.Standard.Protocol(), claim) {
			add(in.claim(claim))
		}
	}
	for _, identifier := range resources {
		add(in.api(identifier))
	}
	if slices.Contains(scopes, last) {
		add(in.scope(last)...)
	}
	return out
}

// wording puts scopes and claims in words.
type wording struct {
	texts.Words
	settings *storage.TenantSettings
	rules    claims.Rules
}

// scope says what a scope allows. One that only rules give a meaning to allows to see their claims.
func (w wording) scope(name string) (all []string) {
	if text, ok := w.Words["scope."+name]; ok {
		return []string{text}
	}
	if own := w.settings.ConsentTo(name, w.Lang()); own != "" {
		return []string{own}
	}
	for _, claim := range w.rules.OfScope(name) {
		all = append(all, w.claim(claim))
	}
	if len(all) == 0 {
		all = append(all, w.Must("consent.scope", name))
	}
	return all
}

// api says that the client will use an API for the user.
func (w wording) api(identifier string) string {
	if a := w.settings.API(identifier); a != nil && a.Name != "" {
		return w.Must("consent.api_named", a.Name, identifier)
	}
	return w.Must("consent.api", identifier)
}

// claim says that the client will see a claim: in the words of what it is made from, or by the title of the
// tenant's attribute.
func (w wording) claim(name string) string {
	source := w.rules.Meaning(name)
	if text, ok := w.Words["claim."+source]; ok {
		return text
	}
	if attribute, ok := strings.CutPrefix(source, "attributes."); ok {
		if a := w.settings.Attribute(attribute); a != nil {
			name = cmp.Or(a.Title, name)
		}
	}
	return w.Must("consent.claim", name)
}
