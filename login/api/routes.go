package api

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

// Routes returns the table of the API, for a reference.
func Routes() []jsonapi.Route { return (&Server{}).routes() }

// routes returns the table of the API. The routes and the reference are made from it.
func (s *Server) routes() []jsonapi.Route {
	return []jsonapi.Route{
		s.apiSignUp(),
		s.apiSendCode(),
		s.apiConfirm(),
		s.apiConfirmMisspelt(),
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
		s.apiChangePhone(),
		s.apiConfirmPhone(),
		s.apiRemovePhone(),
		s.apiListIdentities(),
		s.apiUnlinkIdentity(),
		s.apiBeginTOTP(),
		s.apiConfirmTOTP(),
		s.apiRemoveTOTP(),
		s.apiDelete(),
		s.apiListKeys(),
		s.apiAddKey(),
		s.apiRotateKey(),
		s.apiRemoveKey(),
	}
}

// Register adds the API's routes to r. Every answer below /auth/ is of its shape.
func (s *Server) Register(r *mux.Router) {
	table := jsonapi.NewTable(s.apiFail, s.routes()...)
	for _, path := range table.Paths() {
		r.Handle(path, s.Apps.CORS(table))
	}
	r.Handle(ChallengePath, s.Apps.CORS(http.HandlerFunc(s.challenge)))
	r.HandleFunc(LeaksPath, s.leaks)
	r.Handle(apiDocument, web.Public(http.HandlerFunc(s.serveReference)))
	r.PathPrefix(apiPrefix).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.apiFail(w, r, &jsonapi.Problem{Status: http.StatusNotFound, Code: "not_found",
			Detail: "There's no such call. See " + apiDocument + "."})
	})
}
