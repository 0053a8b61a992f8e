package mail

import "strings"

// paragraph is a paragraph of the HTML: a text, a code, or a link with the text above it. The first
// link of a mail is the primary one.
type paragraph struct {
	Text, Code, Link string
	Primary          bool
}

// paragraphs splits the text of a message, so that text and HTML say the same.
func paragraphs(body string, values map[string]any) []paragraph {
	var all []paragraph
	linked := false // whether there is a link already
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
			p.Text = strings.TrimRight(p.Text, ": \u00a0") // the text stands above a button
			p.Primary = !linked
			linked = true
		}
		if p != (paragraph{}) {
			all = append(all, p)
		}
	}
	return all
}
