package console

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// Server serves the console of all tenants.
type Server struct {
	Config
	root                 *url.URL
	table                *table
	show, change, upload http.Handler
}

// New checks the Config. The parts are the places.
func New(c Config, parts ...Part) (*Server, error) {
	if c.Site == nil || c.People == nil || c.Tenants == nil || c.Secrets == nil || c.Issuer == "" {
		return nil, errors.New("console: a field is missing")
	}
	root, err := url.Parse(c.Issuer)
	if err != nil {
		return nil, err
	}
	s := &Server{Config: c, root: root}
	var all []*part
	for _, p := range append(parts, c.tenantsPart()) {
		all = append(all, newPart(p))
	}
	s.table = newTable(all)
	s.show, s.change, s.upload = c.Site.Page(s.serve), c.Site.Form(s.serve), c.Site.Upload(MaxUpload, s.serve)
	return s, nil
}

// MaxUpload is the size of the largest file that a form brings, in bytes.
const MaxUpload = 256 << 20

// Pages returns the table of pages.
func (s *Server) Pages() []Page {
	var all []Page
	for _, page := range s.table.pages {
		all = append(all, *page)
	}
	return all
}

// Register adds the console to r, as one route: its own table has the pages.
func (s *Server) Register(r *mux.Router) {
	r.Handle(Prefix, s)
	r.PathPrefix(Prefix + "/").Handler(s)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case read && path.Dir(r.URL.Path) == Prefix+"/static":
		s.serveStatic(w, r)
	case read:
		s.show.ServeHTTP(w, r)
	case r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data"):
		s.upload.ServeHTTP(w, r)
	case r.Method == http.MethodPost:
		s.change.ServeHTTP(w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		web.Fail(s.Site.ErrorPage, w, r,
			&web.Problem{Status: http.StatusMethodNotAllowed, Message: "problem.page_method"})
	}
}

// serveStatic serves the stylesheet and the script.
func (s *Server) serveStatic(w http.ResponseWriter, r *http.Request) {
	files, err := packedAssets()
	if err != nil {
		web.Fail(s.Site.ErrorPage, w, r, err)
		return
	}
	files.Serve(w, r)
}
