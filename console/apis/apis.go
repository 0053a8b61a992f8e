// Package apis is the console's place for APIs: what apps can get access tokens for, by which scopes, and what users
// read about these when they are asked.
package apis

import (
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

//go:embed templates
var templates embed.FS

// Config is what the place calls. All fields are required.
type Config struct {
	Tenants storage.Tenants
	Roles   storage.Roles
}

// place serves the pages.
type place struct{ Config }

const (
	root    = "/apis"
	apiPage = root + "/api"
)

// Scopes, as the operations of the management API need them.
var (
	read  = []string{"tenant:read"}
	write = []string{"tenant:read", "tenant:write"}
)

// Part returns the place.
func (c Config) Part() console.Part {
	p := place{c}
	get, post := http.MethodGet, http.MethodPost
	return console.Part{Place: "apis", Templates: templates, Pages: []console.Page{
		{Method: get, Path: root, Scopes: read, Serve: p.list},
		{Method: get, Path: root + "/add", Scopes: write, Serve: p.addPage},
		{Method: post, Path: root + "/add", Scopes: write, Serve: p.add},
		{Method: get, Path: apiPage, Scopes: read, Serve: p.api},
		{Method: get, Path: root + "/edit", Scopes: write, Serve: p.editPage},
		{Method: post, Path: root + "/edit", Scopes: write, Serve: p.edit},
		{Method: get, Path: root + "/scope", Scopes: write, Serve: p.scopePage},
		{Method: post, Path: root + "/scope", Scopes: write, Serve: p.saveScope},
		{Method: post, Path: root + "/remove-scope", Scopes: write, Serve: p.removeScope},
		{Method: get, Path: root + "/remove", Scopes: write, Fresh: true, Serve: p.removePage},
		{Method: post, Path: root + "/remove", Scopes: write, Fresh: true, Serve: p.remove},
	}}
}

// nameOf returns what pages call the API.
func nameOf(a storage.API) string { return cmp.Or(a.Name, a.Identifier) }

// all returns the APIs of the tenant as they are stored now.
func (p place) all(c *console.Call) ([]storage.API, error) {
	t, err := p.Tenants.Tenant(c.Context(), c.Tenant().ID)
	return t.Settings.APIs, err
}

// apiOf returns the API that the request names.
func (p place) apiOf(c *console.Call) (storage.API, error) {
	all, err := p.all(c)
	for _, a := range all {
		if a.Identifier == c.FormValue("id") {
			return a, err
		}
	}
	return storage.API{}, cmp.Or(err, storage.ErrNotFound)
}

// list shows the APIs.
func (p place) list(c *console.Call) error {
	all, err := p.all(c)
	if err != nil {
		return err
	}
	return c.Show("list", "place.apis", struct{ APIs []storage.API }{all})
}

// formPage is a page with one form.
type formPage struct {
	Lead, Action, Button string
	ID, Scope            string // hidden fields
	Form                 console.Form
}

// addPage is the form of a new API.
func (p place) addPage(c *console.Call) error {
	return c.ShowView("form", c.View("apis.add").BackTo("place.apis", root), formPage{
		Lead: c.T("apis.add_lead"), Action: c.Link(root + "/add"), Button: c.T("apis.add"), Form: c.Form(
			console.Field{Name: "identifier", Label: "apis.id", Hint: "apis.id_hint", Kind: "url", Required: true, Max: 255},
			console.Field{Name: "name", Label: "apis.name", Max: 200})})
}

// add adds an API, and leads to its page.
func (p place) add(c *console.Call) error {
	a := storage.API{Identifier: c.Value("identifier"), Name: c.Value("name")}
	_, err := tenants.PutAPISeen(c.Context(), p.Tenants, c.Tenant().ID, a, func(was *storage.API) error {
		if was != nil {
			return c.Wrong("identifier", "apis.fault.taken")
		}
		return nil
	}, c.Asker.Event)
	if err != nil {
		return c.Refuse(said(c, err), "identifier", "name")
	}
	return c.Done(c.To(apiPage, "id", a.Identifier), "apis.added", nameOf(a))
}

// api shows an API.
func (p place) api(c *console.Call) error {
	a, err := p.apiOf(c)
	if err != nil {
		return err
	}
	page := struct {
		storage.API
		Lifetime string
		Roles    []storage.Role
		ShowRole bool
	}{API: a, Lifetime: lifetimeOf(a), ShowRole: c.May("groups:read")}
	if page.ShowRole {
		if page.Roles, err = p.Roles.RolesOfAPI(c.Context(), c.Tenant().ID, a.Identifier, "", 20); err != nil {
			return err
		}
	}
	v := c.View("place.apis").BackTo("place.apis", root)
	v.Title = nameOf(a)
	return c.ShowView("api", v, page)
}

// lifetimeOf returns how long access tokens live, as forms have it; "" for as long as the app says.
func lifetimeOf(a storage.API) string {
	if a.AccessTokenLifetime == 0 {
		return ""
	}
	text := time.Duration(a.AccessTokenLifetime).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// editFields are the fields about the API itself.
func editFields(c *console.Call, a storage.API) []console.Field {
	return []console.Field{
		{Name: "name", Label: "apis.name", Value: a.Name, Max: 200, Keeps: true},
		{Name: "access_token_format", Label: "apis.format", Hint: "apis.format_hint", Kind: "select",
			Value: a.AccessTokenFormat,
			Keeps: true, Options: []console.Option{{Value: "", Text: c.T("apis.format.app")},
				{Value: "jwt", Text: c.T("apis.format.jwt")}, {Value: "opaque", Text: c.T("apis.format.opaque")}}},
		{Name: "access_token_lifetime", Label: "apis.lifetime", Hint: "apis.lifetime_hint", Value: lifetimeOf(a), Max: 20,
			Keeps: true},
		{Name: "clients", Label: "apis.clients", Hint: "apis.clients_hint", Kind: "textarea",
			Value: strings.Join(a.Clients, "\n"),
			Keeps: true},
	}
}

// editPage is the form about the API itself.
func (p place) editPage(c *console.Call) error {
	a, err := p.apiOf(c)
	if err != nil {
		return err
	}
	return c.ShowView("form", c.View("apis.edit").BackTo(nameOf(a), apiPage, "id", a.Identifier), formPage{
		Action: c.Link(root + "/edit"), Button: c.T("console.save"), ID: a.Identifier, Form: c.Form(editFields(c, a)...)})
}

// edit stores what was changed in the form.
func (p place) edit(c *console.Call) error {
	a, err := p.apiOf(c)
	if err != nil {
		return err
	}
	now, names := map[string]string{}, []string(nil)
	for _, f := range editFields(c, a) {
		now[f.Name], names = f.Value, append(names, f.Name)
	}
	for _, name := range []string{"clients", "was.clients"} { // a browser sends its lines with CR LF
		c.PostForm.Set(name, strings.ReplaceAll(c.PostForm.Get(name), "\r\n", "\n"))
	}
	if changed := c.ChangedFields(now); len(changed) > 0 {
		return c.Refuse(changed, names...)
	}
	was := a
	a.Name, a.AccessTokenFormat, a.Clients = c.Value("name"), c.Value("access_token_format"),
		strings.Fields(c.Value("clients"))
	a.AccessTokenLifetime = 0
	if text := c.Value("access_token_lifetime"); text != "" {
		if err := a.AccessTokenLifetime.UnmarshalText([]byte(text)); err != nil || a.AccessTokenLifetime == 0 {
			return c.Refuse(c.Wrong("access_token_lifetime", "apis.fault.access_token_lifetime"), names...)
		}
	}
	if err := p.put(c, was, a); err != nil {
		return c.Refuse(said(c, err), names...)
	}
	return c.Done(c.To(apiPage, "id", a.Identifier), "console.saved")
}

// put stores the API in place of the one that was read. storage.ErrStale: it has changed since.
func (p place) put(c *console.Call, was, now storage.API) error {
	_, err := tenants.PutAPISeen(c.Context(), p.Tenants, c.Tenant().ID, now, unchanged(was), c.Asker.Event)
	return err
}

// unchanged returns a check that an API is what was read. storage.ErrStale: it is not.
func unchanged(read storage.API) func(*storage.API) error {
	return func(stored *storage.API) error {
		if stored == nil || version(*stored) != version(read) {
			return storage.ErrStale
		}
		return nil
	}
}

// version returns a text that is the same for the same API.
func version(a storage.API) string {
	text, _ := json.Marshal(a) // it has texts, lists and numbers only
	return string(text)
}

// said returns what is wrong with an API, each beside the field of the form; other errors as they are.
func said(c *console.Call, err error) error {
	all, ok := errors.AsType[tenants.Faults](err)
	if !ok {
		return err
	}
	var faults console.Faults
	for _, f := range all {
		parts := strings.Split(f.Path, ".")
		field := parts[len(parts)-1]
		if i := slices.Index(parts, "consent"); i >= 0 {
			field = "consent." + field
		} else if slices.Contains(parts, "clients") {
			field = "clients"
		}
		text, err := c.Words.Say("apis.fault." + field)
		if err != nil {
			text = c.T("apis.fault", f.Message)
		}
		faults = append(faults, console.Fault{Field: field, Text: text})
	}
	return faults
}

// scopeOf returns the place of the scope that the request names; -1 for a new one.
func scopeOf(c *console.Call, a storage.API) int {
	return slices.IndexFunc(a.Scopes, func(s storage.APIScope) bool { return s.Name == c.FormValue("scope") })
}

// scopeFields are the fields of a scope.
func scopeFields(s storage.APIScope, isNew bool) (all []console.Field) {
	if isNew {
		all = append(all, console.Field{Name: "name", Label: "apis.scope_name", Hint: "apis.scope_name_hint",
			Required: true, Max: 200})
	}
	all = append(all, console.Field{Name: "title", Label: "apis.scope_title", Value: s.Title, Max: 200, Keeps: !isNew})
	for _, lang := range texts.Languages() {
		all = append(all, console.Field{Name: "consent." + lang, Label: "apis.consent." + lang, Value: s.Consent[lang],
			Max:   200,
			Keeps: !isNew})
	}
	return all
}

// scopePage is the form of a scope.
func (p place) scopePage(c *console.Call) error {
	a, err := p.apiOf(c)
	if err != nil {
		return err
	}
	page := formPage{Lead: c.T("apis.scope_lead"), Action: c.Link(root + "/scope"), Button: c.T("console.save"),
		ID: a.Identifier}
	scope, i := storage.APIScope{}, scopeOf(c, a)
	v := c.View("apis.scope_add").BackTo(nameOf(a), apiPage, "id", a.Identifier)
	if i >= 0 {
		scope, page.Scope = a.Scopes[i], a.Scopes[i].Name
		v.Title = scope.Name
	} else if c.FormValue("scope") != "" {
		return storage.ErrNotFound
	}
	page.Form = c.Form(scopeFields(scope, i < 0)...)
	return c.ShowView("form", v, page)
}

// saveScope adds a scope, or changes one.
func (p place) saveScope(c *console.Call) error {
	a, err := p.apiOf(c)
	if err != nil {
		return err
	}
	was, scope, i := a, storage.APIScope{Name: c.Value("name")}, scopeOf(c, a)
	a.Scopes = slices.Clone(a.Scopes)
	if i >= 0 {
		scope = a.Scopes[i]
	} else if c.Value("scope") != "" {
		return storage.ErrNotFound
	}
	now, names := map[string]string{}, []string{"name"}
	for _, f := range scopeFields(scope, i < 0) {
		now[f.Name], names = f.Value, append(names, f.Name)
	}
	delete(now, "name")
	if changed := c.ChangedFields(now); len(changed) > 0 {
		return c.Refuse(changed, names...)
	}
	kept := scope.Consent
	scope.Title, scope.Consent = c.Value("title"), map[string]string{}
	for lang, sentence := range kept { // of languages that the console does not speak
		if !slices.Contains(texts.Languages(), lang) {
			scope.Consent[lang] = sentence
		}
	}
	for _, lang := range texts.Languages() {
		if sentence := c.Value("consent." + lang); sentence != "" {
			scope.Consent[lang] = sentence
		}
	}
	if i >= 0 {
		a.Scopes[i] = scope
	} else {
		a.Scopes = append(a.Scopes, scope)
	}
	if err := p.put(c, was, a); err != nil {
		return c.Refuse(said(c, err), names...)
	}
	return c.Done(c.To(apiPage, "id", a.Identifier), "console.saved")
}

// removeScope removes a scope.
func (p place) removeScope(c *console.Call) error {
	a, err := p.apiOf(c)
	if err != nil {
		return err
	}
	i := scopeOf(c, a)
	if i < 0 {
		return storage.ErrNotFound
	}
	was, name := a, a.Scopes[i].Name
	a.Scopes = slices.Delete(slices.Clone(a.Scopes), i, i+1)
	if err := p.put(c, was, a); err != nil {
		return err
	}
	return c.Done(c.To(apiPage, "id", a.Identifier), "apis.scope_removed", name)
}

// removePage says what the removal does.
func (p place) removePage(c *console.Call) error {
	a, err := p.apiOf(c)
	if err != nil {
		return err
	}
	return c.Confirm(console.Confirm{Title: c.T("apis.remove_title", nameOf(a)), Button: c.T("apis.remove"), Danger: true,
		Final:  true,
		Will:   []string{c.T("apis.remove_will.1"), c.T("apis.remove_will.2"), c.T("apis.remove_will.3")},
		Hidden: map[string]string{"id": a.Identifier, "seen": version(a)}, Back: c.To(apiPage, "id", a.Identifier)})
}

// remove removes the API, unless it was changed since the page was shown.
func (p place) remove(c *console.Call) error {
	a, err := p.apiOf(c)
	if err != nil {
		return err
	}
	if c.PostForm.Get("seen") != version(a) {
		return storage.ErrStale
	}
	if err := tenants.RemoveAPISeen(c.Context(), p.Tenants, c.Tenant().ID, a.Identifier, unchanged(a),
		c.Asker.Event); err != nil {
		return err
	}
	return c.Done(c.To(root), "apis.removed", nameOf(a))
}
