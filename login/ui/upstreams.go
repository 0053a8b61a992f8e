package ui

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// UpstreamsOf returns the upstream providers as a page offers them, except the one with the id without.
func UpstreamsOf(all []storage.Upstream, without string) []Upstream {
	var out []Upstream
	for _, u := range all {
		if u.ID != without {
			out = append(out, Upstream{ID: u.ID, Name: upstream.NameOf(u), Preset: u.Preset})
		}
	}
	return out
}

// upstreamAlerts are the texts for users who come back from a provider in vain, by the page's parameter
// why.
var upstreamAlerts = map[string]string{
	"denied": "federated.denied", "refused": "federated.refused", "unreachable": "federated.unreachable",
}

// UpstreamAlert returns what a page says to a user who comes back from an upstream provider in vain, or
// "".
func UpstreamAlert(r *http.Request, s *people.Service) string {
	name, ok := s.UpstreamName(web.TenantOf(r.Context()), r.FormValue("from"))
	text := upstreamAlerts[r.FormValue("why")]
	if !ok || text == "" {
		return ""
	}
	return Words(r).Must(text, name)
}
