package server

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/admin"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/internal/backchannel"
	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/devpage"
	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/health"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/metrics"
	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/internal/pairwise"
	"github.com/vouchsafe/vouchsafe/internal/relay"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	keeper "github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/internal/upstreams"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/internal/webhooks"
	"github.com/vouchsafe/vouchsafe/login"
	"github.com/vouchsafe/vouchsafe/login/account"
	"github.com/vouchsafe/vouchsafe/login/api"
	"github.com/vouchsafe/vouchsafe/login/reset"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/acting"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/invitations"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/people/selfservice"
	"github.com/vouchsafe/vouchsafe/provider"
	"github.com/vouchsafe/vouchsafe/provider/clientauth"
	"github.com/vouchsafe/vouchsafe/provider/documents"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/ephemeral"
)

// New opens the stores, migrates the database, connects the parts and applies the files of tenants and
// clients. The caller must call Close.
func New(ctx context.Context, cfg *settings.Config, log *slog.Logger, version string) (*Server, error) {
	s := &Server{cfg: cfg, log: log, version: version, metrics: metrics.New(version)}
	if err := s.assemble(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// NewProvider connects the parts beside a database that is open already, which it does not migrate, for a command
// about signing keys. The caller must call Close, which leaves the database open.
func NewProvider(ctx context.Context, cfg *settings.Config, log *slog.Logger, version string, opened installation.Store,
) (*Server, error) {
	s := &Server{cfg: cfg, log: log, version: version, metrics: metrics.New(version), Store: opened}
	shared, local, err := s.unlock(ctx)
	if err == nil {
		err = s.wire(shared, local)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// assemble does the work of New.
func (s *Server) assemble(ctx context.Context) error {
	shared, local, err := s.open(ctx)
	if err != nil {
		return err
	}
	if err := s.wire(shared, local); err != nil {
		return err
	}
	if err := s.hasher.LearnFrom(ctx, s.Store); err != nil {
		return err
	}
	if err := s.Provider.Keys.Check(ctx, storage.DefaultTenant); err != nil {
		return err
	}
	if err := s.applyTenants(ctx); err != nil {
		return err
	}
	if err := s.applyClients(ctx); err != nil {
		return err
	}
	if err := s.applyGateway(ctx); err != nil {
		return err
	}
	s.missTenants(ctx)
	s.health = &health.Health{Checks: []health.Check{health.NewCheck("database", s.pingDatabase)}}
	if s.cfg.RedisURL != "" {
		redis := health.NewCheck("redis", shared.Ping)
		redis.Optional = true
		s.health.Checks = append(s.health.Checks, redis)
	}
	tenancy, err := web.NewTenancy(s.cfg.Issuer, s.Store, s.Provider.ErrorPage(s.admin.ErrorPage))
	if err != nil {
		return err
	}
	if at := s.certificatesURL(); at != "" {
		if tenancy.Certificates, err = url.Parse(at); err != nil {
			return err
		}
		tenancy.ForPrograms = s.forPrograms
	}
	if err := s.wireKeratin(tenancy); err != nil {
		return err
	}
	if err := s.wireBackendAuth(tenancy); err != nil {
		return err
	}
	handler := tenancy.Wrap(dispatch(s.routes()))
	if s.gateway != nil {
		s.gateway.Tenant = tenancy.As
		handler = s.gateway.Before(handler)
	}
	s.handler = s.front(s.withBackendAuth(s.withKeratin(handler)))
	return nil
}

// wire makes the protocol and the pages. They know of each other only what they get here.
func (s *Server) wire(shared, local ephemeral.Store) error {
	cfg := s.cfg
	sessions := &browser.Sessions{
		Store: s.Store, Idle: time.Duration(cfg.SessionIdle), Lifetime: time.Duration(cfg.SessionLifetime),
	}
	limits := &limit.Limiter{
		Shared: shared, Local: local, Log: s.log, Unlimited: settings.Prefixes(cfg.UnlimitedAddresses),
	}
	roots, err := installation.RootCAs(cfg.ExtraCAFile)
	if err != nil {
		return err
	}
	if s.hasher, err = installation.Hasher(cfg); err != nil {
		return err
	}
	mailer, err := s.wireMail(limits)
	if err != nil {
		return err
	}
	pages, err := ui.New(ui.Config{Log: s.log, Development: cfg.InDevelopment()})
	if err != nil {
		return err
	}
	var site *ui.Site // made below, with the provider
	errorPage := func(w http.ResponseWriter, r *http.Request, p *web.Problem) { site.ErrorPage(w, r, p) }
	issuers, err := authorities(cfg)
	if err != nil {
		return err
	}
	all := parts{shared, sessions, limits, mailer, pages, errorPage, roots, issuers}
	if s.Provider, err = s.newProvider(all); err != nil {
		return err
	}
	standIns, settings := s.standIns()
	useCases, err := people.New(people.Service{
		Store: s.Store, Mail: mailer, Limits: limits, Passwords: s.hasher,
		Policy:  installation.PasswordPolicy(cfg, roots, s.log),
		Secrets: s.secrets, Keeper: (*keeper.Keeper)(sessions), Log: s.log, Words: WordsIn, Note: web.Note,
		StandIns: settings, Rules: peopleRules(cfg),
	})
	if err != nil {
		return err
	}
	useCases.Invited = (&invitations.Service{Service: useCases}).Give
	s.people, s.calls = useCases, UpstreamCalls(cfg, roots)
	upstreams, err := federation.New(federation.Service{Service: useCases, Calls: s.calls})
	if err != nil {
		return err
	}
	site = &ui.Site{Pages: pages, Open: s.Provider.Interaction, Secrets: s.secrets, Sessions: sessions,
		IsAccountPage: account.IsPage}
	if cfg.Console {
		site.Console = console.Prefix
		site.IsAccountPage = func(page string) bool { return account.IsPage(page) || console.IsPage(page) }
	}
	if cfg.HasPlayground() {
		site.Playground = "/dev"
		if s.cfg.SMTPURL == "" {
			site.Mailbox = "/dev/mail"
		}
	}
	config := login.Config{Site: site, Service: useCases, Federation: upstreams, Sessions: sessions, Log: s.log,
		OpenDevice: s.Provider.OpenDevice}
	if !cfg.Production() {
		useCases.SetupToken = people.SetupLink{Secrets: s.secrets}.Opens
	}
	if s.pages, err = login.New(config); err != nil {
		return err
	}
	s.reset, err = reset.New(reset.Config{Site: site, Service: useCases, TypedName: s.pages.TypedName})
	if err != nil {
		return err
	}
	keys := &apikeys.Service{Service: useCases, Keys: s.Store}
	s.api, err = api.New(api.Config{
		Service: useCases, Federation: upstreams, Keys: keys, Apps: s.Provider.Apps(), Errors: errorPage,
	})
	if err != nil {
		return err
	}
	signInAs, err := acting.New(acting.Service{Service: useCases, Accounts: s.accounts(useCases)})
	if err != nil {
		return err
	}
	s.account, err = account.New(account.Config{
		Site: site, People: selfservice.Service{Service: useCases}, Acting: signInAs, Depart: s.pages.LinkUpstream,
		Keys: keys,
	})
	if err != nil {
		return err
	}
	if s.admin, err = s.newAdmin(useCases, signInAs, upstreams, roots); err != nil {
		return err
	}
	if err := s.wireConsole(site, useCases, signInAs); err != nil {
		return err
	}
	if err := s.wireGateway(limits, errorPage); err != nil {
		return err
	}
	if cfg.HasPlayground() {
		s.dev = &devpage.Page{
			Issuer: cfg.Issuer, Errors: s.api.ErrorPage, Mailbox: s.mailbox, StandIns: standIns, Key: devKey(s.secrets),
			Store: s.storePlayground,
		}
	}
	return nil
}

// accounts returns the use cases of administrators.
func (s *Server) accounts(useCases *people.Service) *administration.Accounts {
	named := &pairwise.Service{Store: s.Store, Secrets: s.secrets}
	return &administration.Accounts{Store: s.Store, Policy: useCases.Policy, Passwords: s.hasher,
		Pairwise: func(context.Context) (*pairwise.Service, error) { return named, nil },
		PasswordChanged: func(ctx context.Context, u storage.User) ([]storage.Delivery, error) {
			if useCases.PasswordChanged == nil { // it is set later
				return nil, nil
			}
			return useCases.PasswordChanged(ctx, u)
		}}
}

// Reach returns which addresses webhooks may have.
func Reach(cfg *settings.Config, roots *x509.CertPool) outbound.Config {
	return outbound.Config{AllowPrivate: cfg.AllowPrivateFetch || cfg.HasPlayground(), RootCAs: roots}
}

// logoutToken returns the token that tells a client of the end of a session.
func (s *Server) logoutToken(
	ctx context.Context, t storage.Tenant, c *storage.Client, l storage.Logout,
) (string, error) {
	root, err := url.Parse(s.cfg.Issuer)
	if err != nil {
		return "", err
	}
	return s.Provider.LogoutToken(ctx, issuer.Of(root, t), c, l)
}

// newAdmin makes the management API.
func (s *Server) newAdmin(
	useCases *people.Service, signInAs *acting.Service, upstreams *federation.Service, roots *x509.CertPool,
) (*admin.Server, error) {
	s.webhooks = &webhooks.Worker{Store: s.Store, Log: s.log, Sender: webhooks.NewSender(s.secrets, Reach(s.cfg, roots))}
	s.logouts = &backchannel.Worker{Store: s.Store, Log: s.log, Reach: Reach(s.cfg, roots), Sign: s.logoutToken}
	c := admin.Config{
		People: selfservice.Service{Service: useCases}, Acting: signInAs, Federation: upstreams,
		Accounts: s.accounts(useCases), Store: s.Store, Secrets: s.secrets, Tokens: s.Provider.Apps(),
		Keys: s.Provider.Keys, Issuer: s.cfg.Issuer, Errors: s.api.ErrorPage,
		Webhooks: s.webhooks, Counting: Counting(s.cfg),
		Language: func(r *http.Request) string { return ui.Words(r).Lang() },
	}
	if s.cfg.SMTPURL != "" {
		relay, err := installation.MailServer(s.cfg, roots)
		if err != nil {
			return nil, err
		}
		c.TestMail = func(ctx context.Context, t *issuer.Tenant, to string, tell func(string)) error {
			return relay.SendTelling(ctx, installation.TestMail(t.Issuer, to), func(sent, answer string) {
				if sent != "" {
					tell("> " + sent)
				}
				for line := range strings.SplitSeq(answer, "\n") {
					tell("< " + line)
				}
			})
		}
	}
	return admin.New(c)
}

// parts are what the protocol shares with the pages.
type parts struct {
	shared   ephemeral.Store
	sessions *browser.Sessions
	limits   *limit.Limiter
	mailer   *mail.Mailer
	pages    *ui.Pages
	errors   web.ErrorPage
	roots    *x509.CertPool
	// authorities issue the certificates of clients; nil for none.
	authorities *x509.CertPool
}

// newProvider makes the protocol.
func (s *Server) newProvider(p parts) (*provider.Provider, error) {
	cfg := s.cfg
	signUp := "/signup"
	if !p.mailer.Sends() { // users could not confirm their addresses
		signUp = ""
	}
	return provider.New(provider.Config{
		Store: s.Store, Secrets: s.secrets, Ephemeral: p.shared, Sessions: p.sessions, Limits: p.limits, Log: s.log,
		FirstActivity: (&administration.Activity{Store: s.Store, Counting: Counting(cfg), Log: s.log}).First,

		APIKeys:     &apikeys.Reader{Store: s.Store, Limits: p.limits, Log: s.log},
		Development: cfg.InDevelopment(), Errors: p.errors,
		Pages: provider.Pages{
			Login: "/login", SignUp: signUp, Select: "/select", SecondFactor: "/second-factor",
			NoAccess: "/no-access", Consent: "/consent", Device: "/device",
			SignOut: "/signout", SignedOut: "/signed-out", AuthorizationChallenge: api.ChallengePath,
			Languages: texts.Languages(), Say: p.pages.Say,
		},
		Fetch:          clientauth.NewFetcher(clientauth.FetchConfig{AllowPrivate: cfg.AllowPrivateFetch, RootCAs: p.roots}),
		Documents:      documents.NewFetcher(outbound.Config{AllowPrivate: cfg.AllowPrivateFetch, RootCAs: p.roots}),
		ClientFailures: cfg.LimitClientSecrets.Rule(),

		Certificates: cfg.MTLS(), CertificatesURL: s.certificatesURL(), Authorities: p.authorities,

		AccessTokenAlgorithm:     cfg.AccessTokenAlgorithm,
		CodeLifetime:             time.Duration(cfg.CodeLifetime),
		RequestLifetime:          time.Duration(cfg.RequestLifetime),
		AccessTokenLifetime:      time.Duration(cfg.AccessTokenLifetime),
		IDTokenLifetime:          time.Duration(cfg.IDTokenLifetime),
		RefreshTokenLifetime:     time.Duration(cfg.RefreshTokenLifetime),
		RefreshTokenIdleLifetime: time.Duration(cfg.RefreshTokenIdleLifetime),
		RefreshTokenGrace:        max(1, time.Duration(cfg.RefreshTokenGrace)), // 0 is none here, and there the default
		KeyRotation:              time.Duration(cfg.KeyRotation),
	})
}

// WordsIn returns the texts in a language for package people.
func WordsIn(language string) people.Words { return texts.In(language) }

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
		ResendAfter: max(1, time.Duration(c.LimitResend)), // 0 would be the default
	}
}

// UpstreamCalls returns what calls upstream providers under the settings.
func UpstreamCalls(cfg *settings.Config, roots *x509.CertPool) *upstreams.Caller {
	private := cfg.AllowPrivateFetch || cfg.HasPlayground()
	return upstreams.New(outbound.Client(outbound.Config{AllowPrivate: private, RootCAs: roots, KeepAlive: true}))
}

// standIns returns the providers that stand in for real ones on a developer's machine, and their
// settings.
func (s *Server) standIns() (servers []*fakeidp.Server, settings []storage.Upstream) {
	if !s.cfg.HasPlayground() {
		return nil, nil
	}
	servers = devpage.StandIns(s.cfg.Issuer)
	for _, idp := range servers {
		settings = append(settings, storage.Upstream{
			ID: idp.Kind, Preset: idp.Kind, Name: idp.Name, Issuer: idp.Issuer, ClientID: idp.ClientID,
			ClientSecret: s.secrets.Box(storage.DefaultTenant, secret.UpstreamSecret).Seal([]byte(idp.ClientSecret)),
		})
	}
	return servers, settings
}

// wireMail returns what composes messages, and makes the outbox that sends them: through the mail server and
// the webhook that are set, or on a developer's machine to the mailbox of the developer page. Without any of
// these there is no outbox.
func (s *Server) wireMail(limits *limit.Limiter) (*mail.Mailer, error) {
	templates, err := mail.LoadTemplates(s.cfg.MailTemplates)
	if err != nil {
		return nil, err
	}
	roots, err := installation.RootCAs(s.cfg.ExtraCAFile)
	if err != nil {
		return nil, err
	}
	mails, texts, err := s.messageSenders(roots, limits)
	if err != nil {
		return nil, err
	}
	w := &outbox.Worker{
		Store: s.Store, Log: s.log, Sent: s.metrics.MailSent, Failed: s.metrics.MailFailed,
		Senders: map[string]outbox.Sender{},
	}
	for channel, sender := range map[string]mail.Sender{storage.ChannelMail: mails, storage.ChannelSMS: texts} {
		if sender != nil {
			w.Senders[channel] = mail.Channel{Secrets: s.secrets, Templates: templates, Sender: sender}
		}
	}
	mailer := &mail.Mailer{Secrets: s.secrets, Templates: templates, Texts: texts != nil, NoMails: mails == nil}
	s.wireHooks(w, roots)
	if len(w.Senders) > 0 {
		s.outbox, mailer.Wake = w, w.Wake
	}
	return mailer, nil
}

// messageSenders returns what sends mails and text messages; nil where nothing does.
func (s *Server) messageSenders(roots *x509.CertPool, limits *limit.Limiter) (mails, texts mail.Sender, err error) {
	if s.cfg.HasPlayground() && (s.cfg.SMTPURL == "" || s.cfg.SMSURL == "") {
		s.mailbox = &devpage.Mailbox{}
		mails, texts = devSender{s.mailbox}, devSender{s.mailbox}
	}
	if s.cfg.SMTPURL != "" {
		if mails, err = installation.MailServer(s.cfg, roots); err != nil {
			return nil, nil, err
		}
	}
	if s.cfg.SMSURL != "" {
		hook, err := relay.NewWebhook(string(s.cfg.SMSURL), string(s.cfg.SMSSecret), installation.OperatorsClient(roots))
		if err != nil {
			return nil, nil, err
		}
		texts = bounded{hook, limits, limit.Rule{Name: "sms", Max: int64(s.cfg.SMSPerHour), Window: time.Hour}}
	}
	return mails, texts, nil
}

// bounded is a sender that sends no more than the rule allows, over all replicas.
type bounded struct {
	mail.Sender
	limits *limit.Limiter
	rule   limit.Rule
}

// Send implements mail.Sender.
func (b bounded) Send(ctx context.Context, m *mail.Message) error {
	if _, ok := b.limits.Allow(ctx, storage.DefaultTenant, "", b.rule, "all"); !ok {
		return errors.New("sms_per_hour text messages were sent in the last hour")
	}
	return b.Sender.Send(ctx, m)
}

// devSender delivers to the developer page.
type devSender struct{ box *devpage.Mailbox }

// Send implements mail.Sender.
func (d devSender) Send(_ context.Context, m *mail.Message) error {
	d.box.Add(devpage.Letter{ID: m.ID, To: m.To, Subject: m.Subject, Text: m.Text, HTML: m.HTML, At: time.Now()})
	return nil
}
