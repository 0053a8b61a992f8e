package main

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/internal/settings"
)

// helpCmd is --help as a command, as other programs have it.
type helpCmd struct {
	Command []string `arg:"" optional:"" help:"The command, such as user add."`
}

// Run prints the help of the command that the words name, or of the program.
func (c *helpCmd) Run(a *command.App) error {
	node := a.Parser.Model.Node
	for _, word := range c.Command {
		i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == word })
		if i < 0 {
			return command.Misused("there is no command %q: see vouchsafe help", strings.Join(c.Command, " "))
		}
		node = node.Children[i]
	}
	_, err := a.Parser.Parse(append(slices.Clone(c.Command), "--help"))
	return err
}

// settingFlags returns a pointer to a struct with a field for each setting that may be a flag. The
// fields are texts, so that the values of all sources are read, and complained of, in one way.
func settingFlags() reflect.Value {
	var fields []reflect.StructField
	for i, s := range settings.All() {
		if s.Secret {
			continue
		}
		kind := reflect.TypeFor[*string]()
		if s.Boolean() {
			kind = reflect.TypeFor[*bool]()
		}
		placeholder := s.Default()
		if placeholder == "" {
			placeholder = "…"
		}
		fields = append(fields, reflect.StructField{
			Name: fieldName(i), Type: kind,
			Tag: reflect.StructTag(fmt.Sprintf("name:%q placeholder:%q", s.Flag(), placeholder)),
		})
	}
	return reflect.New(reflect.StructOf(fields))
}

// fieldName names the field of settingFlags of one of the settings.
func fieldName(i int) string { return fmt.Sprint("Setting", i) }

// givenFlags returns the settings among the flags that were given, by their names.
func givenFlags(flags reflect.Value) map[string]string {
	given := map[string]string{}
	for i, s := range settings.All() {
		field := flags.Elem().FieldByName(fieldName(i))
		if field.IsValid() && !field.IsNil() {
			given[s.Name] = fmt.Sprint(field.Elem().Interface())
		}
	}
	return given
}

// describe returns the help of a flag: that of a setting is its documentation.
func describe(v *kong.Value) string {
	s := settings.Named(strings.ReplaceAll(v.Name, "-", "_"))
	if s == nil || v.Help != "" {
		return kong.DefaultHelpValueFormatter(v)
	}
	text := s.Doc()
	if p := s.ProductionDefault(); p != "" {
		text += " In production: " + p + "."
	}
	return text + " [" + s.Env() + "]"
}

// help leaves the settings to the commands that are about them: every command takes them as flags,
// and few users who ask for help mean them.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	if cmd := ctx.Selected(); cmd != nil {
		explainChoices(cmd)
	}
	if cmd := ctx.Selected(); cmd == nil || cmd.Name != "serve" && cmd.Name != "config" {
		for _, f := range ctx.Model.Flags {
			if f.Name == "data" { // which every command about the database needs to know
				f.Group = nil
			}
			f.Hidden = f.Hidden || f.Group != nil && f.Group.Key == "Settings"
		}
		return kong.DefaultHelpPrinter(options, ctx)
	}
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	return secretSettings(ctx.Stdout)
}

// explainChoices says of which flags a command needs one. Kong's usage line has all of them, as if it needed each.
func explainChoices(cmd *kong.Node) {
	var sentences, groups []string
	names := map[string][]string{}
	for _, f := range cmd.Flags {
		if f.Required && len(f.Xor) == 1 {
			f.Required = false
			if names[f.Xor[0]] == nil {
				groups = append(groups, f.Xor[0])
			}
			names[f.Xor[0]] = append(names[f.Xor[0]], "--"+f.Name)
		}
	}
	for _, g := range groups {
		last := len(names[g]) - 1
		sentences = append(sentences, "It needs "+strings.Join(names[g][:last], ", ")+" or "+names[g][last]+".")
	}
	cmd.Detail = strings.TrimSpace(cmd.Detail + "\n\n" + strings.Join(sentences, " "))
}

// secretSettings prints the help of the settings that are no flags.
func secretSettings(w io.Writer) error {
	var b strings.Builder
	b.WriteString("\nSecret settings. They have no flags, because other processes can read flags.\n" +
		"Add _FILE to the name to give the path of a file with the secret.\n")
	for _, s := range settings.All() {
		if !s.Secret {
			continue
		}
		fmt.Fprintf(&b, "  %s\n", s.Env())
		for _, line := range s.DocLines(47) {
			fmt.Fprintf(&b, "%33s%s\n", "", line)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
