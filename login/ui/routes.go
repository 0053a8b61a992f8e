package ui

import (
	"net/http"

	"github.com/gorilla/mux"
)

// Register adds the routes of Pages, and those that all pages share, to r.
func (s *Site) Register(r *mux.Router) {
	s.Pages.Register(r)
	r.Handle("/language", s.ActingForm(s.chooseLanguage)).Methods(http.MethodPost)
}

// Register adds the routes of static files, stylesheets of tenants and icons to r.
func (p *Pages) Register(r *mux.Router) {
	for path, size := range map[string]int{"/favicon.ico": 32, "/apple-touch-icon.png": 180,
		"/apple-touch-icon-precomposed.png": 180} {
		r.HandleFunc(path, p.serveIcon(size, path == "/favicon.ico")).Methods(http.MethodGet, http.MethodHead)
	}
	r.HandleFunc("/static/brand.{hash:[0-9a-f]+}.css", p.serveSheet).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/static/initial.{hash:[0-9a-f]+}.svg", p.serveMark).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/static/{name}", p.static.Serve).Methods(http.MethodGet, http.MethodHead)
}
