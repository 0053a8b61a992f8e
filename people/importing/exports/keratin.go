package exports

import (
	"encoding/json"
	"errors"
	"strconv"
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
	SignedIn moment `json:"last_login_at"`
	Changed  moment `json:"password_changed_at"`
	Created  moment `json:"created_at"`
	Deleted  moment `json:"deleted_at"`
}

// keratinUser reads an account. Its name is an address where AuthN was told so; AuthN has never confirmed it.
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
	row.Moved = importing.Moved{LastSignIn: u.SignedIn.Time, PasswordChanged: u.Changed.Time, Expired: bool(u.Renew)}
	if f.Numbers {
		if row.Moved.Number, err = strconv.ParseInt(string(u.ID), 10, 64); err != nil || row.Moved.Number < 1 {
			return read, true, errors.New("its id is no number, as Keratin AuthN gives them")
		}
	}
	if !u.Deleted.IsZero() {
		return skipped(*row, "the user was deleted there")
	}
	setHash(row, u.Hash)
	row.EmailVerified = f.Confirmed && row.Email != ""
	f.addTo(&read, u.ID)
	if u.TOTP == "" {
		return read, true, nil
	}
	if f.Sealing.Base == "" {
		lost(&read, "the authenticator app is not imported: AuthN has encrypted it")
		return read, true, nil
	}
	// Without it the account would be open to all who know the password.
	secret, err := f.Sealing.open(string(u.TOTP))
	row.TOTP = &importing.TOTP{Secret: secret}
	return read, true, err
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
