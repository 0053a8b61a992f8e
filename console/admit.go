package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/vouchsafe/vouchsafe/console/words"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// serve serves every page: it finds out who asks, which tenant is meant and which page, and then asks the page.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	ui.AllowRequests(w)
	c := &Call{Request: r, W: w, Base: Prefix, config: &s.Config, find: s.table.page}
	account, err := s.Site.Sessions.Current(r)
	if errors.Is(err, storage.ErrNotFound) {
		return c.proveFirst("/login")
	}
	if err != nil {
		return err
	}
	if r.Method == http.MethodPost && r.PostForm.Get("session") != account.ID {
		return &web.Problem{Status: http.StatusConflict, Title: "account.other.title", Message: "account.other",
			Developer: "The hidden field \"session\" doesn't match the browser's current session."}
	}
	c.Administrator, c.Asker = account, s.Site.Asker(r)
	c.Asker.Actor = account.User.ID
	c.Words = words.In(ui.Words(r).Lang())
	if err := s.admit(c); err != nil {
		return c.fail(err)
	}
	return c.fail(c.page.Serve(c))
}

// admit finds the tenant, the scopes and the page, and returns an error unless the administrator may open it.
func (s *Server) admit(c *Call) error {
	if err := s.chooseTenant(c); err != nil {
		return err
	}
	if len(c.Scopes) == 0 {
		return &Refusal{Status: http.StatusForbidden, Title: "console.no_role.title", Text: "console.no_role"}
	}
	at := *c.Request
	u := *c.URL
	u.Path = Prefix + strings.TrimPrefix(c.URL.Path, c.Base)
	at.URL = &u
	if err := c.checkSession(); err != nil {
		return err
	}
	if c.page = s.table.find(&at); c.page == nil {
		return storage.ErrNotFound
	}
	for name := range pathNames(c.page.Path) {
		c.Request.SetPathValue(name, at.PathValue(name))
	}
	web.RequestOf(c.Context()).Route = Prefix + c.page.Path
	if !c.May(c.page.Scopes...) {
		return &Refusal{Status: http.StatusForbidden, Title: "console.forbidden.title", Text: "console.forbidden"}
	}
	if ui.FileOf(c.Request) != nil && !c.page.Upload {
		return &web.Problem{Status: http.StatusUnsupportedMediaType, Message: "problem.not_its_form"}
	}
	if c.page.Fresh {
		return c.Prove()
	}
	return nil
}

// pathNames returns the names of the values in a path.
func pathNames(path string) map[string]bool {
	names := map[string]bool{}
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names[strings.TrimSuffix(name, "}")] = true
		}
	}
	return names
}

// chooseTenant settles the tenant that the request is about. An owner of the default tenant operates the whole server,
// and manages every other tenant as its owner. No other administrator learns which tenants there are.
func (s *Server) chooseTenant(c *Call) error {
	own := c.Asker.Tenant
	c.Scopes = administration.ScopesOf(own.ID, c.Administrator.User.AdminRole)
	rest, ok := strings.CutPrefix(c.URL.Path, Prefix+"/t/")
	if !ok || len(c.Scopes) == 0 {
		return nil
	}
	id, _, _ := strings.Cut(rest, "/")
	if id == own.ID || !c.May("tenants:write") {
		return storage.ErrNotFound
	}
	record, err := s.Tenants.Tenant(c.Context(), id)
	if err != nil {
		return err
	}
	c.Base = Prefix + "/t/" + id
	c.Asker.Tenant = issuer.Of(s.root, record)
	c.Scopes = administration.ScopesOf(id, storage.RoleOwner)
	return nil
}

// Prove returns an error that asks the administrator for a proof, unless the last one is no older than
// people.Freshness.
func (c *Call) Prove() error {
	a := c.Administrator
	_, err := c.config.People.Owner(c.Context(), a.User, a.AuthTime, a.ACR)
	return c.proveBy(err)
}

// proveBy returns the Detour to the page on which the administrator gives the proof that err asks for.
func (c *Call) proveBy(err error) error {
	switch {
	case errors.Is(err, people.ErrSignInFirst):
		return c.proveFirst("/login")
	case errors.Is(err, people.ErrFactorFirst):
		return c.proveFirst("/second-factor")
	}
	return err
}

// proveFirst returns the Detour to a page of the sign-in that leads back to the page. What was posted is lost: the
// sign-in leads to the page at the same path, which has the form.
func (c *Call) proveFirst(page string) error {
	next := c.URL.Path
	if c.Method != http.MethodPost && c.URL.RawQuery != "" {
		next += "?" + c.URL.RawQuery
	}
	if c.Method == http.MethodPost {
		if from := c.PostForm.Get("from"); strings.HasPrefix(from, Prefix) && IsPage(from) {
			next = from
		}
	}
	if !IsPage(next) {
		next = Prefix
	}
	return &ui.Detour{To: web.TenantOf(c.Context()).Path + page + "?" + url.Values{"next": {next}}.Encode()}
}

// Target returns the user of the managed tenant that the page changes. It returns an error for an administrator who
// may do more than the one who asks. What is changed about the user afterwards rests on the role that they have here.
func (c *Call) Target(id string) (storage.User, error) {
	u, err := c.config.People.Store.User(c.Context(), c.Tenant().ID, id)
	if err != nil {
		return u, err
	}
	c.Asker.Judged = &u
	if administration.Outranked(u, c.Scopes) != "" {
		return u, &Refusal{Status: http.StatusForbidden, Title: "console.outranked.title", Text: "console.outranked"}
	}
	return u, nil
}
