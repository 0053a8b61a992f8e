package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/logging"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage/memory"
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
		asker, err := commandAsker(ctx, cfg, s, c.Tenant)
		if err != nil {
			return err
		}
		asker.Language = c.Language
		useCases, err := a.openPeople(ctx, cfg, s)
		if err != nil {
			return err
		}
		made, err := useCases.Invite(ctx, asker, c.Email)
		if err != nil {
			return c.explained(err)
		}
		// The mail is for operators whose server sends any, the link for those who hand it over themselves.
		if c.JSON {
			return a.printJSON(invitationView{c.Email, made.Link, made.ExpiresAt})
		}
		fmt.Fprintln(a.stdout, made.Link)
		fmt.Fprintf(a.stderr, "The link makes an account for %s, once, until %s.\n", c.Email, zoned(made.ExpiresAt))
		return nil
	})
}

// explained says to an operator why nobody was invited.
func (c *userInviteCmd) explained(err error) error {
	var faults people.Faults
	switch {
	case errors.Is(err, people.ErrSignUpClosed):
		return fmt.Errorf("sign-up is closed for %s: set sign_up.mode to invitation or open in tenants.yaml, or add users with user add", c.Tenant)
	case errors.Is(err, people.ErrAccountExists):
		return fmt.Errorf("%s has an account already", c.Email)
	case errors.As(err, &faults):
		_, why := address.Claim(c.Email)
		return fmt.Errorf("%q %w", c.Email, why)
	}
	return err
}

// openPeople returns the use cases for a command, which waits for no limit and sends nothing itself: servers
// send what it stores.
func (a *app) openPeople(ctx context.Context, cfg *settings.Config, s store) (*people.Service, error) {
	secrets, err := openSecrets(ctx, cfg, s)
	if err != nil {
		return nil, err
	}
	templates, err := mail.LoadTemplates(cfg.MailTemplates)
	if err != nil {
		return nil, err
	}
	hasher, err := newHasher(cfg)
	if err != nil {
		return nil, err
	}
	log, own := logging.New(cfg.LogOptions(), a.stderr), memory.New()
	return people.New(people.Service{
		Store: s, Secrets: secrets, Mail: &mail.Mailer{Secrets: secrets, Templates: templates}, Passwords: hasher,
		Limits: &limit.Limiter{Shared: own, Local: own, Log: log}, Log: log,
		Words: func(language string) people.Words { return texts.In(language) },
	})
}
