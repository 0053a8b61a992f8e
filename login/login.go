package login

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/invitations"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Config is what a Server is made of. Every field without "default" is required.
type Config struct {
	// Site serves and renders what Server shows.
	Site *ui.Site
	// Service has the use cases, and what they and the pages need.
	*people.Service
	Sessions *browser.Sessions
	Log      *slog.Logger
	// Federation has the use cases about upstream providers.
	Federation *federation.Service
	// OpenDevice returns where the browser goes on with the request of the device that shows the code.
	// storage.ErrNotFound: no device that waits shows it.
	OpenDevice func(w http.ResponseWriter, r *http.Request, code string) (next string, err error)
	// LogoutPath is where a confirmed sign-out that a client asked for goes on, with its
	// letter as l. Default /logout.
	LogoutPath string
}

// Server serves the pages of all tenants.
type Server struct {
	Config
	site        *ui.Site
	invitations *invitations.Service
}

// New checks and completes the Config.
func New(c Config) (*Server, error) {
	if c.Site == nil || c.Service == nil || c.Federation == nil || c.Sessions == nil || c.Log == nil ||
		c.OpenDevice == nil {
		return nil, errors.New("login: Site, Service, Federation, Sessions, Log and OpenDevice are required")
	}
	if c.LogoutPath == "" {
		c.LogoutPath = "/logout"
	}
	return &Server{c, c.Site, &invitations.Service{Service: c.Service}}, nil
}

// The names below are short for what most pages use of package ui.

type (
	view        = ui.View
	passkeyForm = ui.PasskeyForm
	detour      = ui.Detour
)

// words returns the texts in the language of the request.
func (s *Server) words(r *http.Request) texts.Words { return ui.Words(r) }

// view returns a page with the title, for the client's request in; nil for none.
func (s *Server) view(w http.ResponseWriter, r *http.Request, title string, in *storage.Interaction) *view {
	return s.site.View(w, r, title, in)
}

// show renders the page.
func (s *Server) show(w http.ResponseWriter, status int, page string, v *view) error {
	return s.site.Show(w, status, page, v)
}

// say shows a page of one sentence, with links to what a user can do next.
func (s *Server) say(w http.ResponseWriter, r *http.Request, status int, title, lead string, links ...ui.Link) error {
	return s.site.Tell(w, r, status, title, lead, links...)
}

// interaction returns the client's request that the browser brings as i; nil if it brings none. It returns a
// problem for one that has expired or is of another browser.
func (s *Server) interaction(r *http.Request) (*storage.Interaction, error) {
	return s.site.Interaction(r)
}

// opened is interaction for a request that may have expired.
func (s *Server) opened(r *http.Request) (*storage.Interaction, error) { return s.site.Opened(r) }

// nextOf returns the page of the account that a sign-in without a client's request leads to; "" for none.
func (s *Server) nextOf(r *http.Request) string { return s.site.NextOf(r) }

// goOn sends the browser to the authorization endpoint with the request, or to the page of nextOf.
func (s *Server) goOn(w http.ResponseWriter, r *http.Request, in *storage.Interaction) error {
	return s.site.GoOn(w, r, in)
}

// seeOther redirects to a page of the tenant with the names and values of a query.
func seeOther(w http.ResponseWriter, r *http.Request, page string, query ...string) error {
	return ui.SeeOther(w, r, page, query...)
}

// askerOf returns what the use cases of people need to know of the request.
func (s *Server) askerOf(r *http.Request) people.Asker { return s.site.Asker(r) }

// askerFor is askerOf for a user who answers a client's request; in is nil for none.
func (s *Server) askerFor(r *http.Request, in *storage.Interaction) people.Asker {
	a := s.askerOf(r)
	a.ClientID = clientID(in)
	return a
}

// clientID returns the id of the client whose request it is, for the audit trail.
func clientID(in *storage.Interaction) string {
	if in == nil {
		return ""
	}
	return in.Client.ClientID
}

// upstreamName returns what users call the provider with the id, and whether the tenant has it.
func (s *Server) upstreamName(r *http.Request, id string) (name string, offered bool) {
	return s.UpstreamName(web.TenantOf(r.Context()), id)
}
