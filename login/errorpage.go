package login

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
)

// problemView is what the error page shows.
type problemView struct {
	Message   string
	RequestID string
	Home      bool // there is a start page to go to
	// Dev and what follows is for developers, in development mode.
	Dev       bool
	Code      string
	Developer []span
	Got       string
	Compared  []comparison
}

// ErrorPage shows a problem: the one error page of protocol and pages. It works for
// requests without a tenant too, so that it links to nothing it needs.
func (s *Server) ErrorPage(w http.ResponseWriter, r *http.Request, p *web.Problem) {
	if isAPI(r) {
		s.apiFail(w, r, p)
		return
	}
	t, say := web.FindTenant(r.Context()), s.words(r)
	html := takesPage(r)
	if !html {
		// error_description is ASCII (RFC 6749 section 5.2), and read by whoever writes the
		// program, whose people need not speak their language.
		say = texts.In(texts.Languages()[0])
	}
	setHeaders(w, t)
	title, message := say.Sentence(p.Title), say.Sentence(p.Message)
	if title == "" {
		title = say["error."+strconv.Itoa(p.Status)]
	}
	if title == "" {
		title = say.Must("error.other")
	}
	if message == "" && p.Status >= 500 {
		message = say.Must("error.message")
	}
	if strings.TrimSuffix(message, ".") == title {
		message = ""
	}
	id := web.RequestOf(r.Context()).ID
	if !html {
		s.problemJSON(w, p, title, message, id)
		return
	}
	page := problemView{Message: message, RequestID: id, Home: t != nil, Dev: s.Development && (p.Developer != "" || p.Code != "" || len(p.Expected) > 0 || p.Got != "")}
	if page.Dev {
		page.Code, page.Developer, page.Got = p.Code, spans(p.Developer), visible(p.Got)
		for _, want := range p.Expected {
			page.Compared = append(page.Compared, compare(page.Got, visible(want)))
		}
	}
	v := &view{words: say, server: s, Brand: brandOf(t, say), Title: title, Page: page}
	style, source := s.inlineStyle(v.Brand)
	v.Style = style
	if t != nil {
		v.Path = t.Path
	}
	w.Header().Set("Content-Security-Policy", policy(source, "'none'"))
	allowDataImages(w)
	if err := s.show(w, p.Status, "error", v); err != nil {
		s.Log.ErrorContext(r.Context(), "error page", "error", err)
		http.Error(w, title, p.Status)
	}
}

// problemJSON shows it to a program.
func (s *Server) problemJSON(w http.ResponseWriter, p *web.Problem, title, message, id string) {
	if message == "" {
		message = title
	}
	if p.Program != "" {
		message = strings.TrimSuffix(message, ".") + ". " + p.Program // a title has no full stop
	}
	out := struct {
		Error       string   `json:"error"`
		Description string   `json:"error_description"`
		RequestID   string   `json:"request_id,omitempty"`
		Developer   string   `json:"developer,omitempty"`
		Got         string   `json:"got,omitempty"`
		Expected    []string `json:"expected,omitempty"`
	}{Error: p.Code, Description: message, RequestID: id}
	switch {
	case out.Error != "":
	case p.Status == http.StatusServiceUnavailable:
		out.Error = "temporarily_unavailable"
	case p.Status >= 500:
		out.Error = "server_error"
	default:
		out.Error = "invalid_request"
	}
	if s.Development {
		out.Developer, out.Got, out.Expected = p.Developer, p.Got, p.Expected
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		http.Error(w, title, p.Status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(buf.Bytes()) // the client has gone
}

// takesPage says whether the client asked for a page, as every browser does. Programs
// often ask for nothing: a page of markup would hide from their developers what is wrong.
func takesPage(r *http.Request) bool {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		typ, _, err := mime.ParseMediaType(part)
		if err == nil && (typ == "text/html" || typ == "application/xhtml+xml" || typ == "text/*") {
			return true
		}
	}
	return false
}

// span is a piece of text, or of code.
type span struct {
	Text string
	Code bool
}

// spans takes apart a text in which code stands between backquotes.
func spans(s string) []span {
	var out []span
	code := false
	for part := range strings.SplitSeq(s, "`") {
		if part != "" {
			out = append(out, span{part, code})
		}
		code = !code
	}
	return out
}

// comparison is an expected value beside the one that came, with what differs apart.
type comparison struct {
	Before, Got, Want, After string
	Same                     bool
}

// compare finds what two values have in common at either end.
func compare(got, want string) comparison {
	g, x := []rune(got), []rune(want)
	a := 0
	for a < len(g) && a < len(x) && g[a] == x[a] {
		a++
	}
	b := 0
	for b < len(g)-a && b < len(x)-a && g[len(g)-1-b] == x[len(x)-1-b] {
		b++
	}
	return comparison{Before: string(g[:a]), Got: string(g[a : len(g)-b]), Want: string(x[a : len(x)-b]), After: string(g[len(g)-b:]), Same: got == want}
}

// visible is a value with what cannot be seen spelled out, and cut to what can be read.
func visible(s string) string {
	const most = 2000
	var out strings.Builder
	for i, r := range s {
		if i >= most {
			out.WriteString("…")
			break
		}
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			q := strconv.QuoteRuneToASCII(r)
			out.WriteString(q[1 : len(q)-1])
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}
