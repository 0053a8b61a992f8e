package people

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/vouchsafe/vouchsafe/storage"
)

// MaxProfileField bounds what a field of the profile holds, in characters.
const MaxProfileField = 200

// profileField is one field of a profile that users edit.
type profileField struct {
	// name is that of the claim. A dot leads to the members of address.
	name string
	// lines says that the value may have several lines.
	lines bool
	// at returns where the profile, which must have an address, keeps the value.
	at func(p *storage.Profile) *string
	// fault returns the id of the text that says what is wrong with a value, or "". Nil
	// accepts every value.
	fault func(value string) string
}

// profileFields are all fields of a profile.
var profileFields = []profileField{
	{name: "name", at: func(p *storage.Profile) *string { return &p.Name }},
	{name: "given_name", at: func(p *storage.Profile) *string { return &p.GivenName }},
	{name: "family_name", at: func(p *storage.Profile) *string { return &p.FamilyName }},
	{name: "locale", at: func(p *storage.Profile) *string { return &p.Locale }, fault: notLanguage},
	{name: "middle_name", at: func(p *storage.Profile) *string { return &p.MiddleName }},
	{name: "nickname", at: func(p *storage.Profile) *string { return &p.Nickname }},
	{name: "birthdate", at: func(p *storage.Profile) *string { return &p.Birthdate }, fault: notDate},
	{name: "gender", at: func(p *storage.Profile) *string { return &p.Gender }},
	{name: "zoneinfo", at: func(p *storage.Profile) *string { return &p.Zoneinfo }, fault: notZone},
	{name: "website", at: func(p *storage.Profile) *string { return &p.Website }, fault: notSecureURL},
	{name: "picture", at: func(p *storage.Profile) *string { return &p.Picture }, fault: notSecureURL},
	{name: "profile", at: func(p *storage.Profile) *string { return &p.Profile }, fault: notSecureURL},
	{name: "address.street_address", lines: true, at: func(p *storage.Profile) *string { return &p.Address.StreetAddress }},
	{name: "address.postal_code", at: func(p *storage.Profile) *string { return &p.Address.PostalCode }},
	{name: "address.locality", at: func(p *storage.Profile) *string { return &p.Address.Locality }},
	{name: "address.region", at: func(p *storage.Profile) *string { return &p.Address.Region }},
	{name: "address.country", at: func(p *storage.Profile) *string { return &p.Address.Country }},
	{name: formattedAddress, lines: true, at: func(p *storage.Profile) *string { return &p.Address.Formatted }},
}

const formattedAddress = "address.formatted"

// ProfileValues returns the profile's values by the names of their fields.
func ProfileValues(p storage.Profile) map[string]string {
	p = withAddress(p)
	values := map[string]string{}
	for _, f := range profileFields {
		values[f.name] = *f.at(&p)
	}
	return values
}

// EditProfile returns the profile with the given values, by the names of their fields, and with
// an address of its own. A formatted address that was not given goes when another part of the
// address changed: it describes the former one.
func EditProfile(p storage.Profile, values map[string]string) storage.Profile {
	p = withAddress(p)
	before := *p.Address
	for _, f := range profileFields {
		if value, ok := values[f.name]; ok {
			*f.at(&p) = value
		}
	}
	if _, given := values[formattedAddress]; !given && *p.Address != before {
		p.Address.Formatted = ""
	}
	return p
}

// UpdateProfile stores what users say about themselves, and returns the user as it is then.
// Names to sign in with, roles and the like are no part of a profile. It tells the user by mail,
// unless nothing changed. storage.ErrStale: the credentials changed meanwhile.
func (s *Service) UpdateProfile(ctx context.Context, a Asker, u storage.User, p storage.Profile) (storage.User, error) {
	p, err := cleanProfile(p)
	if err != nil {
		return u, err
	}
	// What the asker's session knows of the user may be a moment old.
	if u, err = s.Store.User(ctx, u.TenantID, u.ID); err != nil {
		return u, err
	}
	if sameProfile(u.Profile, p) {
		return u, nil
	}
	u.Profile, u.UpdatedAt = p, time.Now()
	mails, err := s.changeNotice(a, u, "notice.profile")
	if err != nil {
		return u, err
	}
	changed := a.event(storage.Event{Kind: storage.EventProfileChanged, UserID: u.ID})
	return u, s.apply(ctx, u, storage.Change{Update: &u, Deliveries: mails, Events: []storage.Event{changed}})
}

// sameProfile reports whether the profiles say the same.
func sameProfile(a, b storage.Profile) bool {
	a, b = withAddress(a), withAddress(b)
	if *a.Address != *b.Address {
		return false
	}
	a.Address, b.Address = nil, nil
	return a == b
}

// withAddress returns p with an address of its own.
func withAddress(p storage.Profile) storage.Profile {
	address := storage.Address{}
	if p.Address != nil {
		address = *p.Address
	}
	p.Address = &address
	return p
}

// cleanProfile returns the profile without spaces around its values, or the faults of the values
// that cannot be shown or followed.
func cleanProfile(p storage.Profile) (storage.Profile, error) {
	p = withAddress(p)
	var faults Faults
	for _, f := range profileFields {
		value := f.at(&p)
		*value = strings.TrimSpace(strings.ReplaceAll(*value, "\r\n", "\n"))
		if text, args := f.check(*value); text != "" {
			faults = append(faults, Fault{Field: f.name, Text: text, Args: args})
		}
	}
	if *p.Address == (storage.Address{}) {
		p.Address = nil
	}
	if faults != nil {
		return p, faults
	}
	return p, nil
}

// check returns the id of the text that says what is wrong with a value, and what stands in the
// text; "" for a good value.
func (f profileField) check(value string) (text string, args []any) {
	unprintable := func(c rune) bool { return misleads(c) && (c != '\n' || !f.lines) }
	switch {
	case value == "":
		return "", nil
	case utf8.RuneCountInString(value) > MaxProfileField:
		return "profile.long", []any{MaxProfileField}
	case !utf8.ValidString(value), strings.ContainsFunc(value, unprintable):
		return "profile.unprintable", nil
	case f.fault != nil:
		return f.fault(value), nil
	}
	return "", nil
}

// misleads reports whether a character shows nothing, or changes the order in which the text
// around it is shown. It accepts joiners, which some languages need.
func misleads(c rune) bool {
	return unicode.IsControl(c) || c >= '\u202a' && c <= '\u202e' || c >= '\u2066' && c <= '\u2069'
}

func notSecureURL(s string) string {
	if u, err := url.Parse(s); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return "profile.url"
	}
	return ""
}

var birthdates = regexp.MustCompile(`^(\d{4}|\d{4}-\d{2}-\d{2})$`)

// notDate accepts the forms of OpenID Connect Core section 5.1: a day, a year, and a day of the
// year 0000, by which users keep the year to themselves.
func notDate(s string) string {
	full := s
	if len(s) == 4 {
		full += "-01-01"
	}
	if _, err := time.Parse(time.DateOnly, full); err != nil || !birthdates.MatchString(s) {
		return "profile.date"
	}
	return ""
}

var zoneNames = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*){0,2}$`)

// notZone checks the form only, because not every machine has the list of zones.
func notZone(s string) string {
	if !zoneNames.MatchString(s) {
		return "profile.zone"
	}
	return ""
}

func notLanguage(s string) string {
	if _, err := language.Parse(s); err != nil {
		return "profile.language"
	}
	return ""
}
