package ui

import (
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"sync"
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
	static    *assets
	icons     sync.Map // iconKey → PNG
}

// New parses the templates and reads the static files, which are built in.
func New(c Config) (*Pages, error) {
	if c.Log == nil {
		return nil, errors.New("ui: Log is required")
	}
	static, err := loadAssets()
	if err != nil {
		return nil, err
	}
	// One template for each file; those of layout.html are shared by them.
	templates, err := template.ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	return &Pages{Config: c, templates: templates, static: static}, nil
}

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
