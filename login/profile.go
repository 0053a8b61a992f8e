package login

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/login/account"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// profileInputs are the fields of a profile as its page shows them: the first few at once,
// address and the rest on demand. The page leaves fields that have no row as they are.
var profileInputs = []struct {
	name, label string
	fill        string // the autocomplete token
	kind        string // of the input: text, url, lines, language
	hint        string
}{
	{name: "name", label: "profile.name", fill: "name"},
	{name: "given_name", label: "profile.given_name", fill: "given-name"},
	{name: "family_name", label: "profile.family_name", fill: "family-name"},
	{name: "locale", label: "profile.locale", fill: "language", kind: "language"},

	{name: "middle_name", label: "profile.middle_name", fill: "additional-name"},
	{name: "nickname", label: "profile.nickname", fill: "nickname"},
	{name: "birthdate", label: "profile.birthdate", fill: "bday", hint: "profile.birthdate_hint"},
	{name: "gender", label: "profile.gender", fill: "sex"},
	{name: "zoneinfo", label: "profile.zoneinfo", fill: "off"},
	{name: "website", label: "profile.website", fill: "url", kind: "url"},
	{name: "picture", label: "profile.picture", fill: "photo", kind: "url"},

	{name: "address.street_address", label: "profile.street_address", fill: "street-address", kind: "lines"},
	{name: "address.postal_code", label: "profile.postal_code", fill: "postal-code"},
	{name: "address.locality", label: "profile.locality", fill: "address-level2"},
	{name: "address.region", label: "profile.region", fill: "address-level1"},
	{name: "address.country", label: "profile.country", fill: "country-name"},
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
	values := map[string]string{}
	for _, f := range profileInputs {
		values[f.name] = r.PostForm.Get(f.name)
	}
	p := people.EditProfile(a.User.Profile, values)
	var faults people.Faults
	switch _, err := s.UpdateProfile(r.Context(), s.askerOf(r), a.User, p); {
	case errors.As(err, &faults):
		v := s.account.View(w, r, "account.profile", a)
		v.Page = formOfProfile(v.Words, p, faults)
		return s.show(w, http.StatusUnprocessableEntity, "account-profile", v)
	case err != nil:
		return err
	}
	return account.Changed(w, r, "/account", "profile")
}

// languageNames are the languages of the pages, as their speakers call them.
var languageNames = map[string]string{"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français", "pt": "Português", "ru": "Русский"}

func formOfProfile(w texts.Words, p storage.Profile, faults people.Faults) profileForm {
	values := people.ProfileValues(p)
	var form profileForm
	for _, f := range profileInputs {
		in := profileInput{
			ID: strings.ReplaceAll(f.name, ".", "-"), Name: f.name, Label: w.Must(f.label), Value: values[f.name],
			Fill: f.fill, Kind: f.kind, Most: people.MaxProfileField, Fault: faultAt(w, faults, f.name),
		}
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
