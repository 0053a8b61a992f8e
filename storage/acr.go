package storage

import "slices"

// How a session was opened, from weak to strong: values of acr.
const (
	// ACRPassword is one proof, such as a password.
	ACRPassword = "urn:vouchsafe:acr:password"
	// ACRRemembered is one proof, from a browser whose owner gave a second one before and
	// had it remembered.
	ACRRemembered = "urn:vouchsafe:acr:remembered"
	// ACRMultiFactor is two proofs of different kinds, or one that holds two.
	ACRMultiFactor = "urn:vouchsafe:acr:mfa"
	// ACRPhishingResistant is ACRMultiFactor by a key that signs for this site alone, and
	// ACRPhishingResistantHardware by one that cannot leave its device (OpenID Connect
	// Extended Authentication Profile ACR Values 1.0).
	ACRPhishingResistant         = "phr"
	ACRPhishingResistantHardware = "phrh"
)

// ACRs are all ACRs, the weakest first.
var ACRs = []string{ACRPassword, ACRRemembered, ACRMultiFactor, ACRPhishingResistant, ACRPhishingResistantHardware}

// ReachesACR reports whether have is at least as strong as want; anything is as strong as
// "", and nothing as what is not one of ACRs.
func ReachesACR(have, want string) bool {
	i := slices.Index(ACRs, want)
	return want == "" || i >= 0 && slices.Index(ACRs, have) >= i
}

// StrongerACR returns the stronger of the two.
func StrongerACR(a, b string) string {
	if slices.Index(ACRs, b) > slices.Index(ACRs, a) {
		return b
	}
	return a
}

// ACROf returns the ACR of a proof by these methods of RFC 8176.
func ACROf(amr []string) string {
	has := func(method string) bool { return slices.Contains(amr, method) }
	switch {
	case !has("mfa"):
		return ACRPassword
	case has("hwk"):
		return ACRPhishingResistantHardware
	case has("swk"):
		return ACRPhishingResistant
	}
	return ACRMultiFactor
}

// HasSecondFactor reports whether a user with these credentials has switched a second factor on: by an
// authenticator app, or by passkeys together with recovery codes. A passkey alone is not enough:
// a user who loses it could not sign in by the password any more.
func HasSecondFactor(all []Credential) bool {
	has := func(kind string) bool {
		return slices.ContainsFunc(all, func(c Credential) bool { return c.Kind == kind })
	}
	return has(TOTPCredential) || has(PasskeyCredential) && has(RecoveryCredential)
}
