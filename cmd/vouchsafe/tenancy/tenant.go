package tenancy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/declare"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// TenantCmd is the family of commands about tenants.
type TenantCmd struct {
	Add    tenantAddCmd    `cmd:"" help:"Add a tenant."`
	List   tenantListCmd   `cmd:"" help:"List tenants."`
	Show   tenantShowCmd   `cmd:"" help:"Show a tenant with its settings."`
	Edit   tenantEditCmd   `cmd:"" help:"Change settings of a tenant. Its upstream providers, attributes and APIs are those of a file: see tenant apply, and api put."`
	Login  tenantLoginCmd  `cmd:"" help:"Set the email and password with which the app of a tenant signs in at the routes of backend-auth, and end its sign-ins."`
	Remove tenantRemoveCmd `cmd:"" help:"Remove a tenant with all its data, for good."`
	Apply  tenantApplyCmd  `cmd:"" help:"Apply a tenants file: its rules and branding replace those of its tenants. The command asks before it takes an upstream provider, an attribute or an API away. Idempotent."`
	Diff   tenantDiffCmd   `cmd:"" help:"Show what apply would change."`
}

// tenantAddCmd adds a tenant. Its rules and branding come from a tenants file.
type tenantAddCmd struct {
	ID      string `arg:"" help:"The id, which is part of the URL: lower-case letters, digits and hyphens. An id can never be reused."`
	Name    string `help:"The name that users see." placeholder:"TEXT"`
	Host    string `help:"A host of its own (with the port, unless it is the default), instead of /t/ID at the issuer's." placeholder:"HOST"`
	LogoURI string `name:"logo-uri" help:"The https URL of a logo." placeholder:"URL"`
	command.ServerFlag
	command.JSONFlag
}

// Run prints the issuer of the new tenant. Servers know the tenant within a second.
func (c *tenantAddCmd) Run(ctx context.Context, a *command.App) error {
	var fs declare.Faults
	if !tenants.ValidID(c.ID) {
		fs.Add("id", "%q: %s", c.ID, tenants.IDRule)
	}
	if c.Server == "" { // otherwise the server knows its issuer
		cfg, err := a.Config()
		if err != nil {
			return err
		}
		if fault := tenants.HostFault(cfg.Issuer, c.Host); fault != "" {
			fs.Add("--host", "%q %s", c.Host, fault)
		}
	}
	if c.LogoURI != "" && !tenants.ValidLogo(c.LogoURI) {
		fs.Add("--logo-uri", "%q: write an https URL", c.LogoURI)
	}
	if err := fs.Err(); err != nil {
		return err
	}
	return a.WithDesk(ctx, c.Place(), func(d desk.Desk) error {
		t, err := d.AddTenant(ctx, storage.Tenant{ID: c.ID, Name: c.Name, Host: c.Host, LogoURI: c.LogoURI})
		if errors.Is(err, storage.ErrExists) {
			return fmt.Errorf("the id %s or its host is taken, or was taken by a tenant since removed", c.ID)
		}
		if err != nil {
			return err
		}
		v := viewTenant(t)
		if c.JSON {
			return a.PrintJSON(v)
		}
		fmt.Fprintln(a.Out, terminal.Printable(v.Issuer))
		return nil
	})
}

// TenantView is a tenant as commands print it.
type TenantView struct {
	ID        string    `json:"id"`
	Name      string    `json:"name,omitempty"`
	Issuer    string    `json:"issuer"`
	Host      string    `json:"host,omitempty"`
	LogoURI   string    `json:"logo_uri,omitempty"`
	Disabled  bool      `json:"disabled"`
	CreatedAt time.Time `json:"created_at"`
}

// viewTenant returns the tenant as commands print it, with its issuer.
func viewTenant(t desk.OneTenant) TenantView {
	return TenantView{t.ID, t.Name, t.Issuer, t.Host, t.LogoURI, t.Disabled, t.CreatedAt}
}

// tenantListCmd lists the tenants by id.
type tenantListCmd struct {
	command.PageFlags
	command.ServerFlag
	command.JSONFlag
}

// Run prints the tenants while it reads them.
func (c *tenantListCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.Place(), func(d desk.Desk) error {
		all := command.First(c.Limit, d.Tenants(ctx, c.After))
		columns := []string{"TENANT", "NAME", "ISSUER"}
		return terminal.PrintList(&a.Terminal, c.JSON, all, viewTenant, columns, func(v TenantView) []string {
			return []string{v.ID, v.Name, v.Issuer}
		})
	})
}

// tenantSettingsView is a tenant with its settings as commands print it.
type tenantSettingsView struct {
	TenantView
	storage.TenantSettings
}

// viewSettings returns the tenant with its settings as commands print it. It has no secrets.
func viewSettings(t desk.OneTenant) tenantSettingsView {
	return tenantSettingsView{viewTenant(t), t.Settings}
}

// tenantShowCmd prints a tenant with its settings.
type tenantShowCmd struct {
	command.PlaceFlags
	command.JSONFlag
}

// Run prints the settings that are not the defaults.
func (c *tenantShowCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		t, err := d.Tenant(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return a.PrintJSON(viewSettings(t))
		}
		return a.PrintFields(terminal.FieldsOf(viewSettings(t)))
	})
}

// tenantEditCmd changes settings of a tenant. They are named as in a tenants file.
type tenantEditCmd struct {
	command.PatchFlags
	command.PlaceFlags
	command.JSONFlag
}

// Run prints the tenant, or whether there was a change. It takes no part of a list away without a question: those of
// which users or apps would lose something are changed by commands that ask.
func (c *tenantEditCmd) Run(ctx context.Context, a *command.App) error {
	patch, err := c.Patch()
	if err != nil {
		return err
	}
	for name, by := range map[string]string{
		"upstreams": "tenant apply", "attributes": "tenant apply", "apis": "api put and api remove",
	} {
		if _, ok := patch[name]; ok {
			return command.Misused("%s: change them with %s", name, by)
		}
	}
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		after, changed, err := d.EditTenant(ctx, patch)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return a.PrintJSON(viewSettings(after))
		case !changed:
			return a.PrintSentence("Nothing has changed about tenant %s.", c.Tenant)
		}
		return a.PrintSentence("Changed tenant %s.", c.Tenant)
	})
}

// tenantRemoveCmd removes a tenant with all that belongs to it. Its id can never be used again.
type tenantRemoveCmd struct {
	ID string `arg:"" help:"The id." complete:"tenant"`
	command.YesFlag
	command.ServerFlag
	command.JSONFlag
}

// Run asks first, and refuses the default tenant. Nothing of the tenant works any more when it is removed; its rows are
// deleted afterwards, by this command or by servers.
func (c *tenantRemoveCmd) Run(ctx context.Context, a *command.App) error {
	if c.ID == storage.DefaultTenant {
		return tenants.ErrDefault
	}
	return a.WithDesk(ctx, c.Place(), func(d desk.Desk) error {
		if err := d.HasTenant(ctx, c.ID); err != nil {
			return command.NoSuch(err, "tenant", c.ID)
		}
		err := a.Approve(ctx, c.YesFlag, "This removes tenant %s with all its users, clients and keys, for good.", c.ID)
		if err != nil {
			return err
		}
		if err := d.RemoveTenant(ctx, c.ID); err != nil {
			return command.NoSuch(err, "tenant", c.ID)
		}
		return a.TellRemoved(c.JSON, "", "tenant", c.ID, c.ID)
	})
}
