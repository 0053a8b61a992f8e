package admin

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/storage"
)

// event is an event as the API shows one.
type event struct {
	ID        string            `json:"id" doc:"The id; later events have greater ids."`
	At        time.Time         `json:"at" doc:"When it happened."`
	Kind      string            `json:"kind" doc:"What happened: see docs/events.md."`
	Actor     string            `json:"actor,omitempty" doc:"The id of the user or client that acted; cli for the command line."`
	UserID    string            `json:"user_id,omitempty" doc:"The user that it is about."`
	ClientID  string            `json:"client_id,omitempty" doc:"The client that it is about."`
	RequestID string            `json:"request_id,omitempty" doc:"The request, as in the server's log."`
	IP        string            `json:"ip,omitempty" doc:"Where the request came from."`
	Detail    map[string]string `json:"detail,omitempty" doc:"More about it."`
}

func shownEvent(e storage.Event) event {
	return event{e.ID, e.At, e.Kind, e.Actor, e.UserID, e.ClientID, e.RequestID, e.IP, e.Detail}
}

// searchCall is the input of GET /audit.
type searchCall struct {
	pageFields
	Kinds    []string  `query:"kind" max:"64" items:"20" doc:"Only events of these kinds, such as login.failed."`
	UserID   string    `query:"user_id" max:"64" doc:"Only events about this user."`
	ClientID string    `query:"client_id" max:"256" doc:"Only events about this client."`
	Actor    string    `query:"actor" max:"256" doc:"Only what this user or client did; cli for the command line."`
	Since    time.Time `query:"since" doc:"Only events that are not older."`
	Until    time.Time `query:"until" doc:"Only events that are not newer."`
	filterField
}

func (s *Server) auditRoutes() []jsonapi.Route {
	return []jsonapi.Route{handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/audit", ID: "searchAudit", Scope: "audit:read",
		Summary: "Lists the events of the audit trail, newest first.",
		Text:    filterText(audit.Table),
	}, s.searchAudit), handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/audit/export", ID: "exportAudit", Scope: "audit:read",
		Summary: "Lists the events of the audit trail, oldest first, for a system that keeps them.",
		Text: "`next` is there on every page that has events: ask with it again later, and you get what came since. " +
			"Events are here ten minutes after they happened, so that none is left out.",
	}, s.exportAudit)}
}

// exportCall is the input of GET /audit/export.
type exportCall struct {
	Limit int    `query:"limit" least:"1" most:"1000" doc:"How many events a page has at most; 500 when left out."`
	After string `query:"after" max:"4096" doc:"The next of the page before. It stays good for as long as events are kept."`
}

func (s *Server) exportAudit(c *call, in exportCall) (out jsonapi.Page[event], err error) {
	const list = "audit export"
	after, err := jsonapi.OpenCursor[string](s.cursors(c), list, in.After)
	if err != nil {
		return out, err
	}
	if in.Limit == 0 {
		in.Limit = 500
	}
	found, err := s.Store.EventsAfter(c.Context(), c.asker.Tenant.ID, after, time.Now().Add(-audit.SettleFor), in.Limit)
	if err != nil {
		return out, err
	}
	for _, e := range found {
		out.Items = append(out.Items, shownEvent(e))
	}
	if len(found) > 0 {
		out.Next, err = jsonapi.SealCursor(s.cursors(c), list, found[len(found)-1].ID)
	}
	return out, err
}

func (s *Server) searchAudit(c *call, in searchCall) (out jsonapi.Page[event], err error) {
	q := audit.Search{
		Tenant: c.asker.Tenant.ID, Kinds: in.Kinds, UserID: in.UserID, ClientID: in.ClientID, Actor: in.Actor,
		Since: in.Since, Until: in.Until,
	}
	for _, kind := range in.Kinds {
		if !slices.ContainsFunc(storage.EventKinds, func(k storage.EventKind) bool { return k.Kind == kind }) {
			return out, jsonapi.Faulty(jsonapi.ParameterFault("kind", "invalid", "There are no events of such a kind."))
		}
	}
	f, err := parseFilter(in.filterField, audit.Table)
	if err != nil {
		return out, err
	}
	q.Narrow(f)
	list := strings.Join(append([]string{"audit", in.UserID, in.ClientID, in.Actor, in.Since.String(),
		in.Until.String(), in.Filter}, in.Kinds...), "\x00")
	before, err := jsonapi.OpenCursor[string](s.cursors(c), list, in.After)
	if err != nil {
		return out, err
	}
	found, next, err := q.Page(c.Context(), s.Store, before, in.most())
	if err != nil {
		return out, err
	}
	for _, e := range found {
		out.Items = append(out.Items, shownEvent(e))
	}
	if next != "" {
		out.Next, err = jsonapi.SealCursor(s.cursors(c), list, next)
	}
	return out, err
}
