package signin

import (
	"net/http"
	"slices"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/storage"
)

// mailsPage is the preview of messages.
type mailsPage struct {
	Names, Languages []console.Option
	Message          *mail.Message
	HTML             string // the page that shows the message as HTML
	Mail, Language   string
	Own              bool // the tenant's own text
	May              bool // change it
	SMS              bool
	Test             string // where a test goes; "" for nowhere
}

// sample returns the message that the request names, with samples in it; the first one if it names none.
func (p place) sample(c *console.Call) (name, lang string, m *mail.Message, err error) {
	name, lang = c.FormValue("mail"), c.FormValue("lang")
	if !slices.Contains(mail.Names(), name) {
		name = mail.Names()[0]
	}
	if !slices.Contains(texts.Languages(), lang) {
		lang = c.Words.Lang()
	}
	t, err := p.fresh(c)
	if err != nil {
		return name, lang, nil, err
	}
	m, err = p.Mails.Sample(t, name, lang)
	return name, lang, m, err
}

// fresh returns the tenant as it is stored: that of the request may be a second old.
func (p place) fresh(c *console.Call) (*issuer.Tenant, error) {
	record, err := p.own(c)
	now := *c.Tenant()
	now.Tenant = record
	return &now, err
}

// mails shows a message as users get it.
func (p place) mails(c *console.Call) error {
	name, lang, m, err := p.sample(c)
	if err != nil {
		return err
	}
	t, err := p.own(c)
	if err != nil {
		return err
	}
	page := mailsPage{Message: m, Mail: name, Language: lang, May: c.May(write...), SMS: m.Subject == "",
		Own: t.Settings.MailText(name, lang) != nil}
	for _, n := range mail.Names() {
		page.Names = append(page.Names, console.Option{Value: n, Text: n, Selected: n == name})
	}
	for _, tag := range texts.Languages() {
		page.Languages = append(page.Languages, console.Option{Value: tag, Text: texts.NameOf(tag), Selected: tag == lang})
	}
	if m.HTML != "" {
		page.HTML = c.Link(root+"/mails/html", "mail", name, "lang", lang)
	}
	if u := c.Administrator.User; page.May && !page.SMS && u.EmailVerified && p.People.Mail.Sends() {
		page.Test = u.Email
	}
	return c.ShowView("mails", c.View("sign-in.at.mails").BackTo("place.sign-in", root), page)
}

// mailHTML writes the HTML of a message as a document of its own, in which no script runs and no form is sent.
func (p place) mailHTML(c *console.Call) error {
	_, _, m, err := p.sample(c)
	if err != nil {
		return err
	}
	if m.HTML == "" {
		return storage.ErrNotFound
	}
	return writeMail(c, m)
}

// writeMail writes a message as a document of its own; one without HTML as text.
func writeMail(c *console.Call, m *mail.Message) error {
	if m.HTML == "" {
		c.W.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
		c.W.Header().Set("Content-Type", "text/plain; charset=utf-8")
		c.W.WriteHeader(http.StatusOK)
		_, err := c.W.Write([]byte(m.Text))
		return err
	}
	c.W.Header().Set("Content-Security-Policy",
		"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src https:; frame-ancestors 'none'; form-action 'none'")
	c.W.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.W.WriteHeader(http.StatusOK)
	_, err := c.W.Write([]byte(m.HTML))
	return err
}
