package users

import (
	"context"
	"strings"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/storage"
)

// userListOf names the user that a list is about.
type userListOf struct {
	who
	command.JSONFlag
}

// listOf prints a short list of what belongs to a user.
func listOf[T any](
	ctx context.Context, a *command.App, c *userListOf, read func(desk.Desk, storage.User) ([]T, error), columns []string,
	cells func(T) []string,
) error {
	return c.with(ctx, a, func(d desk.Desk, u storage.User) error {
		all, err := read(d, u)
		if err != nil {
			return err
		}
		return terminal.PrintList(&a.Terminal, c.JSON, command.Every(all), command.Same[T], columns, cells)
	})
}

// userSessionsCmd lists where a user is signed in with a browser.
type userSessionsCmd struct{ userListOf }

func (c *userSessionsCmd) Run(ctx context.Context, a *command.App) error {
	return listOf(ctx, a, &c.userListOf, func(d desk.Desk, u storage.User) ([]desk.Session, error) {
		return d.Sessions(ctx, u)
	}, []string{"SESSION", "BEGAN", "LAST USED", "ADDRESS", "BY", "BROWSER"}, func(v desk.Session) []string {
		return []string{v.ID, terminal.Zoned(v.CreatedAt), terminal.Zoned(v.SeenAt), v.IP, strings.Join(v.AMR, " "),
			v.UserAgent}
	})
}

// userGrantsCmd lists what apps were given for a user: each grant has its tokens, and a client may have many.
type userGrantsCmd struct{ userListOf }

func (c *userGrantsCmd) Run(ctx context.Context, a *command.App) error {
	return listOf(ctx, a, &c.userListOf, func(d desk.Desk, u storage.User) ([]desk.Grant, error) {
		return d.Grants(ctx, u)
	}, []string{"GRANT", "CLIENT", "SCOPES", "OFFLINE", "GIVEN", "UNTIL"}, func(v desk.Grant) []string {
		return []string{v.ID, v.ClientID, strings.Join(v.Scopes, " "), yesNo(v.Offline), terminal.Zoned(v.CreatedAt),
			terminal.Zoned(v.ExpiresAt)}
	})
}

// userAppsCmd lists the clients that may use a user's account: by consent, or with a grant that needed none.
type userAppsCmd struct{ userListOf }

func (c *userAppsCmd) Run(ctx context.Context, a *command.App) error {
	return listOf(ctx, a, &c.userListOf, func(d desk.Desk, u storage.User) ([]desk.App, error) { return d.Apps(ctx, u) },
		[]string{"CLIENT", "NAME", "SCOPES", "SINCE"}, func(v desk.App) []string {
			return []string{v.ClientID, v.Name, strings.Join(v.Scopes, " "), terminal.Zoned(v.Since)}
		})
}

// userPasskeysCmd lists the passkeys with which a user can sign in.
type userPasskeysCmd struct{ userListOf }

func (c *userPasskeysCmd) Run(ctx context.Context, a *command.App) error {
	return listOf(ctx, a, &c.userListOf, func(d desk.Desk, u storage.User) ([]desk.Passkey, error) {
		return d.Passkeys(ctx, u)
	}, []string{"PASSKEY", "NAME", "ADDED"},
		func(v desk.Passkey) []string { return []string{v.ID, v.Name, terminal.Zoned(v.CreatedAt)} })
}

// userIdentitiesCmd lists the accounts at upstream providers with which a user can sign in.
type userIdentitiesCmd struct{ userListOf }

func (c *userIdentitiesCmd) Run(ctx context.Context, a *command.App) error {
	return listOf(ctx, a, &c.userListOf, func(d desk.Desk, u storage.User) ([]desk.Identity, error) {
		return d.Identities(ctx, u)
	}, []string{"UPSTREAM", "SUBJECT", "EMAIL", "LINKED"}, func(v desk.Identity) []string {
		return []string{v.Provider, v.Subject, v.Email, terminal.Zoned(v.CreatedAt)}
	})
}

// does finds the user, asks whether to go on, and calls do. A storage.ErrNotFound of do is about what, with the id.
func (c *userChange) does(
	ctx context.Context, a *command.App, loss, what, id, sentence string, do func(desk.Desk, storage.User) error,
) error {
	return c.with(ctx, a, func(d desk.Desk, u storage.User) error {
		if loss != "" {
			if err := a.Approve(ctx, c.YesFlag, loss, command.Addressed(u)); err != nil {
				return err
			}
		}
		if err := do(d, u); err != nil {
			return command.NoSuch(err, what, id)
		}
		return c.tell(ctx, a, d, u, c.JSON, sentence)
	})
}

// userChange names a user who loses something.
type userChange struct {
	who
	command.YesFlag
	command.JSONFlag
}

// userSignOutCmd signs a user out of one browser, or of all.
type userSignOutCmd struct {
	User    string `arg:"" help:"Their id, email address or username." complete:"user"`
	Session string `arg:"" optional:"" help:"The session, as shown by user sessions; all of them when left out." complete:"session"`
	command.PlaceFlags
	command.YesFlag
	command.JSONFlag
}

// Run ends one session or all, with what apps were given.
func (c *userSignOutCmd) Run(ctx context.Context, a *command.App) error {
	change := userChange{who{c.User, c.PlaceFlags}, c.YesFlag, c.JSONFlag}
	if c.Session != "" {
		return change.does(ctx, a, "", "session", c.Session, "Ended a session of %s.",
			func(d desk.Desk, u storage.User) error { return d.EndSession(ctx, u.ID, c.Session) })
	}
	return change.does(ctx, a, "This signs %s out everywhere, and revokes all that apps were given.", "user", c.User,
		"Signed %s out everywhere.", func(d desk.Desk, u storage.User) error { return d.EndSessions(ctx, u.ID) })
}

// userRevokeCmd revokes one grant. The consent stays: the app may ask for the next without a question to the user.
type userRevokeCmd struct {
	userChange
	Grant string `arg:"" help:"The grant, as shown by user grants." complete:"grant"`
}

func (c *userRevokeCmd) Run(ctx context.Context, a *command.App) error {
	return c.does(ctx, a, "This revokes a grant of %s: its tokens are void.", "grant", c.Grant, "Revoked a grant of %s.",
		func(d desk.Desk, u storage.User) error { return d.RevokeGrant(ctx, u.ID, c.Grant) })
}

// userDisconnectCmd withdraws the consent to a client, and revokes all that the client was given.
type userDisconnectCmd struct {
	userChange
	ClientID string `arg:"" name:"client-id" help:"The client, as shown by user apps." complete:"app"`
}

func (c *userDisconnectCmd) Run(ctx context.Context, a *command.App) error {
	return c.does(ctx, a, "This withdraws the consent of %s to a client, and revokes all that the client was given.",
		"connected app", c.ClientID, "Disconnected an app of %s.",
		func(d desk.Desk, u storage.User) error { return d.DisconnectApp(ctx, u.ID, c.ClientID) })
}

// userRemovePasskeyCmd removes a passkey that a user has lost.
type userRemovePasskeyCmd struct {
	userChange
	Passkey string `arg:"" help:"The passkey, as shown by user passkeys. Write -- before an id that begins with a hyphen." complete:"passkey"`
}

func (c *userRemovePasskeyCmd) Run(ctx context.Context, a *command.App) error {
	return c.does(ctx, a, "This removes a passkey of %s.", "passkey", c.Passkey, "Removed a passkey of %s.",
		func(d desk.Desk, u storage.User) error { return d.RemovePasskey(ctx, u.ID, c.Passkey) })
}

// userUnlinkCmd takes from a user the way to sign in by an account at an upstream provider.
type userUnlinkCmd struct {
	userChange
	Provider string `arg:"" name:"upstream" help:"The upstream provider, as shown by user identities." complete:"linked"`
	Subject  string `arg:"" help:"The user's id there." complete:"subject"`
}

func (c *userUnlinkCmd) Run(ctx context.Context, a *command.App) error {
	return c.does(ctx, a, "This unlinks an account of %s at an upstream provider.", "linked account", c.Subject,
		"Unlinked an account of %s.",
		func(d desk.Desk, u storage.User) error { return d.Unlink(ctx, u.ID, c.Provider, c.Subject) })
}

type userSendResetCmd struct {
	who
	command.JSONFlag
}

// Run sends the email of the page on which users reset their passwords.
func (c *userSendResetCmd) Run(ctx context.Context, a *command.App) error {
	return c.with(ctx, a, func(d desk.Desk, u storage.User) error {
		if err := d.SendReset(ctx, u); err != nil {
			return err
		}
		return c.tell(ctx, a, d, u, c.JSON, "Sent an email with which a password is set, to %s.")
	})
}

type userLiftLimitsCmd struct {
	who
	command.JSONFlag
}

// Run has a user try to sign in again who has used up the attempts, or whose attempts an attacker used up.
func (c *userLiftLimitsCmd) Run(ctx context.Context, a *command.App) error {
	return c.with(ctx, a, func(d desk.Desk, u storage.User) error {
		if err := d.LiftLimits(ctx, u); err != nil {
			return err
		}
		return c.tell(ctx, a, d, u, c.JSON, "Lifted the limits of %s.")
	})
}
