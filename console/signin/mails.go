package signin

import (
	"net/http"
	"slices"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/storage"
)

// mailsPage is the preview of messages.
type mailsPage struct {
	Names, Languages []console.Option
	Message          *mail.Message
	HTML             string // the page that shows the message as HTML
	Test             string // the page that sends a test email
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
	m, err = p.Mails.Sample(c.Tenant(), name, lang)
	return name, lang, m, err
}

// mails shows a message as users get it.
func (p place) mails(c *console.Call) error {
	name, lang, m, err := p.sample(c)
	if err != nil {
		return err
	}
	page := mailsPage{Message: m}
	for _, n := range mail.Names() {
		page.Names = append(page.Names, console.Option{Value: n, Text: n, Selected: n == name})
	}
	for _, tag := range texts.Languages() {
		page.Languages = append(page.Languages, console.Option{Value: tag, Text: texts.NameOf(tag), Selected: tag == lang})
	}
	if m.HTML != "" {
		page.HTML = c.Link(root+"/mails/html", "mail", name, "lang", lang)
	}
	if c.Has("/settings/mail") {
		page.Test = c.Link("/settings/mail")
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
	c.W.Header().Set("Content-Security-Policy",
		"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src https:; frame-ancestors 'none'; form-action 'none'")
	c.W.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.W.WriteHeader(http.StatusOK)
	_, err = c.W.Write([]byte(m.HTML))
	return err
}
