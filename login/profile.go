package login

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/vouchsafe/vouchsafe/login/account"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

// maxProfile bounds what a field of the profile holds, in characters.
const maxProfile = 200

// profileField is one field of a profile, by its name in forms and JSON.
type profileField struct {
	name, label string
	fill        string // the autocomplete token
	kind        string // of the input: text, url, lines, language
	hint        string
	at          func(p *storage.Profile) *string
	// fault is the text that says what is wrong with a value, or "".
	fault func(value string) string
}

// profileFields are those that people edit; the first few are shown at once, address and
// the rest on demand.
var profileFields = []profileField{
	{name: "name", label: "profile.name", fill: "name", at: func(p *storage.Profile) *string { return &p.Name }},
	{name: "given_name", label: "profile.given_name", fill: "given-name", at: func(p *storage.Profile) *string { return &p.GivenName }},
	{name: "family_name", label: "profile.family_name", fill: "family-name", at: func(p *storage.Profile) *string { return &p.FamilyName }},
	{name: "locale", label: "profile.locale", fill: "language", kind: "language", at: func(p *storage.Profile) *string { return &p.Locale }, fault: notLanguage},

	{name: "middle_name", label: "profile.middle_name", fill: "additional-name", at: func(p *storage.Profile) *string { return &p.MiddleName }},
	{name: "nickname", label: "profile.nickname", fill: "nickname", at: func(p *storage.Profile) *string { return &p.Nickname }},
	{name: "birthdate", label: "profile.birthdate", fill: "bday", hint: "profile.birthdate_hint", at: func(p *storage.Profile) *string { return &p.Birthdate }, fault: notDate},
	{name: "gender", label: "profile.gender", fill: "sex", at: func(p *storage.Profile) *string { return &p.Gender }},
	{name: "zoneinfo", label: "profile.zoneinfo", fill: "off", at: func(p *storage.Profile) *string { return &p.Zoneinfo }, fault: notZone},
	{name: "website", label: "profile.website", fill: "url", kind: "url", at: func(p *storage.Profile) *string { return &p.Website }, fault: notSecureURL},
	{name: "picture", label: "profile.picture", fill: "photo", kind: "url", at: func(p *storage.Profile) *string { return &p.Picture }, fault: notSecureURL},

	{name: "address.street_address", label: "profile.street_address", fill: "street-address", kind: "lines", at: func(p *storage.Profile) *string { return &p.Address.StreetAddress }},
	{name: "address.postal_code", label: "profile.postal_code", fill: "postal-code", at: func(p *storage.Profile) *string { return &p.Address.PostalCode }},
	{name: "address.locality", label: "profile.locality", fill: "address-level2", at: func(p *storage.Profile) *string { return &p.Address.Locality }},
	{name: "address.region", label: "profile.region", fill: "address-level1", at: func(p *storage.Profile) *string { return &p.Address.Region }},
	{name: "address.country", label: "profile.country", fill: "country-name", at: func(p *storage.Profile) *string { return &p.Address.Country }},
}

// otherProfileFields come with imports and over JSON; the page leaves them as they are.
var otherProfileFields = []profileField{
	{name: "profile", at: func(p *storage.Profile) *string { return &p.Profile }, fault: notSecureURL},
	{name: "address.formatted", kind: "lines", at: func(p *storage.Profile) *string { return &p.Address.Formatted }},
}

// profileInput is a field as the page shows it.
type profileInput struct {
	ID, Name, Label, Value, Fill, Kind, Hint, Fault string
	Options                                         [][2]string // value and name, when there is a choice
	Most                                            int
}

// profileForm is what the profile page shows.
type profileForm struct {
	First, More, Address []profileInput
	MoreFault            bool // the folded part has to be open
	AddressFault         bool
}

// profilePage shows the profile to edit.
func (s *Server) profilePage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account.Current(r)
	if err != nil {
		return err
	}
	v := s.account.View(w, r, "account.profile", a)
	v.Page = formOfProfile(v.Words, a.User.Profile, nil)
	return s.show(w, http.StatusOK, "account-profile", v)
}

// postProfile takes it.
func (s *Server) postProfile(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account.Current(r)
	if err != nil {
		return err
	}
	p := withAddress(a.User.Profile)
	was := *p.Address
	for _, f := range profileFields {
		*f.at(&p) = r.PostForm.Get(f.name)
	}
	if was.Formatted != "" && *p.Address != was {
		p.Address.Formatted = "" // it tells of the address that was
	}
	var faults invalid
	switch _, err := s.updateProfile(r, a.User, p); {
	case errors.As(err, &faults):
		v := s.account.View(w, r, "account.profile", a)
		v.Page = formOfProfile(v.Words, p, faults)
		return s.show(w, http.StatusUnprocessableEntity, "account-profile", v)
	case err != nil:
		return err
	}
	return account.Changed(w, r, "/account", "profile")
}

// updateProfile stores what a person says about themselves. The profile is all that they
// can set: names to sign in with, roles and the like are not part of it.
func (s *Server) updateProfile(r *http.Request, u storage.User, p storage.Profile) (storage.User, error) {
	p, err := cleanProfile(p)
	if err != nil {
		return u, err
	}
	// What the session knows of the person may be a moment old.
	if u, err = s.Store.User(r.Context(), u.TenantID, u.ID); err != nil {
		return u, err
	}
	before, after := withAddress(u.Profile), withAddress(p)
	if *before.Address == *after.Address {
		before.Address, after.Address = nil, nil
		if before == after {
			return u, nil
		}
	}
	u.Profile, u.UpdatedAt = p, time.Now()
	mails, err := s.told(r, u, "notice.profile")
	if err != nil {
		return u, err
	}
	return u, s.apply(r, u, storage.Change{Update: &u, Deliveries: mails, Events: []storage.Event{s.event(r, storage.Event{Kind: storage.EventProfileChanged, UserID: u.ID})}})
}

// withAddress is p with an address of its own.
func withAddress(p storage.Profile) storage.Profile {
	address := storage.Address{}
	if p.Address != nil {
		address = *p.Address
	}
	p.Address = &address
	return p
}

// cleanProfile trims what was entered, and refuses what nobody could show or follow.
func cleanProfile(p storage.Profile) (storage.Profile, error) {
	p = withAddress(p)
	var faults invalid
	for _, fields := range [][]profileField{profileFields, otherProfileFields} {
		for _, f := range fields {
			value := f.at(&p)
			*value = strings.TrimSpace(strings.ReplaceAll(*value, "\r\n", "\n"))
			switch {
			case *value == "":
			case utf8.RuneCountInString(*value) > maxProfile:
				faults = append(faults, fault{Field: f.name, Text: "profile.long", Args: []any{maxProfile}})
			case !utf8.ValidString(*value), strings.ContainsFunc(*value, func(c rune) bool { return misleads(c) && (c != '\n' || f.kind != "lines") }):
				faults = append(faults, fault{Field: f.name, Text: "profile.unprintable"})
			case f.fault != nil:
				if text := f.fault(*value); text != "" {
					faults = append(faults, fault{Field: f.name, Text: text})
				}
			}
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

// misleads says whether a character shows nothing, or has the text around it show in
// another order. Joiners belong to some languages and are let through.
func misleads(c rune) bool {
	return unicode.IsControl(c) || c >= '\u202a' && c <= '\u202e' || c >= '\u2066' && c <= '\u2069'
}

func notSecureURL(s string) string {
	if ui.SecureURL(s) == "" {
		return "profile.url"
	}
	return ""
}

var birthdates = regexp.MustCompile(`^(\d{4}|\d{4}-\d{2}-\d{2})$`)

// notDate takes the forms of OpenID Connect Core section 5.1: a day, a year, or a day of
// the year 0000 when the year is nobody's business.
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

// notZone looks at the form only: not every machine has the list of zones.
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

// languageNames are the languages of the pages, as their speakers call them.
var languageNames = map[string]string{"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français", "pt": "Português", "ru": "Русский"}

func formOfProfile(w texts.Words, p storage.Profile, faults invalid) profileForm {
	p = withAddress(p)
	var form profileForm
	for _, f := range profileFields {
		in := profileInput{ID: strings.ReplaceAll(f.name, ".", "-"), Name: f.name, Label: w.Must(f.label), Value: *f.at(&p), Fill: f.fill, Kind: f.kind, Most: maxProfile, Fault: faultAt(w, faults, f.name)}
		if f.hint != "" {
			in.Hint = w.Must(f.hint)
		}
		if f.kind == "language" {
			in.Options = languageOptions(w, in.Value)
		}
		switch {
		case strings.HasPrefix(f.name, "address."):
			form.Address = append(form.Address, in)
			form.AddressFault = form.AddressFault || in.Fault != ""
		case len(form.First) < 4:
			form.First = append(form.First, in)
		default:
			form.More = append(form.More, in)
			form.MoreFault = form.MoreFault || in.Fault != ""
		}
	}
	return form
}

// languageOptions are those of the pages, no answer, and the one that is chosen.
func languageOptions(w texts.Words, chosen string) [][2]string {
	options := [][2]string{{"", w.Must("profile.no_locale")}}
	for _, tag := range texts.Languages() {
		options = append(options, [2]string{tag, languageNames[tag]})
	}
	if !slices.ContainsFunc(options, func(o [2]string) bool { return o[0] == chosen }) {
		options = append(options, [2]string{chosen, chosen})
	}
	return options
}
