package signin

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// mailTextPage is the form of a tenant's own text of a message.
type mailTextPage struct {
	formPage
	Mail, Language, Name string
	Allowed, Required    []string // placeholders
	Either               bool     // one of {code} and {link} is needed
}

// named returns the message and the language that the request names.
func (p place) named(c *console.Call) (name, lang string, err error) {
	name, lang = c.FormValue("mail"), c.FormValue("lang")
	if !slices.Contains(mail.Names(), name) || !slices.Contains(texts.Languages(), lang) {
		return "", "", storage.ErrNotFound
	}
	return name, lang, nil
}

// ownNamed returns the tenant with what is stored of it, and the message and the language that the request names.
func (p place) ownNamed(c *console.Call) (t storage.Tenant, name, lang string, err error) {
	if name, lang, err = p.named(c); err != nil {
		return t, "", "", err
	}
	t, err = p.own(c)
	return t, name, lang, err
}

// mailFields are the fields of a tenant's own text: of the one that is stored, or of ours.
func (p place) mailFields(t storage.Tenant, name, lang string) []console.Field {
	m := storage.MailText{}
	if own := t.Settings.MailText(name, lang); own != nil {
		m = *own
	} else {
		m.Subject, m.Body = p.Mails.OwnText(name, lang)
	}
	subject, body := text("subject", m.Subject), text("body", m.Body)
	subject.Label, subject.Hint, subject.Max, subject.Required = "sign-in.mail_subject", "", 200, true
	body.Label, body.Hint, body.Kind, body.Required = "sign-in.mail_body", "sign-in.mail_body_hint", "textarea", true
	if m.Subject == "" {
		return []console.Field{body}
	}
	return []console.Field{subject, body}
}

// mailPage is the form in which a text is changed.
func (p place) mailPage(c *console.Call) error {
	t, name, lang, err := p.ownNamed(c)
	if err != nil {
		return err
	}
	page := mailTextPage{Mail: name, Language: lang, Name: texts.NameOf(lang)}
	page.Action, page.Preview, page.Declared = c.Link(root+"/mails/edit"), c.Link(root+"/mails/preview"), p.Declared
	page.Form = c.Form(p.mailFields(t, name, lang)...)
	page.Allowed, page.Required = mail.Placeholders(name)
	page.Either = slices.Contains(page.Allowed, "{code}")
	v := c.View("sign-in.mail_edit").BackTo("sign-in.at.mails", root+"/mails", "mail", name, "lang", lang)
	return c.ShowView("mailtext", v, page)
}

// posted returns the text that was posted, with the line ends that are stored.
func posted(c *console.Call, name, lang string) storage.MailText {
	for _, at := range []string{"body", "was.body"} {
		c.PostForm.Set(at, strings.ReplaceAll(c.PostForm.Get(at), "\r\n", "\n"))
	}
	return storage.MailText{Message: name, Language: lang, Subject: c.Value("subject"), Body: c.Value("body")}
}

// with returns the texts with another one, and its place.
func with(all []storage.MailText, m storage.MailText) ([]storage.MailText, int) {
	i := slices.IndexFunc(all, func(o storage.MailText) bool { return o.Message == m.Message && o.Language == m.Language })
	if i < 0 {
		return append(slices.Clone(all), m), len(all)
	}
	all = slices.Clone(all)
	all[i] = m
	return all, i
}

// mailPaths returns the names of the form's fields by the paths of faults of the i-th text.
func mailPaths(i int) map[string]string {
	at := "mails." + strconv.Itoa(i) + "."
	return map[string]string{at + "subject": "subject", at + "body": "body"}
}

// saveMail stores the text, unless another administrator has changed it since the form was shown.
func (p place) saveMail(c *console.Call) error {
	was, name, lang, err := p.ownNamed(c)
	if err != nil {
		return err
	}
	m := posted(c, name, lang)
	if changed := c.ChangedFields(valuesOf(p.mailFields(was, name, lang))); len(changed) > 0 {
		return c.Refuse(changed, "subject", "body")
	}
	all, i := with(was.Settings.Mails, m)
	if err := p.save(c, was, func(d *tenants.Declared) { d.Settings.Mails = all }, ""); err != nil {
		return refuse(c, err, mailPaths(i), "subject", "body")
	}
	return c.Done(c.To(root+"/mails", "mail", name, "lang", lang), "console.saved")
}

// previewMail shows the message with the text that was typed, and stores nothing.
func (p place) previewMail(c *console.Call) error {
	name, lang, err := p.named(c)
	if err != nil {
		return err
	}
	t, err := p.fresh(c)
	if err != nil {
		return err
	}
	m := posted(c, name, lang)
	var faults wrong
	for _, f := range mail.CheckText(m) {
		faults = append(faults, tenants.Fault{Path: "mails.0." + f.Field, Message: f.Message})
	}
	if len(faults) > 0 {
		return refuse(c, faults, mailPaths(0), "subject", "body")
	}
	t.Settings.Mails, _ = with(t.Settings.Mails, m)
	sample, err := p.Mails.Sample(t, name, lang)
	if err != nil {
		return err
	}
	return writeMail(c, sample)
}

// askResetMail says that the text is lost.
func (p place) askResetMail(c *console.Call) error {
	name, lang, err := p.named(c)
	if err != nil {
		return err
	}
	return c.Confirm(console.Confirm{
		Title: c.T("sign-in.mail_reset_ask", name, texts.NameOf(lang)), Button: c.T("sign-in.mail_reset"), Danger: true,
		Final: true, Will: []string{c.T("sign-in.mail_reset_will")}, Hidden: map[string]string{"mail": name, "lang": lang},
		Back: c.To(root+"/mails", "mail", name, "lang", lang)})
}

// resetMail goes back to our text, or to that of the operator's files.
func (p place) resetMail(c *console.Call) error {
	was, name, lang, err := p.ownNamed(c)
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(was.Settings.Mails), func(m storage.MailText) bool {
		return m.Message == name && m.Language == lang
	})
	if err := p.save(c, was, func(d *tenants.Declared) { d.Settings.Mails = left }, ""); err != nil {
		return err
	}
	return c.Done(c.To(root+"/mails", "mail", name, "lang", lang), "sign-in.mail_was_reset")
}

// testMail sends the message with samples to the administrator's own verified address, by the outbox.
func (p place) testMail(c *console.Call) error {
	name, lang, err := p.named(c)
	if err != nil {
		return err
	}
	back, u := c.To(root+"/mails", "mail", name, "lang", lang), c.Administrator.User
	if !u.EmailVerified || !p.People.Mail.Sends() {
		return &console.Refusal{Status: http.StatusConflict, Title: "sign-in.mail_test", Text: "sign-in.mail_no_test",
			Back: back}
	}
	if err := p.People.AllowTestMail(c.Context(), c.Asker); err != nil {
		return err
	}
	t, err := p.fresh(c)
	if err != nil {
		return err
	}
	m, err := p.People.Mail.Compose(t, people.RecipientOf(u), lang, name, mail.SampleValues(name))
	if err != nil {
		return err
	}
	err = p.People.Store.Apply(c.Context(), storage.Change{TenantID: t.ID, Now: time.Now(),
		Deliveries: []storage.Delivery{m}})
	if err != nil {
		return err
	}
	p.People.Mail.Stored()
	return c.Done(back, "sign-in.mail_tested", u.Email)
}
