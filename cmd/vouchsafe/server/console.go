package server

import (
	"context"
	"net/url"
	"time"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/console/apis"
	"github.com/vouchsafe/vouchsafe/console/apps"
	"github.com/vouchsafe/vouchsafe/console/groups"
	consolelog "github.com/vouchsafe/vouchsafe/console/log"
	"github.com/vouchsafe/vouchsafe/console/overview"
	consolepeople "github.com/vouchsafe/vouchsafe/console/people"
	consolesettings "github.com/vouchsafe/vouchsafe/console/settings"
	consolesignin "github.com/vouchsafe/vouchsafe/console/signin"
	"github.com/vouchsafe/vouchsafe/internal/devpage"
	"github.com/vouchsafe/vouchsafe/internal/health"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/acting"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/people/importing/jobs"
	"github.com/vouchsafe/vouchsafe/people/invitations"
	"github.com/vouchsafe/vouchsafe/people/selfservice"
	"github.com/vouchsafe/vouchsafe/storage"
)

// wireConsole makes the console of its places, unless the settings turn it off.
func (s *Server) wireConsole(site *ui.Site, useCases *people.Service, signInAs *acting.Service) (err error) {
	if !s.cfg.Console {
		return nil
	}
	accounts, invited := s.accounts(useCases), &invitations.Service{Service: useCases}
	root, err := url.Parse(s.cfg.Issuer)
	if err != nil {
		return err
	}
	s.imports = jobs.New(jobs.Config{Store: s.Store, Secrets: s.secrets, Root: root, Log: s.log})
	s.console, err = console.New(
		console.Config{Site: site, People: useCases, Tenants: s.Store, Secrets: s.secrets, Issuer: s.cfg.Issuer},
		s.overview(accounts, invited),
		consolepeople.Config{
			Accounts: accounts, People: selfservice.Service{Service: useCases}, Acting: signInAs, Files: s.Store,
			Invitations: invited, Imports: s.imports,
		}.Part(),
		groups.Config{Accounts: accounts, Clients: s.Store, Tenants: s.Store}.Part(),
		apps.Config{
			Accounts: accounts, Store: s.Store, Publish: s.Provider.Keys.Publish,
			InFile: (&clientsFile{path: s.cfg.Clients, samples: s.cfg.AcceptsSamples()}).client,
		}.Part(),
		apis.Config{Tenants: s.Store, Roles: s.Store}.Part(),
		consolesignin.Config{
			Store: s.Store, Secrets: s.secrets, Federation: s.admin.Federation, Mails: useCases.Mail.Templates,
			People: useCases,
			Issuer: s.cfg.Issuer, Declared: s.cfg.Tenants != "",
		}.Part(),
		consolesettings.Config{
			Accounts: accounts, People: useCases, Invitations: &invitations.Service{Service: useCases},
			APIKeys: &apikeys.Service{Service: useCases, Keys: s.Store},
			Store:   s.Store, Secrets: s.secrets, Keys: s.Provider.Keys, Webhooks: s.webhooks, TestMail: s.admin.TestMail,
			Version: s.version, Database: s.Store.Describe,
			Health: func(ctx context.Context) health.Readiness { return s.health.Look(ctx) }, // it is set later
		}.Part(),
		consolelog.Config{Accounts: accounts, Store: s.Store}.Part(),
	)
	return err
}

// overview returns the console's first place.
func (s *Server) overview(accounts *administration.Accounts, invited *invitations.Service) console.Part {
	return overview.Config{
		Accounts: accounts, Clients: s.Store, Store: s.Store, Keys: s.Provider.Keys, SendsMail: s.cfg.SMTPURL != "",
		Ignored: []string{devpage.ClientID},
		Health:  func(ctx context.Context) health.Readiness { return s.health.Look(ctx) }, // it is made later
		Count: func(ctx context.Context, a people.Asker, days int) (administration.Statistics, error) {
			return Counting(s.cfg).Recent(ctx, s.Store, a, days, time.Now())
		},
		SignUps: func(ctx context.Context, a people.Asker, days int) ([]storage.Active, error) {
			return Counting(s.cfg).SignUps(ctx, s.Store, a, days, time.Now())
		},
		Invited: func(ctx context.Context, a people.Asker) (bool, error) {
			waiting, err := invited.List(ctx, a, "", 1)
			return len(waiting) > 0, err
		},
	}.Part()
}
