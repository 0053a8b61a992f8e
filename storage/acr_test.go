package storage

import "testing"

func TestACRsAreALadder(t *testing.T) {
	for i, have := range ACRs {
		for j, want := range ACRs {
			if got := ReachesACR(have, want); got != (i >= j) {
				t.Errorf("%s reaches %s: got %v", have, want, got)
			}
			if got := StrongerACR(have, want); got != ACRs[max(i, j)] {
				t.Errorf("%s or %s: got %s", have, want, got)
			}
		}
		if !ReachesACR(have, "") || ReachesACR(have, "gold") || ReachesACR("gold", have) || StrongerACR("", have) != have {
			t.Errorf("%s beside what is unknown", have)
		}
	}
}

func TestMethodsComeToAnACR(t *testing.T) {
	for want, methods := range map[string][][]string{
		ACRPassword:                  {nil, {"pwd"}, {"otp"}, {"fed"}, {"hwk"}, {"swk", "user"}},
		ACRMultiFactor:               {{"pwd", "otp", "mfa"}, {"fed", "mfa"}},
		ACRPhishingResistant:         {{"swk", "user", "mfa"}, {"pwd", "swk", "mfa"}},
		ACRPhishingResistantHardware: {{"hwk", "user", "mfa"}},
	} {
		for _, amr := range methods {
			if got := ACROf(amr); got != want {
				t.Errorf("%v: got %s, want %s", amr, got, want)
			}
		}
	}
}

func TestASecondFactorIsSwitchedOnByItsOwner(t *testing.T) {
	for name, tc := range map[string]struct {
		kinds []string
		want  bool
	}{
		"a password":               {[]string{PasswordCredential}, false},
		"an app":                   {[]string{PasswordCredential, TOTPCredential}, true},
		"a passkey":                {[]string{PasskeyCredential}, false},
		"a passkey and codes":      {[]string{PasskeyCredential, RecoveryCredential}, true},
		"codes for nothing":        {[]string{RecoveryCredential}, false},
		"a device that remembers":  {[]string{DeviceCredential}, false},
		"an app, passkey, no code": {[]string{PasskeyCredential, TOTPCredential}, true},
	} {
		var creds []Credential
		for _, kind := range tc.kinds {
			creds = append(creds, Credential{Kind: kind})
		}
		if got := HasSecondFactor(creds); got != tc.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
