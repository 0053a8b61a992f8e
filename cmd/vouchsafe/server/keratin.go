package server

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"slices"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/compat/keratin"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	keeper "github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/delegated"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/storage"
)

// wireKeratin makes the door for apps of Keratin AuthN, if the setting keratin is set.
func (s *Server) wireKeratin(tenancy *web.Tenancy) error {
	k := s.cfg.KeratinAuthN
	if k == nil {
		return nil
	}
	for _, note := range k.Notes {
		s.log.Warn("a variable of Keratin AuthN: " + note)
	}
	own := *s.people
	own.Keeper = &keeper.Keeper{Store: s.Store, Idle: k.RefreshTokenTTL, Lifetime: k.RefreshTokenTTL}
	policy := *s.people.Policy
	policy.MinScore = s.cfg.KeratinScore()
	own.Policy, own.TellDisabled = &policy, true
	upstreams, err := federation.New(federation.Service{
		Service: &own, Calls: s.calls,
		Callback: func(provider string) string { return k.URL + "/oauth/" + provider + "/return" },
	})
	if err != nil {
		return err
	}
	more := sealed(s.secrets, k)
	useCases := &delegated.Service{
		Service: &own, Federation: upstreams,
		Accounts: s.accounts(&own), Numbers: s.Store, Standings: s.Store, Tenant: k.Tenant,
		Names:     delegated.Names{Emails: k.NamesAreEmails, Domains: k.EmailDomains},
		ResetLife: k.ResetTTL, SignInLife: k.PasswordlessTTL, Counting: Counting(s.cfg), Statistics: s.Store,
		Announces: k.ChangedURL != "",
	}
	// Also of passwords that change on our pages.
	s.people.PasswordChanged, own.PasswordChanged = useCases.TellChanged, useCases.TellChanged
	s.keratin, err = keratin.New(keratin.Config{
		People: useCases, Keys: s.Provider.Keys,
		Tenant: func(ctx context.Context) (*issuer.Tenant, error) {
			t, err := tenancy.Tenant(ctx, k.Tenant)
			if err != nil {
				return nil, err
			}
			if t = withUpstreams(t, more); !k.SignUp { // by way of a provider, too
				closed := *t
				closed.Settings.SignUp.Mode, t = storage.SignUpClosed, &closed
			}
			return t, nil
		},
		URL: k.URL, Domains: k.Domains, User: k.User, Password: k.Password, SignUp: k.SignUp,
		TokenLife: k.AccessTokenTTL, SessionLife: k.RefreshTokenTTL, Persistent: k.ExplicitExpiry, SameSite: k.SameSite,
		Resets: k.ResetURL != "", Passwordless: k.PasswordlessURL != "",
		Language: func(r *http.Request) string { return ui.Words(r).Lang() },
		Health:   s.keratinHealth, Metrics: s.metrics.Handler(), Count: s.metrics.Keratin(),
	})
	return err
}

// sealed returns the upstream providers of variables, with their secrets sealed as those of tenants are.
func sealed(secrets *secret.Masters, k *settings.Keratin) []storage.Upstream {
	var all []storage.Upstream
	for _, u := range k.Upstreams {
		u.ClientSecret = secrets.Box(k.Tenant, secret.UpstreamSecret).Seal(u.ClientSecret)
		all = append(all, u)
	}
	return all
}

// withUpstreams returns the tenant with further upstream providers. What the tenant declares itself comes first.
func withUpstreams(t *issuer.Tenant, more []storage.Upstream) *issuer.Tenant {
	if len(more) == 0 {
		return t
	}
	with := *t
	with.Settings.Upstreams = slices.Clone(t.Settings.Upstreams)
	for _, u := range more {
		if t.Settings.Upstream(u.ID) == nil {
			with.Settings.Upstreams = append(with.Settings.Upstreams, u)
		}
	}
	return &with
}

// keratinHealth reports whether the database and Redis answer. A Redis that is not used is not missed.
func (s *Server) keratinHealth(ctx context.Context) (db, redis bool) {
	all := s.health.Look(ctx).Checks
	return all["database"].Error == "", all["redis"].Error == ""
}

// wireHooks lets the outbox post to the servers of apps of Keratin AuthN.
func (s *Server) wireHooks(w *outbox.Worker, roots *x509.CertPool) {
	k := s.cfg.KeratinAuthN
	if k == nil {
		return
	}
	w.Senders[storage.ChannelDelegated] = keratin.Hooks{
		Secrets: s.secrets, SigningKey: k.SigningKey, Client: installation.OperatorsClient(roots),
		URLs: map[string]string{
			delegated.HookReset: k.ResetURL, delegated.HookSignIn: k.PasswordlessURL, delegated.HookChanged: k.ChangedURL,
		},
	}
	w.Waits = map[string][]outbox.Wait{storage.ChannelDelegated: keratin.HookWaits}
}

// withKeratin serves the routes of Keratin AuthN at the host and path of AUTHN_URL, unless they have a port of their
// own.
func (s *Server) withKeratin(next http.Handler) http.Handler {
	if s.keratin == nil || s.cfg.KeratinAuthN.OwnListener() {
		return next
	}
	return mounted(next, s.keratin.Handler(true), s.cfg.KeratinAuthN.URL, s.keratin.Path(), "")
}

// KeratinHandler returns what the port of Keratin AuthN serves: its public routes, or all.
func (s *Server) KeratinHandler(withPrivate bool) http.Handler {
	edge := s.edge()
	edge.Errors = keratin.ErrorPage
	return edge.Wrap(s.safely(s.keratin.Handler(withPrivate)))
}

// listenKeratin opens the ports of Keratin AuthN.
func listenKeratin(cfg *settings.Config) ([]net.Listener, error) {
	k := cfg.KeratinAuthN
	if k == nil {
		return nil, nil
	}
	return listenOn(k.Port, k.PublicPort)
}
