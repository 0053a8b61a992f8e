package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/storage"
)

// patchFlags are a JSON merge patch (RFC 7396) as flags.
type patchFlags struct {
	Set   []string `sep:"none" help:"Set a member, such as client_name='Wiki' or 'redirect_uris=[\"https://…\"]': text, or JSON. One within another is named with a dot. Repeatable." placeholder:"NAME=VALUE"`
	Unset []string `sep:"none" help:"Give a member its default. Repeatable." placeholder:"NAME"`
}

// patch returns the merge patch.
func (c *patchFlags) patch() (map[string]any, error) {
	if len(c.Set)+len(c.Unset) == 0 {
		return nil, misused("nothing is to be changed: write --set NAME=VALUE or --unset NAME")
	}
	patch := map[string]any{}
	for _, text := range c.Set {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, misused("--set %q: write NAME=VALUE", text)
		}
		if err := put(patch, name, jsonapi.Value(value)); err != nil {
			return nil, err
		}
	}
	for _, name := range c.Unset {
		if err := put(patch, name, nil); err != nil {
			return nil, err
		}
	}
	return patch, nil
}

// put sets a member of a patch whose name has dots between those of objects.
func put(patch map[string]any, name string, value any) error {
	parts := strings.Split(name, ".")
	for _, part := range parts[:len(parts)-1] {
		below, ok := patch[part].(map[string]any)
		if _, is := patch[part]; is && !ok {
			return misused("%q is changed twice", part)
		}
		if !ok {
			below = map[string]any{}
			patch[part] = below
		}
		patch = below
	}
	last := parts[len(parts)-1]
	if _, is := patch[last]; is {
		return misused("%q is changed twice", name)
	}
	patch[last] = value
	return nil
}

// whichClient names a client.
type whichClient struct {
	ClientID string `arg:"" name:"client-id" help:"The client_id." complete:"client"`
	placeFlags
	jsonFlag
}

// clientEditCmd changes members of a client. They are named as in a clients file.
type clientEditCmd struct {
	whichClient
	patchFlags
}

// Run prints the client, or whether there was a change.
func (c *clientEditCmd) Run(ctx context.Context, a *app) error {
	patch, err := c.patch()
	if err != nil {
		return err
	}
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		after, changed, err := d.EditClient(ctx, c.ClientID, patch)
		switch {
		case err != nil:
			return noSuch(err, "client", c.ClientID)
		case c.JSON:
			return a.PrintJSON(viewClient(after))
		case !changed:
			return a.PrintSentence("Nothing has changed about client %s of tenant %s.", c.ClientID, c.Tenant)
		}
		return a.PrintSentence("Changed client %s of tenant %s.", c.ClientID, c.Tenant)
	})
}

// clientAllowCmd vouches for a client that no administrator added.
type clientAllowCmd struct{ whichClient }

// Run says that the client is allowed.
func (c *clientAllowCmd) Run(ctx context.Context, a *app) error {
	return a.onOutside(ctx, c.whichClient, "Allowed client %s of tenant %s.",
		func(d desk.Desk) error { return d.JudgeClient(ctx, c.ClientID, storage.VerdictAllowed) })
}

// clientDenyCmd refuses a client that no administrator added.
type clientDenyCmd struct {
	whichClient
	yesFlag
}

// Run asks first.
func (c *clientDenyCmd) Run(ctx context.Context, a *app) error {
	return a.onOutside(ctx, c.whichClient, "Denied client %s of tenant %s.", func(d desk.Desk) error {
		err := a.confirm(ctx, c.yesFlag, "This refuses client %s at tenant %s: what users allowed it stops to work.",
			c.ClientID, c.Tenant)
		if err != nil {
			return err
		}
		return d.JudgeClient(ctx, c.ClientID, storage.VerdictDenied)
	})
}

// clientRefreshCmd has the document of a client read again.
type clientRefreshCmd struct{ whichClient }

// Run says that the document is read when the client is used next.
func (c *clientRefreshCmd) Run(ctx context.Context, a *app) error {
	return a.onOutside(ctx, c.whichClient, "The document of client %s of tenant %s is read again at its next use.",
		func(d desk.Desk) error { return d.RefreshClient(ctx, c.ClientID) })
}

// onOutside does something with a client that no administrator added, and says so; or prints the client as JSON.
func (a *app) onOutside(ctx context.Context, which whichClient, done string, do func(desk.Desk) error) error {
	return a.withDesk(ctx, which.placeFlags, func(d desk.Desk) error {
		if err := do(d); err != nil {
			return noSuch(err, "client", which.ClientID)
		}
		if !which.JSON {
			return a.PrintSentence(done, which.ClientID, which.Tenant)
		}
		c, err := d.Client(ctx, which.ClientID)
		if err != nil {
			return noSuch(err, "client", which.ClientID)
		}
		return a.PrintJSON(viewClient(c))
	})
}

// clientSecretsCmd lists the secrets of a client, of which only hashes are stored.
type clientSecretsCmd struct{ whichClient }

// clientSecretView is a secret of a client as commands print it.
type clientSecretView struct {
	ID     string `json:"id"`
	Secret string `json:"client_secret,omitempty"`
}

// Run prints the ids, oldest first.
func (c *clientSecretsCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		ids, err := d.ClientSecrets(ctx, c.ClientID)
		if err != nil {
			return noSuch(err, "client", c.ClientID)
		}
		view := func(id string) clientSecretView { return clientSecretView{ID: id} }
		return terminal.PrintList(&a.Terminal, c.JSON, every(ids), view, []string{"SECRET"},
			func(v clientSecretView) []string { return []string{v.ID} })
	})
}

// clientAddSecretCmd gives a client one more secret, so that it can be moved from one to another.
type clientAddSecretCmd struct{ whichClient }

// Run prints the secret, which cannot be shown again.
func (c *clientAddSecretCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		made, id, err := d.AddClientSecret(ctx, c.ClientID)
		if err != nil {
			return noSuch(err, "client", c.ClientID)
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
	yesFlag
}

// Run asks first.
func (c *clientRemoveSecretCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		err := a.confirm(ctx, c.yesFlag, "This removes secret %s of client %s: from now on it is refused.",
			c.Secret, c.ClientID)
		if err != nil {
			return err
		}
		if err := d.RemoveClientSecret(ctx, c.ClientID, c.Secret); err != nil {
			return noSuch(err, "secret of client "+c.ClientID, c.Secret)
		}
		return a.tellRemoved(c.JSON, c.Tenant, "secret", c.Secret, c.Secret+" of client "+c.ClientID)
	})
}
