package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/admin"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/compat/backendauth"
	"github.com/vouchsafe/vouchsafe/compat/keratin"
	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/gateway"
	"github.com/vouchsafe/vouchsafe/internal/backchannel"
	"github.com/vouchsafe/vouchsafe/internal/devpage"
	"github.com/vouchsafe/vouchsafe/internal/health"
	"github.com/vouchsafe/vouchsafe/internal/metrics"
	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/sentry"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/internal/upstreams"
	"github.com/vouchsafe/vouchsafe/internal/webhooks"
	"github.com/vouchsafe/vouchsafe/login"
	"github.com/vouchsafe/vouchsafe/login/account"
	"github.com/vouchsafe/vouchsafe/login/api"
	"github.com/vouchsafe/vouchsafe/login/reset"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/importing/jobs"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/provider"
	"github.com/vouchsafe/vouchsafe/storage/ephemeral"
)

// Server has all parts of a running server but the listeners.
type Server struct {
	// Store and Provider are for commands about signing keys, which only the provider makes.
	Store    installation.Store
	Provider *provider.Provider

	cfg     *settings.Config
	log     *slog.Logger
	version string // of the program
	secrets *secret.Masters
	pages   *login.Server
	reset   *reset.Server
	api     *api.Server
	admin   *admin.Server
	account *account.Server
	console *console.Server // nil without the setting console
	people  *people.Service
	calls   *upstreams.Caller
	keratin *keratin.Door // nil without the setting keratin
	// backendAuth is nil without the setting backend_auth.
	backendAuth *backendauth.Door
	hasher      *password.Hasher
	webhooks    *webhooks.Worker
	logouts     *backchannel.Worker
	outbox      *outbox.Worker   // nil if there is nothing to send through
	imports     *jobs.Service    // nil without the console
	mailbox     *devpage.Mailbox // nil unless mails end there
	dev         *devpage.Page    // nil unless only this machine reaches the server
	gateway     *gateway.Server  // nil unless there is a gateway file
	reports     *sentry.Reporter // nil without the setting sentry_dsn
	metrics     *metrics.Metrics
	health      *health.Health
	handler     http.Handler
	removed     []string       // clients that the start has removed, with work that is left
	closers     []func() error // in the order in which things were opened
}

// open opens the stores, and brings the schema of the database up to date.
func (s *Server) open(ctx context.Context) (shared, local ephemeral.Store, err error) {
	if s.Store, err = installation.OpenStore(ctx, s.cfg); err != nil {
		return nil, nil, err
	}
	s.closers = append(s.closers, s.Store.Close)
	s.Store.OnStatement(s.metrics.Statement)
	// Under a lock: replicas may start at once.
	if err := s.Store.Migrate(ctx); err != nil {
		return nil, nil, err
	}
	return s.unlock(ctx)
}

// unlock opens the master secrets and the ephemeral state, beside the database that is open already.
func (s *Server) unlock(ctx context.Context) (shared, local ephemeral.Store, err error) {
	if s.secrets, err = installation.OpenSecrets(ctx, s.cfg, s.Store); err != nil {
		return nil, nil, err
	}
	shared, local, closed, err := installation.OpenEphemeral(s.cfg)
	if err != nil {
		return nil, nil, err
	}
	s.closers = append(s.closers, closed)
	return shared, local, nil
}

// Handler serves the public listener.
func (s *Server) Handler() http.Handler { return s.handler }

// Operations serves the operator's listener.
func (s *Server) Operations() http.Handler {
	m := http.NewServeMux()
	m.Handle("GET /metrics", s.metrics.Handler())
	m.HandleFunc("GET /healthz", s.health.Alive)
	m.HandleFunc("GET /readyz", s.health.Ready(true))
	for pattern, h := range operations {
		m.HandleFunc(pattern, h)
	}
	return m
}

// operations are what builds for measuring add to the operator's listener.
var operations = map[string]http.HandlerFunc{}

// Close closes what New opened, last first.
func (s *Server) Close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}

// pingDatabase returns an error if the database cannot be read or written. Requests show whether writes
// succeed: only after one has failed does it write a little itself, so that the server becomes ready again.
func (s *Server) pingDatabase(ctx context.Context) error {
	if err := s.Store.Ping(ctx); err != nil {
		return err
	}
	fault := s.Store.WriteFault()
	if fault == nil {
		return nil
	}
	if err := s.Store.UseMasterSecret(ctx, s.secrets.Fingerprints()[0], time.Now()); err != nil {
		return fault
	}
	return nil
}
