package ui

import (
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"sync"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

//go:embed templates
var templateFiles embed.FS

// Config is what Pages need.
type Config struct {
	Log *slog.Logger
	// Development shows on error pages what only developers should read.
	Development bool
}

// Pages renders the pages of all tenants.
type Pages struct {
	Config
	templates *template.Template
	static    *Assets
	icons     sync.Map // iconKey → PNG
}

// New returns the pages, whose templates and static files are built in.
func New(c Config) (*Pages, error) {
	if c.Log == nil {
		return nil, errors.New("ui: Log is required")
	}
	static, err := packedAssets()
	if err != nil {
		return nil, err
	}
	templates, err := parsedTemplates()
	if err != nil {
		return nil, err
	}
	return &Pages{Config: c, templates: templates, static: static}, nil
}

// parsedTemplates returns one template for each file; those of layout.html are shared by them.
var parsedTemplates = sync.OnceValues(func() (*template.Template, error) {
	return template.ParseFS(templateFiles, "templates/*.html")
})

// SendJSON answers a page's script.
func SendJSON(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
	_, _ = w.Write(body) // the browser has gone
	return nil
}

// Site serves pages that may carry the authorization request of a client.
type Site struct {
	*Pages
	// Open opens the sealed authorization request that a page carries as i, and tells
	// web.Request its ui_locales. Its errors are web.Problems. Package provider has it.
	Open func(r *http.Request) (storage.Interaction, error)
	// Secrets seal what a form's page says after a refusal, on the way there.
	Secrets  *secret.Masters
	Sessions *browser.Sessions
	// IsAccountPage says whether the path is a page of the account that a sign-in may lead to.
	IsAccountPage func(path string) bool
	// Playground is the path of the page where developers try a sign-in, to which the start pages
	// link. Default: there is none.
	Playground string
	// Mailbox is the path of the page that shows mails where no mail server sends them, in development. Default: there
	// is none.
	Mailbox string
	// Console is the path of the console, to which the pages of administrators lead. Default: there is none.
	Console string
}
