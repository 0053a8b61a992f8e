package people

import (
	"context"
	"slices"

	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// FactorWish is what is asked of a claimant besides the rule of the tenant.
type FactorWish struct {
	Rule string // the client's, as in storage.Client.SecondFactor
	ACR  string // that the client asks for; "" for none
	// Itself says that the second factor itself is wanted, whatever was proven before.
	Itself bool
	Letter string // of the client's request; "" for none
}

// Missing is what a claimant lacks.
type Missing struct {
	// ACR has to be reached; "" says that nothing is missing.
	ACR string
	// Which of the user's factors would reach it.
	TOTP     bool
	Recovery int // codes left
	Passkeys int
}

// None reports whether the claimant has nothing that would do.
func (m Missing) None() bool { return !m.TOTP && m.Recovery == 0 && m.Passkeys == 0 }

// MissingFactor returns what a claimant lacks by the rule of the tenant and the wish.
func (s *Service) MissingFactor(ctx context.Context, a Asker, c Claimant, wish FactorWish) Missing {
	has := storage.HasSecondFactor(c.Creds)
	rule := a.Tenant.Settings.SecondFactor.Require
	if rule == "" {
		rule = storage.SecondFactorEnrolled
	}
	want := wish.ACR
	rules := []string{rule, wish.Rule}
	if slices.Contains(rules, storage.SecondFactorAlways) || has && slices.Contains(rules, storage.SecondFactorEnrolled) {
		want = storage.StrongerACR(want, storage.ACRRemembered)
	}
	if has && wish.Itself {
		want = storage.StrongerACR(want, storage.ACRMultiFactor)
	}
	if storage.ReachesACR(c.ACR, want) {
		return Missing{}
	}
	return s.lacks(ctx, a, c, want)
}

func (s *Service) lacks(ctx context.Context, a Asker, c Claimant, want string) Missing {
	m := Missing{ACR: want}
	for _, cred := range c.Creds {
		switch cred.Kind {
		case storage.PasskeyCredential:
			// One that has opened this sign-in is no second proof of it.
			if !slices.Contains(c.AMR, "hwk") && !slices.Contains(c.AMR, "swk") {
				m.Passkeys++
			}
		case storage.TOTPCredential:
			m.TOTP = storage.ReachesACR(storage.ACRMultiFactor, want)
		case storage.RecoveryCredential:
			if storage.HasSecondFactor(c.Creds) && storage.ReachesACR(storage.ACRMultiFactor, want) {
				m.Recovery = s.recoveryLeft(ctx, cred)
			}
		}
	}
	if m.Passkeys > 0 {
		m.Passkeys = s.usablePasskeys(ctx, a, c.Creds)
	}
	return m
}

// usablePasskeys returns how many of a user's passkeys can be asked for as a second factor.
func (s *Service) usablePasskeys(ctx context.Context, a Asker, creds []storage.Credential) int {
	if _, err := s.party(a); err != nil {
		return 0
	}
	return len(slices.DeleteFunc(s.passkeysOf(ctx, creds), passkey.Passkey.Cloned))
}
