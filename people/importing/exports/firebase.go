package exports

import (
	"encoding/json"
	"strings"

	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// firebase reads what firebase auth:export writes: JSON, or CSV without names of columns.
var firebase = product{arrays: []string{"users"}, contained: true, user: firebaseUser, columns: strings.Fields(
	"localId email emailVerified passwordHash salt displayName photoUrl " +
		"google.com google.email google.name google.photo facebook.com facebook.email facebook.name facebook.photo " +
		"twitter.com twitter.email twitter.name twitter.photo github.com github.email github.name github.photo " +
		"createdAt lastSignedInAt phoneNumber disabled customAttributes")}

type firebaseRecord struct {
	ID            text              `json:"localId"`
	Email         text              `json:"email"`
	EmailVerified flag              `json:"emailVerified"`
	Hash          text              `json:"passwordHash"`
	Salt          text              `json:"salt"`
	Name          text              `json:"displayName"`
	Photo         text              `json:"photoUrl"`
	Created       moment            `json:"createdAt"`
	Phone         text              `json:"phoneNumber"`
	Disabled      flag              `json:"disabled"`
	Attributes    text              `json:"customAttributes"`
	Factors       []json.RawMessage `json:"mfaInfo"`
	Providers     []struct {
		ID    text `json:"providerId"`
		RawID text `json:"rawId"`
		Email text `json:"email"`
	} `json:"providerUserInfo"`

	// CSV has a column for each of these.
	Google        text `json:"google.com"`
	GoogleEmail   text `json:"google.email"`
	Facebook      text `json:"facebook.com"`
	FacebookEmail text `json:"facebook.email"`
	Twitter       text `json:"twitter.com"`
	TwitterEmail  text `json:"twitter.email"`
	GitHub        text `json:"github.com"`
	GitHubEmail   text `json:"github.email"`
}

// firebaseUser reads a user.
func firebaseUser(f *files, raw json.RawMessage) (read importing.Read, ok bool, err error) {
	var u firebaseRecord
	if err := json.Unmarshal(raw, &u); err != nil {
		return read, true, err
	}
	row := &read.Row
	*row = importing.Row{
		Email: string(u.Email), EmailVerified: bool(u.EmailVerified), Phone: string(u.Phone),
		Disabled: bool(u.Disabled), CreatedAt: u.Created.Time,
		Profile: storage.Profile{Name: string(u.Name), Picture: string(u.Photo)},
	}
	setID(row, u.ID)
	if u.Hash != "" {
		setHash(row, u.Hash)
		row.PasswordSalt = string(u.Salt)
	}
	for _, p := range u.Providers {
		if p.ID != "password" && p.ID != "phone" && p.RawID != "" {
			f.link(&read, account{p.ID, p.RawID, p.Email})
		}
	}
	for _, a := range []account{{"google.com", u.Google, u.GoogleEmail}, {"facebook.com", u.Facebook, u.FacebookEmail},
		{"twitter.com", u.Twitter, u.TwitterEmail}, {"github.com", u.GitHub, u.GitHubEmail}} {
		if a.subject != "" {
			f.link(&read, a)
		}
	}
	if u.Attributes != "" && u.Attributes != "{}" {
		lost(&read, "the custom claims are not imported")
	}
	if len(u.Factors) > 0 {
		lost(&read, "the second factors are not imported: Firebase does not export their secrets")
	}
	return read, true, nil
}
