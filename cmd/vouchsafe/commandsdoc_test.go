package main

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/internal/golden"
)

// commandsDoc is what docs/commands.md says of each command: what --help says.
func commandsDoc(t *testing.T) string {
	t.Helper()
	a := &command.App{Terminal: terminal.Terminal{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}}
	if code := run(t.Context(), a, []string{"version"}); code != 0 {
		t.Fatalf("got exit %d", code)
	}
	var b strings.Builder
	for _, leaf := range a.Parser.Model.Leaves(true) {
		writeCommand(&b, leaf)
	}
	return b.String()
}

// writeCommand writes the section of a command.
func writeCommand(b *strings.Builder, n *kong.Node) {
	usage := n.FullPath()
	for _, p := range n.Positional {
		usage += " " + p.Summary()
	}
	fmt.Fprintf(b, "\n### %s\n\n    %s\n\n%s\n", strings.TrimPrefix(n.FullPath(), "vouchsafe "), usage, n.Help)
	if n.Detail != "" {
		fmt.Fprintf(b, "\n%s\n", indentedDetail(n.Detail))
	}
	var rows []string
	for _, p := range n.Positional {
		if p.Help != "" {
			rows = append(rows, fmt.Sprintf("| `<%s>` | %s |\n", p.Name, cell(p.Help)))
		}
	}
	for _, f := range n.Flags {
		if f.Hidden || f.Group != nil && f.Group.Key == "Settings" {
			continue
		}
		name := "--" + f.Name
		if f.Tag != nil && f.Tag.Negatable != "" {
			name = "--[no-]" + f.Name
		}
		if f.PlaceHolder != "" {
			name += "=" + f.PlaceHolder
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s |\n", name, cell(f.Help)))
	}
	if len(rows) > 0 {
		b.WriteString("\n| | |\n|---|---|\n" + strings.Join(rows, ""))
	}
}

// indentedDetail returns the further help of a command. Lines that are laid out by hand stay as they are.
func indentedDetail(detail string) string {
	if strings.Contains(detail, "\n  ") {
		lines := strings.Split(detail, "\n")
		for i, line := range lines {
			lines[i] = strings.TrimRight("    "+line, " ")
		}
		return strings.Join(lines, "\n")
	}
	return detail
}

// docs/commands.md has every command and flag as --help has them.
func TestDocsKnowEveryCommand(t *testing.T) {
	t.Parallel()
	golden.Check(t, "../../docs/commands.md", func(is string) string {
		const begin, end = "<!-- Made from the help of the program by a test -->\n", "\n<!-- End -->\n"
		before, rest, ok := strings.Cut(is, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatal("docs/commands.md has no place for the commands")
		}
		return before + begin + commandsDoc(t) + end + after
	})
}

// Every command and every flag has a help text that is a sentence.
func TestHelpIsInSentences(t *testing.T) {
	t.Parallel()
	a := &command.App{Terminal: terminal.Terminal{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}}
	run(t.Context(), a, []string{"version"})
	for _, leaf := range a.Parser.Model.Leaves(true) {
		texts := map[string]string{leaf.FullPath(): leaf.Help}
		for _, f := range leaf.Flags {
			if f.Group == nil || f.Group.Key != "Settings" {
				texts[leaf.FullPath()+" --"+f.Name] = f.Help
			}
		}
		for name, text := range texts {
			if !strings.HasSuffix(text, ".") {
				t.Errorf("%s: got %q, want a sentence", name, text)
			}
			for _, odd := range []string{"somebody", "whoever", "nobody", "user name", "e-mail", " mails"} {
				if strings.Contains(strings.ToLower(text), odd) {
					t.Errorf("%s: got %q, which has %q", name, text, odd)
				}
			}
		}
	}
}
