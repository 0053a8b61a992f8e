package mail

import (
	html "html/template"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	text "text/template"

	"github.com/vouchsafe/vouchsafe/storage"
)

// folder has the files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, source := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const ownText = "Subject: Sign in at {{.Tenant}}\n\nYour code:\n{{.Code}}\n"

// TestTemplatesThatMakeNoMailAreRefused when they are read, with the file and the line.
func TestTemplatesThatMakeNoMailAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, source, says string }{
		"empty":                   {"en/sign-in.txt", "", "en/sign-in.txt:1: is empty"},
		"spaces":                  {"en/sign-in.txt", " \r\n\r\n", "en/sign-in.txt:1: is empty"},
		"a byte order mark alone": {"en/sign-in.txt", "\ufeff", "en/sign-in.txt:1: is empty"},
		"an empty layout":         {"layout.html", "\n", "layout.html:1: is empty"},
		"no subject": {"en/sign-in.txt", "Your code:\n{{.Code}}\n",
			"en/sign-in.txt:1: begins without a subject"},
		"a translated subject": {"de/sign-in.txt", "Betreff: Anmelden\n\n{{.Code}}\n",
			"de/sign-in.txt:1: begins without a subject"},
		"a subject of nothing": {"en/sign-in.txt", "Subject:\n\n{{.Code}}\n",
			"en/sign-in.txt:1: begins without a subject"},
		"a subject that may be nothing": {"en/password-changed.txt", "Subject: {{.NotMe}}\n\nx\n",
			"en/password-changed.txt:1: begins without a subject"},
		"a subject of a text message": {"en/phone-code.txt", "Subject: Code\n{{.Code}}",
			"en/phone-code.txt:1: has a subject"},
		"no text": {"en/account-deleted.txt", "Subject: Bye\n\n",
			"en/account-deleted.txt:1: has nothing below"},
		"an unknown field": {"en/sign-in.txt", "Subject: x\n\n{{.Code}}\nHello {{.Name}}\n",
			"en/sign-in.txt:4:8: there is no .Name here: it has .Code, .Link, .Tenant"},
		"another message's": {"en/sign-in.txt", "Subject: x\n\n{{.Code}}\n{{.NewAddress}}\n",
			"en/sign-in.txt:4:2: there is no .NewAddress"},
		"where no sample goes": {"en/sign-in.txt",
			"Subject: x\n\n{{.Code}}\n{{if eq .Code \"1\"}}{{.Nmae}}{{end}}", "en/sign-in.txt:4:21: there is no .Nmae"},
		"by the dollar": {"en/sign-in.txt", "Subject: x\n\n{{.Code}}\n{{with .Link}}\n{{$.Nmae}}{{end}}",
			"en/sign-in.txt:5:3: there is no .Nmae"},
		"in HTML": {"en/sign-in.html", "<p>{{.Code}}</p>\n<p>{{.Nmae}}</p>",
			"en/sign-in.html:2:5: there is no .Nmae"},
		"in the layout":                 {"layout.html", "<p>{{.Titel}}</p>", "layout.html:1:5: there is no .Titel"},
		"in the layout, of a paragraph": {"layout.html", "{{range .Paragraphs}}\n{{.Txt}}{{end}}", "layout.html:2:"},
		"a field of a text": {"en/sign-in.txt",
			"Subject: x\n\n{{.Code}}\n{{.Tenant.Name}}\n", "en/sign-in.txt:4:"},
		"Latin-1": {"de/sign-in.txt", "Subject: Anmelden\n\n{{.Code}}\nGr\xfc\xdfe\n",
			"de/sign-in.txt:4: has a letter that is not in UTF-8"},
		"UTF-16": {"en/sign-in.txt", "\xff\xfeS\x00u\x00", "en/sign-in.txt:1: is in UTF-16"},
		"UTF-16 without a mark": {"en/sign-in.txt", "S\x00u\x00b\x00",
			"en/sign-in.txt:1: has the control character U+0000"},
		"a control character": {"en/sign-in.txt", "Subject: x\n\n{{.Code}}\x1b\n",
			"en/sign-in.txt:3: has the control character U+001B"},
		"not closed": {"en/sign-in.txt", "Subject: x\n\n{{.Code\n",
			"en/sign-in.txt:4: unclosed action"},
		"an unknown function": {"en/sign-in.txt", "Subject: x\n\n{{upper .Code}}\n", "en/sign-in.txt:3: "},
		"an unknown template": {"en/sign-in.txt",
			"Subject: x\n\n{{.Code}}\n{{template \"foot\"}}\n", "en/sign-in.txt:4:"},
		"definitions alone": {"en/sign-in.txt", "{{define \"x\"}}Subject: x{{end}}", "en/sign-in.txt:1: "},
		"HTML that cannot be made safe": {"en/sign-in.html",
			"<p>{{.Code}}</p>\n<a href='{{if .Link}}\"{{end}}>", "en/sign-in.html:"},
		"neither a code nor a link": {"en/sign-in.txt", "Subject: x\n\nThere is a code for you.\n",
			"en/sign-in.txt:1: has neither"},
		"HTML with neither": {"en/sign-in.html", "<p>There is a code for you.</p>",
			"en/sign-in.html:1: has neither"},
		"HTML of a language without a text": {"nl/sign-in.html", "<p>{{.Code}}</p>",
			"nl/sign-in.html is of a language that has no text of this message"},
		"a language that pages do not have": {"de-DE/sign-in.txt", ownText, `de-DE/sign-in.txt: "de-DE" is no language`},
		"a language in capitals":            {"EN/sign-in.txt", ownText, `EN/sign-in.txt: "EN" is no language`},
		"nothing would use it":              {"en/sign-in.txt~", ownText, "en/sign-in.txt~: there is no such message"},
		"it calls itself": {"en/sign-in.txt",
			"Subject: x\n\n{{.Code}}{{define \"x\"}}{{template \"x\"}}{{end}}\n{{template \"x\"}}", "en/sign-in.txt:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, map[string]string{c.file: c.source})
			_, err := LoadTemplates(dir)
			if err == nil || !strings.Contains(err.Error(), "mail_templates: "+dir+"/"+c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
	_, err := LoadTemplates(folder(t,
		map[string]string{"en/sign-in.txt": "", "de/sign-in.txt": "\xff", "en/nothing.txt": "x"}))
	for _, want := range []string{"en/sign-in.txt:1", "de/sign-in.txt:1", "en/nothing.txt"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want all faults at once", err)
		}
	}
	if _, err := LoadTemplates(filepath.Join(t.TempDir(), "gone")); err == nil ||
		!strings.Contains(err.Error(), "gone cannot be read") {
		t.Errorf("got %v for a folder that is not there", err)
	}
}

// TestTemplatesAreReadAsEditorsWriteThem: what does no harm is read as it was meant.
func TestTemplatesAreReadAsEditorsWriteThem(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"plain": ownText, "a byte order mark": "\ufeff" + ownText, "of Windows": strings.ReplaceAll(ownText, "\n", "\r\n"),
		"of old Macs":              strings.ReplaceAll(ownText, "\n", "\r"),
		"all of it":                "\ufeff" + strings.ReplaceAll(ownText, "\n", "\r\n"),
		"lines before the subject": "\r\n\n" + ownText, "a comment before it": "{{/* of 2026 */}}\n" + ownText,
	} {
		own, err := LoadTemplates(folder(t,
			map[string]string{"en/sign-in.txt": source, "de/sign-in.html": "\ufeff<p>{{.Code}}</p>\r\n", ".DS_Store": "\x00"}))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		msg, err := own.render(storage.Delivery{Template: "sign-in", Language: "en"}, []byte(everything))
		if err != nil || msg.Subject != "Sign in at Acme" || msg.Text != "Your code:\n1234 5678\n" ||
			!strings.Contains(msg.HTML, "letter-spacing:4px\">1234 5678</td>") {
			t.Errorf("%s: got %+v, %v", name, msg, err)
		}
	}
}

// TestTemplatesOfAConfigMap: Kubernetes mounts one as links into a folder that it swaps.
func TestTemplatesOfAConfigMap(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"..2026_11_29/en/sign-in.txt": ownText,
		"..2026_11_29/layout.html": "<b>{{range .Paragraphs}}{{.Text}}{{.Code}}{{end}}</b>"})
	for link, to := range map[string]string{"..data": "..2026_11_29", "en": "..data/en",
		"layout.html": "..data/layout.html"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	own, err := LoadTemplates(dir)
	if err != nil {
		t.Fatal(err)
	}
	if msg, err := own.render(storage.Delivery{Template: "sign-in", Language: "en"}, []byte(everything)); err != nil ||
		msg.HTML != "<b>Your code:1234 5678</b>" {
		t.Errorf("got %+v, %v", msg, err)
	}
}

// TestDocsTellOfEveryField that a message has.
func TestDocsTellOfEveryField(t *testing.T) {
	t.Parallel()
	docs, err := os.ReadFile("../../docs/mail.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| .* \\| (.*)\\|$")
	told := map[string][]string{}
	for _, m := range row.FindAllStringSubmatch(string(docs), -1) {
		for _, f := range regexp.MustCompile(`\.([A-Za-z]+)`).FindAllStringSubmatch(m[2], -1) {
			if f[1] != "NotMe" { // it is empty where there is nothing to disown
				told[m[1]] = append(told[m[1]], f[1])
			}
		}
	}
	if len(fields) != len(names)+len(texts) {
		t.Errorf("%d messages have fields, of %d", len(fields), len(names)+len(texts))
	}
	for name, have := range fields {
		if got, want := slices.Sorted(slices.Values(told[name])),
			slices.Sorted(slices.Values(have)); !slices.Equal(got, want) {
			t.Errorf("%s: docs/mail.md tells of %v, it has %v", name, got, want)
		}
		for _, f := range have {
			if samples[f] == "" {
				t.Errorf("%s has no sample", f)
			}
		}
	}
}

// FuzzTemplate: what is read at the start makes every mail.
func FuzzTemplate(f *testing.F) {
	f.Add(ownText)
	f.Add("\ufeffSubject: {{.Tenant}}\r\n\r\n{{with .Link}}{{.}}{{else}}{{$.Code}}{{end}}")
	f.Add("Subject: x\n{{with $c := .Code}}{{$c.X}}{{end}}{{(index . \"Code\").Y}}")
	f.Fuzz(func(t *testing.T, source string) {
		for _, long := range []string{"define", "block", "printf", "range"} {
			if len(source) > 300 || strings.Contains(source, long) {
				return // what calls itself, counts, or asks for a width takes as long as it likes
			}
		}
		loaded := &Templates{layout: standard().layout, text: map[string]*text.Template{}, html: map[string]*html.Template{}}
		r := &reader{Templates: loaded, folder: "mail", files: map[string]own{}}
		if r.add("en/sign-in.txt", []byte(source)) != nil || loaded.check(r.files, "") != nil {
			return
		}
		if msg, err := loaded.render(storage.Delivery{Template: "sign-in", Language: "en"}, []byte(everything)); err != nil ||
			msg.Subject == "" {
			t.Errorf("%q: got %+v, %v", source, msg, err)
		}
	})
}
