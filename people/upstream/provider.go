package upstream

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Provider is an upstream provider of a tenant, with what its settings leave to the preset.
type Provider struct {
	storage.Upstream
	// Kind is what is known of it beforehand.
	Kind Preset
	// Secret is the client secret in the clear; with Kind.SecretIsKey, the key.
	Secret string
}

// New returns the provider of the settings, with its secret in the clear. It fails for a preset
// that does not exist.
func New(u storage.Upstream, secret string) (*Provider, error) {
	kind, ok := presets[u.Preset]
	if !ok {
		return nil, fmt.Errorf("upstream %s: no preset %q", u.ID, u.Preset)
	}
	p := &Provider{Upstream: u, Kind: kind, Secret: secret}
	p.Name = NameOf(u)
	if p.Issuer == "" {
		p.Issuer = kind.Issuer
	}
	if len(p.Scopes) == 0 {
		p.Scopes = kind.Scopes
	}
	return p, nil
}

// NameOf returns what users call the provider of the settings.
func NameOf(u storage.Upstream) string {
	return cmp.Or(u.Name, presets[u.Preset].Name, u.ID)
}

// Taken returns what is taken from the provider's claims: pairs of a claim of ours and the provider's name for it.
func (p *Provider) Taken() (pairs [][2]string) {
	for _, ours := range mapped() {
		pairs = append(pairs, [2]string{ours, cmp.Or(p.Claims[ours], p.Kind.Claims[ours], ours)})
	}
	return pairs
}

// SpeaksFor reports whether the tenant has declared that the provider has the last word about
// the address, and the provider itself does not say otherwise: Google has it about its own
// domains and those of organisations that it hosts, not about an address of elsewhere that a
// user once confirmed there.
func (p *Provider) SpeaksFor(email address.Claimed, id Identity) bool {
	domain := email.Domain()
	if !id.EmailVerified || !slices.Contains(p.AuthoritativeDomains, domain) {
		return false
	}
	return !p.Kind.Hosted || id.hostedBy() == domain || domain == "gmail.com" || domain == "googlemail.com"
}

// Admits reports whether the tenant lets users with that address come from the provider.
func (p *Provider) Admits(email address.Claimed, id Identity) bool {
	if len(p.Domains) == 0 {
		return true
	}
	return id.EmailVerified && slices.Contains(p.Domains, email.Domain()) &&
		(!p.Kind.Hosted || slices.Contains(p.Domains, id.hostedBy()))
}
