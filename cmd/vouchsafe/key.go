package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/provider"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// keyCmd is the family of commands about signing keys (RFC 7517).
type keyCmd struct {
	List   keyListCmd   `cmd:"" help:"List signing keys."`
	Rotate keyRotateCmd `cmd:"" help:"Make new signing keys, one for each algorithm in use. Servers also rotate keys on their own: see the setting key_rotation."`
	Remove keyRemoveCmd `cmd:"" help:"Remove a signing key. Tokens that it signed are refused at once."`
}

// keyView is a key as commands print it.
type keyView struct {
	ID         string     `json:"kid"`
	Algorithm  string     `json:"alg"`
	State      keys.State `json:"state"`
	ActiveAt   time.Time  `json:"active_at"`
	SignsUntil *time.Time `json:"signs_until,omitempty"` // none: it never signs
	ExpiresAt  *time.Time `json:"expires_at,omitempty"`
}

// told returns the state for people to read, with the times that matter in it.
func (v keyView) told() string {
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
func viewKey(u keys.Use) keyView {
	v := keyView{ID: u.ID, Algorithm: u.Algorithm, State: u.State, ActiveAt: u.ActiveAt}
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
	placeFlags
	jsonFlag
}

// Help says what the states mean.
func (*keyListCmd) Help() string {
	return "A key is next (published, and will sign), signing (one of each algorithm), published (what it signed is " +
		"still valid) or expired (an ID token that it signed still works as id_token_hint, for 400 days). A key signs " +
		"until its successor does; without a successor, until key_rotation is over."
}

// Run prints the keys with what each is used for now. Private keys are not opened.
func (c *keyListCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
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
func viewKeys(all []keys.Use) []keyView {
	views := []keyView{}
	for _, u := range all {
		views = append(views, viewKey(u))
	}
	return views
}

// keyLifetimes returns how long keys sign and stay published under the configuration.
func keyLifetimes(cfg *settings.Config) keys.Lifetimes {
	c := provider.Config{
		KeyRotation:         time.Duration(cfg.KeyRotation),
		AccessTokenLifetime: time.Duration(cfg.AccessTokenLifetime),
		IDTokenLifetime:     time.Duration(cfg.IDTokenLifetime),
	}
	return c.KeyLifetimes()
}

// keyRotateCmd makes new signing keys.
type keyRotateCmd struct {
	Alg *string `help:"Rotate only this algorithm: ES256 (access tokens by default), RS256 (ID tokens by default) or EdDSA." enum:"ES256,RS256,EdDSA" placeholder:"ALG"`
	Now bool    `help:"Sign with the new keys at once, for example because an old one may have leaked. Without this, they are published first and sign later, so that all clients have fetched them."`
	placeFlags
	jsonFlag
}

// Run makes a key for each algorithm in use, or for the one that is named, and prints the ids of the new keys. Old
// keys stay published, so that what they signed can be verified.
func (c *keyRotateCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
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
	yesFlag
	placeFlags
	jsonFlag
}

// Run asks first. What the key signed is refused by this provider at once, and by clients when they fetch the JWK set
// again.
func (c *keyRemoveCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		all, err := d.Keys(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(u keys.Use) bool { return u.ID == c.KID }) {
			return noSuch(storage.ErrNotFound, "key", c.KID)
		}
		err = a.confirm(ctx, c.yesFlag, "This removes key %s of tenant %s. All tokens that it signed are refused at once.",
			c.KID, c.Tenant)
		if err != nil {
			return err
		}
		if err := d.RemoveKey(ctx, c.KID); err != nil {
			return noSuch(err, "key", c.KID)
		}
		return a.tellRemoved(c.JSON, c.Tenant, "key", c.KID, c.KID)
	})
}

// apiKeyCmd is the family of commands about API keys.
type apiKeyCmd struct {
	List   apiKeyListCmd   `cmd:"" help:"List the API keys of a client or a user."`
	Add    apiKeyAddCmd    `cmd:"" help:"Give a client an API key. Users make their own."`
	Rotate apiKeyRotateCmd `cmd:"" help:"Replace an API key of a client by a new one with the same name, scopes and life."`
	Remove apiKeyRemoveCmd `cmd:"" help:"Revoke an API key of a client or a user: from now on it is refused."`
}

// keyOwnerFlags name the owner of API keys.
type keyOwnerFlags struct {
	ClientID string `name:"client" xor:"owner" required:"" help:"The client that has the key." placeholder:"CLIENT-ID" complete:"client"`
	User     string `xor:"owner" required:"" help:"The user who has the key: an id, an email address or a username." placeholder:"USER" complete:"user"`
}

// owner returns the owner, which has to exist.
func (f keyOwnerFlags) owner(ctx context.Context, d desk.Desk) (desk.KeyOwner, error) {
	if f.User == "" {
		_, err := d.Client(ctx, f.ClientID)
		return desk.KeyOwner{ClientID: f.ClientID}, noSuch(err, "client", f.ClientID)
	}
	u, err := d.FindUser(ctx, f.User)
	return desk.KeyOwner{UserID: u.ID}, noSuch(err, "user", f.User)
}

// apiKeyListCmd lists API keys.
type apiKeyListCmd struct {
	keyOwnerFlags
	placeFlags
	jsonFlag
}

// Run prints the keys, newest first. None of them can be shown again.
func (c *apiKeyListCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		owner, err := c.owner(ctx, d)
		if err != nil {
			return err
		}
		all, err := d.APIKeys(ctx, owner)
		if err != nil {
			return err
		}
		columns := []string{"ID", "NAME", "KEY", "SCOPES", "EXPIRES", "LAST USED"}
		return terminal.PrintList(&a.Terminal, c.JSON, every(all), same[apikeys.Shown], columns,
			func(k apikeys.Shown) []string {
				used := "never"
				if k.UsedAt != nil {
					used = terminal.Zoned(*k.UsedAt)
				}
				return []string{k.ID, k.Name, k.Start + "…", strings.Join(k.Scopes, " "), terminal.Zoned(k.ExpiresAt), used}
			})
	})
}

// clientKeyFlags name the client of an API key that is made.
type clientKeyFlags struct {
	ClientID string `name:"client" required:"" help:"The client that gets the key." placeholder:"CLIENT-ID" complete:"client"`
}

// apiKeyAddCmd adds an API key.
type apiKeyAddCmd struct {
	Name     string        `arg:"" help:"What the key is for."`
	Scope    []string      `sep:"none" required:"" help:"What it may do: a scope of the client. Repeatable." placeholder:"SCOPE"`
	Lifetime time.Duration `help:"How long it lives: 90 days, if left out, and at most what the tenant allows." placeholder:"DURATION"`
	clientKeyFlags
	placeFlags
	jsonFlag
}

// Run prints the key, which cannot be shown again.
func (c *apiKeyAddCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		n := apikeys.New{Name: c.Name, Scopes: c.Scope, Life: c.Lifetime}
		made, err := d.AddAPIKey(ctx, c.ClientID, n)
		if err != nil {
			return noSuch(err, "client", c.ClientID)
		}
		return a.tellAPIKey(c.JSON, made)
	})
}

// tellAPIKey prints a new API key.
func (a *app) tellAPIKey(asJSON bool, made desk.MadeAPIKey) error {
	if asJSON {
		return a.PrintJSON(made)
	}
	fmt.Fprintln(a.Out, terminal.Printable(made.Key))
	fmt.Fprintf(a.Err, "The key is shown once: Vouchsafe keeps only a hash of it. It ends %s. Its id is %s.\n",
		terminal.Zoned(made.ExpiresAt), terminal.Printable(made.ID))
	return nil
}

// apiKeyRotateCmd replaces an API key.
type apiKeyRotateCmd struct {
	ID      string        `arg:"" help:"The id, as shown by api-key list." complete:"api-key"`
	Overlap time.Duration `default:"24h" help:"How long the replaced key lives on, at most 720h." placeholder:"DURATION"`
	clientKeyFlags
	placeFlags
	jsonFlag
}

// Run prints the new key, which cannot be shown again.
func (c *apiKeyRotateCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		made, err := d.RotateAPIKey(ctx, c.ClientID, c.ID, c.Overlap)
		if err != nil {
			return noSuch(err, "API key of client "+c.ClientID, c.ID)
		}
		return a.tellAPIKey(c.JSON, made)
	})
}

// apiKeyRemoveCmd revokes an API key.
type apiKeyRemoveCmd struct {
	ID string `arg:"" help:"The id, as shown by api-key list." complete:"api-key"`
	keyOwnerFlags
	yesFlag
	placeFlags
	jsonFlag
}

// Run asks first.
func (c *apiKeyRemoveCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		owner, err := c.owner(ctx, d)
		if err != nil {
			return err
		}
		err = a.confirm(ctx, c.yesFlag, "This revokes API key %s of %s: from now on it is refused.", c.ID,
			cmp.Or(c.ClientID, c.User))
		if err != nil {
			return err
		}
		if err := d.RemoveAPIKey(ctx, owner, c.ID); err != nil {
			return noSuch(err, "API key", c.ID)
		}
		return a.tellRemoved(c.JSON, c.Tenant, "API key", c.ID, c.ID)
	})
}
