package exports

import (
	"encoding/json"
	"strings"

	"github.com/vouchsafe/vouchsafe/people/importing"
)

// keratin reads the table accounts of Keratin AuthN, as CSV or JSON, and oauth_accounts as a further file.
var keratin = product{user: keratinUser, further: keratinMore}

type keratinRecord struct {
	ID       text   `json:"id"`
	Username text   `json:"username"`
	Hash     text   `json:"password"`
	Locked   flag   `json:"locked"`
	Renew    flag   `json:"require_new_password"`
	TOTP     text   `json:"totp_secret"`
	Created  moment `json:"created_at"`
	Deleted  moment `json:"deleted_at"`
}

// keratinUser reads an account. Its name is an address where AuthN was told so; it has never been confirmed.
func keratinUser(f *files, raw json.RawMessage) (read importing.Read, ok bool, err error) {
	var u keratinRecord
	if err := json.Unmarshal(raw, &u); err != nil {
		return read, true, err
	}
	row := &read.Row
	*row = importing.Row{Disabled: bool(u.Locked), CreatedAt: u.Created.Time}
	if strings.Contains(string(u.Username), "@") {
		row.Email = string(u.Username)
	} else {
		row.Username = string(u.Username)
	}
	setID(row, u.ID)
	if !u.Deleted.IsZero() {
		return skipped(*row, "the user was deleted there")
	}
	setHash(row, u.Hash)
	if u.Renew {
		row.PasswordHash = nil
		lost(&read, "the password is not imported: it had to be changed at the next sign-in, and the user resets it "+
			"by email here")
	}
	if u.TOTP != "" {
		lost(&read, "the authenticator app is not imported: AuthN has encrypted it")
	}
	f.addTo(&read, u.ID)
	return read, true, nil
}

// keratinMore reads a row of oauth_accounts.
func keratinMore(f *files, raw json.RawMessage) error {
	var m struct {
		Account  text `json:"account_id"`
		Provider text `json:"provider"`
		ID       text `json:"provider_id"`
		Email    text `json:"email"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return err
	}
	if m.Account == "" || m.Provider == "" {
		return errColumns("oauth_accounts")
	}
	e := f.of(m.Account)
	e.identities = append(e.identities, account{m.Provider, m.ID, m.Email})
	return nil
}
