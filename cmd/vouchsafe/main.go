// Command vouchsafe is an OAuth 2.1 and OpenID Connect provider: one binary that
// serves, migrates its database, and manages clients, users, keys and tenants.
//
// The commands stand in packages by what they are about: users (user, invitation, admin, import), groups (group, role),
// apps (client, api, api-key, claim), tenancy (tenant, upstream), operations (key, secret, mail, webhook, audit, stats)
// and service (serve, server, migrate, restored, healthcheck, config, gateway). Each family of commands has a file
// there that is named for it. The list of all is the struct commands below. Commands read flags and print; what they do
// is in other packages. Package command has what they share, package terminal prints and asks, packages here and remote
// work on the database and at a server, package server is what serve runs, and package installation opens what the
// settings name.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/apps"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/groups"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/operations"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/server"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/service"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/tenancy"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/users"
)

// version is set by the linker: see scripts/build.
var version = "development"

// commands are the commands of the program.
type commands struct {
	Config      string      `help:"Read settings from this file instead of ./vouchsafe.yaml, which is read if it exists." placeholder:"FILE" type:"path"`
	VersionFlag versionFlag `name:"version" help:"Print the version."`

	Serve       service.ServeCmd       `cmd:"" default:"1" help:"Run the server (the default)."`
	Server      service.ServerCmd      `cmd:"" help:"Run the server in the place of Keratin AuthN, by its variables."`
	Migrate     service.MigrateCmd     `cmd:"" help:"Create the database or bring its schema up to date. serve does this too."`
	Client      apps.ClientCmd         `cmd:"" help:"Manage the apps that users sign in to."`
	User        users.UserCmd          `cmd:"" help:"Manage users."`
	Import      users.ImportCmd        `cmd:"" help:"Import users from the database of another product. user import reads files."`
	Invitation  users.InvitationCmd    `cmd:"" help:"Manage invitations that wait to be accepted: see user invite."`
	Claim       apps.ClaimCmd          `cmd:"" help:"See what apps learn about users."`
	Group       groups.GroupCmd        `cmd:"" help:"Manage groups of users."`
	Role        groups.RoleCmd         `cmd:"" help:"Manage the roles that users, groups and clients have at clients and APIs."`
	API         apps.APICmd            `cmd:"" name:"api" help:"Manage the APIs that access tokens are for."`
	Admin       users.AdminCmd         `cmd:"" help:"Manage administrators, who may use the management API."`
	Upstream    tenancy.UpstreamCmd    `cmd:"" help:"See and try the upstream providers with which users can sign in."`
	Gateway     service.GatewayCmd     `cmd:"" help:"Check the file with the rules by which proxies ask who may use apps."`
	Key         operations.KeyCmd      `cmd:"" help:"Manage signing keys."`
	Secret      operations.SecretCmd   `cmd:"" help:"Replace master secrets."`
	APIKey      apps.APIKeyCmd         `cmd:"" name:"api-key" help:"Manage the API keys of clients and users."`
	Webhook     operations.WebhookCmd  `cmd:"" help:"Manage the addresses of apps that are told of events."`
	Mail        operations.MailCmd     `cmd:"" help:"See emails that could not be delivered, and test the mail server."`
	Audit       operations.AuditCmd    `cmd:"" help:"Export the audit trail, and delete old entries."`
	Stats       operations.StatsCmd    `cmd:"" help:"Count active users, sign-ins and refusals."`
	Tenant      tenancy.TenantCmd      `cmd:"" help:"Manage tenants: issuers with their own users, clients and keys."`
	Restored    service.RestoredCmd    `cmd:"" help:"End all sessions and grants that a restored backup has brought back."`
	Settings    service.ConfigCmd      `cmd:"" name:"config" help:"Print the settings in force, or a sample settings file."`
	Healthcheck service.HealthcheckCmd `cmd:"" help:"Check whether the server with these settings is healthy, for containers."`
	Completion  completionCmd          `cmd:"" help:"Print a completion script for a shell."`
	Version     versionCmd             `cmd:"" help:"Print the version."`
	Help        helpCmd                `cmd:"" help:"Show what a command does."`
	Routes      service.RoutesCmd      `cmd:"" hidden:"" help:"Print the routes of the public listener."`
}

// main runs the command line, and ends with the exit code of run.
func main() {
	release := server.HoldHeapFloor()
	// The first signal asks for an orderly stop. The next one kills, as usual.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	a := &command.App{Terminal: terminal.Terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, Environ: os.Environ()}
	code := run(ctx, a, os.Args[1:])
	release()
	os.Exit(code)
}

// run carries out a command line and returns the exit code: 0 for success, 1 for failure, 2 for a faulty
// command line. client diff and tenant diff have one more.
func run(ctx context.Context, a *command.App, args []string) int {
	// Kong calls this for --help, and goes on unless it panics.
	type exit struct{ code int }
	a.Version = version
	code := 0
	err := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				e, ok := p.(exit)
				if !ok {
					panic(p)
				}
				code = e.code
			}
		}()
		var c commands
		flags := settingFlags()
		a.Parser, err = kong.New(&c,
			kong.Name("vouchsafe"),
			kong.Description("An OAuth 2.1 and OpenID Connect provider. Without a command it serves."),
			kong.Writers(a.Out, a.Err),
			kong.Exit(func(code int) { panic(exit{code}) }),
			kong.Embed(flags.Interface(), `group:"Settings"`),
			kong.ValueFormatter(describe),
			kong.Help(help),
			kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
			kong.BindTo(ctx, (*context.Context)(nil)),
			kong.Bind(a),
		)
		if err != nil {
			return err
		}
		k, err := a.Parser.Parse(args)
		if err != nil {
			return err
		}
		a.ConfigFile, a.Flags = c.Config, givenFlags(flags)
		return k.Run()
	}()
	if err == nil {
		return code
	}
	return a.Complain(ctx, err)
}

// versionCmd prints what was built, and by which Go.
type versionCmd struct{ command.JSONFlag }

// Run prints the version, the release of Go and the platform.
func (c *versionCmd) Run(a *command.App) error {
	if c.JSON {
		return a.PrintJSON(map[string]string{"version": version, "go": runtime.Version(),
			"platform": runtime.GOOS + "/" + runtime.GOARCH})
	}
	return printVersion(a)
}

// printVersion prints the version as one line.
func printVersion(a *command.App) error {
	_, err := fmt.Fprintf(a.Out, "vouchsafe %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS,
		runtime.GOARCH)
	return err
}

// versionFlag prints the version in the place of a command.
type versionFlag bool

// BeforeReset is called if the flag is given.
func (versionFlag) BeforeReset(k *kong.Kong, a *command.App) error {
	err := printVersion(a)
	k.Exit(0)
	return err
}
