package ui

import (
	"net/http"
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants/brand"
)

// UpstreamsOf returns those of the upstream providers that the page offers. confirms says that the user is to
// confirm there who they are.
func UpstreamsOf(all []storage.Upstream, offered func(id string) bool, confirms bool) []Upstream {
	var out []Upstream
	for _, u := range all {
		if !offered(u.ID) {
			continue
		}
		o := Upstream{ID: u.ID, Name: upstream.NameOf(u), Confirms: confirms}
		if slices.Contains(marked, u.Preset) {
			o.Mark = u.Preset
		} else {
			o.Initial = brand.Initial(o.Name)
		}
		out = append(out, o)
	}
	return out
}

// All has UpstreamsOf return all providers.
func All(string) bool { return true }

// marked are the presets whose providers have a mark among the static files, by their own rules for buttons.
var marked = []string{"apple", "discord", "facebook", "github", "google", "microsoft"}

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
