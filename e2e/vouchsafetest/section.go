package vouchsafetest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Section is the part of a page of the documentation below one heading, with its code blocks.
type Section struct {
	Page, Heading string
	Blocks        []Block
}

// Block is a fenced code block. Its first line may name a file after the language: ```js server.mjs
type Block struct{ Lang, Name, Text string }

var fencedBlock = regexp.MustCompile("(?ms)^```([a-z]+)(?: ([^\n]+))?\n(.*?)^```$")

// ReadSection reads the section below the heading, such as "## openid-client", of a page such as
// docs/clients.md.
func ReadSection(t testing.TB, page, heading string) *Section {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	_, body, found := strings.Cut("\n"+string(text), "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", page, heading)
	}
	level := heading[:strings.Index(heading, " ")+1]
	if end := regexp.MustCompile(`(?m)^#{1,` + string(rune('0'+len(level)-1)) +
		`} `).FindStringIndex(unfenced(body)); end != nil {
		body = body[:end[0]]
	}
	s := &Section{Page: page, Heading: heading}
	for _, m := range fencedBlock.FindAllStringSubmatch(body, -1) {
		s.Blocks = append(s.Blocks, Block{m[1], m[2], m[3]})
	}
	return s
}

// unfenced returns the text with all code blanked, because # begins a comment in code.
func unfenced(text string) string {
	return fencedBlock.ReplaceAllStringFunc(text, func(code string) string {
		return strings.Repeat(" ", len(code))
	})
}

// File returns the text of the code block with that file name.
func (s *Section) File(t testing.TB, name string) string {
	t.Helper()
	for _, b := range s.Blocks {
		if b.Name == name {
			return b.Text
		}
	}
	t.Fatalf("%s has no %s under %q", s.Page, name, s.Heading)
	return ""
}

// With returns the section with texts in its code replaced. pairs are old and new texts in turn. It
// fails the test if an old text is not there.
func (s *Section) With(t testing.TB, pairs ...string) *Section {
	t.Helper()
	out := &Section{s.Page, s.Heading, slices.Clone(s.Blocks)}
	for i := 0; i+1 < len(pairs); i += 2 {
		found := false
		for j, b := range out.Blocks {
			found = found || strings.Contains(b.Text, pairs[i])
			out.Blocks[j].Text = strings.ReplaceAll(b.Text, pairs[i], pairs[i+1])
		}
		if !found {
			t.Fatalf("%s does not say %q under %q", s.Page, pairs[i], s.Heading)
		}
	}
	return out
}

// RequirePKCE returns the section with a command that makes a client which must use PKCE.
func (s *Section) RequirePKCE(t testing.TB) *Section {
	t.Helper()
	return s.With(t, "--kind web", "--kind web --require-pkce")
}
