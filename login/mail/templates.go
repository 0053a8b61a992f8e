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
	"regexp"
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
// be used, or that nothing would use, is an error, which says the file and the line; so is one
// that makes no mail of what the message has.
func LoadTemplates(folder string) (*Templates, error) {
	sub, err := fs.Sub(builtin, "templates")
	if err != nil {
		return nil, err
	}
	t := &Templates{text: map[string]*text.Template{}, html: map[string]*html.Template{}}
	if err := (&reader{Templates: t}).walk(sub, "."); err != nil {
		return nil, fmt.Errorf("mail templates: %w", err)
	}
	if folder == "" {
		return t, nil
	}
	r := &reader{Templates: t, folder: folder, files: map[string]own{}}
	if err := r.walk(os.DirFS(folder), "."); err != nil {
		return nil, fmt.Errorf("mail_templates: %w", err)
	}
	if err := errors.Join(r.faults...); err != nil {
		return nil, fmt.Errorf("mail_templates: %w", err)
	}
	if err := t.check(r.files, r.layoutFile); err != nil {
		return nil, fmt.Errorf("mail_templates: %w", err)
	}
	return t, nil
}

// reader reads the files of a folder.
type reader struct {
	*Templates
	folder     string // "" for what is built in
	files      map[string]own
	layoutFile string
	faults     []error // of files
}

// walk reads what is below a folder. It follows links to folders: Kubernetes mounts a ConfigMap
// as such.
func (r *reader) walk(from fs.FS, dir string) error {
	entries, err := fs.ReadDir(from, dir)
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", path.Join(r.folder, dir), err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		file := path.Join(dir, e.Name())
		info, err := fs.Stat(from, file)
		if err == nil && info.IsDir() && strings.Count(file, "/") < 2 {
			err = r.walk(from, file)
		} else if err == nil {
			var source []byte
			if source, err = fs.ReadFile(from, file); err == nil {
				err = r.add(file, source)
			}
		}
		if err != nil {
			r.faults = append(r.faults, err)
		}
	}
	return nil
}

var languageTag = regexp.MustCompile(`^[a-z]{2,3}$`)

func (r *reader) add(file string, raw []byte) error {
	at := path.Join(r.folder, file)
	source, err := readSource(at, raw)
	if err != nil {
		return err
	}
	if file == layout {
		r.layoutFile = at
		return r.parseHTML(&r.layout, at, source, layoutFields)
	}
	ext := path.Ext(file)
	key := strings.TrimSuffix(file, ext)
	language, name, _ := strings.Cut(key, "/")
	isMail, isText := slices.Contains(names, name), slices.Contains(texts, name)
	if !isMail && !isText || ext != ".txt" && (isText || ext != ".html") {
		return fmt.Errorf("%s: there is no such message", at)
	}
	if !languageTag.MatchString(language) {
		return fmt.Errorf("%s: %q is no language as pages have them: write two letters, such as en", at, language)
	}
	have := append(slices.Clone(fields[name]), "Tenant", "NotMe")
	files := r.files[key]
	if ext == ".html" {
		files.html = at
		var t *html.Template
		if err = r.parseHTML(&t, at, source, have); err == nil {
			r.html[key] = t
		}
	} else {
		files.text = at
		err = r.parseText(key, at, source, have)
	}
	if r.files != nil {
		r.files[key] = files
	}
	return err
}

func (r *reader) parseText(key, at, source string, have []string) error {
	t, err := text.New(at).Option("missingkey=error").Parse(source)
	if err != nil {
		return located(err)
	}
	if t.Tree == nil { // definitions alone
		return fault(at, 1, "has no text")
	}
	r.text[key] = t
	return checkFields(t.Tree, have)
}

func (r *reader) parseHTML(into **html.Template, at, source string, have []string) error {
	t, err := html.New(at).Option("missingkey=error").Parse(source)
	if err != nil {
		return located(err)
	}
	if t.Tree == nil {
		return fault(at, 1, "has no text")
	}
	*into = t
	return checkFields(t.Tree, have)
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
func (t *Templates) render(m storage.Delivery, plain []byte) (*Message, error) {
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
	m.Language = language
	return t.renderWith(m, values)
}

// renderWith makes the message of the values, in a language that has it.
func (t *Templates) renderWith(m storage.Delivery, values map[string]any) (*Message, error) {
	key := m.Language + "/" + m.Template
	source := t.text[key]
	var out bytes.Buffer
	if err := source.Execute(&out, values); err != nil {
		return nil, err
	}
	if m.Channel == storage.ChannelSMS {
		return &Message{TenantID: m.TenantID, ID: m.ID, To: m.To, Text: strings.TrimSpace(out.String())}, nil
	}
	subject, body, _ := strings.Cut(strings.TrimLeft(out.String(), " \t\n"), "\n")
	subject, ok := strings.CutPrefix(subject, "Subject:")
	msg := &Message{TenantID: m.TenantID, ID: m.ID, To: m.To, Subject: strings.TrimSpace(subject), Text: strings.TrimLeft(body, "\n")}
	if !ok || msg.Subject == "" {
		return nil, fault(source.Name(), 1, `begins without a subject: the first line is "Subject: " and the words of it`)
	}
	if strings.ContainsFunc(msg.Subject, unicode.IsControl) {
		return nil, fault(source.Name(), 1, "the subject has control characters")
	}
	out.Reset()
	var err error
	if page := t.html[key]; page != nil {
		err = page.Execute(&out, values)
	} else {
		err = t.layout.Execute(&out, map[string]any{
			"Lang": m.Language, "Tenant": values["Tenant"], "Subject": msg.Subject, "Paragraphs": paragraphs(msg.Text, values),
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
