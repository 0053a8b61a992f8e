package account

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/attributes"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/people/selfservice"
	"github.com/vouchsafe/vouchsafe/storage"
)

// profileInput is a field as the page shows it.
type profileInput struct {
	ID, Name, Label, Value, Fill, Kind, Hint, Fault string
	// List is what the browser offers: static/page.js fills in the zones or the countries.
	List    string
	Focus   bool        // it is the first that was refused
	Options [][2]string // value and name, when there is a choice
	Most    int
}

// profileForm is what the profile page shows.
type profileForm struct {
	First, More, Address []profileInput
	Own                  []profileInput // attributes that the user edits
	Seen                 []profileInput // attributes that only administrators edit
	MoreFault            bool           // the folded part has to be open
	AddressFault         bool
}

// profilePage shows the profile to edit.
func (s *Server) profilePage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	v := s.view(w, r, "account.profile", a)
	page := formOfProfile(r, a.User.Profile)
	page.addAttributes(r, a.User)
	v.Page = page
	return s.Site.Show(w, http.StatusOK, "account-profile", v)
}

// postProfile takes it.
func (s *Server) postProfile(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	values := map[string]string{}
	var names []string
	for _, c := range claims.Standard.All() {
		if c.Editor == claims.Owner {
			values[c.Name] = r.PostForm.Get(c.Name)
			names = append(names, c.Name)
		}
	}
	p := selfservice.EditProfile(a.User.Profile, values)
	typed := map[string]string{}
	for _, attribute := range attributes.EditableByOwner(web.TenantOf(r.Context()).Settings.Attributes) {
		name := selfservice.AttributeField + attribute.Name
		typed[attribute.Name] = r.PostForm.Get(name)
		names = append(names, name)
	}
	if _, err := s.People.UpdateProfile(r.Context(), s.Site.Asker(r), a.User, p, typed); err != nil {
		return s.Site.Refuse(w, r, "/account/profile", err, names...)
	}
	return changed(w, r, "/account", "profile")
}

// Faulty returns the inputs that were refused, in the page's order.
func (f profileForm) Faulty() (all []profileInput) {
	for _, in := range slices.Concat(f.First, f.Own, f.More, f.Address) {
		if in.Fault != "" {
			all = append(all, in)
		}
	}
	return all
}

func formOfProfile(r *http.Request, p storage.Profile) profileForm {
	values := selfservice.ProfileValues(p)
	var form profileForm
	for _, c := range claims.Standard.All() {
		if c.Editor != claims.Owner {
			continue
		}
		in := profileInputOf(ui.Words(r), c, ui.Typed(r, c.Name, values[c.Name]), ui.FaultsOf(r).Fault(c.Name))
		switch c.Input.Group {
		case claims.Address:
			form.Address = append(form.Address, in)
			form.AddressFault = form.AddressFault || in.Fault != ""
		case claims.First:
			form.First = append(form.First, in)
		default:
			form.More = append(form.More, in)
			form.MoreFault = form.MoreFault || in.Fault != ""
		}
	}
	for _, group := range [][]profileInput{form.First, form.More, form.Address} {
		if i := slices.IndexFunc(group, func(in profileInput) bool { return in.Fault != "" }); i >= 0 {
			group[i].Focus = true
			break
		}
	}
	return form
}

// addAttributes adds the tenant's attributes that the user may see.
func (f *profileForm) addAttributes(r *http.Request, u storage.User) {
	say := ui.Words(r)
	for _, a := range web.TenantOf(r.Context()).Settings.Attributes {
		name := selfservice.AttributeField + a.Name
		in := profileInput{
			ID: "attribute-" + a.Name, Name: name, Label: cmp.Or(a.Title, a.Name), Most: selfservice.MaxProfileField,
			Value: attributes.Text(u.Attributes[a.Name]), Fill: "off",
		}
		switch {
		case a.Edit == storage.ByOwner:
			in.Value, in.Fault = ui.Typed(r, name, in.Value), ui.FaultsOf(r).Fault(name)
			if a.Type == storage.AttributeDate && isDay(in.Value) {
				in.Kind = "date"
			}
			if a.Type == storage.AttributeBoolean {
				in.Options = [][2]string{
					{"", say.Must("profile.no_locale")}, {"true", say.Must("profile.yes")}, {"false", say.Must("profile.no")},
				}
			}
			f.Own = append(f.Own, in)
		case a.See == storage.ByOwner && in.Value != "":
			f.Seen = append(f.Seen, in)
		}
	}
}

// inputKinds are the kinds of inputs for forms of texts; others are plain.
var inputKinds = map[claims.Form]string{claims.Lines: "lines", claims.URL: "url", claims.Language: "language"}

func profileInputOf(w texts.Words, c claims.Claim, value, fault string) profileInput {
	in := profileInput{
		ID: strings.ReplaceAll(c.Name, ".", "-"), Name: c.Name, Label: w.Must(labelOf(c)), Value: value,
		Fill: c.Input.Fill, Kind: inputKinds[c.Form], Most: selfservice.MaxProfileField, Fault: fault,
	}
	switch {
	case c.Form == claims.Date && isDay(value):
		in.Kind = "date" // browsers ask for it in their users' order of year, month and day
	case c.Input.Hint != "":
		in.Hint = w.Must(c.Input.Hint)
	}
	switch {
	case c.Form == claims.Zone:
		in.List = "zones"
	case c.Input.Fill == "country-name":
		in.List = "countries"
	}
	if c.Form == claims.Language {
		in.Options = languageOptions(w, value)
	}
	return in
}

// isDay reports whether a birthdate can be shown in an input for dates: a year alone cannot, nor a day whose year is
// not told, which is 0000.
func isDay(birthdate string) bool {
	day, err := time.Parse(time.DateOnly, birthdate)
	return birthdate == "" || err == nil && day.Year() > 0
}

// labelOf returns the id of the text that names a claim's input.
func labelOf(c claims.Claim) string {
	return "profile." + strings.TrimPrefix(c.Name, "address.")
}

// languageOptions are those of the pages, no answer, and the one that is chosen.
func languageOptions(w texts.Words, chosen string) [][2]string {
	options := [][2]string{{"", w.Must("profile.no_locale")}}
	for _, tag := range texts.Languages() {
		options = append(options, [2]string{tag, texts.NameOf(tag)})
	}
	if !slices.ContainsFunc(options, func(o [2]string) bool { return o[0] == chosen }) {
		options = append(options, [2]string{chosen, chosen})
	}
	return options
}
