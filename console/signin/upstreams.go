package signin

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// upstreamRow is an upstream provider in the list.
type upstreamRow struct {
	ID, Name, Preset, Issuer string
	Closed                   bool // only linked accounts sign in
	Off                      bool // users don't see it
}

// rowOf returns an upstream provider for a page.
func rowOf(u storage.Upstream) upstreamRow {
	row := upstreamRow{u.ID, upstream.NameOf(u), u.Preset, u.Issuer, u.SignUp == storage.SignUpClosed, u.Disabled}
	if row.Preset == "" {
		row.Preset = "oidc"
	}
	return row
}

// upstreams lists the upstream providers in the order of their buttons.
func (p place) upstreams(c *console.Call) error {
	t, err := p.own(c)
	if err != nil {
		return err
	}
	page := struct {
		Rows []upstreamRow
		May  bool
	}{May: c.May(writeUpstreams...)}
	for _, u := range t.Settings.Upstreams {
		page.Rows = append(page.Rows, rowOf(u))
	}
	return c.ShowView("upstreams", c.View("sign-in.at.upstreams").BackTo("place.sign-in", root), page)
}

// path returns the path of an upstream provider's page, and of a page below it.
func path(id, below string) string { return root + "/upstream/" + id + below }

// find returns the tenant with the upstream provider that the path names, and its place in the list.
func (p place) find(c *console.Call) (storage.Tenant, int, error) {
	t, err := p.own(c)
	if err != nil {
		return t, 0, err
	}
	i := slices.IndexFunc(t.Settings.Upstreams, func(u storage.Upstream) bool { return u.ID == c.PathValue("upstream") })
	if i < 0 {
		return t, i, storage.ErrNotFound
	}
	return t, i, nil
}

// upstreamFields are the fields of an upstream provider. The secret is never shown.
func upstreamFields(c *console.Call, u storage.Upstream, keeps bool) []console.Field {
	preset := console.Field{Name: "preset", Label: "sign-in.preset", Kind: "select", Value: u.Preset}
	if preset.Value == "" {
		preset.Value = "oidc"
	}
	for _, name := range upstream.Presets() {
		if name != "" {
			preset.Options = append(preset.Options, console.Option{Value: name,
				Text: upstream.NameOf(storage.Upstream{ID: "OpenID Connect", Preset: name})})
		}
	}
	fields := []console.Field{
		preset, text("upstream_name", u.Name), text("issuer", u.Issuer), text("client_id", u.ClientID),
		{Name: "client_secret", Label: "sign-in.client_secret", Hint: "sign-in.client_secret_hint", Kind: "textarea"},
		text("team_id", u.TeamID), text("key_id", u.KeyID), text("scopes", strings.Join(u.Scopes, " ")),
		lines("claims", u.Claims), lines("groups", u.Groups), text("groups_claim", u.GroupsClaim),
		choice(c, "upstream_sign_up", u.SignUp, storage.SignUpOpen, storage.SignUpClosed),
		text("domains", strings.Join(u.Domains, " ")),
		text("authoritative_domains", strings.Join(u.AuthoritativeDomains, " ")),
		box("distrust_email", u.DistrustEmail), box("refresh_profile", u.RefreshProfile),
		text("audiences", strings.Join(u.Audiences, " ")),
	}
	hints := []string{"issuer", "team_id", "scopes", "domains", "authoritative_domains", "audiences"}
	for i := range fields {
		f := &fields[i]
		f.Keeps = keeps && f.Name != "client_secret"
		if f.Kind == "" && !slices.Contains(hints, f.Name) {
			f.Hint = ""
		}
	}
	return fields
}

// lines returns a field for pairs, one in each line. Its hint is sign-in.NAME_hint.
func lines(name string, pairs map[string]string) console.Field {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		all = append(all, key+" = "+pairs[key])
	}
	return console.Field{Name: name, Label: "sign-in." + name, Hint: "sign-in." + name + "_hint", Kind: "textarea",
		Value: strings.Join(all, "\n")}
}

// pairs reads a field of lines. A line without = has an empty value, which no use case takes.
func pairs(s string) map[string]string {
	all := map[string]string{}
	for line := range strings.SplitSeq(s, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			key, value, _ := strings.Cut(line, "=")
			all[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// upstreamSections are the titles of the form's sections, with the number of their fields.
var upstreamSections, upstreamNumbers = []string{"sign-in.provider", "sign-in.taken", "sign-in.trust"}, []int{7, 4, 6}

// readUpstream puts what was posted in the place of the fields of an upstream provider.
func readUpstream(c *console.Call, u *storage.Upstream) {
	u.Preset, u.Name = c.Value("preset"), c.Value("upstream_name")
	u.Issuer, u.ClientID = c.Value("issuer"), c.Value("client_id")
	u.TeamID, u.KeyID, u.Scopes = c.Value("team_id"), c.Value("key_id"), words(c.Value("scopes"))
	u.Claims, u.Groups, u.GroupsClaim = pairs(c.Value("claims")), pairs(c.Value("groups")), c.Value("groups_claim")
	u.Domains, u.AuthoritativeDomains = words(c.Value("domains")), words(c.Value("authoritative_domains"))
	u.DistrustEmail, u.RefreshProfile = c.Value("distrust_email") == "1", c.Value("refresh_profile") == "1"
	u.Audiences = words(c.Value("audiences"))
	if u.SignUp = c.Value("upstream_sign_up"); u.SignUp == storage.SignUpOpen {
		u.SignUp = ""
	}
}

// upstreamPaths returns the names of the form's fields by the paths of faults of the i-th upstream provider.
func upstreamPaths(i int, names []string) map[string]string {
	at := "upstreams." + strconv.Itoa(i) + "."
	all := map[string]string{at + "id": "id", at + "name": "upstream_name", at + "sign_up": "upstream_sign_up"}
	for _, name := range names {
		all[at+name] = name
	}
	return all
}

// addPage is the form of a new upstream provider.
func (p place) addPage(c *console.Call) error {
	id := text("id", "")
	id.Label, id.Hint, id.Required, id.Max, id.Keeps = "sign-in.upstream_id", "sign-in.upstream_id_hint", true, 32, false
	page := formPage{Action: c.Link(root + "/upstreams/add"), Declared: p.Declared,
		Form: c.Form(append([]console.Field{id}, upstreamFields(c, storage.Upstream{}, false)...)...)}
	page.Sections = divide(c, page.Form, upstreamSections, []int{8, 4, 6})
	return c.ShowView("form", c.View("sign-in.add_upstream").BackTo("sign-in.at.upstreams", root+"/upstreams"), page)
}

// secretless returns the names of the fields that keep what was typed: all but the secret.
func secretless(fields []console.Field) []string {
	return slices.DeleteFunc(append(namesOf(fields), "id"), func(name string) bool { return name == "client_secret" })
}

// add adds an upstream provider behind all others.
func (p place) add(c *console.Call) error {
	was, err := p.own(c)
	if err != nil {
		return err
	}
	u := storage.Upstream{ID: c.Value("id")}
	readUpstream(c, &u)
	fields := upstreamFields(c, u, false)
	if was.Settings.Upstream(u.ID) != nil {
		return c.Refuse(c.Wrong("id", "sign-in.wrong.id"), secretless(fields)...)
	}
	i := len(was.Settings.Upstreams)
	err = p.saveUpstream(c, was, i, append(slices.Clone(was.Settings.Upstreams), u), u.ID)
	if err != nil {
		return refuse(c, err, upstreamPaths(i, namesOf(fields)), secretless(fields)...)
	}
	return c.Done(c.To(path(u.ID, "")), "sign-in.upstream_added", upstream.NameOf(u))
}

// saveUpstream stores the upstream providers. The i-th gets the secret that was typed, or keeps its own.
func (p place) saveUpstream(c *console.Call, was storage.Tenant, i int, all []storage.Upstream, id string) error {
	return p.save(c, was, func(d *tenants.Declared) {
		d.Settings.Upstreams = all
		if secret := strings.ReplaceAll(c.Value("client_secret"), "\r\n", "\n"); secret != "" {
			d.Secrets[i] = secret
		}
	}, id)
}

// editPage is the form of an upstream provider that is there.
func (p place) editPage(c *console.Call) error {
	t, i, err := p.find(c)
	if err != nil {
		return err
	}
	u := t.Settings.Upstreams[i]
	page := formPage{Action: c.Link(path(u.ID, "/edit")), Declared: p.Declared,
		Form: c.Form(upstreamFields(c, u, true)...)}
	page.Sections = divide(c, page.Form, upstreamSections, upstreamNumbers)
	return c.ShowView("form", c.View("sign-in.edit_upstream").BackTo(upstream.NameOf(u), path(u.ID, "")), page)
}

// edit stores what was changed, unless another administrator has changed the same since the form was shown.
func (p place) edit(c *console.Call) error {
	was, i, err := p.find(c)
	if err != nil {
		return err
	}
	all := slices.Clone(was.Settings.Upstreams)
	fields := upstreamFields(c, all[i], true)
	stored := valuesOf(fields)
	delete(stored, "client_secret")
	for _, name := range []string{"claims", "groups"} { // browsers send other line ends
		for _, at := range []string{name, "was." + name} {
			c.PostForm.Set(at, strings.ReplaceAll(c.PostForm.Get(at), "\r\n", "\n"))
		}
	}
	if changed := c.ChangedFields(stored); len(changed) > 0 {
		return c.Refuse(changed, secretless(fields)...)
	}
	preset := all[i].Preset
	readUpstream(c, &all[i])
	if preset == "" && all[i].Preset == "oidc" {
		all[i].Preset = ""
	}
	if err := p.saveUpstream(c, was, i, all, all[i].ID); err != nil {
		return refuse(c, err, upstreamPaths(i, namesOf(fields)), secretless(fields)...)
	}
	return c.Done(c.To(path(all[i].ID, "")), "console.saved")
}

// claimRow says from which claim of a provider one of ours is taken.
type claimRow struct{ Ours, Theirs string }

// stepRow is one thing that was tried.
type stepRow struct{ Name, Outcome, Badge, Says string }

// upstreamPage is an upstream provider with what came out when it was tried.
type upstreamPage struct {
	upstreamRow
	Callback, ClientID, Scopes string
	Secret                     bool
	May, Trial                 bool // Trial: sign in there as a test
	Claims                     []claimRow
	Groups                     []claimRow
	Steps                      []stepRow
	Works                      bool
}

// upstream shows an upstream provider, and what is taken from it.
func (p place) upstream(c *console.Call) error { return p.showUpstream(c, nil) }

func (p place) showUpstream(c *console.Call, steps []upstream.Step) error {
	t, i, err := p.find(c)
	if err != nil {
		return err
	}
	u := t.Settings.Upstreams[i]
	whole, err := upstream.New(u, "")
	if err != nil {
		return err
	}
	page := upstreamPage{upstreamRow: rowOf(u), Callback: c.Tenant().URL("/upstream/" + u.ID + "/callback"),
		ClientID: u.ClientID, Scopes: strings.Join(whole.Scopes, " "), Secret: len(u.ClientSecret) > 0,
		May: c.May(writeUpstreams...), Works: upstream.Works(steps)}
	page.Issuer, page.Trial = whole.Issuer, !u.Disabled && c.IsOwnTenant()
	for _, taken := range whole.Taken() {
		page.Claims = append(page.Claims, claimRow{taken[0], taken[1]})
	}
	for _, theirs := range slices.Sorted(maps.Keys(u.Groups)) {
		page.Groups = append(page.Groups, claimRow{u.Groups[theirs], theirs})
	}
	badges := map[string]string{upstream.Passed: "", upstream.Warning: "warn", upstream.Failed: "off"}
	for _, s := range steps {
		badge, known := badges[s.Outcome]
		if !known {
			badge = "plain"
		}
		page.Steps = append(page.Steps, stepRow{s.Name, c.T("sign-in.outcome." + s.Outcome), badge, s.Says})
	}
	v := c.View("sign-in.at.upstreams").BackTo("sign-in.at.upstreams", root+"/upstreams")
	v.Title = page.Name
	return c.ShowView("upstream", v, page)
}

// try tries the provider, without a user, and shows what came out. Nothing is changed, so that it needs no redirect.
func (p place) try(c *console.Call) error {
	t, i, err := p.find(c)
	if err != nil {
		return err
	}
	asker, now := c.Asker, *c.Asker.Tenant
	now.Tenant, asker.Tenant = t, &now
	steps, err := p.Federation.Try(c.Context(), asker, t.Settings.Upstreams[i].ID)
	if err != nil {
		return fmt.Errorf("try %s: %w", t.Settings.Upstreams[i].ID, err)
	}
	return p.showUpstream(c, steps)
}

// turn has users see the provider, or not any more.
func (p place) turn(c *console.Call) error {
	was, i, err := p.find(c)
	if err != nil {
		return err
	}
	all, off := slices.Clone(was.Settings.Upstreams), c.Value("off") == "1"
	all[i].Disabled = off
	if err := p.saveUpstream(c, was, i, all, all[i].ID); err != nil {
		return refuse(c, err, nil)
	}
	if off {
		return c.Done(c.To(path(all[i].ID, "")), "sign-in.upstream_off", upstream.NameOf(all[i]))
	}
	return c.Done(c.To(path(all[i].ID, "")), "sign-in.upstream_on", upstream.NameOf(all[i]))
}

// moveUp puts the button of the provider before the one above it.
func (p place) moveUp(c *console.Call) error {
	was, i, err := p.find(c)
	if err != nil {
		return err
	}
	if i > 0 {
		all := slices.Clone(was.Settings.Upstreams)
		all[i-1], all[i] = all[i], all[i-1]
		if err := p.saveUpstream(c, was, i, all, all[i-1].ID); err != nil {
			return refuse(c, err, nil)
		}
	}
	return c.Go(c.To(root + "/upstreams"))
}

// askRemove says what happens without the provider.
func (p place) askRemove(c *console.Call) error {
	t, i, err := p.find(c)
	if err != nil {
		return err
	}
	u := t.Settings.Upstreams[i]
	return c.Confirm(console.Confirm{
		Title: c.T("sign-in.remove_ask", upstream.NameOf(u)), Button: c.T("sign-in.remove"), Danger: true,
		Final: true, Will: []string{c.T("sign-in.remove_will.1"), c.T("sign-in.remove_will.2"), c.T("sign-in.remove_will.3")},
		Back: c.To(path(u.ID, ""))})
}

// remove removes the provider, unless a rule about claims needs it.
func (p place) remove(c *console.Call) error {
	was, i, err := p.find(c)
	if err != nil {
		return err
	}
	u := was.Settings.Upstreams[i]
	all := slices.Delete(slices.Clone(was.Settings.Upstreams), i, i+1)
	err = p.save(c, was, func(d *tenants.Declared) { d.Settings.Upstreams = all }, u.ID)
	if faults, ok := errors.AsType[wrong](err); ok {
		return &console.Refusal{Status: http.StatusConflict, Title: "sign-in.in_use.title", Text: "sign-in.in_use",
			Args: []any{faults[0].Path}, Back: c.To(path(u.ID, ""))}
	}
	if err != nil {
		return err
	}
	return c.Done(c.To(root+"/upstreams"), "sign-in.upstream_removed", upstream.NameOf(u))
}
