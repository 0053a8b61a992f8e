package claims

import "github.com/vouchsafe/vouchsafe/storage"

// Standard is the table of the claims that every tenant has.
var Standard = NewTable(
	protocol("iss", String), protocol("sub", String), protocol("aud", String), protocol("azp", String),
	protocol("exp", Number), protocol("iat", Number), protocol("auth_time", Number), protocol("nonce", String),
	protocol("acr", String), protocol("amr", List), protocol("sid", String), protocol("at_hash", String),
	protocol("act", Object),

	own("name", func(p *storage.Profile) *string { return &p.Name }, Plain, Input{Fill: "name"}).upstream(),
	own("given_name", func(p *storage.Profile) *string { return &p.GivenName }, Plain,
		Input{Fill: "given-name"}).upstream(),
	own("family_name", func(p *storage.Profile) *string { return &p.FamilyName }, Plain,
		Input{Fill: "family-name"}).upstream(),
	own("locale", func(p *storage.Profile) *string { return &p.Locale }, Language, Input{Fill: "language"}).upstream(),
	own("middle_name", func(p *storage.Profile) *string { return &p.MiddleName }, Plain,
		Input{Group: More, Fill: "additional-name"}),
	own("nickname", func(p *storage.Profile) *string { return &p.Nickname }, Plain,
		Input{Group: More, Fill: "nickname"}).upstream(),
	own("birthdate", func(p *storage.Profile) *string { return &p.Birthdate }, Date,
		Input{Group: More, Fill: "bday", Hint: "profile.birthdate_hint"}),
	own("gender", func(p *storage.Profile) *string { return &p.Gender }, Plain, Input{Group: More, Fill: "sex"}),
	own("zoneinfo", func(p *storage.Profile) *string { return &p.Zoneinfo }, Zone,
		Input{Group: More, Fill: "off"}).upstream(),
	own("website", func(p *storage.Profile) *string { return &p.Website }, URL,
		Input{Group: More, Fill: "url"}).upstream(),
	own("picture", func(p *storage.Profile) *string { return &p.Picture }, URL,
		Input{Group: More, Fill: "photo"}).upstream(),
	imported("profile", func(p *storage.Profile) *string { return &p.Profile }, URL).upstream(),
	computed("preferred_username", "profile", String, func(u *storage.User) any { return text(u.Username) }),
	computed("updated_at", "profile", Number, updatedAt),

	computed("email", "email", String, func(u *storage.User) any { return text(u.Email) }),
	computed("email_verified", "email", Boolean, func(u *storage.User) any { return truth(u.Email, u.EmailVerified) }),

	computed("address", "address", Object, wholeAddress),
	member("street_address", Lines, "street-address", func(a *storage.Address) *string { return &a.StreetAddress }),
	member("postal_code", Plain, "postal-code", func(a *storage.Address) *string { return &a.PostalCode }),
	member("locality", Plain, "address-level2", func(a *storage.Address) *string { return &a.Locality }),
	member("region", Plain, "address-level1", func(a *storage.Address) *string { return &a.Region }),
	member("country", Plain, "country-name", func(a *storage.Address) *string { return &a.Country }),
	member("formatted", Lines, "", func(a *storage.Address) *string { return &a.Formatted }).by(Administrator),

	computed("phone_number", "phone", String, func(u *storage.User) any { return text(u.Phone) }),
	computed("phone_number_verified", "phone", Boolean,
		func(u *storage.User) any { return truth(u.Phone, u.PhoneVerified) }),
)

// protocol returns the row of a claim that the protocol sets.
func protocol(name string, typ Type) Claim { return Claim{Name: name, Type: typ} }

// computed returns the row of a claim that follows from a user's record.
func computed(name, scope string, typ Type, value func(u *storage.User) any) Claim {
	return Claim{Name: name, Scope: scope, Type: typ, Value: value}
}

// imported returns the row of a text of the profile that only imports and the administrator set.
func imported(name string, at func(p *storage.Profile) *string, form Form) Claim {
	value := func(u *storage.User) any { return text(*at(&u.Profile)) }
	return Claim{
		Name: name, Scope: "profile", Type: String, Value: value, Text: at, Form: form, Editor: Administrator,
	}
}

// own returns the row of a text of the profile that its owner edits.
func own(name string, at func(p *storage.Profile) *string, form Form, input Input) Claim {
	c := imported(name, at, form).by(Owner)
	c.Input = input
	return c
}

// member returns the row of a member of the address that its owner edits.
func member(name string, form Form, fill string, at func(a *storage.Address) *string) Claim {
	return Claim{
		Name: "address." + name, Type: String, Form: form, Editor: Owner, Input: Input{Group: Address, Fill: fill},
		Text: func(p *storage.Profile) *string { return at(p.Address) },
	}
}

// by returns the row with another editor.
func (c Claim) by(e Editor) Claim { c.Editor = e; return c }

// upstream returns the row as one that upstream providers may fill.
func (c Claim) upstream() Claim { c.Upstream = true; return c }

// text returns nil for "": what is not known is left out, never sent empty (OpenID Connect Core
// section 5.3.2).
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// truth returns is, or nil if the text of is empty.
func truth(of string, is bool) any {
	if of == "" {
		return nil
	}
	return is
}

// updatedAt returns the time of the user's last change in Unix seconds, or nil.
func updatedAt(u *storage.User) any {
	if u.UpdatedAt.IsZero() {
		return nil
	}
	return u.UpdatedAt.Unix()
}

// wholeAddress returns the user's address, or nil if all of it is empty.
func wholeAddress(u *storage.User) any {
	if u.Profile.Address == nil || *u.Profile.Address == (storage.Address{}) {
		return nil
	}
	return u.Profile.Address
}
