package passkey

import (
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Create asks browser for a new passkey of the person, in none of the places that hold
// one of theirs already. It should verify its owner and be found without a name; what
// cannot do so, such as an old security key, can still be a second factor.
func (p *Party) Create(browser string, person Person) (Challenge, error) {
	u := p.user(&person, person.Passkeys)
	options, session, err := p.rp.BeginRegistration(u,
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred,
		}),
		webauthn.WithConveyancePreference(protocol.PreferNoAttestation), // which make it is says nothing that we ask for
		webauthn.WithExclusions(webauthn.Credentials(u.keys).CredentialDescriptors()),
		webauthn.WithCredentialParameters(webauthn.CredentialParametersRecommendedL3()),
		webauthn.WithExtensions(webauthn.WithExtensionCredProps()),
	)
	if err != nil {
		return Challenge{}, fmt.Errorf("ask for a new passkey: %w", err)
	}
	return p.seal(Register, person.ID, browser, options.Response, session)
}

// Created is the passkey that browser answers Create with: a RegistrationResponseJSON.
// Storing it spends once.
func (p *Party) Created(browser, state string, answer []byte, person Person) (k Passkey, once storage.Spent, err error) {
	l, err := p.open(Register, browser, state)
	if err != nil {
		return k, once, err
	}
	if l.UserID != person.ID {
		return k, once, fmt.Errorf("%w: asked of somebody else", ErrWrong)
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
