package passkey

import (
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Create makes a challenge for a new passkey of the user that only this browser can answer.
// Devices that already hold a passkey of the user are excluded. The passkey should verify its
// owner and be discoverable. One that cannot, such as an old security key, is still a second
// factor.
func (p *Party) Create(browser string, person Person) (Challenge, error) {
	u := p.user(&person, person.Passkeys)
	options, session, err := p.rp.BeginRegistration(u,
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred,
		}),
		// attestation would name the model, which decides nothing here
		webauthn.WithConveyancePreference(protocol.PreferNoAttestation),
		webauthn.WithExclusions(webauthn.Credentials(u.keys).CredentialDescriptors()),
		webauthn.WithCredentialParameters(webauthn.CredentialParametersRecommendedL3()),
		webauthn.WithExtensions(webauthn.WithExtensionCredProps()),
	)
	if err != nil {
		return Challenge{}, fmt.Errorf("ask for a new passkey: %w", err)
	}
	return p.seal(Register, person.ID, browser, options.Response, session)
}

// Created returns the passkey in the answer to Create, a RegistrationResponseJSON. The change that
// stores the passkey must spend once. Created returns ErrWrong or ErrLate.
func (p *Party) Created(browser, state string, answer []byte, person Person) (k Passkey,
	once storage.Spent, err error) {
	l, err := p.open(Register, browser, state)
	if err != nil {
		return k, once, err
	}
	if l.UserID != person.ID {
		return k, once, fmt.Errorf("%w: the challenge was made for another user", ErrWrong)
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return k, once, wrong(err)
	}
	made, err := p.rp.CreateCredential(p.user(&person, nil), l.Session, parsed)
	if err != nil {
		return k, once, wrong(err)
	}
	return Passkey{Credential: *made}, p.once(l), nil
}
