package exports

import (
	"encoding/json"
	"strings"

	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// wordpress reads wp user list with the field user_pass, or the table wp_users, as CSV or JSON. A further file is
// the table wp_usermeta.
var wordpress = product{user: wordpressUser, further: wordpressMeta}

type wordpressRecord struct {
	ID         text   `json:"ID"`
	Login      text   `json:"user_login"`
	Hash       text   `json:"user_pass"`
	Email      text   `json:"user_email"`
	Name       text   `json:"display_name"`
	FirstName  text   `json:"first_name"`
	LastName   text   `json:"last_name"`
	URL        text   `json:"user_url"`
	Registered moment `json:"user_registered"`
	Spam       flag   `json:"spam"`    // of networks of sites
	Deleted    flag   `json:"deleted"` // of networks of sites
}

// wordpressUser reads a user.
func wordpressUser(f *files, raw json.RawMessage) (read importing.Read, ok bool, err error) {
	var u wordpressRecord
	if err := json.Unmarshal(raw, &u); err != nil {
		return read, true, err
	}
	row := &read.Row
	*row = importing.Row{
		Email: string(u.Email), Username: string(u.Login), CreatedAt: u.Registered.Time, Disabled: bool(u.Spam),
		Profile: storage.Profile{Name: string(u.Name), Website: string(u.URL),
			GivenName: string(u.FirstName), FamilyName: string(u.LastName)},
	}
	setID(row, u.ID)
	if u.Deleted {
		return skipped(*row, "the user was deleted there")
	}
	setHash(row, u.Hash)
	for name, val := range f.addTo(&read, u.ID).profile {
		setClaim(&row.Profile, name, string(val))
	}
	return read, true, nil
}

// wordpressClaims are the claims by the keys of wp_usermeta.
var wordpressClaims = map[text]string{
	"first_name": "given_name", "last_name": "family_name", "nickname": "nickname",
}

// wordpressMeta reads a row of wp_usermeta.
func wordpressMeta(f *files, raw json.RawMessage) error {
	var m struct {
		User  text `json:"user_id"`
		Key   text `json:"meta_key"`
		Value text `json:"meta_value"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return err
	}
	if m.User == "" || m.Key == "" {
		return errColumns("wp_usermeta")
	}
	switch {
	case m.Value == "":
	case wordpressClaims[m.Key] != "":
		f.of(m.User).setProfile(wordpressClaims[m.Key], m.Value)
	case m.Key == "locale": // as in de_DE
		f.of(m.User).setProfile("locale", text(strings.ReplaceAll(string(m.Value), "_", "-")))
	case m.Key == "_two_factor_totp_key": // of the plugin Two Factor
		f.of(m.User).totp = &importing.TOTP{Secret: string(m.Value)}
	case m.Key == "_two_factor_backup_codes":
		f.of(m.User).lose("the recovery codes are not imported: they are hashes there, and the user makes new ones")
	}
	return nil
}
