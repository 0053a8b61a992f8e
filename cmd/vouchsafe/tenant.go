package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/server"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/declare"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/tenantapp"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// tenantCmd is the family of commands about tenants.
type tenantCmd struct {
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
	serverFlag
	jsonFlag
}

// Run prints the issuer of the new tenant. Servers know the tenant within a second.
func (c *tenantAddCmd) Run(ctx context.Context, a *app) error {
	var fs declare.Faults
	if !tenants.ValidID(c.ID) {
		fs.Add("id", "%q: %s", c.ID, tenants.IDRule)
	}
	if c.Server == "" { // otherwise the server knows its issuer
		cfg, err := a.config()
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
	return a.withDesk(ctx, c.place(), func(d desk.Desk) error {
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

// tenantView is a tenant as commands print it.
type tenantView struct {
	ID        string    `json:"id"`
	Name      string    `json:"name,omitempty"`
	Issuer    string    `json:"issuer"`
	Host      string    `json:"host,omitempty"`
	LogoURI   string    `json:"logo_uri,omitempty"`
	Disabled  bool      `json:"disabled"`
	CreatedAt time.Time `json:"created_at"`
}

// viewTenant returns the tenant as commands print it, with its issuer.
func viewTenant(t desk.OneTenant) tenantView {
	return tenantView{t.ID, t.Name, t.Issuer, t.Host, t.LogoURI, t.Disabled, t.CreatedAt}
}

// tenantListCmd lists the tenants by id.
type tenantListCmd struct {
	pageFlags
	serverFlag
	jsonFlag
}

// Run prints the tenants while it reads them.
func (c *tenantListCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.place(), func(d desk.Desk) error {
		all := first(c.Limit, d.Tenants(ctx, c.After))
		columns := []string{"TENANT", "NAME", "ISSUER"}
		return terminal.PrintList(&a.Terminal, c.JSON, all, viewTenant, columns, func(v tenantView) []string {
			return []string{v.ID, v.Name, v.Issuer}
		})
	})
}

// tenantSettingsView is a tenant with its settings as commands print it.
type tenantSettingsView struct {
	tenantView
	storage.TenantSettings
}

// viewSettings returns the tenant with its settings as commands print it. It has no secrets.
func viewSettings(t desk.OneTenant) tenantSettingsView {
	return tenantSettingsView{viewTenant(t), t.Settings}
}

// tenantShowCmd prints a tenant with its settings.
type tenantShowCmd struct {
	placeFlags
	jsonFlag
}

// Run prints the settings that are not the defaults.
func (c *tenantShowCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		t, err := d.Tenant(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return a.PrintJSON(viewSettings(t))
		}
		return a.PrintFields(fieldsOf(viewSettings(t)))
	})
}

// tenantEditCmd changes settings of a tenant. They are named as in a tenants file.
type tenantEditCmd struct {
	patchFlags
	placeFlags
	jsonFlag
}

// Run prints the tenant, or whether there was a change. It takes no part of a list away without a question: those of
// which users or apps would lose something are changed by commands that ask.
func (c *tenantEditCmd) Run(ctx context.Context, a *app) error {
	patch, err := c.patch()
	if err != nil {
		return err
	}
	for name, by := range map[string]string{
		"upstreams": "tenant apply", "attributes": "tenant apply", "apis": "api put and api remove",
	} {
		if _, ok := patch[name]; ok {
			return misused("%s: change them with %s", name, by)
		}
	}
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
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
	yesFlag
	serverFlag
	jsonFlag
}

// Run asks first, and refuses the default tenant. Nothing of the tenant works any more when it is removed; its rows are
// deleted afterwards, by this command or by servers.
func (c *tenantRemoveCmd) Run(ctx context.Context, a *app) error {
	if c.ID == storage.DefaultTenant {
		return tenants.ErrDefault
	}
	return a.withDesk(ctx, c.place(), func(d desk.Desk) error {
		if err := d.HasTenant(ctx, c.ID); err != nil {
			return noSuch(err, "tenant", c.ID)
		}
		err := a.confirm(ctx, c.yesFlag, "This removes tenant %s with all its users, clients and keys, for good.", c.ID)
		if err != nil {
			return err
		}
		if err := d.RemoveTenant(ctx, c.ID); err != nil {
			return noSuch(err, "tenant", c.ID)
		}
		return a.tellRemoved(c.JSON, "", "tenant", c.ID, c.ID)
	})
}

// tenantsFileArg is the file that a command is about.
type tenantsFileArg struct {
	File string `arg:"" help:"The tenants file."`
	serverFlag
	jsonFlag
}

// secretsReader reads the master secrets: installation.OpenSecrets where something will be sealed.
type secretsReader func(ctx context.Context, cfg *settings.Config, s store) (*secret.Masters, error)

// plan reads the file, and calls do with what it changes.
func (c *tenantsFileArg) plan(ctx context.Context, a *app, secrets secretsReader,
	do func(store, tenants.Plan) error,
) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	file, err := declare.ReadTenants(c.File, cfg.Issuer)
	if err != nil {
		return err
	}
	return rightFile(c.File, a.withStore(ctx, func(s store) error {
		m, err := secrets(ctx, cfg, s)
		if err != nil {
			return err
		}
		roots, err := installation.RootCAs(cfg.ExtraCAFile)
		if err != nil {
			return err
		}
		plan, err := tenants.NewPlan(ctx, s, m, file, server.DeclaredWebhooks(cfg, s, m, roots, byCLI))
		if err != nil {
			return err
		}
		if err := do(s, plan); err != nil {
			return err
		}
		if c.JSON {
			return a.PrintJSON(plan)
		}
		a.printTenantPlan(plan)
		return nil
	}))
}

// printTenantPlan prints what apply changes, or would change.
func (a *app) printTenantPlan(plan tenants.Plan) {
	var changes []terminal.Change
	for _, ch := range plan {
		changes = append(changes, terminal.Change{Op: ch.Op, Kind: "tenant", ID: ch.ID, Fields: ch.Fields})
	}
	a.PrintChanges(changes)
}

// tenantApplyCmd brings rules and branding in line with a tenants file.
type tenantApplyCmd struct {
	tenantsFileArg
	yesFlag
}

// Run asks before it takes something away. It makes the changes one after the other, each with its event, and prints
// them.
func (c *tenantApplyCmd) Run(ctx context.Context, a *app) error {
	if c.Server != "" {
		return c.planAt(ctx, a, func(d remote.Desk, plan tenants.Plan, gone []string, members []map[string]any) error {
			if err := c.ask(ctx, a, gone); err != nil {
				return err
			}
			for i, ch := range plan {
				if err := d.PutTenant(ctx, ch.ID, members[i]); err != nil {
					return fmt.Errorf("%s tenant %s: %w", ch.Op, ch.ID, err)
				}
			}
			return nil
		})
	}
	return c.plan(ctx, a, installation.OpenSecrets, func(s store, plan tenants.Plan) error {
		if err := c.ask(ctx, a, plan.Removed()); err != nil {
			return err
		}
		return plan.Apply(ctx, s, byCLI)
	})
}

// ask asks before something is taken away.
func (c *tenantApplyCmd) ask(ctx context.Context, a *app, gone []string) error {
	if len(gone) == 0 {
		return nil
	}
	return a.confirm(ctx, c.yesFlag, "%s no longer declares %s. Users and apps can no longer use what this takes away.",
		c.File, strings.Join(gone, ", "))
}

// planAt reads the file, and calls do with what it changes at a server, which names it, and the members of each tenant
// of the plan. The caller has to be an operator: tenants of a file are those of the installation.
func (c *tenantsFileArg) planAt(
	ctx context.Context, a *app,
	do func(d remote.Desk, plan tenants.Plan, gone []string, members []map[string]any) error,
) error {
	file, err := declare.ReadTenants(c.File, c.Server)
	if err != nil {
		return err
	}
	d, err := a.openRemote(c.place())
	if err != nil {
		return err
	}
	fmt.Fprintln(a.Err, "Server:", d.Issuer())
	plan, gone, all := tenants.Plan{}, []string(nil), []map[string]any(nil)
	for _, t := range file {
		members, err := t.Members()
		if err != nil {
			return err
		}
		ch := tenants.Change{Op: tenants.Changes, ID: t.ID}
		was, err := d.TenantOf(ctx, t.ID)
		if errors.Is(err, storage.ErrNotFound) {
			ch.Op, err = tenants.Adds, nil
		}
		if err == nil {
			ch.Fields, err = d.PreviewTenant(ctx, t.ID, members)
		}
		if err != nil {
			return fmt.Errorf("tenant %s: %w", t.ID, err)
		}
		if ch.Op == tenants.Adds || len(ch.Fields) > 0 {
			plan, all, gone = append(plan, ch), append(all, members), append(gone, t.Missing(&was.Tenant)...)
			gone = append(gone, goneWebhooks(ch)...)
		}
	}
	if err := do(d, plan, gone, all); err != nil {
		return err
	}
	if c.JSON {
		return a.PrintJSON(plan)
	}
	a.printTenantPlan(plan)
	return nil
}

// goneWebhooks names the webhooks that a change at a server removes.
func goneWebhooks(ch tenants.Change) (names []string) {
	for _, f := range ch.Fields {
		if id, ok := strings.CutPrefix(f.Name, "webhooks."); ok && f.To == nil {
			names = append(names, "webhook "+id+" of tenant "+ch.ID)
		}
	}
	return names
}

// tenantDiffCmd shows the plan of tenant apply.
type tenantDiffCmd struct {
	tenantsFileArg
	diffFlags
}

// Run prints what apply would change, and changes nothing. It records no use of the master secret.
func (c *tenantDiffCmd) Run(ctx context.Context, a *app) error {
	changes := 0
	if c.Server != "" {
		err := c.planAt(ctx, a, func(_ remote.Desk, plan tenants.Plan, _ []string, _ []map[string]any) error {
			changes = len(plan)
			return nil
		})
		return cmp.Or(err, c.outcome(changes))
	}
	err := c.plan(ctx, a, installation.CheckSecrets, func(_ store, plan tenants.Plan) error {
		changes = len(plan)
		return nil
	})
	if err != nil {
		return err
	}
	return c.outcome(changes)
}

// upstreamCmd is the family of commands about upstream providers, which are settings of tenants.
type upstreamCmd struct {
	List upstreamListCmd `cmd:"" help:"List the upstream providers with which users can sign in. Change them with tenant apply."`
	Show upstreamShowCmd `cmd:"" help:"Show an upstream provider, without its secret."`
	Test upstreamTestCmd `cmd:"" help:"Try an upstream provider, without a user: what it says of itself, its keys and clock, and whether it takes the client."`
}

// upstreamListCmd lists the upstream providers of a tenant, in the order of the sign-in page.
type upstreamListCmd struct {
	placeFlags
	jsonFlag
}

func (c *upstreamListCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		t, err := d.Tenant(ctx)
		if err != nil {
			return err
		}
		all, columns := every(t.Settings.Upstreams), []string{"UPSTREAM", "NAME", "ISSUER", "CLIENT"}
		return terminal.PrintList(&a.Terminal, c.JSON, all, same[storage.Upstream], columns,
			func(u storage.Upstream) []string { return []string{u.ID, upstream.NameOf(u), u.Issuer, u.ClientID} })
	})
}

// whichUpstream names an upstream provider.
type whichUpstream struct {
	ID string `arg:"" help:"The provider's id, as in tenants.yaml." complete:"upstream"`
	placeFlags
	jsonFlag
}

// upstreamShowCmd shows the settings of a provider.
type upstreamShowCmd struct{ whichUpstream }

func (c *upstreamShowCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		t, err := d.Tenant(ctx)
		if err != nil {
			return err
		}
		u := t.Settings.Upstream(c.ID)
		if u == nil {
			return noSuch(storage.ErrNotFound, "upstream provider", c.ID)
		}
		if c.JSON {
			return a.PrintJSON(u)
		}
		return a.PrintFields(fieldsOf(*u))
	})
}

// upstreamTestCmd asks a provider what a sign-in needs of it, without a user.
type upstreamTestCmd struct{ whichUpstream }

// Help says what the results mean.
func (*upstreamTestCmd) Help() string {
	return "The command asks the provider what a sign-in asks. A step passes, warns, fails, is skipped because another " +
		"step has to pass first, or is unknown because only a sign-in can show it. The exit code is 1 if a step fails."
}

// errTrial says that a step has failed, which is printed by then.
var errTrial = errors.New("users can't sign in through this provider until the failed steps pass")

func (c *upstreamTestCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		steps, err := d.TryUpstream(ctx, c.ID)
		if err != nil {
			return noSuch(err, "upstream provider", c.ID)
		}
		works := upstream.Works(steps)
		if c.JSON {
			err = a.PrintJSON(struct {
				Works bool            `json:"works"`
				Steps []upstream.Step `json:"steps"`
			}{works, steps})
		} else {
			for _, s := range steps {
				fmt.Fprintf(a.Out, "%-8s %s: %s\n", terminal.Printable(s.Outcome), terminal.Printable(s.Name),
					terminal.Printable(s.Says))
			}
		}
		if err == nil && !works {
			err = errTrial
		}
		return err
	})
}

// tenantLoginCmd gives the app of a tenant a login.
type tenantLoginCmd struct {
	ID            string `arg:"" help:"The id of the tenant." complete:"tenant"`
	Email         string `required:"" help:"The email address with which the app signs in. No other tenant may have it." placeholder:"ADDRESS"`
	PasswordStdin bool   `help:"Read the password from standard input instead of asking on the terminal."`
	jsonFlag
}

// Run ends all sign-ins of the app: their tokens die.
func (c *tenantLoginCmd) Run(ctx context.Context, a *app) error {
	email, err := address.Claim(c.Email)
	if err != nil {
		return fmt.Errorf("--email %q isn't an email address", c.Email)
	}
	cfg, err := a.config()
	if err != nil {
		return err
	}
	hasher, err := installation.Hasher(cfg)
	if err != nil {
		return err
	}
	return a.withStore(ctx, func(s store) error {
		if _, err := s.Tenant(ctx, c.ID); err != nil {
			return noSuch(err, "tenant", c.ID)
		}
		if !c.PasswordStdin && !a.Interactive() {
			return errors.New("there is no terminal on which to ask for the password: use --password-stdin")
		}
		p, err := a.readPassword(ctx, c.PasswordStdin)
		if err != nil {
			return err
		}
		err = tenantapp.SetLogin(ctx, s, hasher, c.ID, email, p.Text, byCLI)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			return noSuch(err, "tenant", c.ID)
		case errors.Is(err, tenantapp.ErrEmailTaken):
			return fmt.Errorf("another tenant signs in with %s", c.Email)
		case errors.Is(err, tenantapp.ErrPassword):
			return errors.New("the password needs 6 characters or more, only letters and digits: a lower-case letter, " +
				"a capital and a digit among them")
		case err != nil:
			return err
		case c.JSON:
			return a.PrintJSON(map[string]string{"tenant": c.ID, "email": email.String()})
		}
		return a.PrintSentence("The app of tenant %s signs in with %s from now on. Tokens from before are void.", c.ID,
			email.String())
	})
}
