package completion

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// IsPlainWord reports whether a shell takes the word as it is. Others are not offered: the user would run what
// an attacker has chosen as a name. A # begins a comment only at the beginning of a word.
func IsPlainWord(word string) bool {
	return strings.IndexFunc(word, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.@+:/#", r)
	}) < 0 && !strings.HasPrefix(word, "#")
}

// Place is where in a command line a word is to be completed.
type Place struct {
	node  *kong.Node
	value *kong.Value // what the word is the value of; nil for a command or a flag
	// Command has the names of the command before the word, such as "client list".
	Command string
	// Given are the flags before the word that have values.
	Given map[string]string
	// Arguments are the values before the word that belong to no flag.
	Arguments []string
}

// PlaceAfter returns the place after the words.
func PlaceAfter(node *kong.Node, words []string) Place {
	p := Place{node: node, Given: map[string]string{}}
	var flag *kong.Flag // whose value the next word is
	for _, w := range words {
		name, isFlag := strings.CutPrefix(w, "--")
		name, value, hasValue := strings.Cut(name, "=")
		switch {
		case flag != nil:
			p.Given[flag.Name], flag = w, nil
		case isFlag && hasValue:
			p.Given[name] = value
		case isFlag:
			flag = flagNamed(p.node, name)
		default:
			if i := slices.IndexFunc(p.node.Children, func(n *kong.Node) bool { return n.Name == w }); i >= 0 {
				p.node, p.Arguments = p.node.Children[i], nil
			} else {
				p.Arguments = append(p.Arguments, w)
			}
		}
	}
	p.Command = p.node.Path()
	if root := node.Path(); root != "" {
		p.Command = strings.TrimPrefix(p.Command, root+" ")
	}
	switch {
	case flag != nil:
		p.value = flag.Value
	case len(p.Arguments) < len(p.node.Positional):
		p.value = p.node.Positional[len(p.Arguments)]
	}
	if flag != nil {
		p.node = &kong.Node{} // neither a command nor a flag can follow
	}
	return p
}

// Kind returns what names of the database may stand at the place, such as user; "" for none.
func (p Place) Kind() string {
	if p.value == nil || p.value.Tag == nil {
		return ""
	}
	return p.value.Tag.Get("complete")
}

// Candidates returns the commands, flags and values that the program knows.
func (p Place) Candidates() []string {
	var out []string
	if p.value != nil {
		for v := range p.value.EnumMap() {
			if v != "words" {
				out = append(out, v)
			}
		}
	}
	for _, child := range p.node.Children {
		if !child.Hidden {
			out = append(out, child.Name)
		}
	}
	about := p.node.Name == "serve" || p.node.Name == "config"
	for _, group := range p.node.AllFlags(true) {
		for _, f := range group {
			if about || f.Group == nil || f.Group.Key != "Settings" || f.Name == "data" {
				out = append(out, "--"+f.Name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// flagNamed returns the flag when it takes a value as the next word.
func flagNamed(node *kong.Node, name string) *kong.Flag {
	for _, group := range node.AllFlags(false) {
		for _, f := range group {
			if f.Name == name && !f.IsBool() {
				return f
			}
		}
	}
	return nil
}
