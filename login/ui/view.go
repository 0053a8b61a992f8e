package ui

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people/acting"
	"github.com/vouchsafe/vouchsafe/storage"
)

// View is what a template sees.
type View struct {
	Words texts.Words
	pages *Pages

	Path  string // the path of the tenant, which precedes every link
	Brand Brand
	Title string
	Style template.HTML // the stylesheet, where it cannot be linked to
	Form  string        // the token that guard asks for
	// Letter is the sealed authorization request, to carry along, and Client the client that sent
	// it. Empty and nil when the browser came without a request.
	Letter string
	Client *Client
	Cancel string // where the client's request is declined
	// Session is the session that a page of the account is about, and Done what the user has just
	// changed there. Next is the page of the account that a sign-in leads to.
	Session, Done, Next string
	// Locales are the languages that the page was asked for in, to carry along without a letter.
	Locales string
	// Languages are those of the menu, and Here is the page, to which the menu leads back. A page without a menu
	// has none.
	Languages []Language
	Here      string
	Mailbox   string // where mails are shown that no mail server sends, or ""
	Acting    *actingBanner
	Alert     string  // what is wrong with the form
	focused   bool    // Focus has found the field
	refused   Refused // why the page's form was refused, if it was
	// Late says that the client's request began anew, because a page had been open for too long.
	Late bool
	// Upstreams are the upstream providers that the page offers for signing in.
	Upstreams []Upstream
	// Passkey is the page's form for a passkey, or nil.
	Passkey *PasskeyForm
	// Page is the data of this kind of page.
	Page any
}

// Upstream is an upstream provider that a page offers for signing in.
type Upstream struct {
	ID, Name string
	// Mark names the provider's mark among the static files. If it is "", the button has the Initial.
	Mark, Initial string
	Confirms      bool // the user is to confirm who they are
	LastUsed      bool // a user signed in there last in this browser
}

// PasskeyForm is the form that static/passkey.js fills in. It stays hidden where scripts do not
// run, or the browser has no passkeys.
type PasskeyForm struct {
	Action  string // where the answer is posted
	Options string // where the script asks for a challenge
	Button  string // its text
	Fault   string // what to say when nothing came of it
	Exists  string // what to say when the device has a passkey already
	Create  bool   // a new passkey, rather than one that exists
	Unnamed bool   // it gets no name
	// Autofill has the browser offer passkeys in the field for the user's name.
	Autofill bool
	Only     bool // whether the page offers no other proof
	Confirm  bool // whether the user confirms the account that is already signed in
	// Remember says for how long the device can be remembered; "" when it cannot.
	Remember string
}

// T returns the text with the given id.
func (v *View) T(id string, args ...any) (string, error) { return v.Words.Say(id, args...) }

// Lang returns the language of the texts.
func (v *View) Lang() string { return v.Words.Lang() }

// Asset returns the URL of a static file.
func (v *View) Asset(name string) (string, error) {
	hashed, err := v.pages.Asset(name)
	return v.Path + "/static/" + hashed, err
}

// Link returns the URL of one of our pages, with what this page carries along and the parameters
// in query, names and values in turn.
func (v *View) Link(page string, query ...string) string {
	q := url.Values{}
	if v.Letter != "" {
		q.Set("i", v.Letter)
	}
	if v.Locales != "" {
		q.Set("ui_locales", v.Locales)
	}
	if v.Next != "" {
		q.Set("next", v.Next)
	}
	for i := 0; i+1 < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	if len(q) == 0 {
		return v.Path + page
	}
	if strings.Contains(page, "?") {
		return v.Path + page + "&" + q.Encode()
	}
	return v.Path + page + "?" + q.Encode()
}

// Client is a client as users see it. The client's own administrator chooses all of it, so that
// each link is https or "".
type Client struct{ Name, Logo, URI, Policy, Terms string }

// ClientOf returns a client as users see it.
func ClientOf(c *storage.Client, w texts.Words) *Client {
	v := &Client{
		Name: c.ClientName, Logo: SecureURL(c.LogoURI), URI: SecureURL(c.ClientURI),
		Policy: SecureURL(c.PolicyURI), Terms: SecureURL(c.TosURI),
	}
	if v.Name == "" {
		v.Name = c.ClientID
	}
	if v.Name == "" {
		v.Name = w.Must("client.unnamed")
	}
	if o := c.Outside; o != nil && o.Verdict != storage.VerdictAllowed {
		v.Logo = "" // it could be that of another app, and tell its owner of each user
		if u, err := url.Parse(c.ClientID); err == nil && u.Host != "" && c.ClientName != "" {
			v.Name += " (" + u.Host + ")" // others may have chosen the same name
		}
	}
	return v
}

// Refused reports whether the page says what was wrong with its form.
func (v *View) Refused() bool { return v.Alert != "" || v.refused.Status != 0 }

// Focus reports whether the field is the first of the page that was refused. Templates ask in the page's order.
func (v *View) Focus(field string) bool {
	first := !v.focused && v.refused.Faults[field] != ""
	v.focused = v.focused || first
	return first
}

// Typed returns what the user typed into a field before the form was refused, or "".
func (v *View) Typed(field string) string { return v.refused.Typed[field] }

// Show renders a page, the name of a template, and writes it only when all of it is rendered. If the form
// of the page was refused, the status is that of the refusal.
func (p *Pages) Show(w http.ResponseWriter, status int, page string, v *View) error {
	var buf bytes.Buffer
	if err := p.templates.ExecuteTemplate(&buf, page+".html", v); err != nil {
		return fmt.Errorf("render %s: %w", page, err)
	}
	if v.refused.Status != 0 {
		status = v.refused.Status
		if v.refused.Wait > 0 {
			w.Header().Set("Retry-After", web.RetryAfter(v.refused.Wait))
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes()) // an error means that the browser is gone
	return nil
}

// Footer returns the links below the page: those of the tenant, and those of the client whose request
// the page carries.
func (v *View) Footer() []brandLink {
	all := v.Brand.links
	if v.Client != nil {
		for _, l := range []brandLink{{v.Client.Policy, v.Words.Must("client.policy", v.Client.Name)},
			{v.Client.Terms, v.Words.Must("client.tos", v.Client.Name)}} {
			if l.URL != "" {
				all = append(all, l)
			}
		}
	}
	return all
}

// Stamp is a time for users and for programs.
type Stamp struct{ Text, Machine string }

// StampOf returns t in words and as RFC 3339.
func StampOf(w texts.Words, t time.Time) Stamp {
	return Stamp{w.Moment(t), t.UTC().Format(time.RFC3339)}
}

// TimeIn returns the text with the given id, with a time in it that static/page.js shows in the browser's zone.
func (v *View) TimeIn(id string, at Stamp) (template.HTML, error) {
	text, err := v.Words.Say(id, TimePlace)
	return v.WithTime(text, &at), err
}

// TimePlace stands for the time in a text for WithTime.
const TimePlace = "\uFFFC"

// WithTime returns a text with a time in the last TimePlace of it.
func (v *View) WithTime(text string, at *Stamp) template.HTML {
	text = template.HTMLEscapeString(text)
	i := strings.LastIndex(text, TimePlace)
	if i < 0 {
		return template.HTML(text)
	}
	element := fmt.Sprintf("<time datetime=%q>%s</time>", at.Machine, template.HTMLEscapeString(at.Text))
	return template.HTML(text[:i] + element + text[i+len(TimePlace):])
}

// actingBanner is what every page says while an administrator uses the browser as another user.
type actingBanner struct {
	Text  string
	Until Stamp
	End   string // where the form that ends it is posted
}

// bannerOf returns the banner, or nil.
func (v *View) bannerOf(r *http.Request) *actingBanner {
	a := ActingOf(r)
	if a == nil {
		return nil
	}
	who := AccountOfUser(a.User)
	name := who.Login
	if who.Name != "" {
		name = who.Name + " (" + who.Login + ")"
	}
	return &actingBanner{
		Text: v.Words.Must("acting.banner", name), Until: StampOf(v.Words, a.ExpiresAt), End: v.Path + acting.EndPath,
	}
}
