package devpage

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/secret"
)

// StandIns returns the fake providers of the page, with which signing in through an upstream
// provider can be tried without an account elsewhere. Their client secret is made anew in each
// process.
func StandIns(issuer string) []*fakeidp.Server {
	var all []*fakeidp.Server
	for kind, name := range map[string]string{fakeidp.Google: "Google (test)", fakeidp.Facebook: "Facebook (test)"} {
		all = append(all, &fakeidp.Server{Kind: kind, Name: name, Issuer: issuer + "/dev/" + kind, ClientID: "vouchsafe",
			ClientSecret: secret.Token()})
	}
	slices.SortFunc(all, func(a, b *fakeidp.Server) int { return strings.Compare(b.Kind, a.Kind) })
	return all
}

// registerStandIns adds the routes of the fake providers. Only their pages need the key: requests
// by the server itself follow from a visit to the pages.
func (p *Page) registerStandIns(r *mux.Router) {
	for _, s := range p.StandIns {
		pages := p.opened(s)
		answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if s.IsPage(r.URL.Path) {
				pages.ServeHTTP(w, r)
			} else {
				s.ServeHTTP(w, r)
			}
		})
		r.PathPrefix("/dev/"+s.Kind+"/").Handler(p.here(defaultTenant, answer)).Methods(http.MethodGet, http.MethodPost)
	}
}
