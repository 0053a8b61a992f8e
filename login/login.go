package login

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/federation"
)

// Config is what a Server is made of. Every field without "default" is required.
type Config struct {
	// Site serves and renders what Server shows.
	Site *ui.Site
	// Service has the use cases, and what they and the pages need.
	*people.Service
	Sessions *browser.Sessions
	Log      *slog.Logger
	// Federation has the use cases about upstream providers.
	Federation *federation.Service
	// LogoutPath is where a confirmed sign-out that a client asked for goes on, with its
	// letter as l. Default /logout.
	LogoutPath string
}

// Server serves the pages of all tenants.
type Server struct {
	Config
	site *ui.Site
}

// New checks and completes the Config.
func New(c Config) (*Server, error) {
	if c.Site == nil || c.Service == nil || c.Federation == nil || c.Sessions == nil || c.Log == nil {
		return nil, errors.New("login: Site, Service, Federation, Sessions and Log are required")
	}
	if c.LogoutPath == "" {
		c.LogoutPath = "/logout"
	}
	return &Server{Config: c, site: c.Site}, nil
}

// route is a page, with what its form is sent to.
type route struct {
	path string
	get  func(w http.ResponseWriter, r *http.Request) error
	post func(w http.ResponseWriter, r *http.Request) error // nil when it has no form
}

// Register adds the routes to r. Paths are below the tenant's issuer; web.Tenancy has
// taken the rest off.
func (s *Server) Register(r *mux.Router) {
	for _, route := range []route{
		{"/login", s.signInPage, s.signIn},
		{"/login/passkey", s.passkeyOptions, s.signInByPasskey},
		{"/login/code", s.askCodePage, s.askCodePosted},
		{"/login/code/confirm", s.enterCodePage, s.enterCodePosted},
		{"/select", s.selectPage, s.choose},
		{"/second-factor", s.secondFactorPage, s.secondFactor},
		{"/second-factor/passkey", s.factorPasskeyOptions, s.secondFactorByPasskey},
		{"/second-factor/setup", s.enrolPage, s.enrol},
		{"/consent", s.consentPage, s.decide},
		{"/signup", s.signUpPage, s.signUpPosted},
		{"/signup/confirm", s.confirmPage, s.confirmPosted},
		{"/forgot", s.forgotPage, s.forgotPosted},
		{"/reset", s.resetPage, s.resetPosted},
		{"/reset/done", s.resetDonePage, s.reviewed},
		{"/not-me", s.notMePage, s.notMe},
		{"/signout", s.signOutPage, s.signOut},
		{"/signed-out", s.signedOutPage, nil},
		{"/setup", s.setupPage, s.setup},
		{"/upstream/{upstream}", s.goUpstream, nil},
		{"/upstream/{upstream}/callback", s.comeBack, nil},
		{"/federated/email", s.strangerEmailPage, s.strangerEmail},
		{"/federated/confirm", s.strangerCodePage, s.strangerCode},
		{"/federated/link", s.linkPage, s.link},
		{"/", s.homePage, nil},
	} {
		r.Handle(route.path, s.site.Page(route.get)).Methods(http.MethodGet, http.MethodHead)
		if route.post != nil {
			r.Handle(route.path, s.site.Form(route.post)).Methods(http.MethodPost)
		}
	}
	r.Handle("/password/score", web.Handler(s.site.ErrorPage, s.score)).Methods(http.MethodPost)
	s.site.Register(r)
	r.Handle("/upstream/{upstream}/callback", s.site.Foreign(s.postBack)).Methods(http.MethodPost)
}
