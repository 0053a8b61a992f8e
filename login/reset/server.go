package reset

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
)

// Config is what a Server is made of. Every field is required.
type Config struct {
	// Site serves and renders what Server shows.
	Site *ui.Site
	// Service has the use cases.
	*people.Service
	// TypedName returns the name that the user typed on the page that led here; "" for none.
	TypedName func(r *http.Request) string
}

// Server serves the pages of all tenants.
type Server struct{ Config }

// New checks the Config.
func New(c Config) (*Server, error) {
	if c.Site == nil || c.Service == nil || c.TypedName == nil {
		return nil, errors.New("reset: Site, Service and TypedName are required")
	}
	return &Server{c}, nil
}
