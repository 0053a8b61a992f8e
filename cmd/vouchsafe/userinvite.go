package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

type userInviteCmd struct {
	Email    string `arg:"" help:"The address to invite."`
	Language string `default:"en" help:"The language of the mail: en, de, es, fr, pt or ru." placeholder:"TAG"`
	tenantFlag
	jsonFlag
}

// invitationView is an invitation as the command prints it.
type invitationView struct {
	Email     string    `json:"email"`
	Link      string    `json:"link"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (c *userInviteCmd) Run(ctx context.Context, a *app) error {
	if !slices.Contains(texts.Languages(), c.Language) {
		return fmt.Errorf("--language %q is none of %s", c.Language, strings.Join(texts.Languages(), ", "))
	}
	cfg, err := a.config()
	if err != nil {
		return err
	}
	return a.withStore(ctx, func(s store) error {
		code, m, link, err := c.invitation(ctx, cfg, s)
		if err != nil {
			return err
		}
		// The mail is for those who send any, the link for those who hand it over themselves.
		err = s.Apply(ctx, storage.Change{
			TenantID: c.Tenant, Now: code.CreatedAt, Codes: []storage.Code{code}, Deliveries: []storage.Delivery{m},
			Events: []storage.Event{byCLI(storage.Event{TenantID: c.Tenant, Kind: storage.EventUserInvited, Detail: map[string]string{"email": code.Target}})},
		})
		if err != nil {
			return err
		}
		if c.JSON {
			return a.printJSON(invitationView{c.Email, link, code.ExpiresAt})
		}
		fmt.Fprintln(a.stdout, link)
		fmt.Fprintf(a.stderr, "The link makes an account for %s, once, until %s.\n", c.Email, zoned(code.ExpiresAt))
		return nil
	})
}

// invitation makes what is stored, and the link.
func (c *userInviteCmd) invitation(ctx context.Context, cfg *settings.Config, s store) (storage.Code, storage.Delivery, string, error) {
	none := func(err error) (storage.Code, storage.Delivery, string, error) {
		return storage.Code{}, storage.Delivery{}, "", err
	}
	t, err := s.Tenant(ctx, c.Tenant)
	if err != nil {
		return none(noSuch(err, "tenant", c.Tenant))
	}
	if t.Settings.SignUp.Mode == storage.SignUpClosed {
		return none(fmt.Errorf("sign-up is closed for %s: set sign_up.mode to invitation or open in tenants.yaml, or add users with user add", c.Tenant))
	}
	secrets, err := openSecrets(ctx, cfg, s)
	if err != nil {
		return none(err)
	}
	templates, err := mail.LoadTemplates(cfg.MailTemplates)
	if err != nil {
		return none(err)
	}
	mailer := &mail.Mailer{Secrets: secrets, Templates: templates}
	email, err := address.Claim(c.Email)
	if err != nil {
		return none(fmt.Errorf("%q %w", c.Email, err))
	}
	code, m, link, err := people.Invite(secrets, mailer, &web.Tenant{Tenant: t, Issuer: viewTenant(cfg, t).Issuer}, email, c.Language)
	if err != nil {
		return none(err)
	}
	switch _, err := s.UserByEmail(ctx, c.Tenant, email.Key()); {
	case err == nil:
		return none(fmt.Errorf("%s has an account already", c.Email))
	case !errors.Is(err, storage.ErrNotFound):
		return none(err)
	}
	return code, m, link, nil
}
