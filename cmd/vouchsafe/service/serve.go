package service

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/server"
	"github.com/vouchsafe/vouchsafe/internal/listeners"
	"github.com/vouchsafe/vouchsafe/internal/logging"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ServeCmd runs the server.
type ServeCmd struct{}

// Run serves until the context ends, then stops without dropping a request.
func (c *ServeCmd) Run(ctx context.Context, a *command.App) error {
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	return server.Run(ctx, cfg, a.Version, a.Out, a.Err)
}

// ServerCmd is the command of Keratin AuthN that serves.
type ServerCmd struct{}

// Run is that of serve, with the setting keratin.
func (c *ServerCmd) Run(ctx context.Context, a *command.App) error {
	likeKeratin(a)
	return (&ServeCmd{}).Run(ctx, a)
}

// likeKeratin has the variables of Keratin AuthN read, for the default tenant unless the settings name another one.
func likeKeratin(a *command.App) {
	cfg, _ := settings.Load(a.Flags, a.ConfigFile, a.Environ) // faults are told when they are read again
	if cfg.Keratin == "" {
		a.Flags["keratin"] = storage.DefaultTenant
	}
}

// RoutesCmd prints what the public listener serves below a tenant's issuer. Tests read it, so that they forget no
// route; it has no other use.
type RoutesCmd struct{}

// Run puts a server together as serve does, and serves nothing.
func (c *RoutesCmd) Run(ctx context.Context, a *command.App) error {
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	s, err := server.New(ctx, cfg, logging.New(cfg.LogOptions(), a.Err), a.Version)
	if err != nil {
		return err
	}
	err = s.PrintRoutes(a.Out)
	if closed := s.Close(); err == nil {
		err = closed
	}
	return err
}

// HealthcheckCmd asks a running server whether it is alive, for containers without curl. It ends with 1 if not.
type HealthcheckCmd struct{}

// Run asks the server at its own address. It ignores faulty settings, which the server reports: only the
// address matters here.
func (c *HealthcheckCmd) Run(ctx context.Context, a *command.App) error {
	cfg, _ := a.Config()
	network, address, err := dialed(cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	scheme := "http"
	if cfg.TLSCert != "" {
		scheme = "https"
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://localhost/healthz", nil)
	if err != nil {
		return err
	}
	// The certificate is for the host of the issuer, not for localhost. The request holds no secret.
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answered %s", res.Status)
	}
	return nil
}

// dialed returns how to reach a server on this machine that listens on the address.
func dialed(listen string) (network, address string, err error) {
	if path, ok := listeners.SocketPath(listen); ok {
		return "unix", path, nil
	}
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "tcp", net.JoinHostPort(host, port), err
}

// MigrateCmd creates the database or brings its schema up to date. In production an operator runs it before new
// servers start.
type MigrateCmd struct{ command.JSONFlag }

// Run applies the steps that are missing. Many replicas may run it at once: one works, the others wait.
func (c *MigrateCmd) Run(ctx context.Context, a *command.App) error {
	// With the variables of Keratin AuthN it is that program's command, too.
	if slices.ContainsFunc(a.Environ, func(e string) bool { return strings.HasPrefix(e, "AUTHN_URL=") }) {
		likeKeratin(a)
	}
	return a.WithDatabase(ctx, installation.OpenStore, func(cfg *settings.Config, s installation.Store) error {
		a.NameDatabase(cfg)
		// A step may take minutes on a large table, and says nothing while it runs.
		done := a.Waiting("Migrating the schema")
		err := s.Migrate(ctx)
		if done(); err != nil {
			return installation.Unreachable(cfg, err)
		}
		if c.JSON {
			return a.PrintJSON(map[string]bool{"up_to_date": true})
		}
		return a.PrintSentence("The schema of the database is up to date.")
	})
}
