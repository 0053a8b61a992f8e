package exports

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// pocketID reads the table users of Pocket ID, as CSV or JSON, and webauthn_credentials as a further file, with its
// binary columns in hexadecimal.
var pocketID = product{user: pocketIDUser, further: pocketIDPasskey}

type pocketIDRecord struct {
	ID        text   `json:"id"`
	Username  text   `json:"username"`
	Email     text   `json:"email"`
	Verified  flag   `json:"email_verified"` // of versions since 2026
	Name      text   `json:"display_name"`
	FirstName text   `json:"first_name"`
	LastName  text   `json:"last_name"`
	Locale    text   `json:"locale"`
	Disabled  flag   `json:"disabled"`
	Created   moment `json:"created_at"`
}

// pocketIDUser reads a user.
func pocketIDUser(f *files, raw json.RawMessage) (read importing.Read, ok bool, err error) {
	var u pocketIDRecord
	if err := json.Unmarshal(raw, &u); err != nil {
		return read, true, err
	}
	row := &read.Row
	*row = importing.Row{
		Email: string(u.Email), EmailVerified: u.Email != "" && bool(u.Verified), Username: string(u.Username),
		Disabled: bool(u.Disabled), CreatedAt: u.Created.Time,
		Profile: storage.Profile{Name: string(u.Name), GivenName: string(u.FirstName), FamilyName: string(u.LastName),
			Locale: string(u.Locale)},
	}
	if row.Profile.Name == "" {
		row.Profile.Name = strings.TrimSpace(row.Profile.GivenName + " " + row.Profile.FamilyName)
	}
	setID(row, u.ID)
	f.addTo(&read, u.ID)
	return read, true, nil
}

// pocketIDPasskey reads a row of webauthn_credentials. Pocket ID asks for passkeys that verify their owner, and names
// the user to them by the id.
func pocketIDPasskey(f *files, raw json.RawMessage) error {
	var c struct {
		User       text             `json:"user_id"`
		Name       text             `json:"name"`
		ID         hexText          `json:"credential_id"`
		PublicKey  hexText          `json:"public_key"`
		AAGUID     text             `json:"aaguid"`
		Transports nested[[]string] `json:"transport"`
		Synced     flag             `json:"backup_eligible"`
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return err
	}
	if c.User == "" || c.ID == "" {
		return errColumns("webauthn_credentials")
	}
	synced := bool(c.Synced)
	e := f.of(c.User)
	e.passkeys = append(e.passkeys, importing.Passkey{
		ID: string(c.ID), PublicKey: string(c.PublicKey), Handle: base64.StdEncoding.EncodeToString([]byte(c.User)),
		Name: string(c.Name), AAGUID: string(c.AAGUID), Transports: c.Transports.val, Verified: true, Synced: &synced,
	})
	return nil
}

// hexText is what a database writes in hexadecimal, in base64. What is not hexadecimal is "".
type hexText string

// UnmarshalJSON implements json.Unmarshaler.
func (h *hexText) UnmarshalJSON(raw []byte) error {
	var t text
	if err := t.UnmarshalJSON(raw); err != nil {
		return err
	}
	bytes, err := hex.DecodeString(strings.TrimPrefix(string(t), `\x`)) // as PostgreSQL writes it
	if err != nil {
		bytes = nil
	}
	*h = hexText(base64.StdEncoding.EncodeToString(bytes))
	return nil
}
