package console

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Stamp returns a time for a page; nil for the zero time.
func (c *Call) Stamp(at time.Time) *ui.Stamp {
	if at.IsZero() {
		return nil
	}
	s := ui.StampOf(c.Words, at)
	return &s
}

// NameOf returns what lists and notices call the user.
func NameOf(u storage.User) string { return cmp.Or(u.Profile.Name, u.Email, u.Username, u.ID) }

// View is what a template sees.
type View struct {
	*ui.View
	call *Call
	Nav  []NavItem
	// Managed is the tenant that the page is about, and Operator says that the reader may change to another.
	Managed  string
	Operator bool
	Me       *ui.Account
	Notice   *Notice
	// Back is where the link above the title leads; nil for none.
	Back *Anchor
	// Refresh is after how many seconds a browser without scripts loads the page again; 0 for never.
	Refresh int
	// Page is the data of this kind of page.
	Page any
}

// NavItem leads to a place.
type NavItem struct {
	Anchor
	Current bool
}

// To returns the URL of a page of the console: see Call.To.
func (v *View) To(page string, query ...string) string { return v.call.Link(page, query...) }

// May reports whether the reader has the scope, so that templates link to no page that would refuse.
func (v *View) May(scope string) bool { return v.call.May(scope) }

// Own returns the URL of the stylesheet or the script of the console.
func (v *View) Own(name string) (string, error) {
	files, err := packedAssets()
	if err != nil {
		return "", err
	}
	hashed, err := files.Name(name)
	return v.Path + Prefix + "/static/" + hashed, err
}

// View returns what a page begins with. The title is the id of a text.
func (c *Call) View(title string) *View {
	v := &View{View: c.config.Site.ViewIn(c.W, c.Request, c.Words, title), call: c}
	v.Session, v.Me, v.Notice = c.Administrator.ID, ui.AccountOf(c.Administrator), c.takeNotice()
	v.Here = c.here()
	v.Nav, v.Operator = c.navigation(), c.Operates()
	v.Managed = c.Tenant().Name
	if v.Managed == "" {
		v.Managed = c.Tenant().ID
	}
	return v
}

// BackTo has the page lead back to another, whose name is the id of a text or, with no such text, the name itself.
func (v *View) BackTo(text, page string, query ...string) *View {
	if said, err := v.Words.Say(text); err == nil {
		text = said
	}
	v.Back = &Anchor{v.call.Link(page, query...), text}
	return v
}

// navigation returns links to the places that the administrator may open.
func (c *Call) navigation() (items []NavItem) {
	for _, place := range Places {
		page := c.find(place.Path)
		if page == nil || len(c.Scopes) == 0 || !c.May(page.Scopes...) {
			continue
		}
		items = append(items, NavItem{Anchor{c.Link(place.Path), c.T(place.Text())},
			c.page != nil && c.page.part.Place == place.ID})
	}
	return items
}

// Show renders a page: the name of a template of the page's part, without .html. The title is the id of a text.
func (c *Call) Show(name, title string, data any) error {
	v := c.View(title)
	return c.ShowView(name, v, data)
}

// ShowView is Show for a View that the page has changed, such as its title.
func (c *Call) ShowView(name string, v *View, data any) error {
	v.Page = data
	return c.render(http.StatusOK, c.page.part, name, v)
}

// render writes a page of a part, or of the frame, when all of it is rendered.
func (c *Call) render(status int, from *part, name string, v *View) error {
	read := frameTemplates
	if from != nil {
		read = from.templates
	}
	templates, err := read()
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	if err := templates.ExecuteTemplate(&buf, name+".html", v); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	if refused := ui.RefusedStatus(c.Request); refused != 0 {
		status = refused
	}
	c.W.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.W.WriteHeader(status)
	_, _ = c.W.Write(buf.Bytes()) // an error means that the browser is gone
	return nil
}

// Operates reports whether the administrator manages all tenants of the server.
func (c *Call) Operates() bool {
	own := web.TenantOf(c.Context())
	return slices.Contains(administration.ScopesOf(own.ID, c.Administrator.User.AdminRole), "tenants:write")
}
