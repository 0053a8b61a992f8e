package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/compat/backendauth"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/listeners"
	keeper "github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/delegated"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/tenantapp"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// wireBackendAuth makes the door for apps of backend-auth, if the setting backend_auth is set.
func (s *Server) wireBackendAuth(tenancy *web.Tenancy) error {
	b := s.cfg.BackendAuthVariables
	if b == nil {
		return nil
	}
	for _, note := range b.Notes {
		s.log.Warn("a variable of backend-auth: " + note)
	}
	own := *s.people
	own.Keeper = &keeper.Keeper{Store: s.Store, Idle: b.TokenLife, Lifetime: b.TokenLife}
	own.TellDisabled = true
	// All users of an app come from the address of its server: those who guess must not keep the others out.
	own.PerAddress, own.PerTrip = everyUser(own.PerAddress), everyUser(own.PerTrip)
	upstreams, err := federation.New(federation.Service{Service: &own, Calls: s.calls})
	if err != nil {
		return err
	}
	useCases := &tenantapp.Service{
		Service: &delegated.Service{Service: &own, Federation: upstreams, Accounts: s.accounts(&own)},
		Logins:  s.Store, Users: s.Store, Calls: s.calls, Tenant: tenancy.Tenant,
		Provider: func(a people.Asker, name string) (*upstream.Provider, error) {
			preset := map[string]string{"fb": "facebook", "vk": "vk"}[name]
			u, ok := b.Upstreams[name]
			switch declared := a.Tenant.Settings.Upstream(preset); {
			case declared != nil && declared.Preset == preset: // what the tenant declares itself comes first
				return upstreams.Provider(a, preset)
			case declared != nil || !ok:
				return nil, storage.ErrNotFound
			}
			return upstream.New(u, string(u.ClientSecret))
		},
	}
	throttle := func(name string, most int, window time.Duration) limit.Rule {
		return limit.Rule{Name: "backend-auth-" + name, Max: int64(most), Window: window}
	}
	s.backendAuth, err = backendauth.New(backendauth.Config{
		People: useCases, Limits: useCases.Limits, URL: b.URL,
		Tenant: func(ctx context.Context) (*issuer.Tenant, error) {
			return tenancy.Tenant(ctx, storage.DefaultTenant)
		},
		Requests:    throttle("requests", b.ThrottleMost, b.ThrottleWindow),
		Between:     throttle("between", 1, b.ThrottleBetween),
		Unthrottled: b.Unthrottled, Registrars: b.Registrars, Issuer: b.MaintainIssuer, PageLength: b.PageLength,
		ForceHTTPS: b.ForceHTTPS, HTTPSPort: b.HTTPSPort, TrustedProxies: settings.Prefixes(s.cfg.TrustedProxies),
		Language: func(r *http.Request) string { return ui.Words(r).Lang() },
	})
	return err
}

// everyUser returns the rule for an address that stands for all users of an app.
func everyUser(r limit.Rule) limit.Rule {
	r.Name += "-app"
	r.Max = 1_000_000
	return r
}

// withBackendAuth serves the routes of backend-auth at the host and path of their URL, unless they have a port of their
// own. Logins, which are parts of paths, may be escaped.
func (s *Server) withBackendAuth(next http.Handler) http.Handler {
	if s.backendAuth == nil || s.cfg.BackendAuthVariables.OwnListener() {
		return next
	}
	path := s.backendAuth.Path()
	return mounted(next, s.backendAuth.Handler(false), s.cfg.BackendAuthVariables.URL, path, path+"/user/")
}

// backendAuthHandler returns what a port of backend-auth serves. maintenance says that it asks for client certificates.
func (s *Server) backendAuthHandler(maintenance bool) http.Handler {
	edge := s.edge()
	edge.Errors = backendauth.ErrorPage
	return edge.Wrap(s.safely(s.backendAuth.Handler(maintenance)))
}

// listenBackendAuth opens the ports of backend-auth: nil for those that are not set.
func listenBackendAuth(cfg *settings.Config) (plain, maintenance []net.Listener, err error) {
	b := cfg.BackendAuthVariables
	if b == nil {
		return nil, nil, nil
	}
	if plain, err = listenOn(b.Port); err == nil {
		maintenance, err = listenOn(b.MaintainPort)
	}
	return plain, maintenance, err
}

// maintain puts TLS that asks for client certificates before the listeners.
func (s *Server) maintain(all []net.Listener) error {
	if len(all) == 0 {
		return nil
	}
	b := s.cfg.BackendAuthVariables
	conf, err := s.maintenanceTLS(b.MaintainPEM)
	if err != nil {
		return fmt.Errorf("MAINTAIN_TLS_PEM: %w", err)
	}
	issuers, err := pemOf(b.MaintainCA)
	if err != nil {
		return fmt.Errorf("MAINTAIN_TLS_CA: %w", err)
	}
	authorities := certificates(issuers)
	if len(authorities) == 0 {
		return errors.New("MAINTAIN_TLS_CA: it has no certificate in PEM")
	}
	conf.ClientCAs = x509.NewCertPool()
	for _, c := range authorities {
		conf.ClientCAs.AddCert(c)
	}
	conf.VerifyPeerCertificate = issuedBy(authorities)
	conf.ClientAuth = tls.VerifyClientCertIfGiven // those of TENANT_WHITE_LIST need none
	for i, l := range all {
		all[i] = tls.NewListener(l, conf)
	}
	return nil
}

// issuedBy returns a check of the certificates of clients, whose issuers are told apart by their names: where there are
// several authorities, one of them has to have issued the certificate itself. Any of them could make an intermediate
// authority with the name of another.
func issuedBy(authorities []*x509.Certificate) func(_ [][]byte, chains [][]*x509.Certificate) error {
	return func(_ [][]byte, chains [][]*x509.Certificate) error {
		if len(authorities) == 1 || len(chains) == 0 { // no certificate was sent
			return nil
		}
		for _, chain := range chains {
			if len(chain) > 1 && slices.ContainsFunc(authorities, chain[1].Equal) {
				return nil
			}
		}
		return errors.New("no authority of MAINTAIN_TLS_CA has issued the client's certificate itself")
	}
}

// maintenanceTLS returns the configuration of a server whose certificate and key are in a file, which may be renewed,
// or in the text itself.
func (s *Server) maintenanceTLS(given string) (*tls.Config, error) {
	if !isPEM(given) {
		return (&listeners.Certificate{CertFile: given, KeyFile: given, Log: s.log}).Config()
	}
	pair, err := tls.X509KeyPair([]byte(given), []byte(given))
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}, nil
}

// isPEM reports whether a variable has the text of a PEM file, and not its path.
func isPEM(given string) bool { return strings.HasPrefix(given, "-----BEGIN ") }

// pemOf returns the text of a PEM file, or what was given in its place.
func pemOf(given string) ([]byte, error) {
	if isPEM(given) {
		return []byte(given), nil
	}
	return os.ReadFile(given)
}
