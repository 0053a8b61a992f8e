package exports

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/people/importing"
)

// aspnet reads the table AspNetUsers of ASP.NET Core Identity, as CSV or JSON, and as further files AspNetUserTokens
// and AspNetUserLogins.
var aspnet = product{user: aspnetUser, further: aspnetMore}

type aspnetRecord struct {
	ID             text   `json:"Id"`
	Username       text   `json:"UserName"`
	Email          text   `json:"Email"`
	EmailConfirmed flag   `json:"EmailConfirmed"`
	Hash           text   `json:"PasswordHash"`
	Phone          text   `json:"PhoneNumber"`
	PhoneConfirmed flag   `json:"PhoneNumberConfirmed"`
	Factor         flag   `json:"TwoFactorEnabled"`
	LockoutEnd     moment `json:"LockoutEnd"`
}

// lockout is how long a lockout lasts at least that an administrator set. Those for wrong passwords end in minutes.
const lockout = 365 * 24 * time.Hour

// aspnetUser reads a user.
func aspnetUser(f *files, raw json.RawMessage) (read importing.Read, ok bool, err error) {
	var u aspnetRecord
	if err := json.Unmarshal(raw, &u); err != nil {
		return read, true, err
	}
	row := &read.Row
	*row = importing.Row{
		Email: string(u.Email), EmailVerified: bool(u.EmailConfirmed), Username: string(u.Username),
		Phone: string(u.Phone), PhoneVerified: u.Phone != "" && bool(u.PhoneConfirmed),
		Disabled: u.LockoutEnd.After(time.Now().Add(lockout)),
	}
	setID(row, u.ID)
	setHash(row, u.Hash)
	f.addTo(&read, u.ID)
	switch {
	case !bool(u.Factor): // a key without it was never used
		row.TOTP, row.RecoveryCodes = nil, nil
	case row.TOTP == nil:
		lost(&read, "the second factor is not imported: AspNetUserTokens, a further file, has the keys of authenticator apps")
	}
	return read, true, nil
}

// aspnetMore reads a row of AspNetUserTokens or AspNetUserLogins.
func aspnetMore(f *files, raw json.RawMessage) error {
	var m struct {
		User     text `json:"UserId"`
		Provider text `json:"LoginProvider"`
		Key      text `json:"ProviderKey"`
		Name     text `json:"Name"`
		Value    text `json:"Value"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return err
	}
	switch {
	case m.User == "":
		return errColumns("AspNetUserTokens or AspNetUserLogins")
	case m.Key != "":
		e := f.of(m.User)
		e.identities = append(e.identities, account{m.Provider, m.Key, ""})
	case m.Name == "AuthenticatorKey" && m.Value != "":
		f.of(m.User).totp = &importing.TOTP{Secret: string(m.Value)}
	case m.Name == "RecoveryCodes" && m.Value != "":
		f.of(m.User).codes = strings.Split(string(m.Value), ";")
	}
	return nil
}
