package apps

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/storage"
)

// APICmd is the family of commands about APIs: the resource servers that access tokens are for. They are part of the
// settings of a tenant.
type APICmd struct {
	Put    apiPutCmd    `cmd:"" help:"Add an API, or replace the one with the same identifier."`
	List   apiListCmd   `cmd:"" help:"List APIs."`
	Show   apiShowCmd   `cmd:"" help:"Show an API."`
	Remove apiRemoveCmd `cmd:"" help:"Remove an API, with its roles."`
}

// apiPutCmd adds an API or replaces one. What is not given is not kept, so that the same command always has the same
// result.
type apiPutCmd struct {
	Identifier string         `arg:"" help:"The API's identifier, an absolute URI: the aud of its access tokens." complete:"api"`
	Name       string         `help:"The name that users see." placeholder:"TEXT"`
	Scope      []string       `sep:"none" help:"A scope that clients can ask for. Repeatable." placeholder:"SCOPE"`
	Consent    []string       `sep:"none" help:"What the consent page says about a scope, such as 'orders:read en Read your orders'. Repeatable." placeholder:"TEXT"`
	Format     string         `name:"access-token-format" enum:"jwt,opaque," default:"" help:"jwt or opaque; without it each client's own." placeholder:"FORMAT"`
	Lifetime   *time.Duration `name:"access-token-lifetime" help:"How long access tokens for the API live; without it as each client says." placeholder:"DURATION"`
	Clients    []string       `name:"for-client" sep:"none" help:"A client that may ask for tokens for the API. Repeatable; without it all may." placeholder:"CLIENT-ID" complete:"client"`
	command.YesFlag
	command.PlaceFlags
	command.JSONFlag
}

// api returns the API of the flags.
func (c *apiPutCmd) api() (storage.API, error) {
	a := storage.API{Identifier: c.Identifier, Name: c.Name, AccessTokenFormat: c.Format, Clients: c.Clients}
	if c.Lifetime != nil {
		a.AccessTokenLifetime = storage.Duration(*c.Lifetime)
	}
	for _, name := range c.Scope {
		a.Scopes = append(a.Scopes, storage.APIScope{Name: name})
	}
	for _, text := range c.Consent {
		words := strings.SplitN(text, " ", 3)
		i := slices.IndexFunc(a.Scopes, func(s storage.APIScope) bool { return s.Name == words[0] })
		if len(words) < 3 || i < 0 {
			return a, command.Misused("--consent %q: write a scope of the API, a language and the sentence, such as "+
				"'orders:read en Read your orders'", text)
		}
		if a.Scopes[i].Consent == nil {
			a.Scopes[i].Consent = map[string]string{}
		}
		a.Scopes[i].Consent[words[1]] = words[2]
	}
	return a, nil
}

// Run stores the API in the tenant's settings with its event, and says whether it is new. A client that asks for the
// API gets what it says now from the next second on.
func (c *apiPutCmd) Run(ctx context.Context, a *command.App) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		if err := c.confirm(ctx, a, d, api); err != nil {
			return err
		}
		added, err := d.PutAPI(ctx, api)
		if err != nil {
			return command.NoSuch(err, "tenant", c.Tenant)
		}
		if c.JSON {
			return a.PrintJSON(api)
		}
		if added {
			return a.PrintSentence("Added API %s to tenant %s.", c.Identifier, c.Tenant)
		}
		return a.PrintSentence("Changed API %s of tenant %s.", c.Identifier, c.Tenant)
	})
}

// confirm asks before the API loses scopes that it has and the flags do not name.
func (c *apiPutCmd) confirm(ctx context.Context, a *command.App, d desk.Desk, api storage.API) error {
	t, err := d.Tenant(ctx)
	if err != nil {
		return command.NoSuch(err, "tenant", c.Tenant)
	}
	was := t.Settings.API(c.Identifier)
	if was == nil {
		return nil
	}
	var lost []string
	for _, scope := range was.Scopes {
		same := func(kept storage.APIScope) bool { return kept.Name == scope.Name }
		if !slices.ContainsFunc(api.Scopes, same) {
			lost = append(lost, scope.Name)
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return a.Approve(ctx, c.YesFlag, "This takes scopes from API %s, which clients can then no longer ask for: %s. "+
		"To keep a scope, name it with --scope.", c.Identifier, strings.Join(lost, ", "))
}

// apiListCmd lists the APIs of a tenant in the order of its settings.
type apiListCmd struct {
	command.PlaceFlags
	command.JSONFlag
}

// Run prints the APIs. They are few: all are read at once.
func (c *apiListCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		t, err := d.Tenant(ctx)
		if err != nil {
			return command.NoSuch(err, "tenant", c.Tenant)
		}
		all := func(yield func(storage.API, error) bool) {
			for _, api := range t.Settings.APIs {
				if !yield(api, nil) {
					return
				}
			}
		}
		columns := []string{"API", "NAME", "SCOPES", "CLIENTS"}
		return terminal.PrintList(&a.Terminal, c.JSON, all, command.Same[storage.API], columns, func(v storage.API) []string {
			clients := "all"
			if len(v.Clients) > 0 {
				clients = strings.Join(v.Clients, " ")
			}
			return []string{v.Identifier, v.Name, scopeNames(v), clients}
		})
	})
}

// scopeNames returns the names of the API's scopes in a line.
func scopeNames(api storage.API) string {
	var names []string
	for _, s := range api.Scopes {
		names = append(names, s.Name)
	}
	return strings.Join(names, " ")
}

// whichAPI names an API.
type whichAPI struct {
	Identifier string `arg:"" help:"The API's identifier." complete:"api"`
	command.PlaceFlags
	command.JSONFlag
}

// apiShowCmd shows one API.
type apiShowCmd struct{ whichAPI }

// Run prints what is set about the API; what is not set is left out.
func (c *apiShowCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		t, err := d.Tenant(ctx)
		if err != nil {
			return command.NoSuch(err, "tenant", c.Tenant)
		}
		api := t.Settings.API(c.Identifier)
		if api == nil {
			return command.NoSuch(storage.ErrNotFound, "API", c.Identifier)
		}
		if c.JSON {
			return a.PrintJSON(api)
		}
		fields := [][2]string{{"API", api.Identifier}, {"Name", api.Name}, {"Scopes", scopeNames(*api)},
			{"Clients", strings.Join(api.Clients, " ")}, {"Format", api.AccessTokenFormat}}
		if api.AccessTokenLifetime != 0 {
			fields = append(fields, [2]string{"Lifetime", time.Duration(api.AccessTokenLifetime).String()})
		}
		fields = slices.DeleteFunc(fields, func(f [2]string) bool { return f[1] == "" })
		return a.PrintFields(fields)
	})
}

// apiRemoveCmd removes an API with its roles.
type apiRemoveCmd struct {
	whichAPI
	command.YesFlag
}

// Run asks first, then changes the settings of the tenant with an event. No more tokens are made for the API.
func (c *apiRemoveCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		t, err := d.Tenant(ctx)
		if err != nil {
			return command.NoSuch(err, "tenant", c.Tenant)
		}
		if t.Settings.API(c.Identifier) == nil {
			return command.NoSuch(storage.ErrNotFound, "API", c.Identifier)
		}
		err = a.Approve(ctx, c.YesFlag, "This removes API %s from tenant %s with its roles.", c.Identifier, c.Tenant)
		if err != nil {
			return err
		}
		if err := d.RemoveAPI(ctx, c.Identifier); err != nil {
			return command.NoSuch(err, "API", c.Identifier)
		}
		return a.TellRemoved(c.JSON, c.Tenant, "API", c.Identifier, c.Identifier)
	})
}
