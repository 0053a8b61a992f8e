package operations

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// KeyCmd is the family of commands about signing keys (RFC 7517).
type KeyCmd struct {
	List   keyListCmd   `cmd:"" help:"List signing keys."`
	Rotate keyRotateCmd `cmd:"" help:"Make new signing keys, one for each algorithm in use. Servers also rotate keys on their own: see the setting key_rotation."`
	Remove keyRemoveCmd `cmd:"" help:"Remove a signing key. Tokens that it signed are refused at once."`
}

// KeyView is a key as commands print it.
type KeyView struct {
	ID         string     `json:"kid"`
	Algorithm  string     `json:"alg"`
	State      keys.State `json:"state"`
	ActiveAt   time.Time  `json:"active_at"`
	SignsUntil *time.Time `json:"signs_until,omitempty"` // none: it never signs
	ExpiresAt  *time.Time `json:"expires_at,omitempty"`
}

// told returns the state for people to read, with the times that matter in it.
func (v KeyView) told() string {
	switch {
	case v.State == keys.Signs && v.SignsUntil != nil:
		return "signing (until " + terminal.Zoned(*v.SignsUntil) + ")"
	case v.State == keys.Waits:
		return "published (signs from " + terminal.Zoned(v.ActiveAt) + ")"
	case v.State == keys.Published && v.ExpiresAt != nil:
		return "retired (verifies until " + terminal.Zoned(*v.ExpiresAt) + ")"
	case v.State == keys.Published:
		return "retired (verifies)"
	}
	return string(v.State)
}

// viewKey returns the key as commands print it.
func viewKey(u keys.Use) KeyView {
	v := KeyView{ID: u.ID, Algorithm: u.Algorithm, State: u.State, ActiveAt: u.ActiveAt}
	if u.SignsUntil.After(u.ActiveAt) {
		v.SignsUntil = &u.SignsUntil
	}
	if !u.ExpiresAt.IsZero() {
		v.ExpiresAt = &u.ExpiresAt
	}
	return v
}

// keyListCmd lists the signing keys of a tenant.
type keyListCmd struct {
	command.PlaceFlags
	command.JSONFlag
}

// Help says what the states mean.
func (*keyListCmd) Help() string {
	return "A key is next (published, and will sign), signing (one of each algorithm), published (what it signed is " +
		"still valid) or expired (an ID token that it signed still works as id_token_hint, for 400 days). A key signs " +
		"until its successor does; without a successor, until key_rotation is over."
}

// Run prints the keys with what each is used for now. Private keys are not opened.
func (c *keyListCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		all, err := d.Keys(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return a.PrintJSON(viewKeys(all))
		}
		t := a.Table("KEY", "ALGORITHM", "STATE")
		for _, u := range all {
			v := viewKey(u)
			t.Row(v.ID, v.Algorithm, v.told())
		}
		return t.Flush()
	})
}

// viewKeys returns keys as commands print them.
func viewKeys(all []keys.Use) []KeyView {
	views := []KeyView{}
	for _, u := range all {
		views = append(views, viewKey(u))
	}
	return views
}

// keyRotateCmd makes new signing keys.
type keyRotateCmd struct {
	Alg *string `help:"Rotate only this algorithm: ES256 (access tokens by default), RS256 (ID tokens by default) or EdDSA." enum:"ES256,RS256,EdDSA" placeholder:"ALG"`
	Now bool    `help:"Sign with the new keys at once, for example because an old one may have leaked. Without this, they are published first and sign later, so that all clients have fetched them."`
	command.PlaceFlags
	command.JSONFlag
}

// Run makes a key for each algorithm in use, or for the one that is named, and prints the ids of the new keys. Old
// keys stay published, so that what they signed can be verified.
func (c *keyRotateCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		alg := ""
		if c.Alg != nil {
			alg = *c.Alg
		}
		made, err := d.RotateKeys(ctx, alg, c.Now)
		if err != nil {
			return err
		}
		if c.JSON {
			return a.PrintJSON(viewKeys(made))
		}
		for _, k := range made {
			fmt.Fprintln(a.Out, terminal.Printable(k.ID))
			when := "signs from " + terminal.Zoned(k.ActiveAt)
			if !k.ActiveAt.After(time.Now()) {
				when = "signs now"
			}
			fmt.Fprintf(a.Err, "Made a key for %s in tenant %s: it %s.\n",
				terminal.Printable(k.Algorithm), c.Tenant, when)
		}
		return nil
	})
}

// keyRemoveCmd removes a key that may have leaked.
type keyRemoveCmd struct {
	KID string `arg:"" name:"kid" complete:"key" help:"The id, as shown by key list. Write -- before an id that begins with a hyphen."`
	command.YesFlag
	command.PlaceFlags
	command.JSONFlag
}

// Run asks first. What the key signed is refused by this provider at once, and by clients when they fetch the JWK set
// again.
func (c *keyRemoveCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		all, err := d.Keys(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(u keys.Use) bool { return u.ID == c.KID }) {
			return command.NoSuch(storage.ErrNotFound, "key", c.KID)
		}
		err = a.Approve(ctx, c.YesFlag, "This removes key %s of tenant %s. All tokens that it signed are refused at once.",
			c.KID, c.Tenant)
		if err != nil {
			return err
		}
		if err := d.RemoveKey(ctx, c.KID); err != nil {
			return command.NoSuch(err, "key", c.KID)
		}
		return a.TellRemoved(c.JSON, c.Tenant, "key", c.KID, c.KID)
	})
}
