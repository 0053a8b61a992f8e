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
		s.groupRoutes(), s.roleRoutes(), s.invitationRoutes())
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
		s.setPassword(), s.sendReset(), s.getFactors(), s.removeFactors(), s.listPasskeys(), s.removePasskey(),
		s.listSessions(), s.endSession(), s.endSessions(), s.listGrants(), s.revokeGrant(), s.listApps(), s.disconnectApp(),
		s.listIdentities(), s.unlinkIdentity(),
	}
}

func (s *Server) clientRoutes() []jsonapi.Route {
	return []jsonapi.Route{
		s.listClients(), s.addClient(), s.getClient(), s.putClient(), s.patchClient(), s.removeClient(), s.listSecrets(),
		s.addSecret(), s.removeSecret(),
	}
}

func (s *Server) groupRoutes() []jsonapi.Route {
	return []jsonapi.Route{
		s.listGroups(), s.addGroup(), s.getGroup(), s.putGroup(), s.removeGroup(), s.listMembers(), s.addMember(),
		s.removeMember(), s.listMemberships(),
	}
}
