package passkey

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"

	"github.com/go-webauthn/webauthn/webauthn"
)

// Person is whose passkeys it is about.
type Person struct {
	ID string
	// Name is what tells the person's accounts apart in the browser's list: what they
	// sign in with. Display is what they are called, or "".
	Name, Display string
	Passkeys      []Passkey
}

// handlePrefix is the length of what a user handle has before the person's id.
const handlePrefix = 8

// handle is the person's user handle (WebAuthn 14.6.1): who holds the authenticator may
// read it, so that it says nothing but the id. Tenants below one host share its
// passkeys in the browser's eyes, where a new one replaces that with the same handle,
// and people may have been imported with the same id into several: so the tenant is
// part of it.
func (p *Party) handle(userID string) []byte {
	sum := sha256.Sum256([]byte("passkey\x00" + p.tenant))
	return append(sum[:handlePrefix:handlePrefix], userID...)
}

// userID is whose handle it is, or "" when it is not one of this tenant's.
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

// Known is what a page may tell the browser about the person's passkeys (WebAuthn 5.1.10,
// signalAllAcceptedCredentials), so that password managers forget those that were
// removed here. Only for the person themselves to see.
func (p *Party) Known(person Person) (string, error) {
	ids := []string{}
	for _, k := range person.Passkeys {
		ids = append(ids, k.ID())
	}
	raw, err := json.Marshal(map[string]any{
		"rpId": p.RPID(), "userId": base64.RawURLEncoding.EncodeToString(p.handle(person.ID)), "allAcceptedCredentialIds": ids,
	})
	return string(raw), err
}

// user is a Person as the library wants it.
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
