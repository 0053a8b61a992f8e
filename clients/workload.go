package clients

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// spiffe begins the ids of workloads and trust domains (SPIFFE ID section 2).
const spiffe = "spiffe://"

// IsTrustDomain reports whether the entry is about JWT-SVIDs of a SPIFFE trust domain.
func IsTrustDomain(w *storage.Workload) bool { return strings.HasPrefix(w.Issuer, spiffe) }

// IsOf reports whether a token with that iss and sub is of the issuer of the entry. The keys of a trust domain count
// for its own ids alone.
func IsOf(w *storage.Workload, iss, sub string) bool {
	if IsTrustDomain(w) {
		return strings.HasPrefix(sub, w.Issuer+"/")
	}
	return iss == w.Issuer
}

// maxClaim bounds the claims that are compared, in bytes.
const maxClaim = 1024

// MeetsConditions reports whether the claims of a token, in JSON, meet all conditions of the entry. Claims that are no
// texts meet none.
func MeetsConditions(w *storage.Workload, claims []byte) bool {
	var all map[string]any
	if len(w.Claims) == 0 || json.Unmarshal(claims, &all) != nil {
		return false
	}
	for name, want := range w.Claims {
		is, ok := claimAt(all, name).(string)
		if !ok || len(is) > maxClaim || !matches(want, is) {
			return false
		}
	}
	return true
}

// claimAt returns a claim by its name, or by its JSON pointer (RFC 6901) through objects; nil for none.
func claimAt(all map[string]any, name string) any {
	pointer, ok := strings.CutPrefix(name, "/")
	if !ok {
		return all[name]
	}
	var at any = all
	for part := range strings.SplitSeq(pointer, "/") {
		object, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
	}
	return at
}

// matches reports whether the whole text is what the pattern says: * stands for characters but / and :, which separate
// names from each other, and ** for any. Each star is tried once from left to right for each place, so that no pattern
// takes long.
func matches(pattern, text string) bool {
	type place struct{ p, t int }
	tried := map[place]bool{}
	var from func(p, t int) bool
	from = func(p, t int) bool {
		at := place{p, t}
		if tried[at] {
			return false
		}
		tried[at] = true
		switch {
		case p == len(pattern):
			return t == len(text)
		case pattern[p] != '*':
			return t < len(text) && pattern[p] == text[t] && from(p+1, t+1)
		}
		next, all := p+1, false
		if next < len(pattern) && pattern[next] == '*' {
			next, all = next+1, true
		}
		if from(next, t) {
			return true
		}
		return t < len(text) && (all || text[t] != '/' && text[t] != ':') && from(p, t+1)
	}
	return from(0, 0)
}

const (
	// maxWorkloads and maxConditions bound the entries of a client, and the conditions of each.
	maxWorkloads, maxConditions = 16, 16
)

// workloads checks whose tokens authenticate the client.
func (v *clientChecks) workloads() {
	if len(v.Workloads) > maxWorkloads {
		v.fault("workloads", "has %d entries: write at most %d", len(v.Workloads), maxWorkloads)
		return
	}
	if len(v.Workloads) > 0 && v.Public() {
		v.fault("workloads", "authenticate the client: remove them, or set token_endpoint_auth_method to private_key_jwt")
	}
	if len(v.Workloads) > 0 && v.Profile == storage.ProfileFAPI2 {
		v.fault("workloads", "can't be used with profile: fapi2: their tokens can be used more than once")
	}
	for i := range v.Workloads {
		v.workload(fmt.Sprintf("workloads.%d.", i), &v.Workloads[i])
	}
}

// workload checks one entry; at is its place.
func (v *clientChecks) workload(at string, w *storage.Workload) {
	if w.Issuer == "" {
		v.fault(at+"issuer", "is missing: write the iss of the tokens, or spiffe:// and a trust domain")
	} else {
		v.word(at+"issuer", w.Issuer)
	}
	if domain, ok := strings.CutPrefix(w.Issuer, spiffe); ok && (domain == "" || strings.ContainsAny(domain, "/:@?#*")) {
		v.fault(at+"issuer", "%q is no trust domain: write spiffe:// and its name alone", w.Issuer)
	}
	switch inline := !noJWKS(w.JWKS); {
	case inline && w.JWKSURI != "":
		v.fault(at+"jwks_uri", "can't be used together with jwks: write one of them")
	case inline:
		if _, _, err := ParseJWKS(w.JWKS); err != nil {
			v.fault(at+"jwks", "%s", err)
		}
	case w.JWKSURI == "":
		v.fault(at+"jwks_uri", "is missing: write where the issuer publishes its keys, or jwks")
	default:
		if message := linkFault(w.JWKSURI, true); message != "" {
			v.fault(at+"jwks_uri", "%q %s", w.JWKSURI, message)
		}
	}
	v.list(at+"audience", w.Audience, v.word)
	v.conditions(at+"claims", w.Claims)
}

// conditions checks the conditions of an entry. Issuers such as a CI service sign tokens for all their customers: each
// condition has to say whose.
func (v *clientChecks) conditions(field string, all map[string]string) {
	if len(all) == 0 || len(all) > maxConditions {
		v.fault(field, "has %d conditions: write 1 to %d, such as sub: system:serviceaccount:shop:orders", len(all),
			maxConditions)
	}
	for name, value := range all {
		switch {
		case name == "" || len(name) > maxText || len(value) > maxText || !storage.WellFormed(name+value):
			v.fault(field, "%q is no name and value of a claim: write at most %d bytes of each", name, maxText)
		case name == "iss" || name == "aud" || name == "exp":
			v.fault(field, "%s is checked in any case: write issuer or audience beside claims", name)
		case value == "" || value[0] == '*':
			v.fault(field, "%s begins with anything: write a value that begins with what is yours", name)
		case strings.Contains(value, "***"):
			v.fault(field, "%s has three stars: write * for a part of a name, and ** for all that follows", name)
		}
	}
}
