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
	// ACRPhishingResistant is ACRMultiFactor by a key that signs for nobody but us, and
	// ACRPhishingResistantHardware by one that cannot leave its device (OpenID Connect
	// Extended Authentication Profile ACR Values 1.0).
	ACRPhishingResistant         = "phr"
	ACRPhishingResistantHardware = "phrh"
)

// ACRs are all of them in their order.
var ACRs = []string{ACRPassword, ACRRemembered, ACRMultiFactor, ACRPhishingResistant, ACRPhishingResistantHardware}

// ReachesACR says whether have is at least as strong as want; anything is as strong as
// "", and nothing as what is not one of ACRs.
func ReachesACR(have, want string) bool {
	i := slices.Index(ACRs, want)
	return want == "" || i >= 0 && slices.Index(ACRs, have) >= i
}

// StrongerACR is the stronger of the two.
func StrongerACR(a, b string) string {
	if slices.Index(ACRs, b) > slices.Index(ACRs, a) {
		return b
	}
	return a
}

// ACROf is what the methods of RFC 8176 that somebody has proven themselves by come to.
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

// HasSecondFactor says whether a person of these credentials switched a second factor
// on: by an app, or by passkeys for which they got recovery codes. A passkey alone does
// not, or whoever loses it could not sign in by the password any more.
func HasSecondFactor(all []Credential) bool {
	has := func(kind string) bool {
		return slices.ContainsFunc(all, func(c Credential) bool { return c.Kind == kind })
	}
	return has(TOTPCredential) || has(PasskeyCredential) && has(RecoveryCredential)
}
