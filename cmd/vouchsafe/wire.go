package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/devpage"
	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/login"
	"github.com/vouchsafe/vouchsafe/people"
	passwords "github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// newHasher returns what hashes passwords, as the settings say.
func newHasher(c *settings.Config) (*passwords.Hasher, error) {
	return passwords.New(c.Argon2(), nil)
}

const (
	// sampledTenants and sampledHashes bound the look at which hashes are in use.
	sampledTenants = 100
	sampledHashes  = 200
)

// learnHashes has the hasher know which hashes are in use: those from before a setting was
// lowered are dearer than new ones, and a wrong password is to cost as much as one of them,
// whether there is an account or none.
func learnHashes(ctx context.Context, s store, h *passwords.Hasher) error {
	tenants, err := s.Tenants(ctx, "", sampledTenants)
	if err != nil {
		return err
	}
	for _, t := range tenants {
		creds, err := s.SomeCredentials(ctx, t.ID, storage.PasswordCredential, sampledHashes)
		if err != nil {
			return err
		}
		for _, c := range creds {
			h.Learn(c.Data)
		}
	}
	return nil
}

// passwordPolicy returns what judges new passwords, as the settings say.
func passwordPolicy(c *settings.Config, roots *x509.CertPool, log *slog.Logger) *passwords.Policy {
	p := &passwords.Policy{MinLength: c.PasswordMinLength, MinScore: c.PasswordMinScore}
	if c.BreachedPasswordsURL != "" {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		p.Breaches = &passwords.Breaches{URL: c.BreachedPasswordsURL, Log: log, Client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}
	}
	return p
}

// peopleRules returns the limits on the attempts of users and attackers.
func peopleRules(c *settings.Config) people.Rules {
	growing := func(r settings.Rate) limit.Rule {
		rule := r.Rule()
		rule.Longest = time.Duration(c.LimitLongestWait)
		return rule
	}
	return people.Rules{
		PerAccount: growing(c.LimitGuesses), PerDevice: growing(c.LimitGuessesKnown),
		PerAddress: c.LimitGuessesAddress.Rule(), PerTenant: c.LimitGuessesTenant.Rule(),
		PerPerson: c.LimitSignIns.Rule(),
		PerFactor: c.LimitFactor.Rule(), PerFactorDay: c.LimitFactorDay.Rule(),
		PerTarget: c.LimitCodes.Rule(), PerAsker: c.LimitCodesAddress.Rule(),
		MailsPerTenant: c.LimitMailsTenant.Rule(),
		TextsPerTenant: limit.Rule{Max: int64(c.TextsPerTenant()), Window: time.Hour},
		PerForm:        c.LimitForms.Rule(), PerTrip: c.LimitUpstreams.Rule(),
	}
}

// wireUpstreams says how the providers are reached that people may come from, and gives
// those that stand in for them on a developer's machine.
func (s *server) wireUpstreams(pages *login.Config, roots *x509.CertPool) []*fakeidp.Server {
	play := s.cfg.HasPlayground()
	pages.Upstreams = upstream.New(outbound.Client(outbound.Config{AllowPrivate: s.cfg.AllowPrivateFetch || play, RootCAs: roots, KeepAlive: true}))
	if !play {
		return nil
	}
	standIns := devpage.StandIns(s.cfg.Issuer)
	for _, idp := range standIns {
		pages.StandIns = append(pages.StandIns, storage.Upstream{
			ID: idp.Kind, Preset: idp.Kind, Name: idp.Name, Issuer: idp.Issuer, ClientID: idp.ClientID,
			ClientSecret: s.secrets.Box(storage.DefaultTenant, secret.UpstreamSecret).Seal([]byte(idp.ClientSecret)),
		})
	}
	return standIns
}
