package ui

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"sync"

	"github.com/gorilla/mux"
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

// Register adds the routes of static files, stylesheets of tenants and icons to r.
func (p *Pages) Register(r *mux.Router) {
	for path, size := range map[string]int{"/favicon.ico": 32, "/apple-touch-icon.png": 180,
		"/apple-touch-icon-precomposed.png": 180} {
		r.HandleFunc(path, p.serveIcon(size, path == "/favicon.ico")).Methods(http.MethodGet, http.MethodHead)
	}
	r.HandleFunc("/static/brand.{hash:[0-9a-f]+}.css", p.serveSheet).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/static/{name}", p.static.serve).Methods(http.MethodGet, http.MethodHead)
}

// Show renders a page, the name of a template, and writes it only when all of it is rendered.
func (p *Pages) Show(w http.ResponseWriter, status int, page string, v *View) error {
	var buf bytes.Buffer
	if err := p.templates.ExecuteTemplate(&buf, page+".html", v); err != nil {
		return fmt.Errorf("render %s: %w", page, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes()) // an error means that the browser is gone
	return nil
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
