package people

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// editPage is the form about who a user is.
func (p place) editPage(c *console.Call) error {
	u, err := c.Target(c.PathValue("user"))
	if err != nil {
		return err
	}
	v := c.View("people.edit").BackTo(console.NameOf(u), pathOf(u.ID, ""))
	return c.ShowView("form", v, formPage{Action: c.Link(pathOf(u.ID, "/edit")), Button: c.T("console.save"),
		Form: c.Form(append(userFields(u, true), attributeFields(c, u, true)...)...)})
}

// formPage is a page with one form.
type formPage struct {
	Lead, Action, Button string
	Form                 console.Form
	Groups               []storage.Group // that a field offers
}

// userFields are the fields about who a user is.
func userFields(u storage.User, keeps bool) []console.Field {
	all := []console.Field{
		{Name: "name", Label: "people.name", Value: u.Profile.Name, Max: 200},
		{Name: "given_name", Label: "people.given_name", Value: u.Profile.GivenName, Max: 200},
		{Name: "family_name", Label: "people.family_name", Value: u.Profile.FamilyName, Max: 200},
		{Name: "email", Label: "people.email", Value: u.Email, Max: 320},
		{Name: "email_verified", Label: "people.email_verified", Kind: "checkbox", Checked: u.EmailVerified},
		{Name: "username", Label: "people.username", Value: u.Username, Max: 64},
		{Name: "phone", Label: "people.phone", Hint: "people.phone_hint", Kind: "tel", Value: u.Phone, Max: 32},
		{Name: "phone_verified", Label: "people.phone_verified", Kind: "checkbox", Checked: u.PhoneVerified},
	}
	for i := range all {
		all[i].Keeps = keeps
	}
	return all
}

// fieldNames are the names of userFields, which keep what was typed.
var fieldNames = []string{
	"name", "given_name", "family_name", "email", "email_verified", "username", "phone", "phone_verified",
}

// flag returns a flag as a form sends it.
func flag(is bool) string {
	if is {
		return "1"
	}
	return ""
}

// edit stores what was changed in the form. If another administrator has changed the same since the form was shown,
// nothing is stored.
func (p place) edit(c *console.Call) error {
	u, err := c.Target(c.PathValue("user"))
	if err != nil {
		return err
	}
	now := map[string]string{
		"name": u.Profile.Name, "given_name": u.Profile.GivenName, "family_name": u.Profile.FamilyName, "email": u.Email,
		"email_verified": flag(u.EmailVerified), "username": u.Username, "phone": u.Phone,
		"phone_verified": flag(u.PhoneVerified),
	}
	for _, a := range c.Tenant().Settings.Attributes {
		// A browser sends lines with CR LF.
		now[attributePrefix+a.Name] = strings.ReplaceAll(attributeText(u.Attributes[a.Name]), "\n", "\r\n")
	}
	if changed := c.ChangedFields(now); len(changed) > 0 {
		return c.Refuse(changed, formNames(c)...)
	}
	profile := u.Profile
	profile.Name, profile.GivenName, profile.FamilyName = c.Value("name"), c.Value("given_name"), c.Value("family_name")
	email, name, phone := c.Value("email"), c.Value("username"), c.Value("phone")
	verified, phoneVerified := c.Value("email_verified") == "1", c.Value("phone_verified") == "1"
	_, _, err = p.Accounts.Edit(c.Context(), c.Asker, u.ID, administration.Edit{Edit: importing.Edit{
		Email: &email, EmailVerified: &verified, Username: &name, Phone: &phone, PhoneVerified: &phoneVerified,
		Profile: &profile,
	}, Attributes: attributesTyped(c, u)}, true)
	if err != nil {
		return c.Refuse(said(c, err), formNames(c)...)
	}
	return c.Done(c.To(pathOf(u.ID, "")), "console.saved")
}

// addPage is the form of a new user.
func (p place) addPage(c *console.Call) error {
	v := c.View("people.add").BackTo("place.people", root)
	return c.ShowView("form", v, formPage{Lead: c.T("people.add_lead"), Action: c.Link(root + "/add"),
		Button: c.T("people.add"),
		Form:   c.Form(append(userFields(storage.User{}, false), attributeFields(c, storage.User{}, false)...)...)})
}

// add adds a user without a password, and leads to the user's page.
func (p place) add(c *console.Call) error {
	n, err := p.Accounts.Check(c.Context(), c.Asker, importing.Row{
		Email: c.Value("email"), EmailVerified: c.Value("email_verified") == "1", Username: c.Value("username"),
		Phone: c.Value("phone"), PhoneVerified: c.Value("phone_verified") == "1",
		Profile: storage.Profile{
			Name: c.Value("name"), GivenName: c.Value("given_name"), FamilyName: c.Value("family_name"),
		},
		Attributes: set(attributesTyped(c, storage.User{})),
	}, true)
	if err != nil {
		return c.Refuse(said(c, err), formNames(c)...)
	}
	u, err := p.Accounts.Add(c.Context(), c.Asker, n, nil)
	if err != nil {
		return c.Refuse(said(c, err), formNames(c)...)
	}
	return c.Done(c.To(pathOf(u.ID, "")), "people.added", console.NameOf(u))
}

// faultFields are the fields of forms for those of rows.
var faultFields = map[string]string{"phone_number": "phone", "names": "email", "phone": "phone"}

// set returns the values that are there.
func set(values map[string]any) map[string]any {
	maps.DeleteFunc(values, func(_ string, value any) bool { return value == nil })
	return values
}

// said returns faults of the use cases as faults of fields, in the reader's language; other errors as they are.
func said(c *console.Call, err error) error {
	all, ok := errors.AsType[importing.Faults](err)
	if one, is := errors.AsType[*importing.Fault](err); !ok && is {
		all, ok = importing.Faults{one}, true
	}
	if !ok {
		return err
	}
	var faults console.Faults
	for _, f := range all {
		field := f.Field()
		if to, ok := faultFields[field]; ok {
			field = to
		}
		if known := formNames(c); !slices.Contains(known, field) && !slices.Contains(invitedFields, field) {
			field = "" // above the form
		}
		text, err := c.Words.Say("people.fault." + f.ID)
		if err != nil {
			if text, err = c.Words.Say("people.fault." + field); err != nil {
				text = c.T("people.fault", f.Message)
			}
		}
		if f.ID == "taken" {
			text = c.T("people.taken." + field)
		}
		faults = append(faults, console.Fault{Field: field, Text: text})
	}
	return faults
}
