package account

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/acting"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/people/selfservice"
)

// Config is what a Server is made of. Every field without "default" is required.
type Config struct {
	Site   *ui.Site
	People selfservice.Service
	// Keys has the use cases of API keys.
	Keys *apikeys.Service
	// Acting signs administrators in as users.
	Acting *acting.Service
	// Depart sends the browser to the upstream provider with that id, to link what the user of the session
	// has there. storage.ErrNotFound: the tenant has no such provider.
	Depart func(w http.ResponseWriter, r *http.Request, a sessions.Account, upstream string) error
}

// Server serves the account pages of all tenants.
type Server struct{ Config }

// New checks the Config.
func New(c Config) (*Server, error) {
	if c.Site == nil || c.People.Service == nil || c.Acting == nil || c.Keys == nil || c.Depart == nil {
		return nil, errors.New("account: all fields are required")
	}
	return &Server{c}, nil
}

// refuse is ui.Site.Refuse for changes that another request may have made useless meanwhile.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, page string, err error, keep ...string) error {
	return ui.ChangedMeanwhile(s.Site.Refuse(w, r, page, err, keep...))
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
	"key-removed":     "apikeys.done.removed",
	"acting":          "acting.done",
}
