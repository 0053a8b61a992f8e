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
	"strings"
	text "text/template"
	"unicode"

	"github.com/vouchsafe/vouchsafe/storage"
)

//go:embed templates
var builtin embed.FS

// names are the messages there are. Each is a file LANGUAGE/NAME.txt, whose first line
// is the subject, and LANGUAGE/NAME.html.
var names = []string{
	"account-deleted", "account-exists", "confirm-email", "confirm-new-email",
	"email-changed", "password-changed", "reset-password",
}

// fallback is the language of every message.
const fallback = "en"

// Templates are the texts of all messages.
type Templates struct {
	text map[string]*text.Template // by LANGUAGE/NAME
	html map[string]*html.Template
}

// Message is a rendered mail.
type Message struct {
	ID, To, Subject, Text, HTML string
}

var standard = func() *Templates {
	t, err := LoadTemplates("")
	if err != nil {
		panic(err) // they are built in, and tested
	}
	return t
}()

// LoadTemplates reads the built-in texts, and what the folder, unless "", has in the place
// of each: FOLDER/en/confirm-email.txt and .html. A file that cannot be used is an error.
func LoadTemplates(folder string) (*Templates, error) {
	sub, err := fs.Sub(builtin, "templates")
	if err != nil {
		return nil, err
	}
	t := &Templates{text: map[string]*text.Template{}, html: map[string]*html.Template{}}
	if err := t.load(sub, nil); err != nil {
		return nil, err
	}
	if folder == "" {
		return t, nil
	}
	if _, err := os.Stat(folder); err != nil {
		return nil, fmt.Errorf("mail templates: %w", err)
	}
	return t, t.load(os.DirFS(folder), sub)
}

func (t *Templates) load(from, layout fs.FS) error {
	languages, err := fs.ReadDir(from, ".")
	if err != nil {
		return fmt.Errorf("mail templates: %w", err)
	}
	for _, dir := range languages {
		if !dir.IsDir() {
			continue
		}
		for _, name := range names {
			key := dir.Name() + "/" + name
			for _, ext := range []string{".txt", ".html"} {
				source, err := fs.ReadFile(from, key+ext)
				if errors.Is(err, fs.ErrNotExist) && (layout != nil || dir.Name() != fallback) {
					continue
				}
				if err != nil {
					return fmt.Errorf("mail templates: %w", err)
				}
				if ext == ".txt" {
					t.text[key], err = text.New(key).Option("missingkey=error").Parse(string(source))
				} else {
					t.html[key], err = html.New(key).Option("missingkey=error").Parse(string(source))
				}
				if err != nil {
					return fmt.Errorf("mail templates: %w", err)
				}
			}
		}
	}
	return nil
}

func (t *Templates) or() *Templates {
	if t == nil {
		return standard
	}
	return t
}

func (t *Templates) has(name string) bool { return t.or().text[fallback+"/"+name] != nil }

// render makes the message of what was sealed. Both parts are of one language: the
// mail's, or English when either part is missing in it.
func (t *Templates) render(m storage.Mail, plain []byte) (*Message, error) {
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
	t = t.or()
	key := m.Language + "/" + m.Template
	if t.text[key] == nil || t.html[key] == nil {
		key = fallback + "/" + m.Template
	}
	if t.text[key] == nil || t.html[key] == nil {
		return nil, fmt.Errorf("there is no mail template %q", m.Template)
	}
	var plainText, page bytes.Buffer
	if err := t.text[key].Execute(&plainText, values); err != nil {
		return nil, err
	}
	if err := t.html[key].Execute(&page, values); err != nil {
		return nil, err
	}
	subject, body, _ := strings.Cut(plainText.String(), "\n")
	subject = strings.TrimSpace(strings.TrimPrefix(subject, "Subject:"))
	if strings.ContainsFunc(subject, unicode.IsControl) {
		return nil, errors.New("the subject has control characters")
	}
	return &Message{ID: m.ID, To: m.To, Subject: subject, Text: strings.TrimLeft(body, "\n"), HTML: page.String()}, nil
}
