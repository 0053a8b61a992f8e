package reset

import (
	"net/http"

	"github.com/gorilla/mux"
)

// Register adds the routes to r. Paths are below the tenant's issuer; web.Tenancy has
// taken the rest off.
func (s *Server) Register(r *mux.Router) {
	for _, page := range []struct {
		path      string
		get, post func(w http.ResponseWriter, r *http.Request) error
	}{
		{"/forgot", s.forgotPage, s.forgotPosted},
		{"/reset", s.resetPage, s.resetPosted},
		{"/reset/done", s.resetDonePage, s.reviewed},
		{"/not-me", s.notMePage, s.notMe},
	} {
		r.Handle(page.path, s.Site.Page(page.get)).Methods(http.MethodGet, http.MethodHead)
		r.Handle(page.path, s.Site.Form(page.post)).Methods(http.MethodPost)
	}
}
