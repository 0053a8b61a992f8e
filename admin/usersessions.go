package admin

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people/selfservice"
	"github.com/vouchsafe/vouchsafe/storage"
)

// session is a session as the API shows one.
type session struct {
	ID            string    `json:"id" doc:"The id: the sid of tokens."`
	UserAgent     string    `json:"user_agent" doc:"What the browser says it is."`
	IP            string    `json:"ip" doc:"The address at the last proof."`
	AMR           []string  `json:"amr" doc:"How the user signed in (RFC 8176)."`
	ACR           string    `json:"acr" doc:"How strong that was."`
	AuthTime      time.Time `json:"auth_time" doc:"When the user last proved the account."`
	CreatedAt     time.Time `json:"created_at" doc:"When the session began."`
	SeenAt        time.Time `json:"seen_at" doc:"When it was last used, to the hour."`
	ExpiresAt     time.Time `json:"expires_at" doc:"When it ends at the latest."`
	Administrator string    `json:"administrator,omitempty" doc:"The id of the administrator who is signed in as the user in it; left out for the user's own."`
}

func shownSession(s storage.Session) session {
	return session{
		s.ID, s.UserAgent, s.IP, listOf(s.AMR), s.ACR, s.AuthTime, s.CreatedAt, s.SeenAt, s.ExpiresAt, administratorOf(s),
	}
}

// administratorOf returns the id of the administrator who uses the session in the place of its user, or "".
func administratorOf(s storage.Session) string {
	if s.Act == nil {
		return ""
	}
	return s.Act.ActorID
}

// listOf returns an empty list in the place of nil, which JSON writes as null.
func listOf(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}

func (s *Server) listSessions() jsonapi.Route {
	return aboutUser(s, jsonapi.Operation{
		Path: "/users/{user}/sessions", ID: "listSessions",
		Summary: "Lists a user's living sessions, newest first: at most 1,000.",
	}, func(c *call, u storage.User) (whole[session], error) {
		all, err := s.People.Sessions(c.Context(), u)
		return wholeOf(all, shownSession), err
	})
}

// ofSession is the input of an operation about one session.
type ofSession struct {
	ofUser
	Session string `path:"session" max:"64" doc:"The session's id."`
}

func (s *Server) endSession() jsonapi.Route {
	return onUser(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/users/{user}/sessions/{session}", ID: "endSession",
		Summary: "Ends one of a user's sessions, with all that apps were given in it.",
	}, func(c *call, u storage.User, in ofSession) error {
		return s.Accounts.EndSession(c.Context(), c.asker, u.ID, in.Session)
	})
}

func (s *Server) endSessions() jsonapi.Route {
	return onUser(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/users/{user}/sessions", ID: "endSessions",
		Summary: "Signs a user out everywhere, and revokes all that apps were given.",
	}, func(c *call, u storage.User, _ ofUser) error {
		return s.Accounts.EndSessions(c.Context(), c.asker, u.ID)
	})
}

// grant is a grant as the API shows one.
type grant struct {
	ID        string    `json:"id" doc:"The id."`
	ClientID  string    `json:"client_id" doc:"The client."`
	SessionID string    `json:"session_id,omitempty" doc:"The session in which it was given."`
	Scopes    []string  `json:"scopes" doc:"What it allows."`
	Offline   bool      `json:"offline" doc:"It outlives the session."`
	CreatedAt time.Time `json:"created_at" doc:"When it was given."`
	ExpiresAt time.Time `json:"expires_at" doc:"When it ends at the latest."`
}

func shownGrant(g storage.Grant) grant {
	return grant{g.ID, g.ClientID, g.SessionID, listOf(g.Scopes), g.Offline, g.CreatedAt, g.ExpiresAt}
}

func (s *Server) listGrants() jsonapi.Route {
	return aboutUser(s, jsonapi.Operation{
		Path: "/users/{user}/grants", ID: "listGrants",
		Summary: "Lists what a user has allowed clients, newest first: at most 1,000.",
		Text:    "Grants of sessions that have ended may be among them, until they expire.",
	}, func(c *call, u storage.User) (whole[grant], error) {
		all, err := s.Accounts.Store.GrantsOf(c.Context(), u.TenantID, u.ID, time.Now())
		return wholeOf(all, shownGrant), err
	})
}

// ofGrant is the input of an operation about one grant.
type ofGrant struct {
	ofUser
	Grant string `path:"grant" max:"64" doc:"The grant's id."`
}

func (s *Server) revokeGrant() jsonapi.Route {
	return onUser(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/users/{user}/grants/{grant}", ID: "revokeGrant",
		Summary: "Revokes one grant. Its tokens are void.",
	}, func(c *call, u storage.User, in ofGrant) error {
		return s.Accounts.RevokeGrant(c.Context(), c.asker, u.ID, in.Grant)
	})
}

// app is a client that may use a user's account.
type app struct {
	ClientID string    `json:"client_id" doc:"The client."`
	Name     string    `json:"client_name,omitempty" doc:"Its name."`
	Scopes   []string  `json:"scopes" doc:"What it may do."`
	Claims   []string  `json:"claims,omitempty" doc:"What it asked for by name."`
	APIs     []string  `json:"apis,omitempty" doc:"The APIs that it asked for by the parameter resource."`
	Since    time.Time `json:"since" doc:"Since when."`
}

func shownApp(a selfservice.App) app {
	return app{a.Client.ClientID, a.Client.ClientName, listOf(a.Scopes), a.Claims, a.Resources, a.Since}
}

func (s *Server) listApps() jsonapi.Route {
	return aboutUser(s, jsonapi.Operation{
		Path: "/users/{user}/apps", ID: "listApps", Summary: "Lists the clients that may use a user's account.",
	}, func(c *call, u storage.User) (whole[app], error) {
		all, err := s.People.Apps(c.Context(), u)
		return wholeOf(all, shownApp), err
	})
}

// ofApp is the input of an operation about one client of a user.
type ofApp struct {
	ofUser
	Client string `path:"client" max:"256" doc:"The client's id."`
}

func (s *Server) disconnectApp() jsonapi.Route {
	return onUser(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/users/{user}/apps/{client}", ID: "disconnectApp",
		Summary: "Withdraws a user's consent to a client, and revokes all that the client was given.",
	}, func(c *call, u storage.User, in ofApp) error {
		return s.Accounts.DisconnectApp(c.Context(), c.asker, u.ID, in.Client)
	})
}
