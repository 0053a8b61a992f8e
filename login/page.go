package login

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/storage"
)

//go:embed templates
var templateFiles embed.FS

// parseTemplates parses the pages, one template for each file. Those of layout.html are
// shared by them.
func parseTemplates() (*template.Template, error) {
	return template.ParseFS(templateFiles, "templates/*.html")
}

// view is what a template sees.
type view struct {
	words  texts.Words
	server *Server
	tenant *web.Tenant

	Path  string // the tenant's, before every link
	Brand brandView
	Title string
	Style template.HTML // the stylesheet, where it cannot be linked to
	Form  string        // the token that guard asks for
	// Letter is the sealed request, to carry along; Client who asks in it. Empty and nil
	// when nobody does.
	Letter string
	Client *clientView
	Cancel string // where the client's request is declined
	// Session is the session that the page is about, and Done what was just changed: on
	// pages of the account. Next is the one that a sign-in leads to.
	Session, Done, Next string
	// Locales are those that the page was asked for in, to carry along without a letter.
	Locales string
	Alert   string // what went wrong with the form
	// Late says that the client's request began anew, because a page had been open for too long.
	Late    bool
	without string // a provider that is not to be offered
	// Passkey is the page's form for one, or nil.
	Passkey *passkeyForm
	// Page is the page's own.
	Page any
}

// T is the text with the given id.
func (v *view) T(id string, args ...any) (string, error) { return v.words.Say(id, args...) }

// Lang is the language of the texts.
func (v *view) Lang() string { return v.words["lang"] }

// Asset is the URL of a static file.
func (v *view) Asset(name string) (string, error) {
	hashed, ok := v.server.static.names[name]
	if !ok {
		return "", fmt.Errorf("no static file %q", name)
	}
	return v.Path + "/static/" + hashed, nil
}

// Link is the URL of a page of ours, with the sealed request.
func (v *view) Link(page string, query ...string) string {
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

// clientView is a client as people see it. Who registers a client chooses all of it, so
// that links are https or nothing.
type clientView struct{ Name, Logo, URI, Policy, Terms string }

func clientOf(c *storage.Client, w texts.Words) *clientView {
	v := &clientView{Name: c.ClientName, Logo: secureURL(c.LogoURI), URI: secureURL(c.ClientURI), Policy: secureURL(c.PolicyURI), Terms: secureURL(c.TosURI)}
	if v.Name == "" {
		v.Name = c.ClientID
	}
	if v.Name == "" {
		v.Name = w.Must("client.unnamed")
	}
	return v
}

func secureURL(s string) string {
	if u, err := url.Parse(s); err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil {
		return u.String()
	}
	return ""
}

// view is what a page for this request has to begin with; in is the request of a client
// that the browser came with, or nil.
func (s *Server) view(w http.ResponseWriter, r *http.Request, title string, in *storage.Interaction) *view {
	t := web.TenantOf(r.Context())
	v := &view{words: s.words(r), server: s, tenant: t, Path: t.Path, Form: formToken(browser.Binding(w, r))}
	v.Brand = brandOf(t, v.words)
	v.Title = v.words.Must(title)
	if in != nil {
		v.Letter, v.Cancel = in.Letter, in.CancelURL
		v.Client = clientOf(&in.Client, v.words)
		v.Late = r.Method == http.MethodGet && r.Form.Get("late") != ""
		forClient(w)
	} else {
		v.Next = nextOf(r)
		if wish := uiLocales(r); len(wish) <= texts.LongestWish {
			v.Locales = wish
		}
	}
	return v
}

// show renders a page, whole before anything is written.
func (s *Server) show(w http.ResponseWriter, status int, page string, v *view) error {
	var buf bytes.Buffer
	if err := s.templates.ExecuteTemplate(&buf, page+".html", v); err != nil {
		return fmt.Errorf("render %s: %w", page, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes()) // the browser has gone
	return nil
}

// interaction is the client's request that the browser came with, or nil. A page of one
// that is late is not shown: a detour leads to where the request begins anew. What was sent
// from such a page is taken all the same, for it was proven or decided just now.
func (s *Server) interaction(r *http.Request) (*storage.Interaction, error) {
	in, err := s.opened(r)
	if err == nil && in != nil && in.Late && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return nil, &detour{in.ContinueURL}
	}
	return in, err
}

// opened is interaction, late or not.
func (s *Server) opened(r *http.Request) (*storage.Interaction, error) {
	letter := r.FormValue("i")
	if letter == "" {
		return nil, nil
	}
	kept, _ := r.Context().Value(openedKey{}).(*openedLetter)
	if kept != nil && kept.letter == letter {
		return kept.in, kept.err
	}
	in, err := s.Interaction(r)
	if err != nil {
		return nil, err
	}
	web.RequestOf(r.Context()).Language = texts.First(in.UILocales, languageOf(r))
	return &in, nil
}

// openedLetter is what came of the letter that a request came with: it is asked for
// several times, and opened once.
type openedLetter struct {
	letter string
	in     *storage.Interaction
	err    error
}

type openedKey struct{}

// withLetter opens the letter of a request, if it came with one. Where it opens, the window
// stays tied to the client's page that opened it, on redirects too: the client's callback
// tells that page how it went. What opens no letter changes no header.
func (s *Server) withLetter(w http.ResponseWriter, r *http.Request) *http.Request {
	letter := r.FormValue("i")
	if letter == "" {
		return r
	}
	in, err := s.opened(r)
	if err == nil {
		keepOpener(w)
	}
	return r.WithContext(context.WithValue(r.Context(), openedKey{}, &openedLetter{letter, in, err}))
}

// needInteraction is interaction for pages that are about one.
func (s *Server) needInteraction(r *http.Request) (*storage.Interaction, error) {
	in, err := s.interaction(r)
	if err == nil && in == nil {
		return nil, &web.Problem{Status: http.StatusBadRequest, Title: "Only an app can open this page",
			Message: "Go back to the app you came from and start again.", Developer: "The parameter i is missing. Browsers are sent here by /authorize, never by clients."}
	}
	return in, err
}

// goOn sends the browser on when its step is settled: to the request it came with, else
// to the page of the account that it wanted, or the start page. Always by 303, so that what was posted is not posted again.
func goOn(w http.ResponseWriter, r *http.Request, in *storage.Interaction) error {
	target := web.TenantOf(r.Context()).Path + cmp.Or(nextOf(r), "/")
	if in != nil {
		target = in.ContinueURL
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}
