package admin

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/backchannel"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/webhooks"
	"github.com/vouchsafe/vouchsafe/storage"
)

// webhookFields are what administrators say of a webhook.
type webhookFields struct {
	URL         string   `json:"url" need:"true" max:"2048" doc:"Where events are posted to, by https." example:"https://app.example/events"`
	Description string   `json:"description,omitempty" max:"500" doc:"What it is for."`
	Kinds       []string `json:"kinds,omitempty" max:"64" items:"100" doc:"The kinds of events; login.* stands for all that begin so. All when left out."`
	Disabled    bool     `json:"disabled,omitempty" doc:"It is told of nothing, and what waits goes on waiting."`
}

// shownWebhook is a webhook as the API shows one.
type shownWebhook struct {
	ID string `json:"id" doc:"The id."`
	webhookFields
	Secret string        `json:"secret,omitempty" doc:"The secret that signs what is sent. It is shown once."`
	Status webhookStatus `json:"status" doc:"What is computed."`
	answered
}

// webhookStatus is what is computed about a webhook.
type webhookStatus struct {
	CreatedAt    time.Time  `json:"created_at" doc:"When it was added."`
	UpdatedAt    time.Time  `json:"updated_at" doc:"When it was changed."`
	FailingSince *time.Time `json:"failing_since,omitempty" doc:"Since when every attempt fails."`
	PublicKeys   []string   `json:"public_keys,omitempty" doc:"The public keys that verify what is sent (v1a): the present one first."`
}

// said returns what the fields say.
func (f webhookFields) said() webhooks.Said { return webhooks.Said(f) }

func (s *Server) showWebhook(w storage.Webhook) (out shownWebhook, err error) {
	out = shownWebhook{ID: w.ID, webhookFields: webhookFields{w.URL, w.Description, w.Kinds, w.Disabled},
		Status: webhookStatus{CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt}}
	if !w.FailingSince.IsZero() {
		out.Status.FailingSince = &w.FailingSince
	}
	if out.Status.PublicKeys, err = webhooks.PublicKeys(s.Secrets, w, time.Now()); err != nil {
		return out, err
	}
	out.tag, err = jsonapi.TagOf(w.UpdatedAt)
	return out, err
}

// ofWebhook is the input of an operation about one webhook.
type ofWebhook struct {
	Webhook string `path:"webhook" max:"64" doc:"The webhook's id."`
}

// putWebhookCall is the input of PUT /webhooks/{webhook}.
type putWebhookCall struct {
	ofWebhook
	jsonapi.Condition
	webhookFields
}

func (s *Server) webhookRoutes() []jsonapi.Route {
	return []jsonapi.Route{s.listWebhooks(), s.addWebhook(), s.getWebhook(), s.putWebhook(), s.removeWebhook(),
		s.rotateWebhook(), s.testWebhook(), s.listWebhookDeliveries(), s.replayWebhook()}
}

func (s *Server) listWebhooks() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/webhooks", ID: "listWebhooks", Scope: "webhooks:read",
		Summary: "Lists the addresses that are told of events.",
	}, func(c *call, in pageFields) (jsonapi.Page[shownWebhook], error) {
		return page(s, c, in, "webhooks", func(after string, limit int) ([]storage.Webhook, error) {
			return s.Store.Webhooks(c.Context(), c.asker.Tenant.ID, after, limit)
		}, func(w storage.Webhook) string { return w.ID }, s.showWebhook)
	})
}

// managed returns the problem that an error of a use case is.
func managed(err error) error {
	switch {
	case errors.Is(err, webhooks.ErrAddress):
		return invalid(jsonapi.FieldFault("url", "invalid", "Enter an https address."))
	case errors.Is(err, webhooks.ErrKind):
		return invalid(jsonapi.FieldFault("kinds", "invalid", "There are no events of such a kind."))
	case errors.Is(err, webhooks.ErrTooMany):
		return &jsonapi.Problem{Status: http.StatusConflict, Code: "too_many", Detail: "The tenant has 50 webhooks."}
	}
	return err
}

// tooManyWebhooks is the outcome of webhooks.ErrTooMany.
var tooManyWebhooks = jsonapi.Outcome{
	Status: http.StatusConflict, Code: "too_many", When: "the tenant has 50 webhooks.",
}

// manager returns the use cases of the caller.
func (s *Server) manager(c *call) *webhooks.Manager {
	return &webhooks.Manager{Store: s.Store, Secrets: s.Secrets, Reach: s.Webhooks.Sender.Reach, Wake: s.Webhooks.Wake,
		Event: c.asker.Event}
}

func (s *Server) addWebhook() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/webhooks", ID: "addWebhook", Scope: "webhooks:write", Status: http.StatusCreated,
		Summary: "Adds an address that is told of events from now on, and shows its secret this once.",
		Problems: []jsonapi.Outcome{wrongFields, notJSON, tooLarge,
			tooManyWebhooks},
	}, func(c *call, in webhookFields) (out shownWebhook, err error) {
		w, shown, err := s.manager(c).Add(c.Context(), c.asker.Tenant.ID, in.said())
		if err != nil {
			return out, managed(err)
		}
		out, err = s.showWebhook(w)
		out.Secret, out.made = shown, c.asker.Tenant.URL(Prefix+"/webhooks/"+w.ID)
		return out, err
	})
}

func (s *Server) getWebhook() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/webhooks/{webhook}", ID: "getWebhook", Scope: "webhooks:read",
		Summary: "Returns a webhook, without its secret.",
	}, func(c *call, in ofWebhook) (out shownWebhook, err error) {
		w, err := s.Store.Webhook(c.Context(), c.asker.Tenant.ID, in.Webhook)
		if err != nil {
			return out, err
		}
		return s.showWebhook(w)
	})
}

func (s *Server) putWebhook() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPut, Path: "/webhooks/{webhook}", ID: "putWebhook", Scope: "webhooks:write",
		Summary: "Replaces what is said of a webhook. Its secret stays.", Text: "What is left out gets its default.",
		Problems: []jsonapi.Outcome{wrongFields, moved, notJSON, tooLarge},
	}, func(c *call, in putWebhookCall) (out shownWebhook, err error) {
		w, err := s.Store.Webhook(c.Context(), c.asker.Tenant.ID, in.Webhook)
		if err == nil {
			err = in.Condition.CheckTag(jsonapi.TagOf(w.UpdatedAt))
		}
		if err != nil {
			return out, err
		}
		if w, err = s.manager(c).Change(c.Context(), w, in.said()); err != nil {
			return out, managed(err)
		}
		return s.showWebhook(w)
	})
}

func (s *Server) removeWebhook() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/webhooks/{webhook}", ID: "removeWebhook", Scope: "webhooks:write",
		Summary: "Removes a webhook with what waits to be sent there.",
	}, func(c *call, in ofWebhook) (jsonapi.None, error) {
		return jsonapi.None{}, s.manager(c).Remove(c.Context(), c.asker.Tenant.ID, in.Webhook)
	})
}

func (s *Server) rotateWebhook() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/webhooks/{webhook}:rotate", ID: "rotateWebhook", Scope: "webhooks:write",
		Summary:  "Gives a webhook a new secret, and shows it this once.",
		Text:     "For 24 hours the one before signs, too. One from before that signs no more.",
		Problems: []jsonapi.Outcome{moved},
	}, func(c *call, in ofWebhook) (out shownWebhook, err error) {
		w, err := s.Store.Webhook(c.Context(), c.asker.Tenant.ID, in.Webhook)
		if err != nil {
			return out, err
		}
		w, shown, err := s.manager(c).Rotate(c.Context(), w)
		if err != nil {
			return out, err
		}
		out, err = s.showWebhook(w)
		out.Secret = shown
		return out, err
	})
}

// attempt is how an attempt to tell a webhook ended.
type attempt struct {
	Accepted bool   `json:"accepted" doc:"The webhook answered with a status from 200 to 299."`
	Status   int    `json:"status,omitempty" doc:"The status of the answer."`
	Took     int64  `json:"took" doc:"How long it took, in milliseconds."`
	Answer   string `json:"answer,omitempty" doc:"The first kilobyte of the answer, or why there was none."`
}

func (s *Server) testWebhook() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/webhooks/{webhook}:test", ID: "testWebhook", Scope: "webhooks:write",
		Summary: "Sends an event of the type test at once, and says what the webhook answers.",
	}, func(c *call, in ofWebhook) (out attempt, err error) {
		w, err := s.Store.Webhook(c.Context(), c.asker.Tenant.ID, in.Webhook)
		if err != nil {
			return out, err
		}
		r := s.Webhooks.Sender.Test(c.Context(), w)
		return attempt{r.Accepted(), r.Status, r.Took.Milliseconds(), r.Answer}, nil
	})
}

// webhookDelivery is a delivery as the API shows one.
type webhookDelivery struct {
	Event string `json:"event" doc:"The event's id: the header webhook-id."`
	Kind  string `json:"kind" doc:"The kind of the event."`
	tries
}

// tries is how it stands with what is sent to an app, as the API shows it.
type tries struct {
	State     string     `json:"state" enum:"waiting,delivered,dead" doc:"dead: it was given up."`
	CreatedAt time.Time  `json:"created_at" doc:"When it began to wait."`
	NextAt    *time.Time `json:"next_at,omitempty" doc:"When it is tried next; not there while it waits behind an earlier one."`
	DoneAt    *time.Time `json:"done_at,omitempty" doc:"When it was taken or given up."`
	Attempts  int        `json:"attempts" doc:"How often it was tried."`
	Last      *attempt   `json:"last,omitempty" doc:"How the last attempt ended."`
}

func showDelivery(d storage.WebhookDelivery) webhookDelivery {
	return webhookDelivery{d.EventID, d.Kind, showTries(d.Tries)}
}

// showTries returns how it stands with what is sent to an app, as the API shows it.
func showTries(d storage.Tries) tries {
	out := tries{State: d.State(), CreatedAt: d.CreatedAt, Attempts: d.Attempts}
	if !d.DoneAt.IsZero() {
		out.DoneAt = &d.DoneAt
	} else if !d.NextAt.IsZero() {
		out.NextAt = &d.NextAt
	}
	if d.Status != 0 || d.Answer != "" {
		r := webhooks.Result{Status: d.Status, Took: d.Took, Answer: d.Answer}
		out.Last = &attempt{r.Accepted(), r.Status, r.Took.Milliseconds(), r.Answer}
	}
	return out
}

// deliveriesCall is the input of GET /webhooks/{webhook}/deliveries.
type deliveriesCall struct {
	ofWebhook
	pageFields
	State string   `query:"state" enum:"waiting,delivered,dead" doc:"Only those in this state."`
	Event string   `query:"event" max:"64" doc:"Only that of the event with this id."`
	Kinds []string `query:"kind" max:"64" items:"20" doc:"Only events of these kinds; login.* stands for all that begin so."`
}

func (s *Server) listWebhookDeliveries() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/webhooks/{webhook}/deliveries", ID: "listWebhookDeliveries", Scope: "webhooks:read",
		Summary: "Lists what waits, was delivered and was given up, newest first.",
		Text: "What is done is kept for 30 days. A page with a filter may have fewer entries than there are, and " +
			"`next` leads to more.",
	}, func(c *call, in deliveriesCall) (out jsonapi.Page[webhookDelivery], err error) {
		f := webhooks.Filter{State: in.State, Event: in.Event, Kinds: in.Kinds}
		list := strings.Join(append([]string{"deliveries", in.Webhook, f.State, f.Event}, f.Kinds...), "\x00")
		before, err := jsonapi.OpenCursor[int64](s.cursors(c), list, in.After)
		if err == nil {
			_, err = s.Store.Webhook(c.Context(), c.asker.Tenant.ID, in.Webhook)
		}
		if err != nil {
			return out, err
		}
		found, next, err := webhooks.Log(c.Context(), s.Store, c.asker.Tenant.ID, in.Webhook, before, in.most(), f)
		if err != nil {
			return out, err
		}
		for _, d := range found {
			out.Items = append(out.Items, showDelivery(d))
		}
		if next != 0 {
			out.Next, err = jsonapi.SealCursor(s.cursors(c), list, next)
		}
		return out, err
	})
}

// replayCall is the input of POST /webhooks/{webhook}:replay.
type replayCall struct {
	ofWebhook
	Event string     `json:"event,omitempty" max:"64" doc:"The id of an event; or since is there."`
	Since *time.Time `json:"since,omitempty" doc:"All events that began to wait since then; or event is there."`
	Until *time.Time `json:"until,omitempty" doc:"None that began to wait later; the present moment when left out."`
}

// replayed says how many deliveries are sent again.
type replayed struct {
	Count int64 `json:"count" doc:"How many are sent again."`
}

func (s *Server) replayWebhook() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/webhooks/{webhook}:replay", ID: "replayWebhook", Scope: "webhooks:write",
		Summary: "Sends events again that were delivered or given up.", Text: "They keep their ids.",
		Problems: []jsonapi.Outcome{wrongFields, notJSON, tooLarge},
	}, func(c *call, in replayCall) (out replayed, err error) {
		now := time.Now()
		if (in.Event == "") == (in.Since == nil) {
			return out, invalid(jsonapi.FieldFault("event", "invalid", "Send either event or since."))
		}
		w, err := s.Store.Webhook(c.Context(), c.asker.Tenant.ID, in.Webhook)
		if err != nil {
			return out, err
		}
		since, until := *orZero(in.Since), now
		if in.Until != nil {
			until = *in.Until
		}
		out.Count, err = s.manager(c).Replay(c.Context(), w, in.Event, since, until)
		return out, err
	})
}

func (s *Server) logoutRoutes() []jsonapi.Route {
	return []jsonapi.Route{s.listLogouts(), s.replayLogouts()}
}

// logout is the end of a session of which a client is told, as the API shows it.
type logout struct {
	Session string    `json:"session" doc:"The session's id."`
	User    string    `json:"user" doc:"The id of its user."`
	EndedAt time.Time `json:"ended_at" doc:"When the session ended."`
	tries
}

// logoutsCall is the input of GET /clients/{client}/logouts.
type logoutsCall struct {
	ofClient
	pageFields
	State   string `query:"state" enum:"waiting,delivered,dead" doc:"Only those in this state."`
	Session string `query:"session" max:"64" doc:"Only that of the session with this id."`
}

// ofCaller names the client of an operation, at the caller's tenant.
func (in ofClient) ofCaller(c *call) storage.ClientOf {
	return storage.ClientOf{TenantID: c.asker.Tenant.ID, ClientID: in.Client}
}

func (s *Server) listLogouts() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/clients/{client}/logouts", ID: "listLogouts", Scope: "clients:read",
		Summary: "Lists the ends of sessions of which the client was told at its backchannel_logout_uri, or is to be told, " +
			"newest first.",
		Text: "They are kept for 30 days. A page with a filter may have fewer entries than there are, and `next` leads " +
			"to more.",
	}, func(c *call, in logoutsCall) (out jsonapi.Page[logout], err error) {
		f := backchannel.Filter{State: in.State, Session: in.Session}
		list := strings.Join([]string{"logouts", in.Client, f.State, f.Session}, "\x00")
		from, err := jsonapi.OpenCursor[storage.LogoutPlace](s.cursors(c), list, in.After)
		if err == nil {
			_, err = s.Store.Client(c.Context(), c.asker.Tenant.ID, in.Client)
		}
		if err != nil {
			return out, err
		}
		found, next, err := backchannel.Log(c.Context(), s.Store, in.ofCaller(c), from, in.most(), f)
		if err != nil {
			return out, err
		}
		for _, l := range found {
			out.Items = append(out.Items, logout{l.SessionID, l.UserID, l.EndedAt, showTries(l.Tries)})
		}
		if next != (storage.LogoutPlace{}) {
			out.Next, err = jsonapi.SealCursor(s.cursors(c), list, next)
		}
		return out, err
	})
}

// replayLogoutsCall is the input of POST /clients/{client}/logouts:replay.
type replayLogoutsCall struct {
	ofClient
	Session string     `json:"session,omitempty" max:"64" doc:"The id of a session; or since is there."`
	Since   *time.Time `json:"since,omitempty" doc:"All sessions that ended since then; or session is there."`
	Until   *time.Time `json:"until,omitempty" doc:"None that ended later; the present moment when left out."`
}

func (s *Server) replayLogouts() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/clients/{client}/logouts:replay", ID: "replayLogouts", Scope: "clients:write",
		Summary:  "Tells the client again of sessions that have ended.",
		Problems: []jsonapi.Outcome{wrongFields, notJSON, tooLarge},
	}, func(c *call, in replayLogoutsCall) (out replayed, err error) {
		now := time.Now()
		if (in.Session == "") == (in.Since == nil) {
			return out, invalid(jsonapi.FieldFault("session", "invalid", "Send either session or since."))
		}
		if _, err := s.Store.Client(c.Context(), c.asker.Tenant.ID, in.Client); err != nil {
			return out, err
		}
		since, until := *orZero(in.Since), now
		if in.Until != nil {
			until = *in.Until
		}
		out.Count, err = backchannel.Replay(c.Context(), s.Store, in.ofCaller(c), in.Session, since, until, c.asker.Event)
		return out, err
	})
}
