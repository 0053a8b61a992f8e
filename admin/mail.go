package admin

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// message is a message of the outbox as the API shows one: without its content, which may hold a code.
type message struct {
	ID        string     `json:"id" doc:"The id; an email has it as its Message-ID."`
	Channel   string     `json:"channel" doc:"mail or sms."`
	To        string     `json:"to" doc:"The address or the number."`
	Template  string     `json:"template" doc:"What kind of message it is."`
	CreatedAt time.Time  `json:"created_at" doc:"When it was written."`
	NextAt    *time.Time `json:"next_at,omitempty" doc:"When a server tries to send it next."`
	DeadAt    *time.Time `json:"dead_at,omitempty" doc:"When it was given up."`
	Attempts  int        `json:"attempts" doc:"How often a server has tried to send it."`
	Error     string     `json:"error,omitempty" doc:"Why the last attempt failed."`
}

func showMessage(d storage.Delivery) (message, error) {
	m := message{ID: d.ID, Channel: d.Channel, To: d.To, Template: d.Template, CreatedAt: d.CreatedAt,
		Attempts: d.Attempts, Error: d.LastError}
	if m.Channel == "" {
		m.Channel = storage.ChannelMail
	}
	if d.DeadAt.IsZero() {
		m.NextAt = &d.NextAt
	} else {
		m.DeadAt = &d.DeadAt
	}
	return m, nil
}

func (s *Server) mailRoutes() []jsonapi.Route {
	list := func(path, id, summary string, read func(c *call, after string, limit int) ([]storage.Delivery, error),
	) jsonapi.Route {
		return handle(s, jsonapi.Operation{
			Method: http.MethodGet, Path: path, ID: id, Scope: "mail:read", Summary: summary,
		}, func(c *call, in pageFields) (jsonapi.Page[message], error) {
			return page(s, c, in, path, func(after string, limit int) ([]storage.Delivery, error) {
				return read(c, after, limit)
			}, func(d storage.Delivery) string { return d.ID }, showMessage)
		})
	}
	return []jsonapi.Route{
		list("/mail/waiting", "listWaiting", "Lists the messages that wait to be sent, oldest first.",
			func(c *call, after string, limit int) ([]storage.Delivery, error) {
				return s.Store.WaitingDeliveries(c.Context(), c.asker.Tenant.ID, after, limit)
			}),
		list("/mail/dead", "listDead", "Lists the messages that were given up, and why.",
			func(c *call, after string, limit int) ([]storage.Delivery, error) {
				return s.Store.DeadDeliveries(c.Context(), c.asker.Tenant.ID, after, limit)
			}),
		s.retryMail(), s.dropMail(), s.testMail(),
	}
}

// ofMail is the input of an operation about one message.
type ofMail struct {
	Mail string `path:"mail" max:"64" doc:"The message's id."`
}

func (s *Server) retryMail() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/mail/dead/{mail}:retry", ID: "retryMail", Scope: "mail:write",
		Summary: "Has a message that was given up tried again.",
	}, func(c *call, in ofMail) (jsonapi.None, error) {
		e := c.asker.Event(storage.Event{Kind: storage.EventMailRetried, Detail: map[string]string{"mail": in.Mail}})
		return jsonapi.None{}, s.Store.ReviveDelivery(c.Context(), c.asker.Tenant.ID, in.Mail, time.Now(), e)
	})
}

func (s *Server) dropMail() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/mail/dead/{mail}", ID: "dropMail", Scope: "mail:write",
		Summary: "Deletes a message that was given up.",
	}, func(c *call, in ofMail) (jsonapi.None, error) {
		e := c.asker.Event(storage.Event{Kind: storage.EventMailDropped, Detail: map[string]string{"mail": in.Mail}})
		return jsonapi.None{}, s.Store.DropDelivery(c.Context(), c.asker.Tenant.ID, in.Mail, e)
	})
}

// testMailCall is the input of POST /mail:test.
type testMailCall struct {
	To string `json:"to" need:"true" max:"320" doc:"The address to which the email goes."`
}

// testedMail says how the mail server took a test.
type testedMail struct {
	Accepted bool     `json:"accepted" doc:"The mail server took the email."`
	Error    string   `json:"error,omitempty" doc:"Why it did not."`
	Log      []string `json:"log" doc:"The conversation with the mail server, without passwords."`
}

func (s *Server) testMail() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/mail:test", ID: "testMail", Scope: "mail:write",
		Summary: "Sends a test email at once, and says what the mail server answers.",
		Problems: []jsonapi.Outcome{wrongFields, notJSON, tooLarge,
			{Status: http.StatusConflict, Code: "not_offered", When: "no mail server is set."}},
	}, func(c *call, in testMailCall) (out testedMail, err error) {
		to, err := address.Read(in.To)
		switch {
		case err != nil:
			return out, invalid(jsonapi.FieldFault("to", "invalid", "This isn't an email address."))
		case s.TestMail == nil:
			return out, &jsonapi.Problem{Status: http.StatusConflict, Code: "not_offered",
				Detail: "No mail server is set."}
		}
		if err := s.People.AllowTestMail(c.Context(), c.asker); err != nil {
			return out, err
		}
		out.Log = []string{}
		err = s.TestMail(c.Context(), c.asker.Tenant, string(to.Recipient()), func(line string) {
			out.Log = append(out.Log, line)
		})
		if out.Accepted = err == nil; !out.Accepted {
			out.Error = sentence(err)
		}
		return out, nil
	})
}
