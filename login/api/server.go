package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Apps is the protocol's part of the JSON API: which app asks, and what it is given. Its errors are
// web.Problems. Package provider has it.
type Apps interface {
	// App returns the first-party client that the request comes from; form holds the parameters of
	// client authentication that its body has.
	App(r *http.Request, form url.Values) (storage.Client, error)
	// CheckScope refuses a scope that the app may not ask for.
	CheckScope(app storage.Client, scope string) error
	// Tokens returns the tokens of a session.
	Tokens(ctx context.Context, app storage.Client, sess storage.Session, scope string) (storage.Tokens, error)
	// Refresh returns new tokens for a refresh token.
	Refresh(ctx context.Context, app storage.Client, token, scope string) (storage.Tokens, error)
	// SignOut ends the session that a token of the app belongs to, and what the app was granted in it.
	SignOut(ctx context.Context, app storage.Client, token string) error
	// Person returns the user of the request's access token, with the token's client and grant.
	Person(r *http.Request) (storage.Client, storage.Grant, storage.User, error)
	// Form reads a form that an app posted.
	Form(w http.ResponseWriter, r *http.Request) (url.Values, error)
	// Request reads what an app asks an authorization for, and returns what Code is to have.
	Request(ctx context.Context, app storage.Client, form url.Values) (storage.Interaction, url.Values, error)
	// Code returns the authorization code of what Request was given, for a session.
	Code(ctx context.Context, app storage.Client, asked url.Values, sess storage.Session) (string, error)
	// CORS lets scripts of registered origins read the answers of h.
	CORS(h http.Handler) http.Handler
}

// Config is what a Server is made of. All fields are required.
type Config struct {
	*people.Service
	Federation *federation.Service
	Apps       Apps
	// Errors shows what went wrong with requests that are not for the API.
	Errors web.ErrorPage
}

// Server serves the JSON API and the authorization challenge endpoint of all tenants.
type Server struct {
	Config
	// references are the documents of the JSON API, by issuer: tenants are few.
	references sync.Map
}

// New checks the Config.
func New(c Config) (*Server, error) {
	if c.Service == nil || c.Apps == nil || c.Federation == nil || c.Errors == nil {
		return nil, errors.New("api: all fields are required")
	}
	return &Server{Config: c}, nil
}

// ErrorPage shows what went wrong: JSON for calls of the API, and Errors for all others.
func (s *Server) ErrorPage(w http.ResponseWriter, r *http.Request, p *web.Problem) {
	if isAPI(r) {
		s.apiFail(w, r, p)
		return
	}
	s.Errors(w, r, p)
}

// Routes returns the table of the API, for a reference.
func Routes() []jsonapi.Route { return (&Server{}).routes() }

// routes is the table of the API. The routes and the reference are made from it.
func (s *Server) routes() []jsonapi.Route {
	return []jsonapi.Route{
		s.apiSignUp(),
		s.apiSendCode(),
		s.apiConfirm(),
		s.apiInvited(),
		s.apiPasskey(),
		s.apiSignIn(),
		s.apiRefresh(),
		s.apiLogout(),
		s.apiReset(),
		s.apiConfirmReset(),
		s.apiUpdatePassword(),
		s.apiChangeEmail(),
		s.apiConfirmChange(),
		s.apiDelete(),
	}
}

// Register adds the API's routes to r. Every answer below /auth/ is of its shape.
func (s *Server) Register(r *mux.Router) {
	table := jsonapi.NewTable(s.apiFail, s.routes()...)
	for _, path := range table.Paths() {
		r.Handle(path, s.Apps.CORS(table))
	}
	r.Handle(ChallengePath, s.Apps.CORS(http.HandlerFunc(s.challenge)))
	r.Handle(apiDocument, web.Public(http.HandlerFunc(s.serveReference)))
	r.PathPrefix(apiPrefix).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.apiFail(w, r, &jsonapi.Problem{Status: http.StatusNotFound, Code: "not_found",
			Detail: "There is no such call. See " + apiDocument + "."})
	})
}

const (
	apiPrefix   = "/auth/"
	apiDocument = apiPrefix + "openapi.json"
)

// asking is a request of the API, with the app and the asker.
type asking struct {
	*http.Request
	app  storage.Client
	kept *authSession // what the app keeps
	// asker is the app. Cookies, which a browser adds by itself, count for nothing.
	asker people.Asker
	// in is the request that waits at the authorization challenge endpoint; nil elsewhere.
	in *storage.Interaction
}

// interaction stands for the authorization request that pages have.
func (a *asking) interaction() *storage.Interaction {
	if a.in != nil {
		return a.in
	}
	return &storage.Interaction{TenantID: a.app.TenantID, Client: a.app}
}

// fromApp has the fields by which an app identifies itself. Every input has them.
type fromApp interface{ form() url.Values }

// appFields are the parameters of client authentication (RFC 6749 section 2.3.1, RFC 7523
// section 2.2), and what the app keeps.
type appFields struct {
	ClientID            string `json:"client_id" doc:"The client's id, unless the client authenticates with a header or an assertion." example:"my-app"`
	ClientSecret        string `json:"client_secret" secret:"true" doc:"The client's secret, with client_secret_post."`
	ClientAssertion     string `json:"client_assertion" secret:"true" max:"16384" doc:"The client's assertion, with private_key_jwt."`
	ClientAssertionType string `json:"client_assertion_type" doc:"With an assertion: urn:ietf:params:oauth:client-assertion-type:jwt-bearer."`
}

func (c appFields) form() url.Values {
	form := url.Values{}
	for _, f := range [][2]string{
		{"client_id", c.ClientID}, {"client_secret", c.ClientSecret},
		{"client_assertion", c.ClientAssertion}, {"client_assertion_type", c.ClientAssertionType},
	} {
		if f[1] != "" {
			form.Set(f[0], f[1])
		}
	}
	return form
}

// forApps returns the route of a call in which the app identifies itself.
func forApps[In fromApp, Out any](
	s *Server, op jsonapi.Operation, do func(a *asking, in In) (Out, error),
) jsonapi.Route {
	op.Problems = outcomes(op.Problems, appProblems)
	return jsonapi.Handle(op, func(r *http.Request, in In) (out Out, err error) {
		app, err := s.Apps.App(r, in.form())
		if err != nil {
			return out, err
		}
		a, err := s.asks(r, app, in)
		if err != nil {
			return out, err
		}
		return do(a, in)
	})
}

// asks is the app's request with what it kept, unless its origin is none of the app's.
func (s *Server) asks(r *http.Request, app storage.Client, in any) (*asking, error) {
	if err := allowedOrigin(r, app); err != nil {
		return nil, err
	}
	sealed := ""
	if keeps, ok := in.(interface{ session() string }); ok {
		sealed = keeps.session()
	}
	kept, err := s.openAuthSession(r, app, sealed)
	if err != nil {
		return nil, err
	}
	return newAsking(r, app, kept), nil
}

func newAsking(r *http.Request, app storage.Client, kept *authSession) *asking {
	asker := ui.AppAsker(r)
	asker.ClientID, asker.Kept = app.ClientID, kept.Kept
	return &asking{Request: r, app: app, kept: kept, asker: asker}
}

// keep takes what the app is to keep in the place of what came.
func (a *asking) keep(kept people.Kept) { a.asker.Kept, a.kept.Kept = kept, kept }

// wish returns what the request wants of a claimant.
func (a *asking) wish() people.FactorWish {
	in := a.interaction()
	return people.FactorWish{Rule: in.Client.SecondFactor, ACR: in.ACR}
}

// allowedOrigin refuses scripts of other origins than those that the app registered.
// Nothing here depends on cookies, so that a page of another site could do no more than
// any program; yet whose credentials it had it should not be able to try from the
// browsers of its visitors.
func allowedOrigin(r *http.Request, app storage.Client) error {
	origins, site := r.Header.Values("Origin"), r.Header.Get("Sec-Fetch-Site")
	switch {
	case len(origins) == 0 && (site == "" || site == "same-origin" || site == "none"):
		return nil
	case len(origins) == 1 && (origins[0] == originOf(web.TenantOf(r.Context()).Issuer) ||
		slices.Contains(app.AllowedCORSOrigins, origins[0])):
		return nil
	}
	return &jsonapi.Problem{Status: http.StatusForbidden, Code: "origin_not_allowed",
		Detail: "The client did not register this origin: see allowed_cors_origins."}
}

// originOf is the origin of a URL.
func originOf(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
