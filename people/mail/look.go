package mail

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants/brand"
)

// look is what mails of a tenant look like. It is sealed with their content, so that the worker, which
// sends the mails of all tenants, cannot confuse them.
type look struct {
	Colours storage.Branding `json:"colours,omitzero"`
	Logo    string           `json:"logo,omitempty"`
	Host    string           `json:"host,omitempty"` // the host of the tenant's pages
	// Text is the tenant's own text of the message; nil for ours or the operator's.
	Text *storage.MailText `json:"text,omitempty"`
}

// lookOf returns the look of a tenant's mails.
func lookOf(t *issuer.Tenant) look {
	b := t.Settings.Branding
	own := look{Logo: t.LogoURI, Colours: storage.Branding{Accent: b.Accent, AccentDark: b.AccentDark,
		Background: b.Background, BackgroundDark: b.BackgroundDark}}
	if u, err := url.Parse(t.Issuer); err == nil {
		own.Host = u.Hostname()
	}
	return own
}

// formats are those of logos that all mail programs show. Gmail and Outlook show no SVG.
var formats = []string{".png", ".jpg", ".jpeg", ".gif"}

// logo returns the URL of the logo for mails, or "" if it is of a format that some mail programs do
// not show. The logo is linked to. An attachment would make this server download a URL that a tenant
// chose, make each mail larger, and be listed as a file beside the mail.
func (l look) logo() string {
	u, err := url.Parse(l.Logo)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil ||
		!slices.Contains(formats, strings.ToLower(path.Ext(u.Path))) {
		return ""
	}
	return u.String()
}

// fillers is how many invisible characters follow the preheader, so that lists of mails do not show what
// comes next, which is often a code.
const fillers = 80

// values returns the values of the layout for a message.
func (l look) values(lang string, msg *Message, values map[string]any) map[string]any {
	tenant, _ := values["Tenant"].(string)
	light, dark := brand.Palettes(l.Colours)
	all := paragraphs(msg.Text, values)
	preheader := ""
	for _, p := range all {
		if p.Code == "" && p.Link == "" {
			preheader = p.Text
			break
		}
	}
	return map[string]any{
		"Lang": lang, "Dir": direction(lang), "Tenant": tenant, "Subject": msg.Subject, "Paragraphs": all,
		"Preheader": preheader, "Filler": fillers, "Light": light, "Dark": dark,
		"Logo": l.logo(), "Initial": brand.Initial(tenant), "Host": l.Host,
	}
}

// direction returns in which direction a language is written, for the attribute dir.
func direction(lang string) string {
	script, _ := language.Make(lang).Script()
	if slices.Contains([]string{"Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm", "Rohg"}, script.String()) {
		return "rtl"
	}
	return "ltr"
}
