package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/alecthomas/kong"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/storage"
)

// App is what commands share: where they read, write and find their settings.
type App struct {
	terminal.Terminal
	Environ    []string
	Flags      map[string]string // settings given as flags, by their names
	ConfigFile string
	Parser     *kong.Kong       // for completion and help
	Version    string           // of the program
	read       *settings.Config // nil until Config has read them
	named      bool             // whether the user knows which database the command works on
}

// TenantFlag names the tenant that a command is about.
type TenantFlag struct {
	Tenant string `help:"The tenant to act on." default:"default" placeholder:"ID" complete:"tenant"`
}

// PlaceFlags say where a command works: at a tenant of the database, or of a server.
type PlaceFlags struct {
	TenantFlag
	ServerFlag
}

// ServerFlag is of every command that can work at a server.
type ServerFlag struct {
	Server string `help:"Work at the server with this issuer, by its management API, instead of on the database." placeholder:"URL"`
}

// Place is where a command about all tenants works: at the default one.
func (f ServerFlag) Place() PlaceFlags { return PlaceFlags{TenantFlag{storage.DefaultTenant}, f} }

// JSONFlag is of every command that prints something a script may read.
type JSONFlag struct {
	JSON bool `name:"json" help:"Print JSON, for scripts."`
}

// YesFlag is a flag of commands after which something is lost.
type YesFlag struct {
	Yes bool `help:"Do not ask for confirmation. Without a terminal the command needs this."`
}

// Approve asks the user at the terminal whether to go on, unless --yes has said so. loss is a sentence about
// what is lost. Without a terminal it returns an error: a script must not wait for an answer.
func (a *App) Approve(ctx context.Context, yes YesFlag, loss string, args ...any) error {
	if yes.Yes {
		return nil
	}
	loss = fmt.Sprintf(loss, args...)
	err := a.Confirm(ctx, loss)
	if errors.Is(err, terminal.ErrCannotAsk) {
		return Misused("%s\nPass --yes to confirm", terminal.Printable(loss))
	}
	return err
}
