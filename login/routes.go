package login

import (
	"net/http"
	"slices"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// route is a page, with what its form is sent to.
type route struct {
	path string
	get  func(w http.ResponseWriter, r *http.Request) error
	post func(w http.ResponseWriter, r *http.Request) error // nil when it has no form
}

// actingPages are the paths that are also there for an administrator who is signed in as a user, to look at.
var actingPages = []string{"/", "/no-access", "/consent", "/signout", "/signed-out"}

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
		{"/second-factor/setup/passkey", s.enrolPasskeyOptions, s.enrolPasskey},
		{"/second-factor/codes", s.codesPage, nil},
		{newPasswordPath, s.expiredPage, s.expired},
		{"/no-access", s.noAccessPage, nil},
		{"/consent", s.consentPage, s.decide},
		{devicePath, s.devicePage, s.device},
		{"/device/done", s.deviceDonePage, nil},
		{"/signup", s.signUpPage, s.signUpPosted},
		{"/signup/confirm", s.confirmPage, s.confirmPosted},
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
		page, form := s.site.Page, s.site.Form
		if slices.Contains(actingPages, route.path) {
			page = s.site.ActingPage
		}
		if route.path == "/signout" {
			form = s.site.ActingForm
		}
		r.Handle(route.path, page(route.get)).Methods(http.MethodGet, http.MethodHead)
		if route.post != nil {
			r.Handle(route.path, form(route.post)).Methods(http.MethodPost)
		}
	}
	r.Handle(devicePath+"/qr.svg", web.Handler(s.site.ErrorPage, s.deviceQR)).Methods(http.MethodGet, http.MethodHead)
	r.Handle("/password/score", web.Handler(s.site.ErrorPage, s.score)).Methods(http.MethodPost)
	s.site.Register(r)
	r.Handle("/upstream/{upstream}/callback", s.site.Foreign(s.postBack)).Methods(http.MethodPost)
}
