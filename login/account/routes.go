package account

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/acting"
)

// Register adds the routes to r, below the tenant's issuer.
func (s *Server) Register(r *mux.Router) {
	for _, page := range []struct {
		path      string
		get, post ui.Handler // post is nil for a page without a form
	}{
		{"/account", s.homePage, nil},
		{"/account/profile", s.profilePage, s.postProfile},
		{"/account/email", s.emailPage, s.postEmail},
		{"/account/email/confirm", s.emailConfirmPage, s.postEmailConfirm},
		{"/account/phone", s.phonePage, s.postPhone},
		{"/account/phone/confirm", s.phoneConfirmPage, s.postPhoneConfirm},
		{"/account/password", s.passwordPage, s.postPassword},
		{"/account/passkeys", s.passkeysPage, s.postPasskeys},
		{"/account/passkeys/options", s.newPasskeyOptions, nil},
		{"/account/identities", s.identitiesPage, s.postIdentities},
		{"/account/second-factor", s.factorsPage, s.postFactors},
		{"/account/second-factor/app", s.appPage, s.postApp},
		{"/account/second-factor/passkey", s.newKeyOptions, s.postKey},
		{"/account/second-factor/codes", s.codesPage, nil},
		{"/account/sessions", s.sessionsPage, s.postSessions},
		{"/account/apps", s.appsPage, s.postApps},
		{keysPath, s.keysPage, s.postKeys},
		{newKeyPath, s.newKeyPage, s.postNewKey},
		{shownKeyPath, s.shownKeyPage, nil},
		{"/account/activity", s.activityPage, nil},
		{"/account/data", s.dataPage, s.postData},
		{"/account/delete", s.deletePage, s.postDelete},
		{acting.Path, s.signInAsPage, s.postSignInAs},
		{"/account/deleted", s.deletedPage, nil},
		{"/.well-known/change-password", changePasswordAt, nil},
	} {
		// An administrator who is signed in as the user may look at all pages, and change nothing.
		r.Handle(page.path, s.Site.ActingPage(proving(page.get))).Methods(http.MethodGet, http.MethodHead)
		if page.post != nil {
			r.Handle(page.path, s.Site.Form(proving(page.post))).Methods(http.MethodPost)
		}
	}
	r.Handle(acting.EndPath, s.Site.ActingForm(s.endSignInAs)).Methods(http.MethodPost)
}
