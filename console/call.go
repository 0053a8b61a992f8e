package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Call is a request of an administrator who may open the page.
type Call struct {
	*http.Request
	W http.ResponseWriter
	// Asker is who asks, for use cases. Its Tenant is the one that is managed, which is not always that of the session.
	Asker people.Asker
	// Administrator is the user of the session, and Scopes what the user may do at the tenant that is managed.
	Administrator sessions.Account
	Scopes        []string
	Words         texts.Words
	// Base is the path that the console's pages have below the tenant of the session: Prefix, and for another tenant
	// Prefix/t/ID.
	Base string

	config *Config
	page   *Page
	// find returns the page to look at with a path below Prefix; nil for none.
	find func(path string) *Page
}

// Has reports whether there is a page to look at with a path below Prefix, which the administrator may open.
func (c *Call) Has(path string) bool {
	page := c.find(path)
	return page != nil && c.May(page.Scopes...)
}

// Anchor is a link.
type Anchor struct{ URL, Text string }

// Tenant returns the tenant that is managed.
func (c *Call) Tenant() *issuer.Tenant { return c.Asker.Tenant }

// May reports whether the administrator has all of the scopes.
func (c *Call) May(scopes ...string) bool {
	return !slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(c.Scopes, scope) })
}

// T returns the text with the given id, which exists.
func (c *Call) T(id string, args ...any) string { return c.Words.Must(id, args...) }

// IsOwnTenant reports whether the tenant that is managed is that of the session.
func (c *Call) IsOwnTenant() bool { return c.Base == Prefix }

// To returns the path of a page of the console below the issuer of the session, with parameters, names and values in
// turn: those with an empty value are left out. It is what Done and Refuse take.
func (c *Call) To(page string, query ...string) string { return address(c.Base+page, query...) }

// Link is To with the path of the issuer before it, for links.
func (c *Call) Link(page string, query ...string) string {
	return web.TenantOf(c.Context()).Path + c.To(page, query...)
}

// address returns a path with parameters.
func address(path string, query ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		if query[i+1] != "" {
			q.Add(query[i], query[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// issuerPath returns the path of the issuer of the session.
func (c *Call) issuerPath() string { return web.TenantOf(c.Context()).Path }

// here returns the address of the request's page below the issuer of the session.
func (c *Call) here() string {
	q := c.URL.Query()
	q.Del("ui_locales")
	return (&url.URL{Path: c.URL.Path, RawQuery: q.Encode()}).String()
}

// Bound returns the asker, bound to the browser: what it begins elsewhere comes back to this browser alone.
func (c *Call) Bound() people.Asker {
	a := c.Asker
	if a.Browser == "" {
		a.Browser = c.config.Site.BoundAsker(c.W, c.Request).Browser
	}
	return a
}

// Go redirects to a page of the console, as To returns it.
func (c *Call) Go(to string) error {
	http.Redirect(c.W, c.Request, web.TenantOf(c.Context()).Path+to, http.StatusSeeOther)
	return nil
}

// from returns the page that a form was on, as To returns it.
func (c *Call) from() string {
	from := c.PostForm.Get("from")
	if path, _, _ := strings.Cut(from, "?"); IsPage(from) && (path == c.Base || strings.HasPrefix(path, c.Base+"/")) {
		return from
	}
	return c.URL.Path
}

// Seal returns a text that stands for what a page is to show after a redirect: only this session, at this tenant,
// can have it opened.
func (c *Call) Seal(plain []byte) string {
	return c.cursors().SealString(append([]byte(c.Administrator.ID+"\n"), plain...))
}

// Unseal returns what Seal was given. It returns storage.ErrNotFound for every other text.
func (c *Call) Unseal(sealed string) ([]byte, error) {
	plain, err := c.cursors().OpenString(sealed)
	session, rest, ok := strings.Cut(string(plain), "\n")
	if err != nil || !ok || session != c.Administrator.ID {
		return nil, storage.ErrNotFound
	}
	return []byte(rest), nil
}

// cursors seals the cursors of the lists of the tenant that is managed.
func (c *Call) cursors() *secret.Box {
	return c.config.Secrets.Box(c.Tenant().ID, secret.ConsoleCursor)
}
