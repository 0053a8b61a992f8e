// Command vouchsafe is an OAuth 2.1 and OpenID Connect provider: one binary that
// serves, migrates its database, and manages clients, users, keys and tenants.
//
// Commands read flags and print; what they do is in other packages. A family of commands has a file: user.go,
// invitation.go, group.go, role.go, client.go, api.go, claim.go, admincmd.go, tenant.go (upstream providers as
// well), key.go, webhook.go, mail.go, audit.go, secret.go, serve.go, config.go. app.go and desk.go have what
// they share. Below are package terminal, which prints and asks, packages here and remote, which work on the
// database and at a server, package server, which serve runs, and package installation, which opens what the
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

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/server"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
)

// commands are the commands of the program.
type commands struct {
	Config      string      `help:"Read settings from this file instead of ./vouchsafe.yaml, which is read if it exists." placeholder:"FILE" type:"path"`
	VersionFlag versionFlag `name:"version" help:"Print the version."`

	Serve       serveCmd       `cmd:"" default:"1" help:"Run the server (the default)."`
	Server      serverCmd      `cmd:"" help:"Run the server in the place of Keratin AuthN, by its variables."`
	Migrate     migrateCmd     `cmd:"" help:"Create the database or bring its schema up to date. serve does this too."`
	Client      clientCmd      `cmd:"" help:"Manage the apps that users sign in to."`
	User        userCmd        `cmd:"" help:"Manage users."`
	Import      importCmd      `cmd:"" help:"Import users from the database of another product. user import reads files."`
	Invitation  invitationCmd  `cmd:"" help:"Manage invitations that wait to be accepted: see user invite."`
	Claim       claimCmd       `cmd:"" help:"See what apps learn about users."`
	Group       groupCmd       `cmd:"" help:"Manage groups of users."`
	Role        roleCmd        `cmd:"" help:"Manage the roles that users, groups and clients have at clients and APIs."`
	API         apiCmd         `cmd:"" name:"api" help:"Manage the APIs that access tokens are for."`
	Admin       adminCmd       `cmd:"" help:"Manage administrators, who may use the management API."`
	Upstream    upstreamCmd    `cmd:"" help:"See and try the upstream providers with which users can sign in."`
	Gateway     gatewayCmd     `cmd:"" help:"Check the file with the rules by which proxies ask who may use apps."`
	Key         keyCmd         `cmd:"" help:"Manage signing keys."`
	Secret      secretCmd      `cmd:"" help:"Replace master secrets."`
	APIKey      apiKeyCmd      `cmd:"" name:"api-key" help:"Manage the API keys of clients and users."`
	Webhook     webhookCmd     `cmd:"" help:"Manage the addresses of apps that are told of events."`
	Mail        mailCmd        `cmd:"" help:"See emails that could not be delivered, and test the mail server."`
	Audit       auditCmd       `cmd:"" help:"Export the audit trail, and delete old entries."`
	Stats       statsCmd       `cmd:"" help:"Count active users, sign-ins and refusals."`
	Tenant      tenantCmd      `cmd:"" help:"Manage tenants: issuers with their own users, clients and keys."`
	Restored    restoredCmd    `cmd:"" help:"End all sessions and grants that a restored backup has brought back."`
	Settings    configCmd      `cmd:"" name:"config" help:"Print the settings in force, or a sample settings file."`
	Healthcheck healthcheckCmd `cmd:"" help:"Check whether the server with these settings is healthy, for containers."`
	Completion  completionCmd  `cmd:"" help:"Print a completion script for a shell."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
	Help        helpCmd        `cmd:"" help:"Show what a command does."`
	Routes      routesCmd      `cmd:"" hidden:"" help:"Print the routes of the public listener."`
}

// main runs the command line, and ends with the exit code of run.
func main() {
	release := server.HoldHeapFloor()
	// The first signal asks for an orderly stop. The next one kills, as usual.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	a := &app{Terminal: terminal.Terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, environ: os.Environ()}
	code := a.run(ctx, os.Args[1:])
	release()
	os.Exit(code)
}

// run carries out a command line and returns the exit code: 0 for success, 1 for failure, 2 for a faulty
// command line. client diff and tenant diff have one more.
func (a *app) run(ctx context.Context, args []string) int {
	// Kong calls this for --help, and goes on unless it panics.
	type exit struct{ code int }
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
		a.parser, err = kong.New(&c,
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
		k, err := a.parser.Parse(args)
		if err != nil {
			return err
		}
		a.configFile, a.flags = c.Config, givenFlags(flags)
		return k.Run()
	}()
	if err == nil {
		return code
	}
	return a.complain(ctx, err)
}

// versionCmd prints what was built, and by which Go.
type versionCmd struct{ jsonFlag }

// Run prints the version, the release of Go and the platform.
func (c *versionCmd) Run(a *app) error {
	if c.JSON {
		return a.PrintJSON(map[string]string{"version": version, "go": runtime.Version(),
			"platform": runtime.GOOS + "/" + runtime.GOARCH})
	}
	return a.printVersion()
}

// printVersion prints the version as one line.
func (a *app) printVersion() error {
	_, err := fmt.Fprintf(a.Out, "vouchsafe %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS,
		runtime.GOARCH)
	return err
}

// versionFlag prints the version in the place of a command.
type versionFlag bool

// BeforeReset is called if the flag is given.
func (versionFlag) BeforeReset(k *kong.Kong, a *app) error {
	err := a.printVersion()
	k.Exit(0)
	return err
}
