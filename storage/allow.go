package storage

import (
	"slices"
	"strings"
)

// ClientAllow says which users may use a client: all that is not empty must hold for them.
type ClientAllow struct {
	// Groups are ids of groups: the user must be in one of them.
	Groups []string `json:"groups,omitempty" yaml:"groups,omitempty"`
	// EmailDomains are domains: the user's address must be verified and of one of them.
	EmailDomains []string `json:"email_domains,omitempty" yaml:"email_domains,omitempty"`
	// VerifiedEmail demands a verified address.
	VerifiedEmail bool `json:"verified_email,omitempty" yaml:"verified_email,omitempty"`
}

// Reasons why a user may not use a client.
const (
	RefusedUnverified = "unverified" // the address is not verified
	RefusedDomain     = "domain"     // the address is of another domain
	RefusedGroup      = "group"      // the user is in none of the groups
)

// All reports whether every user of the tenant may use the client.
func (a *ClientAllow) All() bool {
	return len(a.Groups) == 0 && len(a.EmailDomains) == 0 && !a.VerifiedEmail
}

// Refusal returns why the user may not use the client, or "". groups are those of the user; they are not looked at
// if the client names none. An address counts only if it is verified: an attacker can sign up with an address of
// a domain that is not theirs.
func (a *ClientAllow) Refusal(u *User, groups []string) string {
	if (a.VerifiedEmail || len(a.EmailDomains) > 0) && !u.EmailVerified {
		return RefusedUnverified
	}
	if len(a.EmailDomains) > 0 {
		domain := u.EmailKey[strings.LastIndexByte(u.EmailKey, '@')+1:]
		if !slices.Contains(a.EmailDomains, domain) {
			return RefusedDomain
		}
	}
	in := func(id string) bool { return slices.Contains(a.Groups, id) }
	if len(a.Groups) > 0 && !slices.ContainsFunc(groups, in) {
		return RefusedGroup
	}
	return ""
}
