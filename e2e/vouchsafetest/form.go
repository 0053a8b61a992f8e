package vouchsafetest

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Form is a form of a page.
type Form struct {
	Action string // an absolute URL
	Method string
	Fields url.Values // as the browser would send them, without buttons
	Types  map[string]string
	// Buttons are the buttons that submit the form, in order.
	Buttons []Button
}

// Button is a button that submits a form.
type Button struct{ Name, Value, Text, Action string }

// Document returns the page as a tree.
func (p *Page) Document(t testing.TB) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(p.Body))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// Text returns the text that a user reads on the page.
func (p *Page) Text(t testing.TB) string {
	t.Helper()
	return text(p.Document(t))
}

// text returns the text below a node.
func text(n *html.Node) string {
	var words []string
	for d := range n.Descendants() {
		if d.Type == html.TextNode &&
			(d.Parent == nil || !slices.Contains([]string{"script", "style", "title"}, d.Parent.Data)) {
			words = append(words, strings.Fields(d.Data)...)
		}
	}
	return strings.Join(words, " ")
}

// Forms returns the forms of the page, in order. The menu of languages, which is on every page, is left out.
func (p *Page) Forms(t testing.TB) []Form {
	t.Helper()
	var forms []Form
	for n := range p.Document(t).Descendants() {
		if n.Type == html.ElementNode && n.Data == "form" {
			if f := p.form(t, n); !strings.HasSuffix(f.Action, "/language") {
				forms = append(forms, f)
			}
		}
	}
	return forms
}

func (p *Page) form(t testing.TB, n *html.Node) Form {
	t.Helper()
	f := Form{Method: strings.ToUpper(attr(n, "method")), Fields: url.Values{}, Types: map[string]string{},
		Action: p.absolute(t, attr(n, "action"))}
	for e := range n.Descendants() {
		if e.Type != html.ElementNode {
			continue
		}
		name, value, kind := attr(e, "name"), attr(e, "value"), attr(e, "type")
		switch e.Data {
		case "button":
			if kind == "" || kind == "submit" {
				b := Button{Name: name, Value: value, Text: text(e)}
				if a := attr(e, "formaction"); a != "" {
					b.Action = p.absolute(t, a)
				}
				f.Buttons = append(f.Buttons, b)
			}
		case "input":
			switch kind {
			case "submit":
				f.Buttons = append(f.Buttons, Button{Name: name, Value: value, Text: value})
			case "checkbox", "radio":
				if has(e, "checked") && name != "" {
					f.Fields.Add(name, value)
				}
			default:
				if name != "" {
					f.Fields.Add(name, value)
					f.Types[name] = kind
				}
			}
		}
	}
	return f
}

func (p *Page) absolute(t testing.TB, ref string) string {
	t.Helper()
	u, err := p.URL.Parse(ref)
	if err != nil {
		t.Fatal(err)
	}
	return u.String()
}

// password returns the name of the field for a password, or "".
func (f *Form) password() string {
	for name, kind := range f.Types {
		if kind == "password" {
			return name
		}
	}
	return ""
}

// asksName reports whether the form is that of the sign-in's first page.
func (f *Form) asksName() bool {
	return f.password() == "" && f.Types["login"] != "" && strings.HasSuffix(f.Action, "/login")
}

// name returns the name of the field for an e-mail address or user name, or "".
func (f *Form) name() string {
	for name, kind := range f.Types {
		if slices.Contains([]string{"", "text", "email"}, kind) {
			return name
		}
	}
	return ""
}

// Submit presses the form's button. nil stands for Enter.
func (b *Browser) Submit(t testing.TB, f Form, button *Button) *Page {
	t.Helper()
	action := f.Action
	fields := url.Values{}
	for k, v := range f.Fields {
		fields[k] = v
	}
	if button != nil {
		if button.Name != "" {
			fields.Set(button.Name, button.Value)
		}
		if button.Action != "" {
			action = button.Action
		}
	}
	if f.Method == "POST" {
		return b.Post(t, action, fields)
	}
	u, err := url.Parse(action)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = fields.Encode()
	return b.Get(t, u.String())
}

// attr returns the value of an attribute, "" for none.
func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// has reports whether a node has the attribute, with whatever value.
func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// Visitor is a browser without scripts that goes wherever it is sent: to an app, from there to the
// issuer, where it signs in as its user, and back.
type Visitor struct {
	Browser
	// Answered are the paths of the issuer's pages that it answered last.
	Answered []string
}

// GavePassword reports whether the issuer asked for the password, as it does when the session has
// ended.
func (v *Visitor) GavePassword() bool { return slices.Contains(v.Answered, "/login") }

// Visitor returns a new browser that the user uses.
func (s *Server) Visitor(t testing.TB, p Person) *Visitor {
	t.Helper()
	v := &Visitor{Browser: *s.Browser(t, p)}
	v.roams = true
	transport := v.client.Transport.(patient).Transport
	issuer, atIssuer := v.issuer().Host, transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == issuer {
			return atIssuer(ctx, network, address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	return v
}

// Open opens a URL and returns the page of another site than the issuer's at which the browser
// arrives. It answers pages of the issuer on the way.
func (v *Visitor) Open(t testing.TB, target string) *Page {
	t.Helper()
	return v.arrive(t, v.Get(t, target))
}

// Press presses the button with that text, and goes on as Open does.
func (v *Visitor) Press(t testing.TB, page *Page, button string) *Page {
	t.Helper()
	for _, f := range page.Forms(t) {
		for _, b := range f.Buttons {
			if strings.TrimSpace(b.Text) == button {
				return v.arrive(t, v.from(page).Submit(t, f, &b))
			}
		}
	}
	t.Fatalf("%s has no button %q: %d\n%s", page.URL, button, page.Status, page.Body)
	return nil
}

// from returns the browser as it shows the page, because the headers of a form name its origin.
func (v *Visitor) from(page *Page) *Browser {
	b := v.Browser
	b.at = page.URL
	return &b
}

// arrive answers the issuer's pages, and posts the forms that a script would post (response mode
// form_post), until the browser is at another site.
func (v *Visitor) arrive(t testing.TB, page *Page) *Page {
	t.Helper()
	v.Answered = nil
	for range maxPages {
		if !v.ofIssuer(page.URL) {
			return page
		}
		next := v.posted(t, page)
		if next == nil {
			next = v.step(t, page)
		}
		if next == nil {
			t.Fatalf("the visitor stays at %s: %d\n%s", page.URL, page.Status, page.Text(t))
		}
		v.Answered = append(v.Answered, page.URL.Path)
		page = next
	}
	t.Fatalf("no end to the pages of the issuer: the visitor is at %s", page.URL)
	return nil
}

// posted posts a form that leads to another site. It returns nil if the page has none.
func (v *Visitor) posted(t testing.TB, page *Page) *Page {
	t.Helper()
	for _, f := range page.Forms(t) {
		if action, err := url.Parse(f.Action); err == nil && f.Method == http.MethodPost && !v.ofIssuer(action) {
			return v.from(page).PostFrom(t, v.Server.Origin(), f.Action, f.Fields)
		}
	}
	return nil
}

func (b *Browser) ofIssuer(u *url.URL) bool { return u.Scheme+"://"+u.Host == b.Server.Origin() }
