package docs

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// page is a document.
type page struct {
	path   string // from the root of the repository
	text   string
	prose  string // the text with all code blanked
	blocks []block
}

// block is a fenced code block. Its first line may name a file after the language: ```js server.mjs
type block struct {
	page, lang, name, text string
	line                   int
}

// pages returns every document, in the order of their names.
func pages(t *testing.T) []page {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root(t), "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	var all []page
	for _, path := range paths {
		all = append(all, readPage(t, "docs/"+filepath.Base(path)))
	}
	for _, name := range []string{"README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"} {
		all = append(all, readPage(t, name))
	}
	return all
}

var fence = regexp.MustCompile("^( *)```([a-z]*) ?(.*)$")

// readPage reads a document. A code block may be indented, as part of a list.
func readPage(t *testing.T, path string) page {
	t.Helper()
	p := page{path: path, text: read(t, path)}
	var prose, code strings.Builder
	open := ""
	for i, line := range strings.Split(p.text, "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case open == "" && m == nil:
			prose.WriteString(line + "\n")
			continue
		case open == "":
			open = m[1] + "```"
			p.blocks = append(p.blocks, block{page: path, lang: m[2], name: m[3], line: i + 1})
			code.Reset()
		case line == open:
			p.blocks[len(p.blocks)-1].text, open = code.String(), ""
		default:
			code.WriteString(strings.TrimPrefix(line, strings.TrimSuffix(open, "```")) + "\n")
		}
		prose.WriteString("\n")
	}
	if open != "" {
		t.Fatalf("%s: a code block has no end", path)
	}
	p.prose = prose.String()
	return p
}

// languages are the languages of code blocks, and what tests them.
var languages = map[string]string{
	"sh":         "TestCommandsOfThePagesRun, e2e/clients for pages of libraries",
	"env":        "TestSettingsOfThePagesAreAccepted",
	"yaml":       "TestFilesOfThePagesAreAccepted, e2e/clients for pages of libraries",
	"json":       "TestFilesOfThePagesAreAccepted",
	"go":         "e2e/clients, for programs",
	"js":         "e2e/clients",
	"jsx":        "e2e/clients",
	"html":       "e2e/clients",
	"ini":        "e2e/clients",
	"java":       "e2e/clients",
	"properties": "e2e/clients",
	"python":     "e2e/clients",
	"ruby":       "e2e/clients",
	"nginx":      "e2e/clients/proxies",
	"apache":     "e2e/clients/proxies",
	"powershell": "nothing: another product's export begins with it",
	"text":       "nothing: it is what a program prints",
	"":           "nothing: it is a drawing, or a comparison",
}

func TestEveryBlockHasATest(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if _, ok := languages[b.lang]; !ok {
				t.Errorf("%s:%d: no test reads blocks of %s", p.path, b.line, b.lang)
			}
		}
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	notSlug = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	inCode  = regexp.MustCompile("`[^`\n]*`")
)

// anchors returns the anchors of a page's headings, as GitHub makes them.
func anchors(t *testing.T, path string) []string {
	t.Helper()
	var all []string
	for _, m := range heading.FindAllStringSubmatch(readPage(t, path).prose, -1) {
		slug := notSlug.ReplaceAllString(strings.ToLower(m[1]), "")
		all = append(all, strings.ReplaceAll(slug, " ", "-"))
	}
	return all
}

// TestLinksLeadSomewhere: every link between documents has its file, and its heading.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(inCode.ReplaceAllString(p.prose, "code"), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := p.path
			if file != "" {
				target = filepath.Join(filepath.Dir(p.path), file)
			}
			if found, err := filepath.Glob(filepath.Join(root(t), target)); err != nil || len(found) == 0 {
				t.Errorf("%s links to %s, which does not exist", p.path, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(t, target), anchor) {
				t.Errorf("%s links to %s, which has no such heading", p.path, m[1])
			}
		}
	}
}

// TestIndexHasEveryPage: a reader of docs/README.md finds every page, and a reader of
// docs/libraries.md every library.
func TestIndexHasEveryPage(t *testing.T) {
	t.Parallel()
	index, libraries := read(t, "docs/README.md"), read(t, "docs/libraries.md")
	for _, p := range pages(t) {
		name, ok := strings.CutPrefix(p.path, "docs/")
		if !ok || name == "README.md" {
			continue
		}
		if !strings.HasPrefix(name, "clients-") {
			if !strings.Contains(index, "]("+name+")") {
				t.Errorf("docs/README.md does not list %s", name)
			}
			continue
		}
		for _, m := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(p.prose, -1) {
			slug := strings.ReplaceAll(notSlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")
			if !strings.Contains(libraries, "]("+name+"#"+slug+")") {
				t.Errorf("docs/libraries.md does not list %s of %s", m[1], name)
			}
		}
	}
}

// oldWords are words that the documents do not use, and what they use in their place.
var oldWords = map[string]string{
	"e-mail": "email", "user name": "username", "second factors and step-up": "two-step verification",
	"somebody": "a noun, such as the user", "whoever": "a noun, such as the administrator",
	"whom": "a shorter sentence",
}

var oldWord = regexp.MustCompile(`(?i)\b(` + strings.Join(slices.Collect(maps.Keys(oldWords)), "|") + `)\b`)

// TestPagesCallTheSecondStepOneThing: headings and names of links say two-step verification, as the pages for users do.
// A second factor is what the second proof is given with, and the name of settings.
func TestPagesCallTheSecondStepOneThing(t *testing.T) {
	t.Parallel()
	if !strings.HasPrefix(read(t, "docs/second-factor.md"), "# Two-step verification\n") {
		t.Error("docs/second-factor.md has another title")
	}
	named := regexp.MustCompile(`(?i)\[[^\]]*(second factor|2FA|two-factor|MFA|multi-factor)[^\]]*\]\(`)
	for _, p := range pages(t) {
		prose := inCode.ReplaceAllString(p.prose, "code")
		for _, m := range heading.FindAllStringSubmatch(prose, -1) {
			if named.MatchString("[" + m[1] + "](") {
				t.Errorf("%s has the heading %q: write two-step verification", p.path, m[1])
			}
		}
		for _, m := range named.FindAllString(prose, -1) {
			t.Errorf("%s has a link %s: write two-step verification", p.path, m)
		}
	}
}

// TestPagesSpeakPlainly: the words of the product are the same on every page.
func TestPagesSpeakPlainly(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		if p.path == "CONTRIBUTING.md" || p.path == "ARCHITECTURE.md" { // they quote such words
			continue
		}
		for i, line := range strings.Split(inCode.ReplaceAllString(p.prose, "code"), "\n") {
			for _, old := range oldWord.FindAllString(line, -1) {
				t.Errorf("%s:%d says %q: write %s", p.path, i+1, old, oldWords[strings.ToLower(old)])
			}
		}
	}
}
