package apps

import (
	"cmp"
	"errors"
	"strings"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/storage"
)

// edit is a form about a part of an app.
type edit struct {
	id, title, lead string
	fields          func(c *console.Call, a storage.Client) []console.Field
	read            func(c *console.Call, a *storage.Client)
}

// edits are all forms about parts of an app.
var edits = []edit{
	{"edit", "apps.edit", "", detailFields, readDetails},
	{"redirects", "apps.redirects", "apps.redirects_lead", redirectFields, readRedirects},
	{"access", "apps.access", "apps.access_lead", accessFields, readAccess},
}

// joined returns entries as a text area has them.
func joined(all []string) string { return strings.Join(all, "\n") }

// proofField is about the keys that tokens of the app are bound to.
func proofField(c *console.Call, a storage.Client) console.Field {
	f := console.Field{Name: "dpop", Label: "apps.dpop", Hint: "apps.dpop_hint", Kind: "select",
		Value: cmp.Or(a.DPoP, storage.DPoPAllow)}
	for _, v := range []string{storage.DPoPAllow, storage.DPoPRequire, storage.DPoPOff} {
		f.Options = append(f.Options, console.Option{Value: v, Text: c.T("apps.dpop." + v)})
	}
	return f
}

func detailFields(c *console.Call, a storage.Client) []console.Field {
	return []console.Field{
		{Name: "client_name", Label: "apps.name", Hint: "apps.name_hint", Value: a.ClientName, Max: 200},
		{Name: "first_party", Label: "apps.own", Kind: "checkbox", Hint: "apps.own_hint", Checked: a.FirstParty},
		{Name: "scope", Label: "apps.scopes", Hint: "apps.scopes_hint", Value: a.Scope, Max: 2000},
		{Name: "client_uri", Label: "apps.home", Kind: "url", Value: a.ClientURI, Max: 2000},
		{Name: "logo_uri", Label: "apps.logo", Kind: "url", Value: a.LogoURI, Max: 2000},
		{Name: "policy_uri", Label: "apps.policy", Kind: "url", Value: a.PolicyURI, Max: 2000},
		{Name: "tos_uri", Label: "apps.terms", Kind: "url", Value: a.TosURI, Max: 2000},
		{Name: "contacts", Label: "apps.contacts", Hint: "apps.contacts_hint", Kind: "textarea", Value: joined(a.Contacts)},
		proofField(c, a),
	}
}

func readDetails(c *console.Call, a *storage.Client) {
	a.ClientName, a.FirstParty = c.Value("client_name"), c.Value("first_party") == "1"
	a.Scope, a.ClientURI, a.LogoURI = c.Value("scope"), c.Value("client_uri"), c.Value("logo_uri")
	a.PolicyURI, a.TosURI, a.Contacts = c.Value("policy_uri"), c.Value("tos_uri"), lines(c, "contacts")
	if v := c.Value("dpop"); v != cmp.Or(a.DPoP, storage.DPoPAllow) {
		a.DPoP = v
	}
}

func redirectFields(c *console.Call, a storage.Client) []console.Field {
	check := checkURL(c, kindOf(a), a.ClientID)
	return []console.Field{
		{Name: "redirect_uris", Label: "apps.redirect", Hint: "apps.redirect_hint", Kind: "textarea",
			Value: joined(a.RedirectURIs), Check: check},
		{Name: "post_logout_redirect_uris", Label: "apps.logout", Hint: "apps.logout_hint", Kind: "textarea",
			Value: joined(a.PostLogoutRedirectURIs), Check: check},
		{Name: "backchannel_logout_uri", Label: "apps.told", Hint: "apps.told_hint", Kind: "url", Max: 2000,
			Value: a.BackchannelLogoutURI},
		{Name: "allowed_cors_origins", Label: "apps.origins", Hint: "apps.origins_hint", Kind: "textarea",
			Value: joined(a.AllowedCORSOrigins)},
	}
}

func readRedirects(c *console.Call, a *storage.Client) {
	a.RedirectURIs, a.PostLogoutRedirectURIs = lines(c, "redirect_uris"), lines(c, "post_logout_redirect_uris")
	a.AllowedCORSOrigins = lines(c, "allowed_cors_origins")
	if a.BackchannelLogoutURI = c.Value("backchannel_logout_uri"); a.BackchannelLogoutURI == "" {
		a.BackchannelLogoutSessionRequired = false
	}
}

func accessFields(_ *console.Call, a storage.Client) []console.Field {
	return []console.Field{
		{Name: "groups", Label: "apps.groups", Hint: "apps.groups_hint", Kind: "textarea", Value: joined(a.Allow.Groups)},
		{Name: "email_domains", Label: "apps.domains", Hint: "apps.domains_hint", Kind: "textarea",
			Value: joined(a.Allow.EmailDomains)},
		{Name: "verified_email", Label: "apps.verified", Kind: "checkbox", Checked: a.Allow.VerifiedEmail},
	}
}

func readAccess(c *console.Call, a *storage.Client) {
	a.Allow = storage.ClientAllow{Groups: lines(c, "groups"), EmailDomains: lines(c, "email_domains"),
		VerifiedEmail: c.Value("verified_email") == "1"}
}

// formPage is a page with one form.
type formPage struct {
	Lead, Action, ID string
	Form             console.Form
	// Groups are the first groups that there are, for a form that takes their ids.
	Groups []storage.Group
}

// mostListed is how many groups a form lists.
const mostListed = 200

// editPage shows the form.
func (p place) editPage(c *console.Call, e edit) error {
	a, err := p.managed(c)
	if err != nil {
		return err
	}
	fields := e.fields(c, a)
	for i := range fields {
		fields[i].Keeps = true
	}
	page := formPage{Action: c.Link(root + "/" + e.id), ID: a.ClientID, Form: c.Form(fields...)}
	if e.lead != "" {
		page.Lead = c.T(e.lead)
	}
	if e.id == "access" && c.May("groups:read") {
		if page.Groups, err = p.Accounts.Store.Groups(c.Context(), c.Tenant().ID, "", mostListed); err != nil {
			return err
		}
	}
	return c.ShowView("form", back(c, e.title, a), page)
}

// edit stores what was changed in the form. If another administrator has changed the same since the form was shown,
// nothing is stored.
func (p place) edit(c *console.Call, e edit) error {
	a, err := p.managed(c)
	if err != nil {
		return err
	}
	var names []string
	now, changed := map[string]string{}, console.Faults(nil)
	for _, f := range e.fields(c, a) {
		names = append(names, f.Name)
		now[f.Name] = f.Value
		if f.Kind == "checkbox" && f.Checked {
			now[f.Name] = "1"
		}
	}
	for field := range now { // a browser sends the lines of a text area with CR LF
		for _, name := range []string{field, "was." + field} {
			if v, ok := c.PostForm[name]; ok {
				c.PostForm[name] = []string{strings.ReplaceAll(v[0], "\r\n", "\n")}
			}
		}
	}
	if changed = c.ChangedFields(now); len(changed) > 0 {
		return c.Refuse(changed, names...)
	}
	was := a
	e.read(c, &a)
	if _, _, err := p.save(c, &was, a); err != nil {
		return c.Refuse(err, names...)
	}
	return c.Done(to(c, a), "console.saved")
}

// taken returns the fault that an id is taken; other errors as they are.
func taken(c *console.Call, err error) error {
	if errors.Is(err, storage.ErrExists) {
		return c.Wrong("client_id", "apps.fault.taken")
	}
	return err
}
