package admin

import (
	"net/http"
	"slices"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

// Routes returns the table of the API, for a reference.
func Routes() []jsonapi.Route { return (&Server{}).routes() }

// routes returns the table of the API. The routes and the reference are made from it.
func (s *Server) routes() []jsonapi.Route {
	return slices.Concat(s.userRoutes(), s.accessRoutes(), s.administratorRoutes(), s.clientRoutes(),
		s.keyRoutes(), s.auditRoutes(), s.mailRoutes(), s.tenantRoutes(), s.operatorRoutes(), s.statsRoutes(),
		s.groupRoutes(), s.roleRoutes(), s.invitationRoutes(), s.apiRoutes(), s.upstreamRoutes(), s.apiKeyRoutes(),
		s.webhookRoutes(), s.logoutRoutes())
}

// Register adds the API to r. Every answer below its prefix is of its shape.
func (s *Server) Register(r *mux.Router) {
	r.Handle(metadata, web.Public(http.HandlerFunc(s.serveMetadata)))
	r.Handle(document, web.Public(http.HandlerFunc(s.serveReference)))
	r.PathPrefix(Prefix + "/").Handler(s.Tokens.CORS(jsonapi.NewTable(s.fail, s.routes()...)))
}

func (s *Server) userRoutes() []jsonapi.Route {
	return []jsonapi.Route{
		s.listUsers(), s.addUser(), s.getUser(), s.putUser(), s.patchUser(), s.removeUser(), s.disableUser(),
		s.enableUser(),
	}
}

func (s *Server) accessRoutes() []jsonapi.Route {
	return []jsonapi.Route{
		s.setPassword(), s.expirePassword(), s.keepPassword(), s.sendReset(), s.liftLimits(),
		s.listRolesOfUser(), s.getFactors(),
		s.removeFactors(), s.listPasskeys(), s.removePasskey(),
		s.listSessions(), s.endSession(), s.endSessions(), s.listGrants(), s.revokeGrant(), s.listApps(), s.disconnectApp(),
		s.listIdentities(), s.unlinkIdentity(), s.signInAs(), s.explainClaims(),
	}
}

func (s *Server) clientRoutes() []jsonapi.Route {
	return []jsonapi.Route{
		s.listClients(), s.addClient(), s.getClient(), s.putClient(), s.patchClient(), s.removeClient(), s.listSecrets(),
		s.addSecret(), s.removeSecret(), s.declareClient(), s.allowClient(), s.denyClient(), s.refreshClient(),
	}
}

func (s *Server) groupRoutes() []jsonapi.Route {
	return []jsonapi.Route{
		s.listGroups(), s.addGroup(), s.getGroup(), s.putGroup(), s.removeGroup(), s.listMembers(), s.addMember(),
		s.removeMember(), s.listMemberships(),
	}
}

// version changes when the API changes in a way that could break a program.
const version = "1"

// Reference returns the OpenAPI document of the API at the issuer, or at none in particular for "".
func Reference(issuer string) *jsonapi.Document {
	table := jsonapi.NewTable(nil, Routes()...)
	d := jsonapi.Describe(jsonapi.Info{
		Title: "Vouchsafe: management", Version: version,
		Description: "For administrators and their programs. Each call needs an access token of the issuer, whose " +
			"only audience is `ISSUER/api/v1`, with the scope that stands beside it. Problems are RFC 9457; programs " +
			"should rely on their code.",
	}, issuer, table.Operations(), commonProblems)
	d.NameSchemas()
	return d
}

// serveReference serves the document to every client, because all of it is public.
func (s *Server) serveReference(w http.ResponseWriter, r *http.Request) {
	issuer := web.TenantOf(r.Context()).Issuer
	document, ok := s.references.Load(issuer)
	if !ok {
		document, _ = s.references.LoadOrStore(issuer, Reference(issuer))
	}
	s.servePublic(w, r, document)
}
