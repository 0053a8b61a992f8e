package service

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/declare"
	"github.com/vouchsafe/vouchsafe/gateway/rules"
)

// GatewayCmd is the family of commands about the rules of the gateway.
type GatewayCmd struct {
	Check gatewayCheckCmd `cmd:"" help:"Check a gateway file, and list its rules or the one that a request meets."`
}

// gatewayCheckCmd reads a gateway file as serve does.
type gatewayCheckCmd struct {
	File   string `arg:"" help:"The gateway file." type:"path"`
	URL    string `help:"Show the rule for a request to this URL." placeholder:"URL"`
	Method string `help:"The method of that request." default:"GET"`
	command.JSONFlag
}

// Help says what the exit codes mean.
func (*gatewayCheckCmd) Help() string {
	return "The command needs no server and no database. It prints all that is wrong with the file, with line and " +
		"column. With --url the exit code is 1 if the gateway refuses the request of every user."
}

// errNoRule says that a request passes for no user.
var errNoRule = errors.New("no rule lets the request pass")

// Run prints the rules in the order in which they are tried.
func (c *gatewayCheckCmd) Run(a *command.App) error {
	cfg, err := a.Config()
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
