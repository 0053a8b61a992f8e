package jsonapi

import (
	"fmt"
	"slices"
	"strings"
)

// Markdown returns the document as a reference to read: a section for each operation. What
// many have in common, members and problems, is said once, in the first.
func (d *Document) Markdown(members any, problems []Outcome) string {
	var b strings.Builder
	shared := input(members)
	m := markdown{&b, map[string]bool{}}
	b.WriteString("### Every call\n\n")
	m.members("send", shared)
	b.WriteString("| error | |\n|---|---|\n")
	for _, o := range problems {
		m.row(fmt.Sprint(o.Status), o.text())
		m.said[o.text()] = true
	}
	b.WriteByte('\n')
	for _, p := range shared.Properties.list {
		m.said[p.name] = true
	}
	for _, path := range d.Paths.list {
		for _, c := range path.value.list {
			fmt.Fprintf(&b, "### %s %s\n\n", strings.ToUpper(c.name), path.name)
			m.call(c.value)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// markdown writes a reference to read. It is a value that its methods share: each writes on to the Builder.
type markdown struct {
	*strings.Builder
	said map[string]bool // members and problems that need not be told again
}

// call writes what an operation takes and answers.
func (m markdown) call(c *call) {
	fmt.Fprintf(m, "%s\n\n", c.Summary)
	if c.Text != "" {
		fmt.Fprintf(m, "%s\n\n", c.Text)
	}
	if len(c.Security) == 1 {
		m.WriteString("Needs an access token: `Authorization: Bearer`.\n\n")
	}
	if len(c.Params) > 0 {
		m.parameters(c.Params)
	}
	if c.Body != nil {
		m.members("send", c.Body.Content["application/json"].Schema)
	}
	var problems []*named[response]
	for _, r := range c.Responses.list {
		switch media, ok := r.value.Content["application/json"]; {
		case r.name == "304":
		case r.name[0] != '2':
			problems = append(problems, r)
		case ok:
			m.members(r.name, media.Schema)
		default:
			fmt.Fprintf(m, "The response is %s, without a body.\n\n", r.name)
		}
	}
	m.problems(problems)
}

// problems writes a table of what may go wrong, without what was said before.
func (m markdown) problems(all []*named[response]) {
	head := "| error | |\n|---|---|\n"
	for _, r := range all {
		for text := range strings.SplitSeq(r.value.Text, "\n\n") {
			if m.said[text] {
				continue
			}
			m.WriteString(head)
			head = ""
			m.row(r.name, text)
		}
		if s := r.value.Content["application/problem+json"].Schema; s.AllOf != nil {
			for _, p := range s.AllOf[1].Properties.list {
				m.row("", "`"+p.name+"`: "+p.value.Text)
			}
		}
	}
	if head == "" {
		m.WriteByte('\n')
	}
}

// parameters writes a table of the parameters in the path, query and headers.
func (m markdown) parameters(all []param) {
	m.WriteString("| parameter | |\n|---|---|\n")
	for _, p := range all {
		text := p.Text
		if p.Required {
			text = "Required. " + text
		}
		m.row("`"+p.Name+"` ("+string(p.In)+")", text)
	}
	m.WriteByte('\n')
}

// members writes a table of the members of a body. head stands above it, such as send, or the status of a response.
func (m markdown) members(head string, s *schema) {
	head = "| " + head + " | |\n|---|---|\n"
	for _, p := range s.Properties.list {
		if m.said[p.name] {
			continue
		}
		text := p.value.Text
		if slices.Contains(s.Required, p.name) && s.Others == false {
			text = "Required. " + text
		}
		if p.value.Enum != nil {
			text += " One of `" + strings.Join(p.value.Enum, "`, `") + "`."
		}
		m.WriteString(head)
		head = ""
		m.row("`"+p.name+"`", text)
	}
	if head == "" {
		m.WriteByte('\n')
	}
}

// row writes a row of a table. A | in a cell would begin another cell.
func (m markdown) row(cells ...string) {
	for i := range cells {
		cells[i] = strings.ReplaceAll(cells[i], "|", `\|`)
	}
	fmt.Fprintf(m, "| %s |\n", strings.Join(cells, " | "))
}
