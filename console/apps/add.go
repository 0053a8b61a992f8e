package apps

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/storage"
)

// firstParty is the kind of apps that show forms of their own.
const firstParty = "first-party"

// kinds are what an app can be made from, in the order of the page.
var kinds = []string{clients.SPA, clients.Web, clients.Native, clients.Device, clients.Service, firstParty}

// kindCard is a kind as the page offers it.
type kindCard struct{ URL, Name, Hint string }

// newShown is what the page of a new app shows: kinds to choose from, or the form of one.
type newShown struct {
	Cards []kindCard
	Kind  string
	Lead  string
	Form  console.Form
}

// newPage offers kinds, and then the form of the one that was chosen.
func (p place) newPage(c *console.Call) error {
	page := newShown{Kind: c.FormValue("kind")}
	if !slices.Contains(kinds, page.Kind) {
		page.Kind = ""
		for _, k := range kinds {
			page.Cards = append(page.Cards, kindCard{c.Link(root+"/new", "kind", k), c.T("apps.kind." + k),
				c.T("apps.kind_is." + k)})
		}
		return c.ShowView("new", c.View("apps.new").BackTo("place.apps", root), page)
	}
	page.Lead = c.T("apps.kind_is." + page.Kind)
	fields := []console.Field{
		{Name: "client_name", Label: "apps.name", Hint: "apps.name_hint", Required: true, Max: 200},
		{Name: "client_id", Label: "apps.id", Hint: "apps.id_hint", Required: true, Max: clients.MaxID},
	}
	if usesPages(page.Kind) {
		fields = append(fields,
			console.Field{Name: "redirect_uris", Label: "apps.redirect", Hint: "apps.redirect_hint", Kind: "textarea",
				Required: true,
				Check:    checkURL(c, page.Kind, "")},
			console.Field{Name: "post_logout_redirect_uris", Label: "apps.logout", Hint: "apps.logout_hint", Kind: "textarea",
				Check: checkURL(c, page.Kind, "")},
			console.Field{Name: "first_party", Label: "apps.own", Kind: "checkbox", Hint: "apps.own_hint"})
	}
	page.Form = c.Form(fields...)
	v := c.View("apps.new").BackTo("apps.new", root+"/new")
	v.Title = c.T("apps.new_of", c.T("apps.kind."+page.Kind))
	return c.ShowView("new", v, page)
}

// usesPages reports whether apps of the kind send users to the sign-in pages.
func usesPages(kind string) bool {
	return kind != clients.Service && kind != clients.Device && kind != firstParty
}

// checkURL returns the page that says what is wrong with redirect URIs while they are typed.
func checkURL(c *console.Call, kind, id string) string {
	return c.Link(root+"/check", "kind", kind, "id", id)
}

// lines returns the lines of a text area, without space around them and empty ones.
func lines(c *console.Call, field string) (all []string) {
	for line := range strings.SplitSeq(c.PostForm.Get(field), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// add adds an app of the kind, and shows its secret this once.
func (p place) add(c *console.Call) error {
	kind := c.Value("kind")
	if !slices.Contains(kinds, kind) {
		return storage.ErrNotFound
	}
	a := storage.Client{ClientID: c.Value("client_id"), ClientName: c.Value("client_name")}
	if usesPages(kind) {
		a.RedirectURIs, a.PostLogoutRedirectURIs = lines(c, "redirect_uris"), lines(c, "post_logout_redirect_uris")
		a.FirstParty = c.Value("first_party") == "1"
	}
	if kind == firstParty {
		a.FirstParty, a.ApplicationType, a.TokenEndpointAuthMethod = true, "native", "none"
		a.GrantTypes = []string{clients.FirstPartyGrant, "refresh_token"}
	} else {
		clients.SetKind(&a, kind)
	}
	keep := []string{"client_name", "client_id", "redirect_uris", "post_logout_redirect_uris", "first_party"}
	stored, made, err := p.save(c, nil, a)
	if err != nil {
		return c.Refuse(taken(c, err), keep...)
	}
	return c.Tell(to(c, stored), console.Notice{Text: c.T("apps.added", nameOf(stored)), Secret: made,
		SecretName: c.T("apps.secret_shown")})
}

// check answers with what is wrong with the redirect URIs of the value, one in each line, as JSON for
// static/console.js: "fault", or "note" if nothing is.
func (p place) check(c *console.Call) error {
	var answer struct {
		Fault string `json:"fault,omitempty"`
		Note  string `json:"note,omitempty"`
	}
	a := storage.Client{}
	if c.FormValue("id") != "" {
		var err error
		if a, err = p.appOf(c); err != nil {
			return err
		}
	} else if c.FormValue("kind") == clients.Native {
		a.ApplicationType = "native"
	}
	for line := range strings.SplitSeq(c.FormValue("value"), "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		message := clients.RedirectFault(&a, line)
		if message != "" {
			answer.Fault, answer.Note = c.T("apps.fault_of", line, explained(c, message)), ""
			break
		}
		answer.Note = c.T("apps.redirect_fine")
		if strings.HasPrefix(line, "http:") {
			answer.Note = c.T("apps.redirect_local")
		}
	}
	c.W.Header().Set("Content-Type", "application/json")
	c.W.WriteHeader(http.StatusOK)
	return json.NewEncoder(c.W).Encode(answer)
}
