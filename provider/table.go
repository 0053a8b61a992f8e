package provider

import (
	"net/http"
	"slices"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/register"
)

// table returns the rows of the table of endpoints. Those that are called most come first: gorilla/mux looks from
// top to bottom.
func (p *Provider) table() []Endpoint {
	get, post := []string{http.MethodGet, http.MethodHead}, []string{http.MethodPost}
	authenticated := slices.DeleteFunc(slices.Clone(clients.AuthMethods), func(m string) bool { return m == "none" })
	rows := []Endpoint{
		{Path: "/token", Methods: post, Program: true, Scripts: ScriptsOfRegistered, Clients: clients.AuthMethods,
			Metadata: "token_endpoint", announced: true, serve: p.token.Token},
		{Path: "/userinfo", Methods: []string{http.MethodGet, http.MethodPost}, Program: true, Scripts: ScriptsOfRegistered,
			Metadata: "userinfo_endpoint", serve: p.resource.Userinfo},
		{Path: "/introspect", Methods: post, Program: true, Clients: authenticated,
			Metadata: "introspection_endpoint", announced: true, serve: p.resource.Introspect},
		{Path: "/authorize", Methods: append(get, http.MethodPost),
			Metadata: "authorization_endpoint", serve: p.authorize.Authorize},
		{Path: "/par", Methods: post, Program: true, Scripts: ScriptsOfRegistered, Clients: clients.AuthMethods,
			Metadata: "pushed_authorization_request_endpoint", serve: p.authorize.Push}, // RFC 9126 section 5
		{Path: "/device_authorization", Methods: post, Program: true, Scripts: ScriptsOfRegistered,
			Clients: clients.AuthMethods, Metadata: "device_authorization_endpoint", serve: p.authorize.Device},
		{Path: "/jwks", Methods: get, Program: true, Scripts: ScriptsOfAny,
			Metadata: "jwks_uri", serve: p.serveJWKS},
		{Path: "/.well-known/openid-configuration", Methods: get, Program: true, Scripts: ScriptsOfAny,
			serve: p.serveDiscovery},
		{Path: "/.well-known/oauth-authorization-server", Methods: get, Program: true, Scripts: ScriptsOfAny,
			serve: p.serveDiscovery},
		{Path: issuer.ResourceMetadata, Methods: get, Program: true, Scripts: ScriptsOfAny, serve: p.serveResource},
		{Path: "/revoke", Methods: post, Program: true, Scripts: ScriptsOfRegistered, Clients: clients.AuthMethods,
			Metadata: "revocation_endpoint", announced: true, serve: p.resource.Revoke},
		{Path: register.Path, Methods: []string{http.MethodPost, http.MethodGet, http.MethodPut, http.MethodDelete},
			Program: true, Scripts: ScriptsOfAny, Metadata: "registration_endpoint", offered: register.Offered,
			serve: p.register.Register},
		{Path: "/logout", Methods: []string{http.MethodGet, http.MethodPost},
			Metadata: "end_session_endpoint", serve: p.logout.Logout},
	}
	if path := p.Pages.AuthorizationChallenge; path != "" {
		rows = append(rows, Endpoint{Path: path, Methods: post, Program: true, Scripts: ScriptsOfRegistered,
			Clients:  clients.AuthMethods,
			Metadata: "authorization_challenge_endpoint"}) // draft-ietf-oauth-first-party-apps-04 section 8
	}
	return rows
}

// Register adds the routes of the endpoints to r. Paths are below the tenant's issuer: web.Tenancy has removed what
// names the tenant.
func (p *Provider) Register(r *mux.Router) {
	for _, e := range p.endpoints {
		if e.serve != nil {
			r.Handle(e.Path, p.handler(&e))
		}
	}
}

// handler returns what answers requests to e.
func (p *Provider) handler(e *Endpoint) http.Handler {
	serve := func(w http.ResponseWriter, r *http.Request) error {
		if !slices.Contains(e.Methods, r.Method) {
			return e.refuseMethod(w)
		}
		return e.serve(w, r)
	}
	h := web.Handler(p.Errors, serve)
	if e.Program {
		h = oauth.Handler(serve)
	}
	switch e.Scripts {
	case ScriptsOfRegistered:
		return p.withCORS(h, e.Methods...)
	case ScriptsOfAny:
		return web.Public(h, slices.DeleteFunc(slices.Clone(e.Methods), func(m string) bool {
			return m == http.MethodGet || m == http.MethodHead
		})...)
	}
	return h
}

// ErrorPage returns page for users, and JSON for programs: it shows what goes wrong before a request
// reaches its endpoint, such as a tenant that does not exist.
func (p *Provider) ErrorPage(page web.ErrorPage) web.ErrorPage {
	return func(w http.ResponseWriter, r *http.Request, prob *web.Problem) {
		e := p.Endpoint(web.PathBelowTenant(r))
		switch program := e != nil && e.Program; {
		case program && prob.Status >= 500:
			oauth.WriteError(w, r, prob)
		case program: // with all that it says to developers, where it does
			r = r.Clone(r.Context())
			r.Header.Set("Accept", "application/json")
			page(w, r, prob)
		default:
			page(w, r, prob)
		}
	}
}
