package jsonapi

import (
	"fmt"
	"slices"
	"strings"
)

// Markdown is the document as a reference to read: a section for each operation.
func (d *Document) Markdown() string {
	var b strings.Builder
	for _, path := range d.Paths.list {
		for _, c := range path.value.list {
			fmt.Fprintf(&b, "### %s %s\n\n%s\n\n", strings.ToUpper(c.name), path.name, c.value.Summary)
			if c.value.Text != "" {
				fmt.Fprintf(&b, "%s\n\n", c.value.Text)
			}
			if len(c.value.Security) == 1 {
				b.WriteString("Needs `Authorization: Bearer` and an access token.\n\n")
			}
			if c.value.Body != nil {
				table(&b, "send", c.value.Body.Content["application/json"].Schema)
			}
			d.answers(&b, c.value)
		}
	}
	return b.String()
}

func (d *Document) answers(b *strings.Builder, c *call) {
	var problems []*named[response]
	for _, r := range c.Responses.list {
		if r.name[0] == '2' {
			if m, ok := r.value.Content["application/json"]; ok {
				table(b, r.name, m.Schema)
			} else {
				fmt.Fprintf(b, "Answers %s without a body.\n\n", r.name)
			}
			continue
		}
		problems = append(problems, r)
	}
	b.WriteString("| refused | |\n|---|---|\n")
	for _, r := range problems {
		for text := range strings.SplitSeq(r.value.Text, "\n\n") {
			fmt.Fprintf(b, "| %s | %s |\n", r.name, cell(text))
		}
		if m := r.value.Content["application/problem+json"]; m.Schema.AllOf != nil {
			for _, p := range m.Schema.AllOf[1].Properties.list {
				fmt.Fprintf(b, "| | `%s`: %s |\n", p.name, cell(p.value.Text))
			}
		}
	}
	b.WriteByte('\n')
}

func table(b *strings.Builder, head string, s *schema) {
	fmt.Fprintf(b, "| %s | |\n|---|---|\n", head)
	for _, p := range s.Properties.list {
		text := p.value.Text
		if head == "send" && slices.Contains(s.Required, p.name) {
			text = "Required. " + text
		}
		if p.value.Enum != nil {
			text += " One of `" + strings.Join(p.value.Enum, "`, `") + "`."
		}
		fmt.Fprintf(b, "| `%s` | %s |\n", p.name, cell(text))
	}
	b.WriteByte('\n')
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
