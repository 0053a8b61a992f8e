package importing

import (
	"errors"
	"strings"

	"github.com/vouchsafe/vouchsafe/people/claims"
)

// check checks the row. If the import is lenient, the row loses what is wrong as long as a user remains.
func (im *run) check(r *Read) (Checked, error) {
	for {
		c, err := r.Row.Check(im.rules)
		if err == nil || !im.lose(r, err) {
			return c, err
		}
	}
}

// lose removes from the row what the error is about, and reports whether there was such. Each call leaves less.
func (im *run) lose(r *Read, err error) bool {
	f, ok := errors.AsType[*Fault](err)
	if !im.Lenient || !ok {
		return false
	}
	if f.field == "totp" && r.Row.Moved.Number != 0 {
		return false // the account would be open to all who know the password, as it was not before
	}
	if !r.Row.drop(f) {
		return false
	}
	r.Lost = append(r.Lost, f)
	return true
}

// drop removes what the fault is about, and reports whether a user remains without.
func (row *Row) drop(f *Fault) bool {
	if strings.HasPrefix(f.field, "attributes.") {
		row.Attributes = nil
		return true
	}
	switch f.field {
	case "username":
		row.Username = ""
		return strings.TrimSpace(row.Email) != ""
	case "email":
		row.Email, row.EmailVerified = "", false
		return strings.TrimSpace(row.Username) != ""
	case "phone_number":
		row.Phone, row.PhoneVerified = "", false
	case "password_hash":
		row.PasswordHash, row.PasswordSalt = nil, ""
	case "identities":
		row.Identities = nil
	case "totp":
		row.TOTP, row.RecoveryCodes = nil, nil
	case "passkeys":
		row.Passkeys = nil
	case "recovery_codes":
		row.RecoveryCodes = nil
	default:
		return row.dropText(f.field)
	}
	return true
}

// dropText removes a text of the profile, or the roles, by the name that checkTexts has for it.
func (row *Row) dropText(name string) bool {
	switch {
	case strings.HasPrefix(name, "address"):
		row.Profile.Address = nil
	case strings.HasPrefix(name, "roles"):
		row.Roles = nil
	default:
		c := claims.Standard.Named(name)
		if c == nil || c.Text == nil || *c.Text(&row.Profile) == "" {
			return false
		}
		*c.Text(&row.Profile) = ""
	}
	return true
}
