package exports

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// keycloak reads the export of a realm: kc.sh export, in one file, or each file of its users.
var keycloak = product{arrays: []string{"users", "federatedUsers"}, contained: true, user: keycloakUser,
	head: []string{"realm", passwordlessVerification}}

// passwordlessVerification is the policy of a realm that says whether passkeys that sign in alone must verify their
// owner.
const passwordlessVerification = "webAuthnPolicyPasswordlessUserVerificationRequirement"

// keycloakRecord is a UserRepresentation.
type keycloakRecord struct {
	ID            text               `json:"id"`
	Username      text               `json:"username"`
	Email         text               `json:"email"`
	EmailVerified flag               `json:"emailVerified"`
	FirstName     text               `json:"firstName"`
	LastName      text               `json:"lastName"`
	Enabled       *flag              `json:"enabled"`
	Created       moment             `json:"createdTimestamp"`
	Attributes    map[string][]text  `json:"attributes"`
	Credentials   []json.RawMessage  `json:"credentials"`
	Actions       []string           `json:"requiredActions"`
	Roles         []string           `json:"realmRoles"`
	ClientRoles   map[string]any     `json:"clientRoles"`
	Groups        []text             `json:"groups"`
	Identities    []keycloakIdentity `json:"federatedIdentities"`
	Service       text               `json:"serviceAccountClientId"`
}

type keycloakIdentity struct {
	Provider text `json:"identityProvider"`
	UserID   text `json:"userId"`
	UserName text `json:"userName"`
}

// keycloakUser reads a user of a realm.
func keycloakUser(f *files, raw json.RawMessage) (read importing.Read, ok bool, err error) {
	var k keycloakRecord
	if err := json.Unmarshal(raw, &k); err != nil {
		return read, true, err
	}
	row := &read.Row
	*row = importing.Row{
		Email: string(k.Email), EmailVerified: bool(k.EmailVerified), Username: string(k.Username),
		Disabled: k.Enabled != nil && !bool(*k.Enabled), CreatedAt: k.Created.Time,
		Profile: storage.Profile{GivenName: string(k.FirstName), FamilyName: string(k.LastName)},
	}
	setID(row, k.ID)
	if k.Service != "" {
		return skipped(*row, "this is the service account of a client, not a user")
	}
	row.Profile.Name = strings.TrimSpace(row.Profile.GivenName + " " + row.Profile.FamilyName)
	k.readAttributes(f, &read)
	for _, i := range k.Identities {
		email := text("")
		if strings.Contains(string(i.UserName), "@") {
			email = i.UserName
		}
		f.link(&read, account{i.Provider, i.UserID, email})
	}
	for _, c := range k.Credentials {
		if err := k.readCredential(f, &read, c); err != nil {
			return read, true, err
		}
	}
	k.readActions(&read)
	for _, role := range k.Roles {
		if !strings.HasPrefix(role, "default-roles-") && role != "offline_access" && role != "uma_authorization" {
			row.Roles = append(row.Roles, role)
		}
	}
	k.loseBelonging(&read)
	return read, true, nil
}

// loseBelonging notes the groups and the roles at clients, which are not imported.
func (k *keycloakRecord) loseBelonging(read *importing.Read) {
	if len(k.Groups) > 0 {
		names := make([]string, len(k.Groups))
		for i, g := range k.Groups {
			names[i] = string(g)
		}
		lost(read, "the user's groups %.200s are not imported: make them here, and add the user", strings.Join(names, ", "))
	}
	if at := slices.Sorted(maps.Keys(k.ClientRoles)); len(at) > 0 {
		lost(read, "the user's roles at the clients %.200s are not imported: give them here", strings.Join(at, ", "))
	}
}

// keycloakAttributes are the claims by the names of the attributes from which Keycloak's own mappers make them.
var keycloakAttributes = map[string]string{
	"street": "street_address", "locality": "locality", "region": "region", "postal_code": "postal_code",
	"country": "country", "formatted": "formatted",
}

// claimOf returns the name of the claim that Keycloak makes of an attribute: middleName is middle_name there.
func claimOf(attribute string) string {
	if name := keycloakAttributes[attribute]; name != "" {
		return name
	}
	return strings.ToLower(capitals.ReplaceAllString(attribute, "_$0"))
}

var capitals = regexp.MustCompile(`[A-Z]`)

// readAttributes gives the row the attributes that the tenant declares, and those that are claims.
func (k *keycloakRecord) readAttributes(f *files, read *importing.Read) {
	var others []string
	for name, values := range k.Attributes {
		val := ""
		if len(values) > 0 {
			val = string(values[0])
		}
		switch {
		case f.attribute(name) != nil:
			if read.Row.Attributes == nil {
				read.Row.Attributes = map[string]any{}
			}
			read.Row.Attributes[name] = attributeOf(f.attribute(name).Type, values)
		case name == "phoneNumber" || name == "phone_number":
			read.Row.Phone = val
		case name == "phoneNumberVerified" || name == "phone_number_verified":
			read.Row.PhoneVerified = val == "true"
		case !setClaim(&read.Row.Profile, claimOf(name), val):
			others = append(others, name)
		}
	}
	if read.Row.Phone == "" {
		read.Row.PhoneVerified = false
	}
	if len(others) > 0 {
		slices.Sort(others)
		lost(read, "the tenant declares no attributes %.200s: they are not imported", strings.Join(others, ", "))
	}
}

// attribute returns the attribute of that name which the tenant declares, or nil.
func (f *files) attribute(name string) *storage.Attribute {
	i := slices.IndexFunc(f.Attributes, func(a storage.Attribute) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return &f.Attributes[i]
}

// attributeOf returns texts as the value of an attribute of a type. What is no such value stays a text, which a check
// of the row refuses.
func attributeOf(typ string, values []text) any {
	if typ == storage.AttributeList {
		list := make([]any, len(values))
		for i, v := range values {
			list[i] = string(v)
		}
		return list
	}
	if len(values) == 0 {
		return nil
	}
	val := string(values[0])
	if n, err := strconv.ParseFloat(val, 64); err == nil && typ == storage.AttributeNumber {
		return n
	}
	if typ == storage.AttributeBoolean && (val == "true" || val == "false") {
		return val == "true"
	}
	return val
}

// setClaim sets the claim of that name, and reports whether there is one.
func setClaim(p *storage.Profile, name, val string) bool {
	c := claims.Standard.Named(name)
	if c == nil || c.Text == nil {
		return false
	}
	if c.Member() && p.Address == nil {
		p.Address = &storage.Address{}
	}
	*c.Text(p) = val
	return true
}

// readActions notes what the user had to do at the next sign-in.
func (k *keycloakRecord) readActions(read *importing.Read) {
	for _, action := range k.Actions {
		switch action {
		case "VERIFY_EMAIL":
			read.Row.EmailVerified = false
		case "UPDATE_PASSWORD":
			if read.Row.PasswordHash != nil {
				read.Row.PasswordHash = nil
				lost(read, "the password is not imported: it had to be changed at the next sign-in, and the user resets it "+
					"by email here")
			}
		default:
			lost(read, "the user had to do %.80s at the next sign-in: that is not imported", action)
		}
	}
}

// readCredential reads a credential. Of several of a kind the first comes, which is the preferred one. Passkeys all
// come.
func (k *keycloakRecord) readCredential(f *files, read *importing.Read, raw json.RawMessage) error {
	var c struct {
		Type  string `json:"type"`
		Label text   `json:"userLabel"`
		Data  nested[struct {
			SubType   string `json:"subType"`
			Algorithm string `json:"algorithm"`
			Digits    int    `json:"digits"`
			Period    int    `json:"period"`
			Encoding  string `json:"secretEncoding"`

			ID         text     `json:"credentialId"`
			PublicKey  text     `json:"credentialPublicKey"`
			SignCount  uint32   `json:"counter"`
			AAGUID     text     `json:"aaguid"`
			Transports []string `json:"transports"`
		}] `json:"credentialData"`
		Secret nested[struct {
			Value string `json:"value"`
		}] `json:"secretData"`
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return err
	}
	app, row := c.Data.val, &read.Row
	switch {
	case c.Type == "password" && row.PasswordHash == nil:
		row.PasswordHash = raw
	case c.Type == "otp" && row.TOTP == nil && app.SubType == "totp":
		secret := c.Secret.val.Value
		if !strings.EqualFold(app.Encoding, "BASE32") {
			secret = base32.StdEncoding.EncodeToString([]byte(secret))
		}
		row.TOTP = &importing.TOTP{Secret: secret, Algorithm: app.Algorithm, Digits: app.Digits, Period: app.Period}
	case c.Type == "otp" && app.SubType != "totp":
		lost(read, "the authenticator app is not imported: it counts (HOTP), and here codes follow the clock (TOTP)")
	case c.Type == "password", c.Type == "otp":
		lost(read, "the user has several credentials of the kind %s: only the first is imported", c.Type)
	case strings.HasPrefix(c.Type, "webauthn"):
		alone := c.Type == "webauthn-passwordless"
		f.addPasskey(read, importing.Passkey{
			ID: string(app.ID), PublicKey: string(app.PublicKey), SignCount: app.SignCount, AAGUID: string(app.AAGUID),
			Handle: base64.StdEncoding.EncodeToString([]byte(k.ID)), Name: string(c.Label), Transports: app.Transports,
			Verified: alone && f.head[passwordlessVerification] == "required", SecondFactor: !alone,
		})
	case c.Type == "recovery-authn-codes":
		lost(read, "the recovery codes are not imported: they are hashes there, and the user makes new ones")
	default:
		lost(read, "a credential of the kind %.40s is not imported", c.Type)
	}
	return nil
}
