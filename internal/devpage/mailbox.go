package devpage

import (
	"bytes"
	"cmp"
	"encoding/json"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// mailboxSize bounds how many messages are kept. The oldest are dropped.
const mailboxSize = 200

var mailPages = template.Must(template.ParseFS(static, "static/mail*.html"))

// Letter is a message that was sent to a user: a mail, or a text message, which has neither subject
// nor HTML.
type Letter struct {
	ID      string    `json:"id"`
	To      string    `json:"to"`
	Subject string    `json:"subject,omitempty"`
	Text    string    `json:"text"`
	HTML    string    `json:"html,omitempty"`
	At      time.Time `json:"at"`
}

// Mailbox keeps in memory the messages that a mail server would have delivered.
type Mailbox struct {
	mu      sync.Mutex
	letters []Letter // the latest last
}

// Add keeps a message. A message with the same id replaces the earlier one.
func (b *Mailbox) Add(l Letter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letters = slices.DeleteFunc(b.letters, func(old Letter) bool { return old.ID == l.ID })
	b.letters = append(b.letters, l)
	if over := len(b.letters) - mailboxSize; over > 0 {
		b.letters = slices.Delete(b.letters, 0, over)
	}
}

// all returns the messages to that recipient, or to every recipient if to is "". The latest is
// first.
func (b *Mailbox) all(to string) []Letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := []Letter{}
	for _, l := range slices.Backward(b.letters) {
		if to == "" || strings.EqualFold(l.To, to) {
			found = append(found, l)
		}
	}
	return found
}

// mailbox shows the list of messages.
func (p *Page) mailbox(w http.ResponseWriter, r *http.Request) error {
	mailboxHeaders(w)
	return showMail(w, "mailbox.html", p.Mailbox.all(""))
}

// mailboxJSON answers with the list of messages as JSON, for programs such as the end-to-end tests
// of clients.
func (p *Page) mailboxJSON(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(p.Mailbox.all(r.URL.Query().Get("to")))
}

// letter shows one message.
func (p *Page) letter(w http.ResponseWriter, r *http.Request) error {
	l, err := p.found(r)
	if err != nil {
		return err
	}
	mailboxHeaders(w)
	return showMail(w, "mail.html", struct {
		Letter
		Pieces []piece
	}{l, pieces(l.Text)})
}

var (
	headTag = regexp.MustCompile(`(?i)<head(\s[^>]*)?>|^\s*<!doctype[^>]*>`)
	address = regexp.MustCompile(`https?://[^\s<>"]+`)
)

// letterHTML writes the HTML of a mail, for a frame. The sandbox keeps it from running scripts and
// from belonging to any origin. Its links open beside the page, because Vouchsafe's pages refuse to
// be framed.
func (p *Page) letterHTML(w http.ResponseWriter, r *http.Request) error {
	l, err := p.found(r)
	if err != nil {
		return err
	}
	const base = `<base target="_blank">`
	body := base + l.HTML
	if at := headTag.FindAllStringIndex(l.HTML, 2); at != nil {
		end := at[len(at)-1][1] // after the head or, if there is none, after the doctype
		body = l.HTML[:end] + base + l.HTML[end:]
	}
	h := w.Header()
	h.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; form-action 'none'; frame-ancestors 'self'; "+
			"sandbox allow-popups allow-popups-to-escape-sandbox")
	h.Del("Cross-Origin-Opener-Policy") // browsers ignore it in a sandbox and log an error
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, err = w.Write([]byte(body))
	return err
}

// found returns the message whose id is in the path, or the Problem that there is none.
func (p *Page) found(r *http.Request) (Letter, error) {
	id := mux.Vars(r)["id"]
	for _, l := range p.Mailbox.all("") {
		if l.ID == id {
			return l, nil
		}
	}
	return Letter{}, &web.Problem{Status: http.StatusNotFound, Message: "problem.no_mail"}
}

// piece is a part of a text. Link is its address if it is a link.
type piece struct{ Text, Link string }

// pieces splits a text at its links.
func pieces(text string) []piece {
	var out []piece
	for text != "" {
		at := address.FindStringIndex(text)
		if at == nil {
			return append(out, piece{Text: text})
		}
		end := at[0] + len(strings.TrimRight(text[at[0]:at[1]], ".,;:!?)"))
		out = append(out, piece{Text: text[:at[0]]}, piece{Text: text[at[0]:end], Link: text[at[0]:end]})
		text = text[end:]
	}
	return out
}

// mailboxHeaders sets a content security policy that lets the page show a message in a frame, and
// runs no script.
func mailboxHeaders(w http.ResponseWriter) {
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; form-action 'none'; base-uri 'none'; "+
			"frame-ancestors 'none'")
}

// showMail writes the page of that template.
func showMail(w http.ResponseWriter, name string, data any) error {
	var buf bytes.Buffer
	if err := mailPages.ExecuteTemplate(&buf, name, data); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err := w.Write(buf.Bytes())
	return err
}

// Title returns the subject of a mail, or the first line of a text message.
func (l Letter) Title() string {
	first, _, _ := strings.Cut(l.Text, "\n")
	return cmp.Or(l.Subject, first)
}

// Time returns when the message was sent, in the time zone of this machine.
func (l Letter) Time() string { return l.At.Local().Format("15:04:05") }
