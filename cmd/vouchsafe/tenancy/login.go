package tenancy

import (
	"context"
	"errors"
	"fmt"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/tenantapp"
	"github.com/vouchsafe/vouchsafe/storage"
)

// tenantLoginCmd gives the app of a tenant a login.
type tenantLoginCmd struct {
	ID            string `arg:"" help:"The id of the tenant." complete:"tenant"`
	Email         string `required:"" help:"The email address with which the app signs in. No other tenant may have it." placeholder:"ADDRESS"`
	PasswordStdin bool   `help:"Read the password from standard input instead of asking on the terminal."`
	command.JSONFlag
}

// Run ends all sign-ins of the app: their tokens die.
func (c *tenantLoginCmd) Run(ctx context.Context, a *command.App) error {
	email, err := address.Claim(c.Email)
	if err != nil {
		return fmt.Errorf("--email %q isn't an email address", c.Email)
	}
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	hasher, err := installation.Hasher(cfg)
	if err != nil {
		return err
	}
	return a.WithStore(ctx, func(s installation.Store) error {
		if _, err := s.Tenant(ctx, c.ID); err != nil {
			return command.NoSuch(err, "tenant", c.ID)
		}
		if !c.PasswordStdin && !a.Interactive() {
			return errors.New("there is no terminal on which to ask for the password: use --password-stdin")
		}
		p, err := a.ReadPassword(ctx, c.PasswordStdin)
		if err != nil {
			return err
		}
		err = tenantapp.SetLogin(ctx, s, hasher, c.ID, email, p.Text, command.ByCLI)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			return command.NoSuch(err, "tenant", c.ID)
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
