package importing

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/people/passkey"
)

// Passkey is a passkey that the user has for the host of another product, which this server has taken over: browsers
// use a passkey for the host alone for which it was made. Binary parts are in base64.
type Passkey struct {
	Host      string `json:"rp_id"`
	ID        string `json:"id"`
	PublicKey string `json:"public_key"`            // a COSE_Key
	Handle    string `json:"user_handle,omitempty"` // by which the authenticator names the user
	SignCount uint32 `json:"sign_count,omitempty"`
	AAGUID    string `json:"aaguid,omitempty"` // as a UUID, or in base64
	Name      string `json:"name,omitempty"`
	// Verified says that it verified its owner when it was made, by a PIN or biometrics: it signs in alone.
	Verified bool `json:"user_verified,omitempty"`
	// Synced says whether it can be copied between devices; nil if that is not known.
	Synced     *bool    `json:"backup_eligible,omitempty"`
	Transports []string `json:"transports,omitempty"`
	// SecondFactor says that the user could not sign in without it, or another factor, besides the password.
	SecondFactor bool `json:"second_factor,omitempty"`
}

// encodedPasskey is a passkey as it is sealed.
type encodedPasskey struct {
	id   string
	data []byte
}

// maxPasskeys bounds the passkeys of one user.
const maxPasskeys = 32

// givePasskeys reads the user's passkeys.
func (row *Row) givePasskeys(c *Checked, rules Rules) error {
	if len(row.Passkeys) > maxPasskeys {
		return ofRule("passkeys.many", "the user has more than %d passkeys", maxPasskeys)
	}
	for _, p := range row.Passkeys {
		if rules.PasskeyHost == "" {
			return ofRule("passkeys.none", "passkeys cannot be used: the issuer has no host name")
		}
		if p.Host != rules.PasskeyHost {
			return ofRule("passkeys.host", "the passkeys are for %.80q, and users sign in here at %s: browsers use a passkey "+
				"for the host alone for which it was made", p.Host, rules.PasskeyHost)
		}
		k, err := p.encode()
		if err != nil {
			return ofRule("passkeys.form", "a passkey cannot be used: %v", err)
		}
		if slices.ContainsFunc(c.Passkeys, func(other encodedPasskey) bool { return other.id == k.id }) {
			return ofRule("passkeys.twice", "two of the passkeys have the same id")
		}
		c.Passkeys, c.SecondFactor = append(c.Passkeys, k), c.SecondFactor || p.SecondFactor
	}
	return nil
}

// encode returns the passkey as it is kept.
func (p Passkey) encode() (e encodedPasskey, err error) {
	m := passkey.Moved{
		SignCount: p.SignCount, Name: p.Name, Verified: p.Verified, Synced: p.Synced, Transports: p.Transports,
	}
	for _, part := range []struct {
		text string
		to   *[]byte
	}{{p.ID, &m.ID}, {p.PublicKey, &m.PublicKey}, {p.Handle, &m.Handle}} {
		if *part.to, err = looseBase64(part.text); err != nil {
			return e, err
		}
	}
	if m.AAGUID, err = hex.DecodeString(strings.ReplaceAll(p.AAGUID, "-", "")); err != nil {
		if m.AAGUID, err = looseBase64(p.AAGUID); err != nil {
			return e, err
		}
	}
	k, err := m.Import()
	if err != nil {
		return e, err
	}
	data, err := k.Encode()
	return encodedPasskey{k.ID(), data}, err
}
