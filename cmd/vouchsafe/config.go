package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/vouchsafe/vouchsafe/declare"
	"github.com/vouchsafe/vouchsafe/gateway/rules"
	"github.com/vouchsafe/vouchsafe/internal/settings"
)

// configCmd prints the settings in force.
type configCmd struct {
	Sample bool `help:"Print a sample vouchsafe.yaml that explains every setting."`
	jsonFlag
}

// Run prints the name and the value of each setting, of flags, environment, file and defaults together. Secrets are
// hidden.
func (c *configCmd) Run(a *app) error {
	if c.Sample {
		_, err := io.WriteString(a.Out, settings.Sample())
		return err
	}
	cfg, err := a.config()
	if err != nil {
		return err
	}
	if c.JSON {
		all := map[string]string{}
		for _, s := range settings.All() {
			all[s.Name] = cfg.Printed(s)
		}
		return a.PrintJSON(all)
	}
	t := a.Table("SETTING", "VALUE")
	for _, s := range settings.All() {
		t.Row(s.Name, cfg.Printed(s))
	}
	return t.Flush()
}

// config reads the settings, once for a command.
func (a *app) config() (*settings.Config, error) {
	if a.read != nil {
		return a.read, nil
	}
	cfg, err := settings.Load(a.flags, a.configFile, a.environ)
	if err == nil {
		a.read = cfg
	}
	return cfg, err
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

type gatewayCmd struct {
	Check gatewayCheckCmd `cmd:"" help:"Check a gateway file, and list its rules or the one that a request meets."`
}

// gatewayCheckCmd reads a gateway file as serve does.
type gatewayCheckCmd struct {
	File   string `arg:"" help:"The gateway file." type:"path"`
	URL    string `help:"Show the rule for a request to this URL." placeholder:"URL"`
	Method string `help:"The method of that request." default:"GET"`
	jsonFlag
}

// Help says what the exit codes mean.
func (*gatewayCheckCmd) Help() string {
	return "The command needs no server and no database. It prints all that is wrong with the file, with line and " +
		"column. With --url the exit code is 1 if the gateway refuses the request of every user."
}

// errNoRule says that a request passes for no user.
var errNoRule = errors.New("no rule lets the request pass")

// Run prints the rules in the order in which they are tried.
func (c *gatewayCheckCmd) Run(a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	file, err := declare.ReadGateway(c.File, cfg.Issuer)
	if err != nil {
		return err
	}
	all := file.Rules
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil || u.Host == "" {
			return fmt.Errorf("%q is no URL: write, for example, https://app.example.com/reports", c.URL)
		}
		_, rest, _ := strings.Cut(c.URL, "://")
		path, err := rules.Path("/" + strings.TrimPrefix(strings.TrimPrefix(rest, u.Host), "/"))
		if err != nil {
			return fmt.Errorf("the gateway refuses the request: %w", err)
		}
		r := file.Match(rules.Request{Method: c.Method, Host: rules.HostName(u.Host), Path: path})
		if r == nil {
			return errNoRule
		}
		all = []rules.Rule{*r}
	}
	if c.JSON {
		return a.PrintJSON(all)
	}
	t := a.Table("RULE", "HOSTS", "PATHS", "METHODS", "WHO")
	for _, r := range all {
		t.Row(r.Name, strings.Join(r.Hosts, " "), orAll(r.Paths), orAll(r.Methods), r.Who())
	}
	return t.Flush()
}

// orAll returns a list as text; "all" if it is empty.
func orAll(list []string) string {
	if len(list) == 0 {
		return "all"
	}
	return strings.Join(list, " ")
}
