package apps

import (
	"context"
	"fmt"
	"io"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
)

// clientSecretCmd makes a secret for a clients file, which holds hashes only.
type clientSecretCmd struct {
	SecretStdin bool `help:"Read the secret from standard input, and print its hash only."`
	command.JSONFlag
}

// Run prints a new secret with its hash, or the hash of the secret on standard input. It needs no database.
func (c *clientSecretCmd) Run(ctx context.Context, a *command.App) error {
	secret, hash := clients.NewSecret()
	if c.SecretStdin {
		chosen, err := readClientSecret(ctx, a)
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

// clientSecretsCmd lists the secrets of a client, of which only hashes are stored.
type clientSecretsCmd struct{ whichClient }

// clientSecretView is a secret of a client as commands print it.
type clientSecretView struct {
	ID     string `json:"id"`
	Secret string `json:"client_secret,omitempty"`
}

// Run prints the ids, oldest first.
func (c *clientSecretsCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		ids, err := d.ClientSecrets(ctx, c.ClientID)
		if err != nil {
			return command.NoSuch(err, "client", c.ClientID)
		}
		view := func(id string) clientSecretView { return clientSecretView{ID: id} }
		return terminal.PrintList(&a.Terminal, c.JSON, command.Every(ids), view, []string{"SECRET"},
			func(v clientSecretView) []string { return []string{v.ID} })
	})
}

// clientAddSecretCmd gives a client one more secret, so that it can be moved from one to another.
type clientAddSecretCmd struct{ whichClient }

// Run prints the secret, which cannot be shown again.
func (c *clientAddSecretCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		made, id, err := d.AddClientSecret(ctx, c.ClientID)
		if err != nil {
			return command.NoSuch(err, "client", c.ClientID)
		}
		if c.JSON {
			return a.PrintJSON(clientSecretView{id, made})
		}
		fmt.Fprintf(a.Out, "id             %s\nclient_secret  %s\n", terminal.Printable(id),
			terminal.Printable(made))
		fmt.Fprintln(a.Err, "The secret is shown once: Vouchsafe keeps only a hash of it.")
		return nil
	})
}

// clientRemoveSecretCmd removes a secret that the client does not use any more.
type clientRemoveSecretCmd struct {
	whichClient
	Secret string `arg:"" help:"The id of the secret, as shown by client secrets." complete:"client-secret"`
	command.YesFlag
}

// Run asks first.
func (c *clientRemoveSecretCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		err := a.Approve(ctx, c.YesFlag, "This removes secret %s of client %s: from now on it is refused.",
			c.Secret, c.ClientID)
		if err != nil {
			return err
		}
		if err := d.RemoveClientSecret(ctx, c.ClientID, c.Secret); err != nil {
			return command.NoSuch(err, "secret of client "+c.ClientID, c.Secret)
		}
		return a.TellRemoved(c.JSON, c.Tenant, "secret", c.Secret, c.Secret+" of client "+c.ClientID)
	})
}
