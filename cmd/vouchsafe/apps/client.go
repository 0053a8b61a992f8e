package apps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/declare"
	"github.com/vouchsafe/vouchsafe/internal/devpage"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ClientCmd is the family of commands about clients (RFC 6749 section 2).
type ClientCmd struct {
	Add           clientAddCmd           `cmd:"" help:"Add a client, and print its secret once."`
	List          clientListCmd          `cmd:"" help:"List clients."`
	Show          clientShowCmd          `cmd:"" help:"Show a client."`
	Edit          clientEditCmd          `cmd:"" help:"Change a client."`
	Allow         clientAllowCmd         `cmd:"" help:"Vouch for a client that no administrator added: one by URL, or one that registered itself."`
	Deny          clientDenyCmd          `cmd:"" help:"Refuse a client that no administrator added, for good. What users allowed it stops working."`
	Refresh       clientRefreshCmd       `cmd:"" help:"Have the document of a client by URL read again when the client is used next."`
	Secrets       clientSecretsCmd       `cmd:"" help:"List the ids of a client's secrets."`
	AddSecret     clientAddSecretCmd     `cmd:"" help:"Give a client one more secret, and print it once. The others stay valid."`
	RemoveSecret  clientRemoveSecretCmd  `cmd:"" help:"Remove one of a client's secrets."`
	Logouts       clientLogoutsCmd       `cmd:"" help:"List the ends of sessions of which a client is told, newest first."`
	ReplayLogouts clientReplayLogoutsCmd `cmd:"" help:"Tell a client again of sessions that have ended."`
	Remove        clientRemoveCmd        `cmd:"" help:"Remove a client, with all that users allowed it."`
	Apply         clientApplyCmd         `cmd:"" help:"Apply a clients file: add and change the clients that it declares. Clients that an earlier file declared and this one does not are removed, with all that users allowed them: the command asks first. Idempotent."`
	Diff          clientDiffCmd          `cmd:"" help:"Show what apply would change."`
	Secret        clientSecretCmd        `cmd:"" help:"Make a client secret, and its hash for a clients file."`
}

// clientAddCmd adds a client. Its flags are the metadata of RFC 7591 that most clients need; a clients file has the
// rest.
type clientAddCmd struct {
	ClientID               string   `arg:"" name:"client-id" help:"The client_id."`
	Kind                   string   `required:"" enum:"web,spa,native,device,service" help:"web (has a server that keeps a secret), spa (runs in the browser), native (an app that opens a browser), device (without a browser) or service (acts for itself, without a user)." placeholder:"KIND"`
	Name                   string   `help:"The name that users see." placeholder:"TEXT"`
	RedirectURIs           []string `name:"redirect-uri" sep:"none" help:"A URL to which users return after sign-in. Repeatable." placeholder:"URI"`
	PostLogoutRedirectURIs []string `name:"post-logout-redirect-uri" sep:"none" help:"A URL to which users may return after sign-out. Repeatable." placeholder:"URI"`
	Scope                  string   `help:"The scopes that the client may request, separated by spaces." placeholder:"SCOPES"`
	Audience               []string `help:"An API for which the client gets access tokens. Repeatable." sep:"none" placeholder:"URI"`
	RequirePKCE            bool     `name:"require-pkce" help:"Refuse requests without PKCE. For web; spa and native clients always need PKCE."`
	DPoP                   string   `name:"dpop" enum:",off,allow,require" default:"" help:"Whether its tokens are bound to a key that it proves to have (RFC 9449): off, allow or require. Default: allow, that is, those for which it sends a proof." placeholder:"WHEN"`
	FirstParty             bool     `help:"The client is your own: do not ask users for consent."`
	SecretStdin            bool     `help:"Read the secret from standard input instead of making one."`
	command.PlaceFlags
	command.JSONFlag
}

// Run validates the client before it opens the database, stores it, and prints the id, with the secret if one was
// made. The secret cannot be shown again.
func (c *clientAddCmd) Run(ctx context.Context, a *command.App) error {
	client := storage.Client{
		TenantID: c.Tenant, ClientID: c.ClientID, ClientName: c.Name, Scope: c.Scope,
		RedirectURIs: c.RedirectURIs, PostLogoutRedirectURIs: c.PostLogoutRedirectURIs,
		Audience: c.Audience, FirstParty: c.FirstParty, DPoP: c.DPoP,
	}
	clients.SetKind(&client, c.Kind)
	if c.RequirePKCE {
		client.RequirePKCE = &c.RequirePKCE
	}
	secret, err := c.chosenSecret(ctx, a, &client)
	if err != nil {
		return err
	}
	var fs declare.Faults
	for _, e := range clients.Validate(&client) {
		fs.Add(e.Field, "%s", e.Message)
	}
	if err := fs.Err(); err != nil {
		return err
	}
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		client, made, err := d.AddClient(ctx, client, secret)
		if errors.Is(err, storage.ErrExists) {
			return fmt.Errorf("client %s already exists", c.ClientID)
		}
		if err != nil {
			return err
		}
		if c.JSON {
			return a.PrintJSON(struct {
				storage.Client
				Secret string `json:"client_secret,omitempty"`
			}{client.Client, made})
		}
		fmt.Fprintf(a.Out, "client_id      %s\n", terminal.Printable(c.ClientID))
		if made != "" {
			fmt.Fprintf(a.Out, "client_secret  %s\n", terminal.Printable(made))
			fmt.Fprintln(a.Err, "The secret is shown once: Vouchsafe keeps only a hash of it.")
		}
		return nil
	})
}

// chosenSecret returns the secret on standard input, or "" if the client is to get a new one, or needs none.
func (c *clientAddCmd) chosenSecret(ctx context.Context, a *command.App, client *storage.Client) (string, error) {
	switch {
	case client.Public() && c.SecretStdin:
		return "", errors.New("--secret-stdin: a " + c.Kind + " client can keep no secret")
	case c.SecretStdin:
		return a.ReadSecret(ctx, "client secret")
	}
	return "", nil
}

// readClientSecret reads a client secret from standard input and returns its hash.
func readClientSecret(ctx context.Context, a *command.App) (hash string, err error) {
	chosen, err := a.ReadSecret(ctx, "client secret")
	if err != nil {
		return "", err
	}
	return clients.HashSecret(chosen)
}

// clientListCmd lists the clients of a tenant by client_id.
type clientListCmd struct {
	command.PageFlags
	command.PlaceFlags
	command.JSONFlag
}

// Run prints the clients while it reads them. The column FROM says what made each: a command, the clients file, the
// server itself for its playground, or for outside clients their document or registration.
func (c *clientListCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		all := command.First(c.Limit, d.Clients(ctx, c.After))
		columns := []string{"CLIENT", "NAME", "AUTHENTICATION", "GRANT TYPES", "FROM"}
		return terminal.PrintList(&a.Terminal, c.JSON, all, viewClient, columns,
			func(v ClientView) []string {
				from := "command"
				switch {
				case v.Origin != "":
					from = v.Origin
				case v.Declared:
					from = "file"
				case v.ClientID == devpage.ClientID && devpage.Owns(v.Client):
					from = "server"
				}
				return []string{v.ClientID, v.ClientName, cmp.Or(v.TokenEndpointAuthMethod, "client_secret"),
					strings.Join(v.GrantTypes, " "), from}
			})
	})
}

// ClientView is a client as commands print it: with all but its secrets.
type ClientView struct {
	storage.Client
	Secrets   int       `json:"secrets"`
	Declared  bool      `json:"declared"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	Origin    string    `json:"origin,omitempty"`
	Verdict   string    `json:"verdict,omitempty"`
	ReadAt    time.Time `json:"read_at,omitzero"`
	Fault     string    `json:"fault,omitempty"`
}

// viewClient returns the client as commands print it: the number of its secrets in place of their hashes.
func viewClient(c desk.Client) ClientView {
	v := ClientView{Client: c.Client, Secrets: c.Secrets, Declared: c.Declared, CreatedAt: c.CreatedAt,
		UpdatedAt: c.UpdatedAt}
	if o := c.Outside; o != nil {
		v.Origin, v.Verdict, v.ReadAt, v.Fault = o.Origin, o.Verdict, o.ReadAt, o.Fault
	}
	return v
}

// clientShowCmd prints all that is stored about a client.
type clientShowCmd struct {
	ClientID string `arg:"" name:"client-id" help:"The client_id." complete:"client"`
	command.PlaceFlags
	command.JSONFlag
}

// Run prints the client, field by field or as JSON.
func (c *clientShowCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		client, err := d.Client(ctx, c.ClientID)
		if err != nil {
			return command.NoSuch(err, "client", c.ClientID)
		}
		if c.JSON {
			return a.PrintJSON(viewClient(client))
		}
		return a.PrintFields(terminal.FieldsOf(viewClient(client)))
	})
}

// clientRemoveCmd removes a client with the consents, grants and tokens that belong to it.
type clientRemoveCmd struct {
	ClientID string `arg:"" name:"client-id" help:"The client_id." complete:"client"`
	command.YesFlag
	command.PlaceFlags
	command.JSONFlag
}

// Run asks first. The client is refused from the moment of its removal; the rows that belong to it are deleted
// afterwards, by this command or by servers.
func (c *clientRemoveCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		if _, err := d.Client(ctx, c.ClientID); err != nil {
			return command.NoSuch(err, "client", c.ClientID)
		}
		err := a.Approve(ctx, c.YesFlag, "This removes client %s from tenant %s with all that users allowed it, for good.",
			c.ClientID, c.Tenant)
		if err != nil {
			return err
		}
		if err := d.RemoveClient(ctx, c.ClientID); err != nil {
			return command.NoSuch(err, "client", c.ClientID)
		}
		return a.TellRemoved(c.JSON, c.Tenant, "client", c.ClientID, c.ClientID)
	})
}
