package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/internal/webhooks"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

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
	}, s.exportAudit), handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/events", ID: "listEvents", Scope: "audit:read",
		Summary: "Lists events as they come, oldest first, for programs that cannot be called by a webhook.",
		Text: "Events are here about a second after they happened. One whose transaction ended late comes late, and none " +
			"is left out. `next` is always there: ask with it again. The first call begins the list, with the events of " +
			"the last minutes. It keeps 30 days: after longer the place is gone, and the list ends unless it is read or there " +
			"is a webhook.\n\nWith `Accept: text/event-stream` the answer does not end, and events " +
			"are sent as they come (Server-Sent Events). The id of each is what `next` would be: a client that connects " +
			"again sends it as `Last-Event-ID`, and misses nothing.",
		Headers: []jsonapi.Header{{Name: "Last-Event-ID", Text: "For a stream: the last event's id; it stands above after."}},
		Problems: []jsonapi.Outcome{{Status: http.StatusTooManyRequests, Code: "too_many_streams",
			When: "the caller, or all callers, have as many streams open as a server takes."},
			{Status: http.StatusGone, Code: "events_gone", When: "events behind `after` are not kept any more."}},
	}, s.listEvents)}
}

// eventsCall is the input of GET /events.
type eventsCall struct {
	pageFields
	Kinds []string `query:"kind" max:"64" items:"20" doc:"Only events of these kinds; login.* stands for all that begin so."`
}

// feedBegins is how old the first events of a feed are that a program asks for.
const feedBegins = 10 * time.Minute

func (s *Server) listEvents(c *call, in eventsCall) (out jsonapi.Page[webhooks.Body], err error) {
	const list = "events"
	tenant := c.asker.Tenant.ID
	stream := streams(c.Request)
	if last := c.Header.Get("Last-Event-ID"); stream && last != "" {
		in.After = last
	}
	after, err := jsonapi.OpenCursor[int64](s.cursors(c), list, in.After)
	if err != nil {
		return out, err
	}
	if in.After == "" {
		if after, err = s.Store.BeginFeed(c.Context(), tenant, time.Now().Add(-feedBegins), time.Now()); err != nil {
			return out, err
		}
		s.Webhooks.Wake()
	} else if err = s.readFeed(c.Context(), tenant, after); err != nil {
		return out, err
	}
	if stream {
		return out, s.streamEvents(c, webhooks.Stream{Tenant: tenant, Client: c.asker.Actor, After: after, Kinds: in.Kinds,
			Cursor: func(seq int64) (string, error) { return jsonapi.SealCursor(s.cursors(c), list, seq) }})
	}
	found, err := s.Store.FedEvents(c.Context(), tenant, after, in.most())
	if err != nil {
		return out, err
	}
	for _, e := range found {
		after = e.Seq
		if storage.KindIn(e.Kind, in.Kinds) {
			out.Items = append(out.Items, webhooks.BodyOf(e.Event))
		}
	}
	out.Next, err = jsonapi.SealCursor(s.cursors(c), list, after)
	return out, err
}

// readFeed returns a problem if events behind the place may be lost.
func (s *Server) readFeed(ctx context.Context, tenant string, place int64) error {
	err := s.Store.ReadFeed(ctx, tenant, place, time.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return &jsonapi.Problem{Status: http.StatusGone, Code: "events_gone", Err: err,
			Detail: "Events behind this place are not kept any more. Compare your data, and begin anew, without after."}
	}
	return err
}

// streams reports whether a request asks for Server-Sent Events rather than JSON.
func streams(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/event-stream")
}

// streamEvents returns the stream as the answer, or the problem that there are too many.
func (s *Server) streamEvents(c *call, to webhooks.Stream) error {
	leave, err := s.Webhooks.Join(to.Tenant, to.Client)
	if err != nil {
		return &jsonapi.Problem{Status: http.StatusTooManyRequests, Code: "too_many_streams", RetryAfter: time.Minute,
			Detail: "Close a stream of events first.", Err: err}
	}
	return jsonapi.Stream(func(w http.ResponseWriter, r *http.Request) error {
		defer leave()
		r = r.WithContext(web.Lasting(r.Context()))
		to.Allowed = func(place int64) error {
			if _, err := s.admit(r, "audit:read"); err != nil {
				return err
			}
			return s.readFeed(r.Context(), to.Tenant, place)
		}
		if err := s.Webhooks.Serve(r.Context(), w, to); err != nil {
			web.Note(r.Context(), "cause", err.Error()) // the answer has begun
		}
		return nil
	})
}

// exportCall is the input of GET /audit/export.
type exportCall struct {
	Limit int    `query:"limit" least:"1" most:"1000" doc:"How many events a page has at most; 500 when left out."`
	After string `query:"after" max:"4096" doc:"The next of the page before. It stays good for as long as events are kept."`
	// Beside a cursor, which says where to go on, it counts for nothing.
	AfterID string `query:"after_id" max:"64" doc:"Begin after the event with this id. It is ignored beside after."`
}

func (s *Server) exportAudit(c *call, in exportCall) (out jsonapi.Page[audit.Event], err error) {
	const list = "audit export"
	after, err := jsonapi.OpenCursor[string](s.cursors(c), list, in.After)
	if err != nil {
		return out, err
	}
	if in.After == "" {
		after = in.AfterID
	}
	if in.Limit == 0 {
		in.Limit = 500
	}
	found, err := s.Store.EventsAfter(c.Context(), c.asker.Tenant.ID, after, time.Now().Add(-audit.SettleFor), in.Limit)
	if err != nil {
		return out, err
	}
	for _, e := range found {
		out.Items = append(out.Items, audit.EventOf(e))
	}
	if len(found) > 0 {
		out.Next, err = jsonapi.SealCursor(s.cursors(c), list, found[len(found)-1].ID)
	}
	return out, err
}

func (s *Server) searchAudit(c *call, in searchCall) (out jsonapi.Page[audit.Event], err error) {
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
		out.Items = append(out.Items, audit.EventOf(e))
	}
	if next != "" {
		out.Next, err = jsonapi.SealCursor(s.cursors(c), list, next)
	}
	return out, err
}

// statistics are what the tenant's users did, as the API shows it.
type statistics struct {
	Active   activeUsers       `json:"active" doc:"How many different users were active."`
	Zone     string            `json:"zone" doc:"The time zone in which days begin."`
	Days     []dayStatistics   `json:"days" doc:"Each day, oldest first."`
	Weeks    []weekStatistics  `json:"weeks" doc:"Each week from the first with an active user to the last."`
	Months   []monthStatistics `json:"months" doc:"Each month from the first with an active user to the last."`
	SignIns  map[string]int64  `json:"sign_ins" doc:"Sign-ins by their amr (RFC 8176), such as pwd, or pwd otp."`
	Failures map[string]int64  `json:"failures" doc:"Refused sign-ins by their reason."`
	Until    time.Time         `json:"counted_until" doc:"What happened later is not counted yet: see above."`
}

// activeUsers are the users who were active on the last days.
type activeUsers struct {
	Day   int64 `json:"day" doc:"Today."`
	Week  int64 `json:"week" doc:"Today and on the 6 days before."`
	Month int64 `json:"month" doc:"Today and on the 29 days before."`
}

// dayStatistics are those of one day.
type dayStatistics struct {
	Date     string `json:"date" format:"date" doc:"The day."`
	Active   int64  `json:"active" doc:"How many different users were active."`
	SignIns  int64  `json:"sign_ins" doc:"How many sign-ins there were."`
	Failures int64  `json:"failures" doc:"How many sign-ins were refused."`
}

// weekStatistics are those of a week.
type weekStatistics struct {
	Week   string `json:"week" doc:"The week, as ISO 8601 names it, such as 2026-W48."`
	Active int64  `json:"active" doc:"How many different users were active."`
}

// monthStatistics are those of a month.
type monthStatistics struct {
	Month  string `json:"month" doc:"The month, such as 2026-11."`
	Active int64  `json:"active" doc:"How many different users were active."`
}

// statsCall is the input of GET /stats.
type statsCall struct {
	Days int `query:"days" least:"1" most:"366" doc:"How many days; 30 when left out."`
}

func (s *Server) statsRoutes() []jsonapi.Route {
	return []jsonapi.Route{handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/stats", ID: "getStats", Scope: "stats:read",
		Summary: "Counts active users, sign-ins and refusals.",
		Text: "A user is active who signs in, or whose session or tokens an app refreshes. Days begin in the zone " +
			"of the setting statistics_zone. It counts up to a year back, and as far as the audit trail was kept when the " +
			"server first counted. `counted_until` is now; but some minutes ago after thousands of events within minutes, " +
			"and a past day while the servers count a trail that an earlier release has kept, oldest days first.",
	}, func(c *call, in statsCall) (statistics, error) {
		if in.Days == 0 {
			in.Days = 30
		}
		st, err := s.Counting.Count(c.Context(), s.Store, c.asker, in.Days, time.Now())
		out := statistics{
			Active: activeUsers{st.Day, st.Week, st.Month}, SignIns: st.SignIns, Failures: st.Failures,
			Zone: st.Zone, Until: st.Until.UTC(),
			Days: []dayStatistics{}, Weeks: []weekStatistics{}, Months: []monthStatistics{},
		}
		for _, d := range st.Days {
			out.Days = append(out.Days, dayStatistics{d.Day.Format(time.DateOnly), d.Active, d.SignIns, d.Failures})
		}
		for _, w := range st.Weeks {
			out.Weeks = append(out.Weeks, weekStatistics{administration.WeekName(w.First), w.Users})
		}
		for _, m := range st.Months {
			out.Months = append(out.Months, monthStatistics{administration.MonthName(m.First), m.Users})
		}
		return out, err
	})}
}
