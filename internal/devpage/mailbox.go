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

// mailboxSize is how many messages are kept: the latest.
const mailboxSize = 200

var mailPages = template.Must(template.ParseFS(static, "static/mail*.html"))

// Letter is a message that was sent to somebody: a mail, or a text message, which has
// neither subject nor HTML.
type Letter struct {
	ID      string    `json:"id"`
	To      string    `json:"to"`
	Subject string    `json:"subject,omitempty"`
	Text    string    `json:"text"`
	HTML    string    `json:"html,omitempty"`
	At      time.Time `json:"at"`
}

// Mailbox keeps what would have been delivered, in memory, for the page to show.
type Mailbox struct {
	mu      sync.Mutex
	letters []Letter // the latest last
}

// Add keeps a message. The same one sent again takes its own place.
func (b *Mailbox) Add(l Letter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letters = slices.DeleteFunc(b.letters, func(old Letter) bool { return old.ID == l.ID })
	b.letters = append(b.letters, l)
	if over := len(b.letters) - mailboxSize; over > 0 {
		b.letters = slices.Delete(b.letters, 0, over)
	}
}

// all is what was sent, the latest first; to everybody when to is "".
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

// mailbox shows what was sent.
func (p *Page) mailbox(w http.ResponseWriter, r *http.Request) error {
	mailboxHeaders(w)
	return showMail(w, "mailbox.html", p.Mailbox.all(""))
}

// mailboxJSON is the same for a program, such as the end-to-end test of a client.
func (p *Page) mailboxJSON(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(p.Mailbox.all(r.URL.Query().Get("to")))
}

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

// letterHTML is a mail's HTML alone, for a frame: whatever it is, it runs nothing and is
// of no origin. Its links open beside the page, since pages of ours refuse to be framed.
func (p *Page) letterHTML(w http.ResponseWriter, r *http.Request) error {
	l, err := p.found(r)
	if err != nil {
		return err
	}
	const base = `<base target="_blank">`
	body := base + l.HTML
	if at := headTag.FindAllStringIndex(l.HTML, 2); at != nil {
		end := at[len(at)-1][1] // the head, or where there is none the doctype
		body = l.HTML[:end] + base + l.HTML[end:]
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox")
	h.Del("Cross-Origin-Opener-Policy") // does not go with a sandbox
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, err = w.Write([]byte(body))
	return err
}

func (p *Page) found(r *http.Request) (Letter, error) {
	id := mux.Vars(r)["id"]
	for _, l := range p.Mailbox.all("") {
		if l.ID == id {
			return l, nil
		}
	}
	return Letter{}, &web.Problem{Status: http.StatusNotFound, Message: "problem.no_mail"}
}

// piece is text, and where it leads to if it is a link.
type piece struct{ Text, Link string }

// pieces cuts the links out of a text.
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

// mailboxHeaders lets the page show a message in a frame, and run nothing.
func mailboxHeaders(w http.ResponseWriter) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
}

func showMail(w http.ResponseWriter, name string, data any) error {
	var buf bytes.Buffer
	if err := mailPages.ExecuteTemplate(&buf, name, data); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err := w.Write(buf.Bytes())
	return err
}

// Title is what a list calls it.
func (l Letter) Title() string {
	first, _, _ := strings.Cut(l.Text, "\n")
	return cmp.Or(l.Subject, first)
}

// Time is when it was sent, as people of this machine read it.
func (l Letter) Time() string { return l.At.Local().Format("15:04:05") }
