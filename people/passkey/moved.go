package passkey

import (
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Moved is a passkey that another product made for the same host, as the product exports it.
type Moved struct {
	ID        []byte
	PublicKey []byte // a COSE_Key
	Handle    []byte // the user handle; nil if the authenticator has none
	SignCount uint32
	AAGUID    []byte // nil if it is not known
	Name      string
	// Verified says that the passkey verified its owner when it was made.
	Verified bool
	// Synced says whether the passkey can be copied between devices; nil if that is not known.
	Synced     *bool
	Transports []string
}

// The longest parts that WebAuthn allows.
const (
	maxID     = 1023 // bytes, section 4
	maxHandle = 64   // bytes, section 4
)

// Import returns the passkey. The error says what is wrong with it.
func (m Moved) Import() (Passkey, error) {
	switch {
	case len(m.ID) == 0 || len(m.ID) > maxID:
		return Passkey{}, errors.New("it has no id, or one longer than 1023 bytes")
	case len(m.Handle) > maxHandle:
		return Passkey{}, errors.New("its user handle is longer than 64 bytes")
	case len(m.AAGUID) != 0 && len(m.AAGUID) != 16:
		return Passkey{}, errors.New("its aaguid has not 16 bytes")
	}
	if _, err := webauthncose.ParsePublicKey(m.PublicKey); err != nil {
		return Passkey{}, fmt.Errorf("its public key is no COSE key of a supported kind: %w", err)
	}
	k := Passkey{Name: cut(m.Name, MaxName), Handle: m.Handle, Unseen: m.Synced == nil}
	k.Credential = webauthn.Credential{ID: m.ID, PublicKey: m.PublicKey, AttestationType: "none"}
	k.Credential.Authenticator.SignCount, k.Credential.Authenticator.AAGUID = m.SignCount, m.AAGUID
	k.Credential.Flags.UserPresent, k.Credential.Flags.UserVerified = true, m.Verified
	k.Credential.Flags.BackupEligible = m.Synced != nil && *m.Synced
	for _, t := range m.Transports {
		k.Credential.Transport = append(k.Credential.Transport, protocol.AuthenticatorTransport(t))
	}
	return k, nil
}

// cut returns the first characters of a name.
func cut(name string, most int) string {
	if runes := []rune(name); len(runes) > most {
		return string(runes[:most])
	}
	return name
}
