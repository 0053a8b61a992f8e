package exports

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// auth0 reads what the job users-exports writes (JSON lines or CSV), the password hashes that Auth0's support
// hands out, as a further file or alone, and files for Auth0's own import.
var auth0 = product{arrays: []string{"users"}, user: auth0User, further: auth0Hash}

type auth0Record struct {
	UserID        text                    `json:"user_id"`
	OID           text                    `json:"_id"` // in the file of password hashes
	Email         text                    `json:"email"`
	EmailVerified flag                    `json:"email_verified"`
	Username      text                    `json:"username"`
	Phone         text                    `json:"phone_number"`
	PhoneVerified flag                    `json:"phone_verified"`
	Name          text                    `json:"name"`
	GivenName     text                    `json:"given_name"`
	FamilyName    text                    `json:"family_name"`
	Nickname      text                    `json:"nickname"`
	Picture       text                    `json:"picture"`
	Blocked       flag                    `json:"blocked"`
	Created       moment                  `json:"created_at"`
	Hash          text                    `json:"passwordHash"`
	ImportHash    text                    `json:"password_hash"`
	CustomHash    *auth0CustomHash        `json:"custom_password_hash"`
	Identities    nested[[]auth0Identity] `json:"identities"`
	Multifactor   nested[[]string]        `json:"multifactor"`
	Factors       []auth0Factor           `json:"mfa_factors"`
	AppMetadata   nested[map[string]any]  `json:"app_metadata"`
	UserMetadata  nested[map[string]any]  `json:"user_metadata"`
}

type auth0Identity struct {
	Provider   text `json:"provider"`
	UserID     text `json:"user_id"`
	Connection text `json:"connection"`
	Data       struct {
		Email text `json:"email"`
	} `json:"profileData"`
}

type auth0Factor struct {
	TOTP *struct {
		Secret string `json:"secret"`
	} `json:"totp"`
	Phone *struct{} `json:"phone"`
	Email *struct{} `json:"email"`
}

// id returns the user_id, of which the file of hashes has only the part after the bar.
func (a *auth0Record) id() text {
	if a.UserID == "" && a.OID != "" {
		return "auth0|" + a.OID
	}
	return a.UserID
}

// hash returns the password hash of a record.
func (a *auth0Record) hash() (text, error) {
	switch {
	case a.Hash != "":
		return a.Hash, nil
	case a.CustomHash != nil:
		return a.CustomHash.text()
	}
	return a.ImportHash, nil
}

// auth0Hash reads the password hash of a user.
func auth0Hash(f *files, raw json.RawMessage) error {
	var a auth0Record
	if err := json.Unmarshal(raw, &a); err != nil {
		return err
	}
	if hash, err := a.hash(); err == nil && hash != "" && a.id() != "" {
		f.of(a.id()).hash = hash
	}
	return nil
}

// auth0User reads a user.
func auth0User(f *files, raw json.RawMessage) (read importing.Read, ok bool, err error) {
	var a auth0Record
	if err := json.Unmarshal(raw, &a); err != nil {
		return read, true, err
	}
	row := &read.Row
	*row = importing.Row{
		Email: string(a.Email), EmailVerified: bool(a.EmailVerified), Username: string(a.Username),
		Phone: string(a.Phone), PhoneVerified: a.Phone != "" && bool(a.PhoneVerified),
		Disabled: bool(a.Blocked), CreatedAt: a.Created.Time,
		Profile: storage.Profile{
			Name: string(a.Name), GivenName: string(a.GivenName), FamilyName: string(a.FamilyName),
			Nickname: string(a.Nickname), Picture: string(a.Picture),
		},
	}
	if a.Name == a.Email { // what Auth0 writes for users without a name
		row.Profile.Name = ""
	}
	setID(row, a.id())
	hash, err := a.hash()
	if err != nil {
		lost(&read, "the password is not imported: %v", err)
	}
	setHash(row, hash)
	a.link(f, &read)
	a.readFactors(&read)
	f.addTo(&read, a.id())
	if len(a.AppMetadata.val)+len(a.UserMetadata.val) > 0 {
		lost(&read, "the metadata is not imported")
	}
	return read, true, nil
}

// link links the accounts at other providers.
func (a *auth0Record) link(f *files, read *importing.Read) {
	for _, i := range a.Identities.val {
		switch i.Provider {
		case "auth0", "email", "sms":
			continue
		case "oidc", "oauth2", "samlp", "okta": // CONNECTION|ID
			i.Provider = i.Connection
			if _, rest, ok := strings.Cut(string(i.UserID), "|"); ok {
				i.UserID = text(rest)
			}
		}
		f.link(read, account{i.Provider, i.UserID, i.Data.Email})
	}
}

// readFactors reads second factors, which only files for Auth0's own import have.
func (a *auth0Record) readFactors(read *importing.Read) {
	for _, factor := range a.Factors {
		if factor.TOTP != nil && read.Row.TOTP == nil {
			read.Row.TOTP = &importing.TOTP{Secret: factor.TOTP.Secret}
			continue
		}
		lost(read, "a second factor is not imported: only one authenticator app of each user is")
	}
	if len(a.Multifactor.val) > 0 && read.Row.TOTP == nil {
		lost(read, "the second factor (%.80s) is not imported: it is not in the export, and the user sets it up anew",
			strings.Join(a.Multifactor.val, ", "))
	}
}

// auth0CustomHash is a hash as files for Auth0's own import have it.
type auth0CustomHash struct {
	Algorithm string `json:"algorithm"`
	Hash      struct {
		Value    string `json:"value"`
		Encoding string `json:"encoding"`
	} `json:"hash"`
	Salt struct {
		Value    string `json:"value"`
		Encoding string `json:"encoding"`
	} `json:"salt"`
	Cost            int `json:"cost"`
	BlockSize       int `json:"blockSize"`
	Parallelization int `json:"parallelization"`
}

// text returns the hash in its usual form.
func (h *auth0CustomHash) text() (text, error) {
	switch h.Algorithm {
	case "bcrypt", "argon2", "pbkdf2", "ldap":
		return text(h.Hash.Value), nil
	case "scrypt":
		key, err1 := decoded(h.Hash.Value, h.Hash.Encoding)
		salt, err2 := decoded(h.Salt.Value, h.Salt.Encoding)
		if err1 != nil || err2 != nil || h.Cost < 2 || bits.OnesCount(uint(h.Cost)) != 1 {
			return "", fmt.Errorf("the parameters of the scrypt hash cannot be read")
		}
		b64 := base64.RawStdEncoding.EncodeToString
		return text(fmt.Sprintf("$scrypt$ln=%d,r=%d,p=%d$%s$%s", bits.Len(uint(h.Cost))-1, h.BlockSize, h.Parallelization,
			b64(salt), b64(key))), nil
	}
	return "", fmt.Errorf("it is hashed with %.40q, which is too weak or unknown", h.Algorithm)
}

// decoded returns the bytes of a text in an encoding that Auth0 knows.
func decoded(s, encoding string) ([]byte, error) {
	switch {
	case encoding == "hex":
		return hex.DecodeString(s)
	case encoding == "base64":
		return base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	case slices.Contains([]string{"", "utf8", "ascii"}, encoding):
		return []byte(s), nil
	}
	return nil, fmt.Errorf("unknown encoding")
}
