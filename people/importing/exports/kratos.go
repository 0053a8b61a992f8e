package exports

import (
	"encoding/json"
	"strings"

	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// kratos reads what the admin API lists as identities, with include_credential for each kind that is to come.
var kratos = product{arrays: []string{"identities"}, user: kratosUser}

type kratosRecord struct {
	ID          text                        `json:"id"`
	State       text                        `json:"state"`
	Traits      map[string]json.RawMessage  `json:"traits"`
	Addresses   []kratosAddress             `json:"verifiable_addresses"`
	Created     moment                      `json:"created_at"`
	Credentials map[string]kratosCredential `json:"credentials"`
}

type kratosAddress struct {
	Value    text `json:"value"`
	Verified flag `json:"verified"`
	Via      text `json:"via"`
}

type kratosCredential struct {
	Identifiers []text `json:"identifiers"`
	Config      struct {
		Hash  text `json:"hashed_password"`
		URL   text `json:"totp_url"`
		Codes []struct {
			Code text            `json:"code"`
			Used json.RawMessage `json:"used_at"`
		} `json:"recovery_codes"`
		Providers []struct {
			Provider text `json:"provider"`
			Subject  text `json:"subject"`
		} `json:"providers"`
		Handle   text            `json:"user_handle"`
		Passkeys []kratosPasskey `json:"credentials"`
	} `json:"config"`
}

type kratosPasskey struct {
	ID            text `json:"id"`
	PublicKey     text `json:"public_key"`
	Name          text `json:"display_name"`
	Passwordless  flag `json:"is_passwordless"`
	Authenticator struct {
		AAGUID    text   `json:"aaguid"`
		SignCount uint32 `json:"sign_count"`
		Cloned    flag   `json:"clone_warning"`
	} `json:"authenticator"`
	// Flags are missing in what older releases have stored.
	Flags *struct {
		Verified flag `json:"user_verified"`
		Synced   bool `json:"backup_eligible"`
	} `json:"flags"`
	Transports []string `json:"transport"`
}

// kratosUser reads an identity.
func kratosUser(f *files, raw json.RawMessage) (read importing.Read, ok bool, err error) {
	var k kratosRecord
	if err := json.Unmarshal(raw, &k); err != nil {
		return read, true, err
	}
	row := &read.Row
	*row = importing.Row{Disabled: k.State == "inactive", CreatedAt: k.Created.Time}
	setID(row, k.ID)
	k.readTraits(row)
	for _, a := range k.Addresses {
		switch {
		case a.Via == "email" && row.Email == "":
			row.Email, row.EmailVerified = string(a.Value), bool(a.Verified)
		case strings.EqualFold(string(a.Value), row.Email):
			row.EmailVerified = bool(a.Verified)
		case string(a.Value) == row.Phone && row.Phone != "":
			row.PhoneVerified = bool(a.Verified)
		}
	}
	k.readCredentials(f, &read)
	return read, true, nil
}

// readTraits reads the traits that the usual schemas have. The schema is the operator's own.
func (k *kratosRecord) readTraits(row *importing.Row) {
	trait := func(names ...string) (found text) {
		for _, name := range names {
			if raw := k.Traits[name]; found == "" && len(raw) > 0 {
				_ = found.UnmarshalJSON(raw) // what is no text is none
			}
		}
		return found
	}
	row.Email, row.Username = string(trait("email")), string(trait("username", "preferred_username"))
	row.Phone = string(trait("phone", "phone_number"))
	row.Profile = storage.Profile{
		Name: string(trait("name", "full_name")), GivenName: string(trait("given_name", "first_name", "firstName")),
		FamilyName: string(trait("family_name", "last_name", "lastName")), Picture: string(trait("picture", "avatar")),
		Locale: string(trait("locale")), Website: string(trait("website")),
	}
	var name struct{ First, Last text }
	if json.Unmarshal(k.Traits["name"], &name) == nil && name.First+name.Last != "" {
		row.Profile.GivenName, row.Profile.FamilyName = string(name.First), string(name.Last)
	}
	if row.Profile.Name == "" {
		row.Profile.Name = strings.TrimSpace(row.Profile.GivenName + " " + row.Profile.FamilyName)
	}
}

// readCredentials reads how the user signs in.
func (k *kratosRecord) readCredentials(f *files, read *importing.Read) {
	setHash(&read.Row, k.Credentials["password"].Config.Hash)
	oidc := k.Credentials["oidc"]
	for _, p := range oidc.Config.Providers {
		f.link(read, account{p.Provider, p.Subject, ""})
	}
	for _, id := range oidc.Identifiers { // PROVIDER:SUBJECT, where the config is not in the file
		if provider, subject, ok := strings.Cut(string(id), ":"); ok && len(oidc.Config.Providers) == 0 {
			f.link(read, account{text(provider), text(subject), ""})
		}
	}
	if url := k.Credentials["totp"].Config.URL; url != "" {
		read.Row.TOTP = &importing.TOTP{Secret: string(url)}
	} else if _, has := k.Credentials["totp"]; has {
		lost(read, "the authenticator app is not imported: list identities with include_credential=totp")
	}
	for _, c := range k.Credentials["lookup_secret"].Config.Codes {
		if used := string(c.Used); used == "" || used == "null" || strings.HasPrefix(used, `"0001-`) {
			read.Row.RecoveryCodes = append(read.Row.RecoveryCodes, string(c.Code))
		}
	}
	k.readPasskeys(f, read)
}

// readPasskeys reads the user's passkeys and security keys.
func (k *kratosRecord) readPasskeys(f *files, read *importing.Read) {
	for _, kind := range []string{"webauthn", "passkey"} {
		c, has := k.Credentials[kind]
		if has && len(c.Config.Passkeys) == 0 {
			lost(read, "the passkeys are not imported: list identities with include_credential=%s", kind)
		}
		for _, p := range c.Config.Passkeys {
			if p.Authenticator.Cloned {
				lost(read, "a passkey is not imported: it was copied")
				continue
			}
			moved := importing.Passkey{
				ID: string(p.ID), PublicKey: string(p.PublicKey), Handle: string(c.Config.Handle), Name: string(p.Name),
				SignCount: p.Authenticator.SignCount, AAGUID: string(p.Authenticator.AAGUID), Transports: p.Transports,
				SecondFactor: kind == "webauthn" && !bool(p.Passwordless),
			}
			if p.Flags != nil {
				moved.Verified, moved.Synced = bool(p.Flags.Verified), &p.Flags.Synced
			}
			f.addPasskey(read, moved)
		}
	}
}
