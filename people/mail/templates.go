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
	"sync"
	text "text/template"
	"unicode"

	"github.com/vouchsafe/vouchsafe/storage"
)

//go:embed templates
var builtin embed.FS

// names are the mails. Each is a file LANGUAGE/NAME.txt, whose first line is the subject. Its HTML
// is made from the text by layout.html, unless there is a file LANGUAGE/NAME.html.
var names = []string{
	"account-changed", "account-deleted", "account-exists", "account-secured", "confirm-email",
	"confirm-new-email", "confirm-upstream",
	"email-changed", "email-restored", "email-taken", "invitation", "no-password", "password-changed",
	"reset-password", "sign-in", "signed-in-as",
}

// texts are the text messages. They have no subject and no HTML.
var texts = []string{"phone-code"}

const (
	// fallback is the language that every message has.
	fallback = "en"
	// layout is the file that frames the HTML of mails.
	layout = "layout.html"
)

// Templates are the texts of all messages.
type Templates struct {
	layout *html.Template
	text   map[string]*text.Template // by LANGUAGE/NAME
	html   map[string]*html.Template
}

// Message is a rendered mail or text message.
type Message struct {
	TenantID, ID, To, Subject, Text, HTML string
}

// standard returns the built-in templates. They are read when a message needs them first: most commands send none.
var standard = sync.OnceValue(func() *Templates {
	t, err := LoadTemplates("")
	if err != nil {
		panic(err) // they are built in, and tests render all of them
	}
	return t
})

// LoadTemplates reads the built-in templates and then, unless folder is "", those of the folder,
// which replace built-in ones: FOLDER/en/confirm-email.txt and .html, FOLDER/layout.html. It
// returns an error that names file and line for a file that cannot be used, that no message would
// use, or that does not render with the values of its message.
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

// reader reads the templates of a folder.
type reader struct {
	*Templates
	folder     string // "" for the built-in ones
	files      map[string]own
	layoutFile string
	faults     []error // the faults of single files
}

// walk reads all files below dir. It follows links to folders, because Kubernetes mounts a
// ConfigMap so.
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

// add reads one file.
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

// parseText reads a template for text.
func (r *reader) parseText(key, at, source string, have []string) error {
	t, err := text.New(at).Option("missingkey=error").Parse(source)
	if err != nil {
		return located(err)
	}
	if t.Tree == nil { // the file has only definitions
		return fault(at, 1, "has no text")
	}
	r.text[key] = t
	return checkFields(t.Tree, have)
}

// parseHTML reads a template for HTML into the variable.
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

// or returns the built-in templates for nil.
func (t *Templates) or() *Templates {
	if t == nil {
		return standard()
	}
	return t
}

// has reports whether there is a message with that name.
func (t *Templates) has(name string) bool { return t.or().text[fallback+"/"+name] != nil }

// render makes the message from the sealed values, in the delivery's language or, if the message
// does not have that, in English.
func (t *Templates) render(m storage.Delivery, plain []byte) (*Message, error) {
	values, own, err := valuesOf(plain)
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
	return t.renderWith(m, values, own)
}

// renderWith makes the message from the values, in the delivery's language and the tenant's look.
func (t *Templates) renderWith(m storage.Delivery, values map[string]any, own look) (*Message, error) {
	key := m.Language + "/" + m.Template
	source := t.text[key]
	var out bytes.Buffer
	if own.Text != nil {
		msg := &Message{TenantID: m.TenantID, ID: m.ID, To: m.To}
		msg.Subject, msg.Text = renderOwn(*own.Text, values)
		if m.Channel == storage.ChannelSMS {
			msg.Text = strings.TrimSpace(msg.Text)
			return msg, nil
		}
		err := t.layout.Execute(&out, own.values(m.Language, msg, values))
		msg.HTML = out.String()
		return msg, err
	}
	if err := source.Execute(&out, values); err != nil {
		return nil, err
	}
	if m.Channel == storage.ChannelSMS {
		return &Message{TenantID: m.TenantID, ID: m.ID, To: m.To, Text: strings.TrimSpace(out.String())}, nil
	}
	subject, body, _ := strings.Cut(strings.TrimLeft(out.String(), " \t\n"), "\n")
	subject, ok := strings.CutPrefix(subject, "Subject:")
	msg := &Message{TenantID: m.TenantID, ID: m.ID, To: m.To, Subject: strings.TrimSpace(subject),
		Text: strings.TrimLeft(body, "\n")}
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
		err = t.layout.Execute(&out, own.values(m.Language, msg, values))
	}
	msg.HTML = out.String()
	return msg, err
}

// valuesOf returns the values for a template, and the look of the tenant. Line breaks in the values become
// spaces, so that a value that an attacker chose cannot look like a paragraph of its own.
func valuesOf(plain []byte) (map[string]any, look, error) {
	var c content
	if err := json.Unmarshal(plain, &c); err != nil {
		return nil, look{}, fmt.Errorf("mail data: %w", err)
	}
	values := map[string]any{}
	if err := json.Unmarshal(c.Data, &values); err != nil {
		return nil, look{}, fmt.Errorf("mail data: %w", err)
	}
	if values == nil { // the JSON was null
		values = map[string]any{}
	}
	values["Tenant"] = c.Tenant
	if _, ok := values["NotMe"]; !ok {
		values["NotMe"] = "" // an earlier version without that link wrote it
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
	return values, c.look, nil
}

// content is the sealed part of a delivery.
type content struct {
	Tenant string          `json:"tenant"` // the tenant's name
	Data   json.RawMessage `json:"data"`
	look
}
