package exports

import (
	"encoding/json"

	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// laravel reads the table users of a Laravel application, as CSV or JSON.
var laravel = product{user: laravelUser}

type laravelRecord struct {
	ID       text   `json:"id"`
	Name     text   `json:"name"`
	Email    text   `json:"email"`
	Username text   `json:"username"`
	Verified moment `json:"email_verified_at"`
	Hash     text   `json:"password"`
	Factor   text   `json:"two_factor_secret"`
	Created  moment `json:"created_at"`
	Deleted  moment `json:"deleted_at"`
}

// laravelUser reads a user.
func laravelUser(_ *files, raw json.RawMessage) (read importing.Read, ok bool, err error) {
	var u laravelRecord
	if err := json.Unmarshal(raw, &u); err != nil {
		return read, true, err
	}
	row := &read.Row
	*row = importing.Row{
		Email: string(u.Email), EmailVerified: !u.Verified.IsZero(), Username: string(u.Username),
		CreatedAt: u.Created.Time, Profile: storage.Profile{Name: string(u.Name)},
	}
	setID(row, u.ID)
	if !u.Deleted.IsZero() {
		return skipped(*row, "the user was deleted there")
	}
	setHash(row, u.Hash)
	if u.Factor != "" {
		lost(&read, "the authenticator app is not imported: the application has encrypted it with its APP_KEY")
	}
	return read, true, nil
}
