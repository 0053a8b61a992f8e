package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCmd prints the script that makes a shell complete command lines. The hidden shell named words is how the
// scripts ask for candidates.
type completionCmd struct {
	Shell string   `arg:"" enum:"bash,zsh,fish,words" help:"bash, zsh or fish."`
	Words []string `arg:"" optional:"" passthrough:"" hidden:""`
}

// Help says how to use the script.
func (*completionCmd) Help() string {
	return `Load it in the running shell:

    bash:  source <(vouchsafe completion bash)
    zsh:   source <(vouchsafe completion zsh)
    fish:  vouchsafe completion fish | source

It completes commands, flags, and the names of users, clients, keys and tenants in the database.`
}

// The scripts ask the program itself what fits, by its command completion words: the last word is the one that
// is being typed. Bash parts words at @ and : as well, so that its script reads the line itself. No script lets
// a shell evaluate a candidate.
var completionScripts = map[string]string{
	"bash": `_vouchsafe() {
	local line="${COMP_LINE:0:COMP_POINT}" words current found
	read -ra words <<<"$line"
	[[ "$line" == *[[:space:]] ]] && words+=("")
	current="${words[${#words[@]}-1]}"
	COMPREPLY=()
	while IFS= read -r found; do
		COMPREPLY+=("${found#"${current%"${current##*[@:=]}"}"}")
	done < <(vouchsafe completion words -- "${words[@]:1}" 2>/dev/null)
}
complete -o default -F _vouchsafe vouchsafe
`,
	"zsh": `#compdef vouchsafe
_vouchsafe() {
	local -a found
	found=(${(f)"$(vouchsafe completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
	compadd -a found || _files
}
compdef _vouchsafe vouchsafe
`,
	"fish": "complete -c vouchsafe -a " +
		"'(vouchsafe completion words -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'\n",
}

// Run prints the script, or a candidate a line. It offers nothing that a shell could take for more than a word.
func (c *completionCmd) Run(a *app) error {
	if c.Shell != "words" {
		_, err := fmt.Fprint(a.stdout, completionScripts[c.Shell])
		return err
	}
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	current := ""
	if len(words) > 0 {
		words, current = words[:len(words)-1], words[len(words)-1]
	}
	p := placeAfter(a.parser.Model.Node, words)
	found := append(p.candidates(), a.namesFor(p, current)...)
	for _, w := range found {
		if strings.HasPrefix(w, current) && isPlainWord(w) {
			fmt.Fprintln(a.stdout, w)
		}
	}
	return nil
}

// isPlainWord reports whether a shell takes the word as it is. Others are not offered: the user would run what
// an attacker has chosen as a name.
func isPlainWord(word string) bool {
	return strings.IndexFunc(word, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.@+:/", r)
	}) < 0
}

// place is where in a command line a word is to be completed.
type place struct {
	node  *kong.Node
	value *kong.Value       // what the word is the value of; nil for a command or a flag
	given map[string]string // the flags before it that have values
}

// placeAfter returns the place after the words.
func placeAfter(node *kong.Node, words []string) place {
	p := place{node: node, given: map[string]string{}}
	var flag *kong.Flag // whose value the next word is
	arguments := 0
	for _, w := range words {
		name, isFlag := strings.CutPrefix(w, "--")
		name, value, hasValue := strings.Cut(name, "=")
		switch {
		case flag != nil:
			p.given[flag.Name], flag = w, nil
		case isFlag && hasValue:
			p.given[name] = value
		case isFlag:
			flag = flagNamed(p.node, name)
		default:
			if i := slices.IndexFunc(p.node.Children, func(n *kong.Node) bool { return n.Name == w }); i >= 0 {
				p.node, arguments = p.node.Children[i], 0
			} else {
				arguments++
			}
		}
	}
	switch {
	case flag != nil:
		p.value = flag.Value
	case arguments < len(p.node.Positional):
		p.value = p.node.Positional[arguments]
	}
	if flag != nil {
		p.node = &kong.Node{} // neither a command nor a flag can follow
	}
	return p
}

// candidates are the commands, flags and values that the program knows.
func (p place) candidates() []string {
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

// flagNamed is the flag when it takes a value as the next word.
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
