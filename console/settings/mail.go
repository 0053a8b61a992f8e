package settings

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// message is a message of the outbox in the list, without its content, which may hold a code.
type message struct {
	ID, To, Template, Error string
	Attempts                string
	Written                 ui.Stamp
	Next, Dead              *ui.Stamp
}

// mailPage is what the list shows.
type mailPage struct {
	List   console.List
	Rows   []message
	Dead   bool // given up, rather than waiting
	May    bool
	Sends  bool // a mail server is set
	Form   console.Form
	Tested bool
	Log    []string // of the test
	Fault  string
}

// mail lists the messages that wait, or were given up.
func (p place) mail(c *console.Call) error { return p.showMail(c, mailPage{}) }

func (p place) showMail(c *console.Call, page mailPage) error {
	page.Dead, page.May, page.Sends = c.FormValue("dead") == "1", c.May(writeMail...), p.TestMail != nil
	list, read := "mail", p.Store.WaitingDeliveries
	if page.Dead {
		list, read = "dead mail", p.Store.DeadDeliveries
	}
	all, next, err := console.Paged(c, list, func(after string, limit int) ([]storage.Delivery, error) {
		return read(c.Context(), c.Tenant().ID, after, limit)
	}, func(d storage.Delivery) string { return d.ID })
	if err != nil {
		return err
	}
	page.List = console.List{Next: next, First: c.First(), Filters: []console.Filter{
		{Anchor: console.Anchor{URL: c.Link(root + "/mail"), Text: c.T("settings.mail_waiting")}, On: !page.Dead},
		{Anchor: console.Anchor{URL: c.Link(root+"/mail", "dead", "1"), Text: c.T("settings.mail_dead")}, On: page.Dead},
	}}
	for _, d := range all {
		row := message{ID: d.ID, To: d.To, Template: d.Template, Error: d.LastError,
			Attempts: c.T("settings.attempts", d.Attempts), Written: ui.StampOf(c.Words, d.CreatedAt)}
		if row.Dead = c.Stamp(d.DeadAt); row.Dead == nil {
			row.Next = c.Stamp(d.NextAt)
		}
		page.Rows = append(page.Rows, row)
	}
	page.Form = c.Form(console.Field{Name: "to", Label: "settings.test_to", Kind: "email", Required: true, Max: 320,
		Value: c.Administrator.User.Email})
	return c.ShowView("mail", view(c, "settings.at.mail"), page)
}

// retry has a message tried again that was given up.
func (p place) retry(c *console.Call) error {
	id := c.Value("id")
	e := c.Asker.Event(storage.Event{Kind: storage.EventMailRetried, Detail: map[string]string{"mail": id}})
	if err := p.Store.ReviveDelivery(c.Context(), c.Tenant().ID, id, time.Now(), e); err != nil {
		return err
	}
	return c.Done(c.To(root+"/mail"), "settings.retried")
}

// askDrop says what is lost with a message that was given up.
func (p place) askDrop(c *console.Call) error {
	return c.Confirm(console.Confirm{
		Title: c.T("settings.drop_ask"), Button: c.T("settings.drop"), Danger: true, Final: true,
		Will:   []string{c.T("settings.drop_will.1"), c.T("settings.drop_will.2")},
		Hidden: map[string]string{"id": c.FormValue("id")}, Back: c.To(root+"/mail", "dead", "1")})
}

// drop deletes a message that was given up.
func (p place) drop(c *console.Call) error {
	id := c.Value("id")
	e := c.Asker.Event(storage.Event{Kind: storage.EventMailDropped, Detail: map[string]string{"mail": id}})
	if err := p.Store.DropDelivery(c.Context(), c.Tenant().ID, id, e); err != nil {
		return err
	}
	return c.Done(c.To(root+"/mail", "dead", "1"), "settings.dropped")
}

// testMail sends a test email, and shows what the mail server answered. Sent again, it would send another email and
// change nothing, so that it needs no redirect.
func (p place) testMail(c *console.Call) error {
	to, err := address.Read(c.Value("to"))
	switch {
	case err != nil:
		return c.Refuse(c.Wrong("to", "settings.test_wrong"), "to")
	case p.TestMail == nil:
		return &console.Refusal{Status: http.StatusConflict, Title: "settings.at.mail", Text: "settings.no_mail_server",
			Back: c.To(root + "/mail")}
	}
	if err := p.People.AllowTestMail(c.Context(), c.Asker); err != nil {
		return err
	}
	page := mailPage{Tested: true}
	err = p.TestMail(c.Context(), c.Tenant(), string(to.Recipient()), func(line string) {
		page.Log = append(page.Log, line)
	})
	if err != nil {
		page.Fault = err.Error()
	}
	return p.showMail(c, page)
}
