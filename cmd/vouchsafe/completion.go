package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string   `arg:"" enum:"bash,zsh,fish,words" help:"bash, zsh or fish."`
	Words []string `arg:"" optional:"" passthrough:"" hidden:""`
}

// Help says how to use the script.
func (*completionCmd) Help() string {
	return `Load it in the running shell:

    bash:  source <(vouchsafe completion bash)
    zsh:   source <(vouchsafe completion zsh)
    fish:  vouchsafe completion fish | source`
}

// The scripts ask the program itself what fits, by its command completion words.
var completionScripts = map[string]string{
	"bash": `_vouchsafe() {
	local IFS=$'\n'
	COMPREPLY=($(compgen -W "$(vouchsafe completion words "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _vouchsafe vouchsafe
`,
	"zsh": `#compdef vouchsafe
_vouchsafe() {
	local -a found
	found=(${(f)"$(vouchsafe completion words "${(@)words[2,CURRENT-1]}" 2>/dev/null)"})
	compadd -a found || _files
}
compdef _vouchsafe vouchsafe
`,
	"fish": `complete -c vouchsafe -a '(vouchsafe completion words (commandline -opc)[2..] 2>/dev/null)'
`,
}

func (c *completionCmd) Run(a *app) error {
	if c.Shell != "words" {
		_, err := fmt.Fprint(a.stdout, completionScripts[c.Shell])
		return err
	}
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	for _, w := range candidates(a.parser.Model.Node, words) {
		fmt.Fprintln(a.stdout, w)
	}
	return nil
}

// candidates are the commands and flags that may come after words.
func candidates(node *kong.Node, words []string) []string {
	var value *kong.Flag // the flag whose value the last word is about to be
	for _, w := range words {
		switch name, isFlag := strings.CutPrefix(w, "--"); {
		case value != nil:
			value = nil
		case isFlag:
			value = flagNamed(node, name)
		default:
			if i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == w }); i >= 0 {
				node = node.Children[i]
			}
		}
	}
	var out []string
	if value != nil {
		return slices.Sorted(func(yield func(string) bool) {
			for v := range value.EnumMap() {
				if !yield(v) {
					return
				}
			}
		})
	}
	for _, child := range node.Children {
		if !child.Hidden {
			out = append(out, child.Name)
		}
	}
	for _, p := range node.Positional {
		for v := range p.EnumMap() {
			if v != "words" {
				out = append(out, v)
			}
		}
	}
	about := node.Name == "serve" || node.Name == "config"
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			if about || f.Group == nil || f.Group.Key != "Settings" {
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
