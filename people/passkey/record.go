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

// Passkey is the whole record of one (WebAuthn section 4, "credential record"): what
// later versions of the rules may want to look at again is kept with it.
type Passkey struct {
	// Name is what its owner calls it, or "".
	Name       string              `json:"name,omitempty"`
	LastUsed   time.Time           `json:"last_used,omitzero"`
	Credential webauthn.Credential `json:"credential"`
}

// Parse reads what Encode wrote.
func Parse(data []byte) (Passkey, error) {
	var k Passkey
	if err := json.Unmarshal(data, &k); err != nil {
		return k, fmt.Errorf("passkey: %w", err)
	}
	return k, nil
}

// Encode is the record as it is kept.
func (k Passkey) Encode() ([]byte, error) { return json.Marshal(k) }

// ID is the credential's id, base64url.
func (k Passkey) ID() string { return base64.RawURLEncoding.EncodeToString(k.Credential.ID) }

// Synced says that the passkey can be copied between devices, as password managers do.
func (k Passkey) Synced() bool { return k.Credential.Flags.BackupEligible }

// Cloned says that an answer's counter went back: two devices hold its key, though it
// was made to stay in one. It proves nothing any more.
func (k Passkey) Cloned() bool { return k.Credential.Authenticator.CloneWarning }

// SignsIn says whether the passkey proves its owner alone. It has to have verified its
// owner when it was made: a person who finds a security key without a PIN could give it
// one. And the browser has to find it without being told whose it is.
func (k Passkey) SignsIn() bool {
	rk := k.Credential.Extensions.RK
	return k.Credential.Flags.UserVerified && (rk == nil || *rk) && !k.Cloned()
}

// Maker is what keeps the passkey, as far as it says so, or "".
func (k Passkey) Maker() string { return makers[fmt.Sprintf("%x", k.Credential.Authenticator.AAGUID)] }

// makers are the password managers that most people use, by AAGUID, as the community's
// list passkeydeveloper/passkey-authenticator-aaguids has them. Nothing proves an
// AAGUID: it is good for a name alone.
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
