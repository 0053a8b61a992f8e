package account

import (
	"errors"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
)

// Config is what a Server is made of. Every field without "default" is required.
type Config struct {
	Site   *ui.Site
	People *people.Service
	// Depart sends the browser to the upstream provider with that id, to link what the user of the session
	// has there. storage.ErrNotFound: the tenant has no such provider.
	Depart func(w http.ResponseWriter, r *http.Request, a sessions.Account, upstream string) error
}

// Server serves the account pages of all tenants.
type Server struct{ Config }

// New checks the Config.
func New(c Config) (*Server, error) {
	if c.Site == nil || c.People == nil || c.Depart == nil {
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
		{"/account/profile", s.profilePage, s.postProfile},
		{"/account/email", s.emailPage, s.postEmail},
		{"/account/email/confirm", s.emailConfirmPage, s.postEmailConfirm},
		{"/account/phone", s.phonePage, s.postPhone},
		{"/account/phone/confirm", s.phoneConfirmPage, s.postPhoneConfirm},
		{"/account/password", s.passwordPage, s.postPassword},
		{"/account/passkeys", s.passkeysPage, s.postPasskeys},
		{"/account/passkeys/options", s.newPasskeyOptions, nil},
		{"/account/identities", s.identitiesPage, s.postIdentities},
		{"/account/second-factor", s.factorsPage, s.postFactors},
		{"/account/second-factor/app", s.appPage, s.postApp},
		{"/account/sessions", s.sessionsPage, s.postSessions},
		{"/account/apps", s.appsPage, s.postApps},
		{"/account/activity", s.activityPage, nil},
		{"/account/data", s.dataPage, s.postData},
		{"/account/delete", s.deletePage, s.postDelete},
		{"/account/deleted", s.deletedPage, nil},
		{"/.well-known/change-password", changePasswordAt, nil},
	} {
		r.Handle(page.path, s.Site.Page(proving(page.get))).Methods(http.MethodGet, http.MethodHead)
		if page.post != nil {
			r.Handle(page.path, s.Site.Form(proving(page.post))).Methods(http.MethodPost)
		}
	}
}

// view returns what a page about the account begins with.
func (s *Server) view(w http.ResponseWriter, r *http.Request, title string, a sessions.Account) *ui.View {
	v := s.Site.View(w, r, title, nil)
	v.Session = a.ID
	if text, ok := done[r.FormValue("done")]; ok {
		v.Done = v.Words.Must(text)
	}
	return v
}

// changed ends a change: it leads to the page that says what was done.
func changed(w http.ResponseWriter, r *http.Request, page, done string) error {
	if done == "" {
		return ui.SeeOther(w, r, page)
	}
	return ui.SeeOther(w, r, page, "done", done)
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
