package account

import (
	"errors"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Config is what a Server is made of. Every field without "default" is required.
type Config struct {
	Site     *ui.Site
	People   *people.Service
	Sessions *browser.Sessions
	// HasUpstreams says whether users of the tenant may sign in with a provider.
	HasUpstreams func(t *web.Tenant) bool
	// Playground returns the path of the page where developers try a sign-in, or "".
	Playground func(r *http.Request) string
}

// Server serves the account pages of all tenants.
type Server struct{ Config }

// New checks the Config.
func New(c Config) (*Server, error) {
	if c.Site == nil || c.People == nil || c.Sessions == nil || c.HasUpstreams == nil || c.Playground == nil {
		return nil, errors.New("account: all fields are required")
	}
	return &Server{c}, nil
}

// Register adds the routes to r, below the tenant's issuer.
func (s *Server) Register(r *mux.Router) {
	for _, page := range []struct {
		path      string
		get, post ui.Handler // post is nil for a page without a form
	}{
		{"/account", s.homePage, nil},
		{"/account/sessions", s.sessionsPage, s.postSessions},
		{"/account/activity", s.activityPage, nil},
		{"/account/data", s.dataPage, s.postData},
		{"/account/delete", s.deletePage, s.postDelete},
		{"/account/deleted", s.deletedPage, nil},
	} {
		r.Handle(page.path, s.Site.Page(page.get)).Methods(http.MethodGet, http.MethodHead)
		if page.post != nil {
			r.Handle(page.path, s.Site.Form(page.post)).Methods(http.MethodPost)
		}
	}
}

// View returns what a page about the account begins with.
func (s *Server) View(w http.ResponseWriter, r *http.Request, title string, a browser.Account) *ui.View {
	v := s.Site.View(w, r, title, nil)
	v.Session = a.ID
	if text, ok := done[r.FormValue("done")]; ok {
		v.Done = v.Words.Must(text)
	}
	return v
}

// Changed ends a change: it leads to the page that says what was done.
func Changed(w http.ResponseWriter, r *http.Request, page, done string) error {
	if done == "" {
		return ui.SeeOther(w, r, page)
	}
	return ui.SeeOther(w, r, page, "done", done)
}

// ChangedMeanwhile returns err, or the page for a change that came too late because another request
// has changed the account.
func ChangedMeanwhile(err error) error {
	if errors.Is(err, storage.ErrStale) || errors.Is(err, storage.ErrNotFound) {
		return &web.Problem{Status: http.StatusConflict, Message: "account.other", Err: err}
	}
	return err
}

// done are the ids of texts that say what was just changed, by the page's parameter of that name.
var done = map[string]string{
	"profile":         "account.done.profile",
	"email":           "account.done.email",
	"confirmed":       "account.done.confirmed",
	"phone":           "account.done.phone",
	"phone-removed":   "account.done.phone_removed",
	"password":        "account.done.password",
	"session":         "account.done.session",
	"sessions":        "account.done.sessions",
	"app":             "account.done.app",
	"passkey-added":   "passkeys.done.added",
	"passkey-named":   "passkeys.done.named",
	"passkey-removed": "passkeys.done.removed",
	"linked":          "account.done.linked",
	"unlinked":        "account.done.unlinked",
	"factor-off":      "factors.done_off",
	"factor-device":   "factors.done_device",
	"factor-devices":  "factors.done_devices",
}
