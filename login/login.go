package login

import (
	"errors"
	"log/slog"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/federation"
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
	// LogoutPath is where a confirmed sign-out that a client asked for goes on, with its
	// letter as l. Default /logout.
	LogoutPath string
}

// Server serves the pages of all tenants.
type Server struct {
	Config
	site *ui.Site
}

// New checks and completes the Config.
func New(c Config) (*Server, error) {
	if c.Site == nil || c.Service == nil || c.Federation == nil || c.Sessions == nil || c.Log == nil {
		return nil, errors.New("login: Site, Service, Federation, Sessions and Log are required")
	}
	if c.LogoutPath == "" {
		c.LogoutPath = "/logout"
	}
	return &Server{Config: c, site: c.Site}, nil
}
