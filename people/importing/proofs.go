package importing

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode"

	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

// maxIdentities bounds the identities of one user.
const maxIdentities = 32

// giveProofs reads what proves the user: password, identities, passkeys and second factors.
func (row *Row) giveProofs(c *Checked, rules Rules) (err error) {
	if c.Hash, err = row.hash(rules); err != nil {
		return err
	}
	if c.Identities, err = row.identities(c.User, rules); err != nil {
		return err
	}
	if err := row.givePasskeys(c, rules); err != nil {
		return err
	}
	if row.TOTP == nil && len(c.Passkeys) == 0 {
		if len(row.RecoveryCodes) > 0 {
			return ofRule("recovery_codes.alone", "the user has recovery_codes, and neither totp nor passkeys that they could "+
				"stand in for")
		}
		return nil
	}
	if err := row.giveTOTP(c); err != nil {
		return err
	}
	c.Recovery = row.RecoveryCodes
	if codes, out := factor.ImportRecovery(c.User.ID, row.RecoveryCodes); out > 0 {
		return ofRule("recovery_codes.form", "%d of %d recovery_codes are shorter than 8 characters or longer than 64",
			out, codes.Left()+out)
	}
	return nil
}

// giveTOTP reads the user's authenticator app.
func (row *Row) giveTOTP(c *Checked) error {
	if row.TOTP == nil {
		return nil
	}
	app, err := factor.ImportTOTPText(row.TOTP.Secret,
		factor.Shape{Algorithm: row.TOTP.Algorithm, Digits: row.TOTP.Digits, Period: row.TOTP.Period})
	if err != nil {
		return ofRule("totp.form", "totp cannot be checked: %v", err)
	}
	c.TOTP = &app
	return nil
}

// identities reads the user's accounts at upstream providers.
func (row *Row) identities(u storage.User, rules Rules) ([]storage.Identity, error) {
	if len(row.Identities) > maxIdentities {
		return nil, ofRule("identities.many", "the user has more than %d identities", maxIdentities)
	}
	var linked []storage.Identity
	for _, i := range row.Identities {
		if !slices.ContainsFunc(rules.Upstreams, func(up storage.Upstream) bool { return up.ID == i.Provider }) {
			return nil, ofRule("identities.upstream", "the tenant has no upstream %.80q, of an identity", i.Provider)
		}
		if i.Subject == "" || len(i.Subject) > 255 || strings.ContainsFunc(i.Subject, unicode.IsControl) ||
			len(i.Email) > 254 || strings.ContainsFunc(i.Email, unicode.IsControl) {
			return nil, ofRule("identities.form", "an identity at %s has no subject, or one longer than 255 bytes", i.Provider)
		}
		linked = append(linked, storage.Identity{TenantID: u.TenantID, Provider: i.Provider, Subject: i.Subject,
			UserID: u.ID, Email: i.Email, CreatedAt: u.UpdatedAt})
	}
	return linked, nil
}

// hash reads the password's hash. What other products write for "none" is none.
func (row *Row) hash(rules Rules) ([]byte, error) {
	raw := bytes.TrimSpace(row.PasswordHash)
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil, nil
	}
	text := string(raw)
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, ofRule("password_hash.form", "password_hash is neither a string nor an object")
		}
	}
	if text == "" || strings.HasPrefix(text, "!") { // Django's unusable passwords
		return nil, nil
	}
	var hash []byte
	var err error
	switch {
	case row.PasswordSalt == "":
		hash, err = password.Import(text)
	case rules.Firebase == nil:
		return nil, ofRule("password_salt.parameters", "there is a password_salt, like a Firebase export")
	default:
		hash, err = firebaseHash(*rules.Firebase, text, row.PasswordSalt)
	}
	if err != nil {
		return nil, ofRule("password_hash.unsupported", "password_hash cannot be verified here: %s",
			strings.TrimPrefix(err.Error(), password.ErrForeign.Error()+": "))
	}
	return hash, nil
}
