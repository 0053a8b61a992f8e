package passkey

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"

	"github.com/go-webauthn/webauthn/webauthn"
)

// Person is the user that a ceremony concerns, with all of their passkeys.
type Person struct {
	ID string
	// Name tells the user's accounts apart in the browser's list: it is what they sign in with.
	// Display is the user's name, or "".
	Name, Display string
	Passkeys      []Passkey
}

// handlePrefix is the length of the prefix of a user handle, before the user's id.
const handlePrefix = 8

// handle returns the user handle (WebAuthn section 14.6.1). The holder of the authenticator can
// read it, so that it contains no more than the id and the tenant. Tenants below one host share
// their passkeys in the browser's view, where a new passkey replaces one with the same handle, and
// users may have been imported into several tenants with the same id.
func (p *Party) handle(userID string) []byte {
	sum := sha256.Sum256([]byte("passkey\x00" + p.tenant))
	return append(sum[:handlePrefix:handlePrefix], userID...)
}

// userID returns the id of the user with that handle, or "" if the handle is not one of this
// tenant's.
func (p *Party) userID(handle []byte) string {
	if len(handle) <= handlePrefix {
		return ""
	}
	id := string(handle[handlePrefix:])
	if string(p.handle(id)) != string(handle) {
		return ""
	}
	return id
}

// Known returns the JSON that a page may pass to the browser as signalAllAcceptedCredentials
// (WebAuthn section 5.1.10): the ids of the user's passkeys, so that password managers drop those
// that were removed here. Only the user may see it.
func (p *Party) Known(person Person) (string, error) {
	ids := []string{}
	for _, k := range person.Passkeys {
		ids = append(ids, k.ID())
	}
	raw, err := json.Marshal(map[string]any{
		"rpId": p.RPID(), "userId": base64.RawURLEncoding.EncodeToString(p.handle(person.ID)),
		"allAcceptedCredentialIds": ids,
	})
	return string(raw), err
}

// user is a Person in the form that the library demands.
type user struct {
	person *Person
	handle []byte
	keys   []webauthn.Credential
}

func (p *Party) user(person *Person, keys []Passkey) user {
	u := user{person: person, handle: p.handle(person.ID)}
	for _, k := range keys {
		u.keys = append(u.keys, k.Credential)
	}
	return u
}

func (u user) WebAuthnID() []byte                         { return u.handle }
func (u user) WebAuthnName() string                       { return u.person.Name }
func (u user) WebAuthnCredentials() []webauthn.Credential { return u.keys }

func (u user) WebAuthnDisplayName() string {
	if u.person.Display != "" {
		return u.person.Display
	}
	return u.person.Name
}
