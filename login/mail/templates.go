package mail

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	html "html/template"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	text "text/template"
	"unicode"

	"github.com/vouchsafe/vouchsafe/storage"
)

//go:embed templates
var builtin embed.FS

// names are the messages there are. Each is a file LANGUAGE/NAME.txt, whose first line is
// the subject. Its HTML is made of the text by layout.html, unless there is a file
// LANGUAGE/NAME.html.
var names = []string{
	"account-changed", "account-deleted", "account-exists", "account-secured", "confirm-email", "confirm-new-email", "confirm-upstream",
	"email-changed", "email-restored", "email-taken", "invitation", "no-password", "password-changed", "reset-password", "sign-in",
}

// texts are those that go to a phone: without a subject, and without HTML.
var texts = []string{"phone-code"}

const (
	// fallback is the language of every message.
	fallback = "en"
	// layout is the page that the HTML of messages is.
	layout = "layout.html"
)

// Templates are the texts of all messages.
type Templates struct {
	layout *html.Template
	text   map[string]*text.Template // by LANGUAGE/NAME
	html   map[string]*html.Template
}

// Message is a rendered mail.
type Message struct {
	TenantID, ID, To, Subject, Text, HTML string
}

var standard = func() *Templates {
	t, err := LoadTemplates("")
	if err != nil {
		panic(err) // they are built in, and tested
	}
	return t
}()

// LoadTemplates reads the built-in texts, and what the folder, unless "", has in the place
// of each: FOLDER/en/confirm-email.txt and .html, FOLDER/layout.html. A file that cannot
// be used, or that nothing would use, is an error.
func LoadTemplates(folder string) (*Templates, error) {
	sub, err := fs.Sub(builtin, "templates")
	if err != nil {
		return nil, err
	}
	t := &Templates{text: map[string]*text.Template{}, html: map[string]*html.Template{}}
	for _, from := range []fs.FS{sub, os.DirFS(folder)} {
		if err := t.load(from); err != nil {
			return nil, fmt.Errorf("mail templates: %w", err)
		}
		if folder == "" {
			break
		}
	}
	return t, nil
}

func (t *Templates) load(from fs.FS) error {
	return fs.WalkDir(from, ".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(d.Name(), ".") && file != ".":
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		source, err := fs.ReadFile(from, file)
		if err != nil {
			return err
		}
		return t.add(file, string(source))
	})
}

func (t *Templates) add(file, source string) (err error) {
	if file == layout {
		t.layout, err = html.New(layout).Option("missingkey=error").Parse(source)
		return err
	}
	ext := path.Ext(file)
	key := strings.TrimSuffix(file, ext)
	isMail, isText := slices.Contains(names, path.Base(key)), slices.Contains(texts, path.Base(key))
	if strings.Count(key, "/") != 1 || !isMail && !isText || ext != ".txt" && (isText || ext != ".html") {
		return fmt.Errorf("%s: there is no such message", file)
	}
	if ext == ".txt" {
		t.text[key], err = text.New(key).Option("missingkey=error").Parse(source)
		return err
	}
	t.html[key], err = html.New(key).Option("missingkey=error").Parse(source)
	return err
}

func (t *Templates) or() *Templates {
	if t == nil {
		return standard
	}
	return t
}

func (t *Templates) has(name string) bool { return t.or().text[fallback+"/"+name] != nil }

// render makes the message of what was sealed, in the mail's language or, when it is
// missing in that, in English.
func (t *Templates) render(m storage.Mail, plain []byte) (*Message, error) {
	values, err := valuesOf(plain)
	if err != nil {
		return nil, err
	}
	t = t.or()
	language := m.Language
	if t.text[language+"/"+m.Template] == nil {
		language = fallback
	}
	key := language + "/" + m.Template
	if t.text[key] == nil {
		return nil, fmt.Errorf("there is no mail template %q", m.Template)
	}
	var out bytes.Buffer
	if err := t.text[key].Execute(&out, values); err != nil {
		return nil, err
	}
	if m.Channel == storage.ChannelSMS {
		return &Message{TenantID: m.TenantID, ID: m.ID, To: m.To, Text: strings.TrimSpace(out.String())}, nil
	}
	subject, body, _ := strings.Cut(out.String(), "\n")
	msg := &Message{
		TenantID: m.TenantID, ID: m.ID, To: m.To,
		Subject: strings.TrimSpace(strings.TrimPrefix(subject, "Subject:")), Text: strings.TrimLeft(body, "\n"),
	}
	if strings.ContainsFunc(msg.Subject, unicode.IsControl) {
		return nil, errors.New("the subject has control characters")
	}
	out.Reset()
	if own := t.html[key]; own != nil {
		err = own.Execute(&out, values)
	} else {
		err = t.layout.Execute(&out, map[string]any{
			"Lang": language, "Tenant": values["Tenant"], "Subject": msg.Subject, "Paragraphs": paragraphs(msg.Text, values),
		})
	}
	msg.HTML = out.String()
	return msg, err
}

// valuesOf are the values that a template may use. None has more than one line, so that
// what somebody chose cannot become a paragraph of its own.
func valuesOf(plain []byte) (map[string]any, error) {
	var c content
	if err := json.Unmarshal(plain, &c); err != nil {
		return nil, fmt.Errorf("mail data: %w", err)
	}
	values := map[string]any{}
	if err := json.Unmarshal(c.Data, &values); err != nil {
		return nil, fmt.Errorf("mail data: %w", err)
	}
	if values == nil { // null
		values = map[string]any{}
	}
	values["Tenant"] = c.Tenant
	if _, ok := values["NotMe"]; !ok {
		values["NotMe"] = "" // it was written by a version without that link
	}
	for name, value := range values {
		if s, ok := value.(string); ok {
			values[name] = strings.Map(func(r rune) rune {
				if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
					return ' '
				}
				return r
			}, s)
		}
	}
	return values, nil
}

// paragraph is one of a message's HTML: a text, a code, or a link with the line above it.
type paragraph struct{ Text, Code, Link string }

// paragraphs takes a text apart, so that both forms of a message say the same.
func paragraphs(body string, values map[string]any) []paragraph {
	var all []paragraph
	for block := range strings.SplitSeq(body, "\n\n") {
		var p paragraph
		for line := range strings.SplitSeq(strings.Trim(block, "\n"), "\n") {
			switch line = strings.TrimSpace(line); {
			case line == "":
			case line == values["Code"]:
				p.Code = line
			case line == values["Link"], line == values["Reset"], line == values["NotMe"]:
				p.Link = line
			default:
				p.Text = strings.TrimSpace(p.Text + " " + line)
			}
		}
		if p.Link != "" {
			p.Text = strings.TrimRight(p.Text, ": \u00a0") // it stands on a button
		}
		if p != (paragraph{}) {
			all = append(all, p)
		}
	}
	return all
}
