package selfservice

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/attributes"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

// MaxProfileField bounds what a field of the profile holds, in characters.
const MaxProfileField = 200

const formattedAddress = "address.formatted"

// ProfileValues returns the profile's values by the names of their fields.
func ProfileValues(p storage.Profile) map[string]string {
	p = withAddress(p)
	values := map[string]string{}
	for _, c := range claims.Standard.All() {
		if c.Text != nil {
			values[c.Name] = *c.Text(&p)
		}
	}
	return values
}

// EditProfile returns the profile with the given values, by the names of their fields, and with
// an address of its own. A formatted address that was not given goes when another part of the
// address changed: it describes the former one.
func EditProfile(p storage.Profile, values map[string]string) storage.Profile {
	p = withAddress(p)
	before := *p.Address
	for _, c := range claims.Standard.All() {
		if value, ok := values[c.Name]; ok && c.Text != nil {
			*c.Text(&p) = value
		}
	}
	if _, given := values[formattedAddress]; !given && *p.Address != before {
		p.Address.Formatted = ""
	}
	return p
}

// UpdateProfile stores what users say about themselves, and returns the user as it is then.
// typed are values of the attributes that users edit themselves. Names to sign in with, roles and the like are no
// part of a profile. It tells the user by mail, unless nothing changed. Its refusal is ErrChangedMeanwhile.
func (s Service) UpdateProfile(
	ctx context.Context, a people.Asker, u storage.User, p storage.Profile, typed map[string]string,
) (storage.User, error) {
	p, err := cleanProfile(p)
	if err != nil {
		return u, err
	}
	// What the asker's session knows of the user may be a moment old.
	if u, err = s.Store.User(ctx, u.TenantID, u.ID); err != nil {
		return u, err
	}
	own, err := attributes.ChangeOwn(a.Tenant.Settings.Attributes, u.Attributes, typed)
	if err != nil {
		return u, faultsOfAttributes(err)
	}
	if sameProfile(u.Profile, p) && maps.EqualFunc(u.Attributes, own.Values, sameValue) {
		return u, nil
	}
	u.Profile, u.Attributes, u.UpdatedAt = p, own.Values, time.Now()
	mails, err := s.ChangeNotice(a, u, "notice.profile")
	if err != nil {
		return u, err
	}
	changed := a.Event(storage.Event{Kind: storage.EventProfileChanged, UserID: u.ID})
	err = s.Apply(ctx, u, storage.Change{
		Update: &u, Unique: own.Unique, Deliveries: mails, Events: []storage.Event{changed},
	})
	if errors.Is(err, storage.ErrExists) { // of what users edit here, only these are unique
		var taken people.Faults
		for _, attribute := range attributes.EditableByOwner(a.Tenant.Settings.Attributes) {
			if attribute.Unique && typed[attribute.Name] != "" {
				taken = append(taken, people.Fault{Field: AttributeField + attribute.Name, Text: "profile.attribute_taken"})
			}
		}
		return u, taken
	}
	return u, err
}

// AttributeField is what the name of an attribute's field begins with, in forms.
const AttributeField = "attribute."

// faultsOfAttributes returns what is wrong with the values of attributes as Faults.
func faultsOfAttributes(err error) error {
	wrong, ok := errors.AsType[attributes.Faults](err)
	if !ok {
		return err
	}
	var all people.Faults
	for _, f := range wrong {
		all = append(all, people.Fault{Field: AttributeField + f.Name, Text: "profile.attribute_form"})
	}
	return all
}

// sameValue reports whether two values of an attribute are the same.
func sameValue(a, b any) bool { return attributes.Text(a) == attributes.Text(b) }

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
	var faults people.Faults
	for _, c := range claims.Standard.All() {
		if c.Text == nil {
			continue
		}
		value := c.Text(&p)
		*value = strings.TrimSpace(strings.ReplaceAll(*value, "\r\n", "\n"))
		if text, args := checkProfileText(c.Form, *value); text != "" {
			faults = append(faults, people.Fault{Field: c.Name, Text: text, Args: args})
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

// checkProfileText returns the id of the text that says what is wrong with a value, and what
// stands in the text; "" for a good value.
func checkProfileText(form claims.Form, value string) (text string, args []any) {
	unprintable := func(c rune) bool { return misleads(c) && (c != '\n' || form != claims.Lines) }
	switch {
	case utf8.RuneCountInString(value) > MaxProfileField:
		return "profile.long", []any{MaxProfileField}
	case !utf8.ValidString(value), strings.ContainsFunc(value, unprintable):
		return "profile.unprintable", nil
	}
	return form.Fault(value), nil
}

// misleads reports whether a character shows nothing, or changes the order in which the text
// around it is shown. It accepts joiners, which some languages need.
func misleads(c rune) bool {
	return unicode.IsControl(c) || c >= '\u202a' && c <= '\u202e' || c >= '\u2066' && c <= '\u2069'
}
