package ui

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
)

// problemView is what the error page shows.
type problemView struct {
	Message   string
	RequestID string
	Home      bool // there is a start page to go to
	// OtherAccount is where to choose another account, or "".
	OtherAccount string
	// Dev and what follows is for developers, in development mode.
	Dev       bool
	Code      string
	Developer []span
	Got       string
	Compared  []comparison
}

// ErrorPage shows a problem: the one error page of protocol and pages, or JSON to a program. It also
// works for requests without a tenant, so that the page links to nothing that it needs.
func (p *Pages) ErrorPage(w http.ResponseWriter, r *http.Request, prob *web.Problem) {
	t, html := web.FindTenant(r.Context()), takesPage(r)
	if t != nil && html {
		speakChosenError(r)
	}
	say := Words(r)
	if !html {
		// error_description is ASCII (RFC 6749 section 5.2). The program's developers read it, who
		// need not speak the language of its users.
		say = texts.In(texts.Languages()[0])
	}
	SetHeaders(w, t)
	title, message := problemText(say, prob.Title), problemText(say, prob.Message, prob.Args...)
	if title == "" {
		title = say["error."+strconv.Itoa(prob.Status)]
	}
	if title == "" {
		title = say.Must("error.other")
	}
	if message == "" && prob.Status >= 500 {
		message = say.Must("error.message")
	}
	if strings.TrimSuffix(message, ".") == title {
		message = ""
	}
	id := web.RequestOf(r.Context()).ID
	if !html {
		p.problemJSON(w, prob, title, message, id)
		return
	}
	page := problemView{Message: message, RequestID: id, Home: t != nil && !prob.Elsewhere,
		OtherAccount: prob.OtherAccount, Dev: p.Development &&
			(prob.Developer != "" || prob.Code != "" || len(prob.Expected) > 0 || prob.Got != "")}
	if page.Dev {
		page.Code, page.Developer, page.Got = prob.Code, spans(prob.Developer), visible(prob.Got)
		for _, want := range prob.Expected {
			page.Compared = append(page.Compared, compare(page.Got, visible(want)))
		}
	}
	v := &View{Words: say, pages: p, Brand: BrandOf(t, say), Title: title, Page: page}
	style, source := p.inlineStyle(v.Brand)
	v.Style = style
	forms := "'none'"
	if t != nil {
		v.Path = t.Path
	}
	if v.Acting = v.bannerOf(r); v.Acting != nil {
		forms, v.Form = "'self'", FormToken(browser.Binding(w, r))
	}
	// The menu names the page that it leads back to. An error repeats nothing that a query may hold: codes, tokens.
	if t != nil && !prob.Elsewhere && r.Method == http.MethodGet && !isPart(r) && !strings.Contains(here(r), "?") {
		forms = "'self'"
		v.offerLanguages(w, r)
	}
	w.Header().Set("Content-Security-Policy", policy(source, forms))
	AllowDataImages(w)
	if err := p.Show(w, prob.Status, "error", v); err != nil {
		p.Log.ErrorContext(r.Context(), "error page", "error", err)
		http.Error(w, title, prob.Status)
	}
}

// ErrorPage is Pages.ErrorPage, with the banner of an administrator who is signed in as another user.
func (s *Site) ErrorPage(w http.ResponseWriter, r *http.Request, prob *web.Problem) {
	if web.FindTenant(r.Context()) != nil && ActingOf(r) == nil {
		if with, err := s.withActing(w, r); err == nil {
			r = with
		}
	}
	s.Pages.ErrorPage(w, r, prob)
}

// problemText returns the text of a problem: "" without an id, or for an id that has no text. The
// page then says what fits the status.
func problemText(say texts.Words, id string, args ...any) string {
	if id == "" {
		return ""
	}
	text, err := say.Say(id, args...)
	if err != nil {
		return ""
	}
	return text
}

// problemJSON answers a program.
func (p *Pages) problemJSON(w http.ResponseWriter, prob *web.Problem, title, message, id string) {
	if message == "" {
		message = title
	}
	if prob.Program != "" {
		message = prob.Program
	}
	out := struct {
		Error       string   `json:"error"`
		Description string   `json:"error_description"`
		RequestID   string   `json:"request_id,omitempty"`
		Developer   string   `json:"developer,omitempty"`
		Got         string   `json:"got,omitempty"`
		Expected    []string `json:"expected,omitempty"`
	}{Error: prob.Code, Description: texts.ASCII(message), RequestID: id}
	switch {
	case out.Error != "":
	case prob.Status == http.StatusServiceUnavailable:
		out.Error = "temporarily_unavailable"
	case prob.Status >= 500:
		out.Error = "server_error"
	default:
		out.Error = "invalid_request"
	}
	if p.Development {
		out.Developer, out.Got, out.Expected = prob.Developer, prob.Got, prob.Expected
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		http.Error(w, title, prob.Status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(prob.Status)
	_, _ = w.Write(buf.Bytes()) // an error means that the client is gone
}

// takesPage reports whether the request accepts HTML, as every browser's does. Programs often send
// no Accept. Markup would hide the problem from their developers.
func takesPage(r *http.Request) bool {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		typ, _, err := mime.ParseMediaType(part)
		if err == nil && (typ == "text/html" || typ == "application/xhtml+xml" || typ == "text/*") {
			return true
		}
	}
	return false
}
