package main

import (
	"crypto/x509"

	"github.com/vouchsafe/vouchsafe/internal/devpage"
	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/login"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// wireUpstreams says how the providers are reached that people may come from, and gives
// those that stand in for them on a developer's machine.
func (s *server) wireUpstreams(pages *login.Config, roots *x509.CertPool) []*fakeidp.Server {
	play := s.cfg.playground()
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
