package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os/signal"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/internal/datadir"
	"github.com/vouchsafe/vouchsafe/internal/listeners"
	"github.com/vouchsafe/vouchsafe/internal/logging"
	"github.com/vouchsafe/vouchsafe/internal/settings"
)

// Run serves until the context ends, then stops without dropping a request. It prints a greeting for the developer
// of an embedded server to stdout, and the log to stderr.
func Run(ctx context.Context, cfg *settings.Config, version string, stdout, stderr io.Writer) (err error) {
	// The program that reads the log may end. Without this, the next line would end the server.
	signal.Ignore(syscall.SIGPIPE)
	log, flush := logging.NewServing(cfg.LogOptions(), stderr)
	defer flush()
	reports, err := reporter(cfg, log, version)
	if err != nil {
		return err
	}
	if reports != nil {
		defer runBeside(reports.Run)()
		log = slog.New(reports.Handler(log.Handler()))
	}
	// Listening comes first: it fails most often, and at once.
	opened, err := listeners.Open(cfg.Listen, fs.FileMode(cfg.ListenMode))
	if err != nil {
		return err
	}
	defer func() {
		for _, l := range opened {
			_ = l.Close() // it is closed already after serving
		}
	}()
	cfg.Issuer = withPort(cfg.Issuer, opened[0].Addr())
	on := listening{public: opened}
	defer func() {
		for _, l := range slices.Concat(on.mtls, on.keratin, on.backendAuth, on.maintenance) {
			_ = l.Close() // as above
		}
	}()
	if on.mtls, err = listenMTLS(cfg); err != nil {
		return err
	}
	if on.keratin, err = listenKeratin(cfg); err != nil {
		return err
	}
	if on.backendAuth, on.maintenance, err = listenBackendAuth(cfg); err != nil {
		return err
	}
	if on.operations, err = listenOperations(cfg, log); err != nil {
		return err
	}
	lock, err := installation.LockData(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	s, err := New(ctx, cfg, log, version)
	if err != nil {
		return installation.Unreachable(cfg, err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	s.reports = reports
	return s.serve(ctx, stdout, on, lock)
}

// listening are the listeners: those of the issuer, those at which clients present certificates, those of Keratin AuthN
// and backend-auth, and that of the operator, nil for none.
type listening struct {
	public, mtls, keratin, backendAuth, maintenance []net.Listener
	operations                                      net.Listener
}

// compatible starts servers for the routes of Keratin AuthN and backend-auth, and returns them.
func (s *Server) compatible(on listening, failed chan<- error) (all []*http.Server) {
	start := func(l net.Listener, h http.Handler) {
		server := httpServer(s.leaving(h), s.log)
		all = append(all, server)
		go func() { failed <- serveOn(server, l) }()
	}
	for i, l := range on.keratin {
		start(l, s.KeratinHandler(i == 0))
	}
	for _, l := range on.backendAuth {
		start(l, s.backendAuthHandler(false))
	}
	for _, l := range on.maintenance {
		start(l, s.backendAuthHandler(true))
	}
	return all
}

// serve serves on the listeners until the context ends or one of them fails.
func (s *Server) serve(ctx context.Context, out io.Writer, on listening, lock *datadir.Lock) error {
	opened, ops := on.public, on.operations
	s.guard(opened)
	s.guard(on.mtls)
	s.guard(on.keratin)
	s.guard(on.backendAuth)
	s.guard(on.maintenance)
	doors, door := s.openDoor(s.log)
	if door != nil {
		defer func() { _ = door.Close() }() // it serves no requests that take time
	}
	if err := s.encrypt(opened, on.keratin, on.backendAuth, doors); err != nil {
		return err
	}
	if err := s.askForCertificates(on.mtls); err != nil {
		return err
	}
	if err := s.maintain(on.maintenance); err != nil {
		return err
	}
	public, private := httpServer(s.leaving(s.Handler()), s.log), httpServer(s.Operations(), s.log)
	opened = slices.Concat(opened, on.mtls)
	failed := make(chan error, len(opened)+len(on.keratin)+len(on.backendAuth)+len(on.maintenance)+len(doors)+1)
	for _, l := range opened {
		go func() { failed <- serveOn(public, l) }()
	}
	compatible := s.compatible(on, failed)
	for _, l := range doors {
		go func() { failed <- serveOn(door, l) }()
	}
	if ops != nil {
		go func() { failed <- serveOn(private, ops) }()
	}
	// Background work ends before the stores close.
	background, endBackground := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	for _, work := range s.beside() {
		wg.Go(func() {
			if s.reports != nil {
				defer s.reports.Crash()
			}
			work(background)
		})
	}
	defer func() { endBackground(); wg.Wait() }()

	if !s.cfg.Production() {
		s.greet(ctx, out)
	}
	s.warn()
	wg.Go(func() { s.missRedis(background) })
	// The start leaves garbage: files that were read and parsed.
	wg.Go(debug.FreeOSMemory)
	s.log.Info("serving", "version", s.version, "issuer", s.cfg.Issuer, "listen", addresses(opened...),
		"operations", addresses(ops))
	if k := s.cfg.KeratinAuthN; k != nil {
		s.log.Info("serving the routes of Keratin AuthN", "url", k.URL, "tenant", k.Tenant, "listen",
			addresses(on.keratin...))
	}
	if b := s.cfg.BackendAuthVariables; b != nil {
		s.log.Info("serving the routes of backend-auth", "url", b.URL, "listen", addresses(on.backendAuth...),
			"maintenance", addresses(on.maintenance...))
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	lock.Stopping(time.Duration(s.cfg.StopDelay) + time.Duration(s.cfg.StopTimeout))
	return s.stop(private, append(compatible, public)...)
}

// encrypt puts TLS before the listeners if there is a certificate.
func (s *Server) encrypt(all ...[]net.Listener) error {
	if s.cfg.TLSCert == "" {
		return nil
	}
	cert := &listeners.Certificate{CertFile: s.cfg.TLSCert, KeyFile: s.cfg.TLSKey, Log: s.log}
	conf, err := cert.Config()
	if err != nil {
		return err
	}
	for _, some := range all {
		for i, l := range some {
			some[i] = tls.NewListener(l, conf)
		}
	}
	return nil
}

// beside returns the background work. Each function runs until its context ends.
func (s *Server) beside() []func(context.Context) {
	all := []func(context.Context){s.sweep, s.removals, s.prune, s.maintainKeys, s.useSecret, s.reread,
		s.indexNames, s.tally, s.countMail, s.webhooks.Run, s.logouts.Run}
	if s.outbox != nil {
		all = append(all, s.outbox.Run)
	}
	if s.imports != nil {
		all = append(all, s.imports.Run)
	}
	return all
}

// stop waits until load balancers send requests elsewhere, and then for the requests that have begun.
func (s *Server) stop(private *http.Server, public ...*http.Server) error {
	s.log.Info("stopping", "delay", time.Duration(s.cfg.StopDelay).String())
	s.health.Stop()
	time.Sleep(time.Duration(s.cfg.StopDelay))
	s.webhooks.EndStreams()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(s.cfg.StopTimeout))
	defer cancel()
	var err error
	for _, srv := range public {
		if late := srv.Shutdown(ctx); late != nil {
			err = errors.Join(err, fmt.Errorf("requests still ran after %s: %w", time.Duration(s.cfg.StopTimeout), late),
				srv.Close())
		}
	}
	// Last, so that operators can watch the server stop.
	err = errors.Join(err, private.Close())
	s.log.Info("stopped")
	return err
}

// leaving closes kept connections once the server is stopping, so that clients connect elsewhere. A
// connection ends with an answer, never between requests: a proxy may be sending the next request on it,
// and must not repeat a POST.
func (s *Server) leaving(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.health.Stopping() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// warn logs settings that are allowed but may be mistakes.
func (s *Server) warn() {
	if s.cfg.Production() && s.cfg.RedisURL == "" {
		s.log.Warn("without VOUCHSAFE_REDIS_URL attempts are counted in this process alone: run one replica only")
	}
	if s.cfg.SMTPURL == "" && s.dev == nil {
		s.log.Warn("without VOUCHSAFE_SMTP_URL no mail is sent: users cannot sign up or reset their passwords")
	}
	if len(s.cfg.UnlimitedAddresses) > 0 {
		s.log.Warn("there are addresses without limits on attempts", "addresses",
			s.cfg.Printed(settings.Named("unlimited_addresses")))
	}
	if s.cfg.HashesCheaply() {
		s.log.Warn("argon2_memory and argon2_passes are so low that an attacker with the hashes can guess passwords cheaply",
			"argon2_memory", s.cfg.Argon2Memory, "argon2_passes", s.cfg.Argon2Passes)
	}
	if !s.cfg.Production() {
		if owner := datadir.Dir(s.cfg.Data).Shared(); owner != "" {
			s.log.Warn("the data folder belongs to another user, as a volume of Kubernetes with fsGroup does: its group may "+
				"remove and add files, and what is in them is this server's alone", "data", s.cfg.Data, "mode", owner)
		}
	}
	if s.cfg.AllowPrivateFetch {
		s.log.Warn("clients' jwks_uri may name hosts on private networks")
	}
}

// missRedis logs that Redis does not answer at the start, when its address is most often wrong. Otherwise
// the operator would learn of it only when an attempt is counted.
func (s *Server) missRedis(ctx context.Context) {
	if fault := s.health.Look(ctx).Checks["redis"].Error; fault != "" {
		s.log.WarnContext(ctx, "Redis does not answer, and until it does attempts are counted in this process alone. "+
			"VOUCHSAFE_REDIS_URL says where it is", "error", fault)
	}
}
