package server

import (
	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/console/overview"
	"github.com/vouchsafe/vouchsafe/internal/devpage"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
)

// wireConsole makes the console of its places, unless the settings turn it off.
func (s *Server) wireConsole(site *ui.Site, useCases *people.Service) (err error) {
	if !s.cfg.Console {
		return nil
	}
	s.console, err = console.New(
		console.Config{Site: site, People: useCases, Tenants: s.Store, Secrets: s.secrets, Issuer: s.cfg.Issuer},
		overview.Config{
			Accounts: s.accounts(useCases), Clients: s.Store, SendsMail: s.cfg.SMTPURL != "",
			Ignored: []string{devpage.ClientID},
		}.Part(),
	)
	return err
}
