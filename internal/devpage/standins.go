package devpage

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/secret"
)

// StandIns makes the providers that the page has, so that signing in from elsewhere can be
// tried with no account anywhere. Their client's secret is known to nobody but this process.
func StandIns(issuer string) []*fakeidp.Server {
	var all []*fakeidp.Server
	for kind, name := range map[string]string{fakeidp.Google: "fake Google", fakeidp.Facebook: "fake Facebook"} {
		all = append(all, &fakeidp.Server{Kind: kind, Name: name, Issuer: issuer + "/dev/" + kind, ClientID: "vouchsafe", ClientSecret: secret.Token()})
	}
	slices.SortFunc(all, func(a, b *fakeidp.Server) int { return strings.Compare(b.Kind, a.Kind) })
	return all
}

// registerStandIns adds their routes.
func (p *Page) registerStandIns(r *mux.Router) {
	for _, s := range p.StandIns {
		r.PathPrefix("/dev/"+s.Kind+"/").Handler(p.here(s)).Methods(http.MethodGet, http.MethodPost)
	}
}
