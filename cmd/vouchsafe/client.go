package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/declare"
	"github.com/vouchsafe/vouchsafe/internal/devpage"
	"github.com/vouchsafe/vouchsafe/storage"
)

// clientCmd is the family of commands about clients (RFC 6749 section 2).
type clientCmd struct {
	Add          clientAddCmd          `cmd:"" help:"Add a client, and print its secret once."`
	List         clientListCmd         `cmd:"" help:"List clients."`
	Show         clientShowCmd         `cmd:"" help:"Show a client."`
	Edit         clientEditCmd         `cmd:"" help:"Change a client."`
	Allow        clientAllowCmd        `cmd:"" help:"Vouch for a client that no administrator added: one by URL, or one that registered itself."`
	Deny         clientDenyCmd         `cmd:"" help:"Refuse a client that no administrator added, for good. What users allowed it stops to work."`
	Refresh      clientRefreshCmd      `cmd:"" help:"Have the document of a client by URL read again when the client is used next."`
	Secrets      clientSecretsCmd      `cmd:"" help:"List the ids of a client's secrets."`
	AddSecret    clientAddSecretCmd    `cmd:"" help:"Give a client one more secret, and print it once. The others stay valid."`
	RemoveSecret clientRemoveSecretCmd `cmd:"" help:"Remove one of a client's secrets."`
	Remove       clientRemoveCmd       `cmd:"" help:"Remove a client, with all that users allowed it."`
	Apply        clientApplyCmd        `cmd:"" help:"Apply a clients file: add and change the clients that it declares. Clients that an earlier file declared and this one does not are removed, with all that users allowed them: the command asks first. Idempotent."`
	Diff         clientDiffCmd         `cmd:"" help:"Show what apply would change."`
	Secret       clientSecretCmd       `cmd:"" help:"Make a client secret, and its hash for a clients file."`
}

// clientAddCmd adds a client. Its flags are the metadata of RFC 7591 that most clients need; a clients file has the
// rest.
type clientAddCmd struct {
	ClientID               string   `arg:"" name:"client-id" help:"The client_id."`
	Kind                   string   `required:"" enum:"web,spa,native,service" help:"web (has a server that keeps a secret), spa (runs in the browser), native (an app on a device) or service (acts for itself, without a user)." placeholder:"KIND"`
	Name                   string   `help:"The name that users see." placeholder:"TEXT"`
	RedirectURIs           []string `name:"redirect-uri" sep:"none" help:"A URL to which users return after sign-in. Repeatable." placeholder:"URI"`
	PostLogoutRedirectURIs []string `name:"post-logout-redirect-uri" sep:"none" help:"A URL to which users may return after sign-out. Repeatable." placeholder:"URI"`
	Scope                  string   `help:"The scopes that the client may request, separated by spaces." placeholder:"SCOPES"`
	Audience               []string `help:"An API for which the client gets access tokens. Repeatable." sep:"none" placeholder:"URI"`
	RequirePKCE            bool     `name:"require-pkce" help:"Refuse requests without PKCE. For web; spa and native clients always need PKCE."`
	FirstParty             bool     `help:"The client is your own: do not ask users for consent."`
	SecretStdin            bool     `help:"Read the secret from standard input instead of making one."`
	placeFlags
	jsonFlag
}

// Run validates the client before it opens the database, stores it, and prints the id, with the secret if one was
// made. The secret cannot be shown again.
func (c *clientAddCmd) Run(ctx context.Context, a *app) error {
	client := storage.Client{
		TenantID: c.Tenant, ClientID: c.ClientID, ClientName: c.Name, Scope: c.Scope,
		RedirectURIs: c.RedirectURIs, PostLogoutRedirectURIs: c.PostLogoutRedirectURIs,
		Audience: c.Audience, FirstParty: c.FirstParty,
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
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
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
func (c *clientAddCmd) chosenSecret(ctx context.Context, a *app, client *storage.Client) (string, error) {
	switch {
	case client.Public() && c.SecretStdin:
		return "", errors.New("--secret-stdin: a " + c.Kind + " client can keep no secret")
	case c.SecretStdin:
		return a.ReadSecret(ctx, "client secret")
	}
	return "", nil
}

// readClientSecret reads a client secret from standard input and returns its hash.
func (a *app) readClientSecret(ctx context.Context) (hash string, err error) {
	chosen, err := a.ReadSecret(ctx, "client secret")
	if err != nil {
		return "", err
	}
	return clients.HashSecret(chosen)
}

// clientListCmd lists the clients of a tenant by client_id.
type clientListCmd struct {
	pageFlags
	placeFlags
	jsonFlag
}

// Run prints the clients while it reads them. The column FROM says what made each: a command, the clients file, the
// server itself for its playground, or for outside clients their document or registration.
func (c *clientListCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		all := first(c.Limit, d.Clients(ctx, c.After))
		columns := []string{"CLIENT", "NAME", "AUTHENTICATION", "GRANT TYPES", "FROM"}
		return terminal.PrintList(&a.Terminal, c.JSON, all, viewClient, columns,
			func(v clientView) []string {
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

// clientView is a client as commands print it: with all but its secrets.
type clientView struct {
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

// fieldsOf returns the members of a value's JSON as names and values for people to read.
func fieldsOf(v any) [][2]string {
	var fields [][2]string
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts, numbers and times
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	_, _ = d.Token()
	for d.More() {
		name, _ := d.Token()
		var value any
		if err := d.Decode(&value); err != nil {
			panic(err) // Marshal has made it
		}
		fields = append(fields, [2]string{fmt.Sprint(name), plainValue(value)})
	}
	return fields
}

// plainValue returns a value of JSON as people read it: a list as words.
func plainValue(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		words := make([]string, len(v))
		for i, one := range v {
			words[i] = plainValue(one)
		}
		return strings.Join(words, " ")
	}
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // it was JSON
	}
	return string(raw)
}

// viewClient returns the client as commands print it: the number of its secrets in place of their hashes.
func viewClient(c desk.Client) clientView {
	v := clientView{Client: c.Client, Secrets: c.Secrets, Declared: c.Declared, CreatedAt: c.CreatedAt,
		UpdatedAt: c.UpdatedAt}
	if o := c.Outside; o != nil {
		v.Origin, v.Verdict, v.ReadAt, v.Fault = o.Origin, o.Verdict, o.ReadAt, o.Fault
	}
	return v
}

// clientShowCmd prints all that is stored about a client.
type clientShowCmd struct {
	ClientID string `arg:"" name:"client-id" help:"The client_id." complete:"client"`
	placeFlags
	jsonFlag
}

// Run prints the client, field by field or as JSON.
func (c *clientShowCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		client, err := d.Client(ctx, c.ClientID)
		if err != nil {
			return noSuch(err, "client", c.ClientID)
		}
		if c.JSON {
			return a.PrintJSON(viewClient(client))
		}
		return a.PrintFields(fieldsOf(viewClient(client)))
	})
}

// clientRemoveCmd removes a client with the consents, grants and tokens that belong to it.
type clientRemoveCmd struct {
	ClientID string `arg:"" name:"client-id" help:"The client_id." complete:"client"`
	yesFlag
	placeFlags
	jsonFlag
}

// Run asks first. The client is refused from the moment of its removal; the rows that belong to it are deleted
// afterwards, by this command or by servers.
func (c *clientRemoveCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		if _, err := d.Client(ctx, c.ClientID); err != nil {
			return noSuch(err, "client", c.ClientID)
		}
		err := a.confirm(ctx, c.yesFlag, "This removes client %s from tenant %s with all that users allowed it, for good.",
			c.ClientID, c.Tenant)
		if err != nil {
			return err
		}
		if err := d.RemoveClient(ctx, c.ClientID); err != nil {
			return noSuch(err, "client", c.ClientID)
		}
		return a.tellRemoved(c.JSON, c.Tenant, "client", c.ClientID, c.ClientID)
	})
}

// clientsFileArg is a clients file, and where its clients belong.
type clientsFileArg struct {
	File string `arg:"" help:"The clients file."`
	placeFlags
	jsonFlag
}

// clientApplyCmd brings the clients of a tenant in line with a clients file.
type clientApplyCmd struct {
	clientsFileArg
	yesFlag
}

// Run asks before it removes clients. It makes the signing keys that the file asks for, then the changes one after the
// other, each with its event, and prints them. If it is interrupted, run it again: what was applied is no change any
// more.
func (c *clientApplyCmd) Run(ctx context.Context, a *app) error {
	return c.plan(ctx, a, func(d desk.Desk, plan clients.Plan, file []clients.Declared) error {
		if gone := plan.Removed(); len(gone) > 0 {
			err := a.confirm(ctx, c.yesFlag, "%s no longer declares %s. This removes them from tenant %s with all that "+
				"users allowed them, for good.", c.File, strings.Join(gone, ", "), c.Tenant)
			if err != nil {
				return err
			}
		}
		return d.ApplyClients(ctx, plan, file)
	})
}

// printPlan prints what apply changes, or would change.
func (a *app) printPlan(plan clients.Plan) {
	var changes []terminal.Change
	for _, ch := range plan {
		changes = append(changes, terminal.Change{Op: ch.Op, Kind: "client", ID: ch.ClientID, Fields: ch.Fields})
	}
	a.PrintChanges(changes)
}

// clientDiffCmd shows the plan of client apply.
type clientDiffCmd struct {
	clientsFileArg
	diffFlags
}

// Run prints what apply would change, and changes nothing.
func (c *clientDiffCmd) Run(ctx context.Context, a *app) error {
	changes := 0
	err := c.plan(ctx, a, func(_ desk.Desk, plan clients.Plan, _ []clients.Declared) error {
		changes = len(plan)
		return nil
	})
	return cmp.Or(err, c.outcome(changes))
}

// plan reads the file, calls do with what applying it changes, and prints that. Secrets of the sample file are good
// enough for the database of a server in development only.
func (c *clientsFileArg) plan(
	ctx context.Context, a *app, do func(desk.Desk, clients.Plan, []clients.Declared) error,
) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	file, err := declare.ReadClients(c.File, c.Server == "" && cfg.AcceptsSamples())
	if err != nil {
		return err
	}
	return rightFile(c.File, a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		plan, err := d.PlanClients(ctx, file)
		if err != nil {
			return err
		}
		if err := do(d, plan, file); err != nil {
			return err
		}
		if c.JSON {
			return a.PrintJSON(plan)
		}
		a.printPlan(plan)
		return nil
	}))
}

// clientSecretCmd makes a secret for a clients file, which holds hashes only.
type clientSecretCmd struct {
	SecretStdin bool `help:"Read the secret from standard input, and print its hash only."`
	jsonFlag
}

// Run prints a new secret with its hash, or the hash of the secret on standard input. It needs no database.
func (c *clientSecretCmd) Run(ctx context.Context, a *app) error {
	secret, hash := clients.NewSecret()
	if c.SecretStdin {
		chosen, err := a.readClientSecret(ctx)
		if err != nil {
			return err
		}
		secret, hash = "", chosen
	}
	if c.JSON {
		return a.PrintJSON(struct {
			Secret string `json:"client_secret,omitempty"`
			Hash   string `json:"client_secret_hash"`
		}{secret, hash})
	}
	if secret != "" {
		fmt.Fprintf(a.Out, "client_secret       %s\n", secret)
	}
	_, err := io.WriteString(a.Out, "client_secret_hash  "+hash+"\n")
	return err
}
