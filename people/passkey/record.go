package passkey

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"
)

// MaxName bounds the name of a passkey, in characters.
const MaxName = 60

// Passkey is the complete credential record of WebAuthn section 4. All of it is stored, because
// later versions of the rules may need it.
type Passkey struct {
	// Name is the name that the owner gave the passkey, or "".
	Name       string              `json:"name,omitempty"`
	LastUsed   time.Time           `json:"last_used,omitzero"`
	Credential webauthn.Credential `json:"credential"`
	// Handle is the user handle of a passkey that another product made. The passkeys made here have another one:
	// see Party.handle.
	Handle []byte `json:"handle,omitempty"`
	// Unseen says that it is not known whether the passkey can be copied between devices. The first answer tells.
	Unseen bool `json:"unseen,omitempty"`
}

// Parse reads the result of Encode.
func Parse(data []byte) (Passkey, error) {
	var k Passkey
	if err := json.Unmarshal(data, &k); err != nil {
		return k, fmt.Errorf("passkey: %w", err)
	}
	return k, nil
}

// Encode returns the record in its stored form, which the caller seals.
func (k Passkey) Encode() ([]byte, error) { return json.Marshal(k) }

// ID returns the credential's id in base64url.
func (k Passkey) ID() string { return base64.RawURLEncoding.EncodeToString(k.Credential.ID) }

// Synced reports whether the passkey can be copied between devices, as password managers do.
func (k Passkey) Synced() bool { return k.Credential.Flags.BackupEligible }

// Cloned reports whether the counter of an answer went back. Two devices then have the key,
// although it was made to stay in one. The passkey proves nothing any more.
func (k Passkey) Cloned() bool { return k.Credential.Authenticator.CloneWarning }

// SignsIn reports whether the passkey alone proves its owner. It must have verified its owner when
// it was made: a thief of a security key without a PIN could set one later. The browser must also
// be able to find it without knowing the account.
func (k Passkey) SignsIn() bool {
	rk := k.Credential.Extensions.RK
	return k.Credential.Flags.UserVerified && (rk == nil || *rk) && !k.Cloned()
}

// Maker returns the name of the product that keeps the passkey, or "" if it is not known.
func (k Passkey) Maker() string { return makers[fmt.Sprintf("%x", k.Credential.Authenticator.AAGUID)] }

// makers are common password managers by AAGUID, from the community's list
// passkeydeveloper/passkey-authenticator-aaguids. An AAGUID is not authenticated: it serves as a
// name only.
var makers = map[string]string{
	"ea9b8d664d011d213ce4b6b48cb575d4": "Google Password Manager",
	"fbfc3007154e4ecc8c0b6e020557d7bd": "Apple Passwords",
	"dd4ec289e01d41c9bb8970fa845d4bf2": "Apple Passwords",
	"08987058cadc4b81b6e130de50dcbe96": "Windows Hello",
	"9ddd1817af5a4672a2b93e3dd95000a9": "Windows Hello",
	"6028b017b1d44c02b4b3afcdafc96bb2": "Windows Hello",
	"adce000235bcc60a648b0b25f1f05503": "Chrome",
	"bada5566a7aa401fbd9645619a55120d": "1Password",
	"d548826e79b4db40a3d811116f7e8349": "Bitwarden",
	"531126d6e717415c93203d9aa6981239": "Dashlane",
	"b84e404815dc4dd08640f4f60813c8af": "NordPass",
	"50726f746f6e5061737350726f746f6e": "Proton Pass",
	"fdb141b25d84443e8a354698c205a502": "KeePassXC",
	"53414d53554e47000000000000000000": "Samsung Pass",
}
