package mail

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

const everything = `{"tenant":"Acme","data":{"Code":"1234 ` +
	`5678","Link":"https://id.example/l?a=1&b=2","Reset":"https://id.example/r","NewAddress":"new@example.com",` +
	`"What":"A passkey was added.","Reason":"Support request 4711","Until":"15:04",` +
	`"Device":"Firefox on Linux","IP":"192.0.2.1","Provider":"Google"}}`

func TestEveryLanguageHasEveryMessage(t *testing.T) {
	field := regexp.MustCompile(`\{\{[^}]*\}\}`)
	fields := func(lang, name string) []string {
		source, err := fs.ReadFile(builtin, "templates/"+lang+"/"+name+".txt")
		if err != nil {
			t.Fatal(err)
		}
		all := field.FindAllString(string(source), -1)
		slices.Sort(all)
		return slices.Compact(all)
	}
	languages, err := fs.ReadDir(builtin, "templates")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, dir := range languages {
		if !dir.IsDir() {
			continue
		}
		lang := dir.Name()
		for _, name := range names {
			if got, want := fields(lang, name), fields("en", name); !slices.Equal(got, want) {
				t.Errorf("%s/%s says %v, want %v", lang, name, got, want)
			}
			msg, err := standard().render(storage.Delivery{Template: name, Language: lang}, []byte(everything))
			if err != nil {
				t.Fatalf("%s/%s: %v", lang, name, err)
			}
			if other := seen[msg.Text]; msg.Text == "" || other != "" {
				t.Errorf("%s/%s says what %s says: %q", lang, name, other, msg.Text)
			}
			seen[msg.Text] = lang + "/" + name
			if !strings.Contains(msg.Subject, "Acme") || strings.Contains(msg.Subject, "Subject") ||
				len([]rune(msg.Subject)) > 60 {
				t.Errorf("%s/%s: got subject %q", lang, name, msg.Subject)
			}
			if !strings.Contains(msg.HTML, `<html lang="`+lang+`" dir="ltr">`) {
				t.Errorf("%s/%s: the HTML does not say its language", lang, name)
			}
			// Every link of the text is a button with words of its own.
			links := regexp.MustCompile(`(?m)^https://\S+$`).FindAllString(msg.Text, -1)
			buttons := regexp.MustCompile(`<a href="[^"]+"[^>]*>[^<]{3,}[^:<]</a>`).FindAllString(msg.HTML, -1)
			if len(links) != len(buttons) || len(links) != strings.Count(msg.Text, "https://") {
				t.Errorf("%s/%s: %d links and %d buttons:\n%s\n%s", lang, name, len(links), len(buttons), msg.Text, msg.HTML)
			}
			if code := strings.Contains(msg.HTML,
				`monospace;font-size:30px;line-height:38px;font-weight:600;letter-spacing:4px">1234 5678</td>`); code != strings.Contains(msg.Text, "\n1234 5678\n") {
				t.Errorf("%s/%s: the code does not stand out:\n%s", lang, name, msg.HTML)
			}
		}
	}
	docs, err := os.ReadFile("../../docs/mail.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.Contains(string(docs), "| `"+name+"` |") {
			t.Errorf("docs/mail.md does not tell of %s", name)
		}
	}
	if want := 6 * len(names); len(seen) != want {
		t.Errorf("got %d messages, want %d", len(seen), want)
	}
	msg, err := standard().render(storage.Delivery{Template: "sign-in", Language: "xx"}, []byte(everything))
	if err != nil || msg.Subject != "Sign in to Acme" {
		t.Errorf("got %+v, %v, want English for a language that is not there", msg, err)
	}
}

// TestUsersWriteNoParagraph: a value that a user chose must not become a button or a code.
func TestUsersWriteNoParagraph(t *testing.T) {
	for _, evil := range []string{`\n\nhttps://evil.example\n\n`, `\r\n\r\n1234 5678\r\n\r\n`,
		`\u2028\u2028https://evil.example`, `<a href=https://evil.example>x</a>`, `\"><script>x</script>`} {
		for _, name := range []string{"account-changed", "email-changed"} {
			data := `{"tenant":"Acme","data":{"Code":"","Link":"https://id.example/l","NewAddress":"` + evil + `","What":"x` +
				evil + `","Device":"` + evil + `","IP":""}}`
			msg, err := standard().render(storage.Delivery{Template: name, Language: "en"}, []byte(data))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(msg.HTML, `href="https://evil`) || strings.Contains(msg.HTML, "<a href=https") ||
				strings.Contains(msg.HTML, "<script") || strings.Contains(msg.HTML, "letter-spacing") {
				t.Errorf("%s, %s: got %s", evil, name, msg.HTML)
			}
			if regexp.MustCompile(`(?m)^\s*(https://evil|1234)`).MatchString(msg.Text) {
				t.Errorf("%s, %s: got %s", evil, name, msg.Text)
			}
		}
	}
}

func TestOperatorsTexts(t *testing.T) {
	dir := t.TempDir()
	write := func(file, source string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, path.Dir(file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	render := func(name, lang string) *Message {
		t.Helper()
		own, err := LoadTemplates(dir)
		if err != nil {
			t.Fatal(err)
		}
		msg, err := own.render(storage.Delivery{Template: name, Language: lang}, []byte(everything))
		if err != nil {
			t.Fatal(err)
		}
		return msg
	}
	write("en/account-deleted.txt", "Subject: Bye {{.Tenant}}\n\nours\n")
	write("README.md.orig/.keep", "")
	if msg := render("account-deleted", "en"); msg.Subject != "Bye Acme" || msg.Text != "ours\n" ||
		!strings.Contains(msg.HTML, ">ours</p>") {
		t.Errorf("got %+v, want the operator's text in both forms", msg)
	}
	write("en/account-deleted.html", "<p>{{.Tenant}}'s own</p>")
	if msg := render("account-deleted", "en"); msg.Text != "ours\n" || msg.HTML != "<p>Acme's own</p>" {
		t.Errorf("got %+v, want the operator's HTML", msg)
	}
	write("nl/sign-in.txt", "Subject: Aanmelden bij {{.Tenant}}\n\nUw code:\n{{.Code}}\n")
	if msg := render("sign-in", "nl"); msg.Subject != "Aanmelden bij Acme" || !strings.Contains(msg.HTML, `lang="nl"`) {
		t.Errorf("got %+v, want a language of the operator's own", msg)
	}
	write("layout.html", "<html lang={{.Lang}}>{{range .Paragraphs}}<i>{{.Text}}</i>{{end}}")
	if msg := render("sign-in", "de"); !strings.HasPrefix(msg.HTML, "<html lang=de><i>") {
		t.Errorf("got %+v, want the operator's layout", msg)
	}
	for _, file := range []string{"en/sign-in.txt", "en/sign-in.html", "layout.html"} {
		old, _ := os.ReadFile(filepath.Join(dir, file))
		write(file, "{{.Tenant")
		if _, err := LoadTemplates(dir); err == nil {
			t.Errorf("%s: got no error for a broken template", file)
		}
		if old != nil {
			write(file, string(old))
		} else if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"en/sign_in.txt", "sign-in.txt", "en/sign-in.htm", "de/x/sign-in.txt"} {
		write(file, "Subject: x\n\nx\n")
		if _, err := LoadTemplates(dir); err == nil || !strings.Contains(err.Error(), path.Base(file)) {
			t.Errorf("%s: got %v, want an error that names what nothing would use", file, err)
		}
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := LoadTemplates(dir + "1"); err == nil {
		t.Error("got no error for a folder that is not there")
	}
}

// TestCodesAreNotSentWhenTheyHaveLapsed: no mail with a code waits longer than the code lives.
func TestCodesAreNotSentWhenTheyHaveLapsed(t *testing.T) {
	for _, name := range names {
		source, err := builtin.ReadFile("templates/en/" + name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		if has := strings.Contains(string(source), ".Code"); has != coded[name] {
			t.Errorf("%s: has a code: %v, and lapses with it: %v", name, has, coded[name])
		}
	}
}
