package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/server"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/internal/listeners"
	"github.com/vouchsafe/vouchsafe/internal/logging"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/internal/upkeep"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// serveCmd runs the server.
type serveCmd struct{}

// Run serves until the context ends, then stops without dropping a request.
func (c *serveCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	return server.Run(ctx, cfg, version, a.Out, a.Err)
}

// serverCmd is the command of Keratin AuthN that serves.
type serverCmd struct{}

// Run is that of serve, with the setting keratin.
func (c *serverCmd) Run(ctx context.Context, a *app) error {
	a.likeKeratin()
	return (&serveCmd{}).Run(ctx, a)
}

// likeKeratin has the variables of Keratin AuthN read, for the default tenant unless the settings name another one.
func (a *app) likeKeratin() {
	cfg, _ := settings.Load(a.flags, a.configFile, a.environ) // faults are told when they are read again
	if cfg.Keratin == "" {
		a.flags["keratin"] = storage.DefaultTenant
	}
}

// routesCmd prints what the public listener serves below a tenant's issuer. Tests read it, so that they forget no
// route; it has no other use.
type routesCmd struct{}

// Run puts a server together as serve does, and serves nothing.
func (c *routesCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	s, err := server.New(ctx, cfg, logging.New(cfg.LogOptions(), a.Err), version)
	if err != nil {
		return err
	}
	err = s.PrintRoutes(a.Out)
	if closed := s.Close(); err == nil {
		err = closed
	}
	return err
}

// healthcheckCmd asks a running server whether it is alive, for containers without curl. It ends with 1 if not.
type healthcheckCmd struct{}

// Run asks the server at its own address. It ignores faulty settings, which the server reports: only the
// address matters here.
func (c *healthcheckCmd) Run(ctx context.Context, a *app) error {
	cfg, _ := a.config()
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

// migrateCmd creates the database or brings its schema up to date. In production an operator runs it before new
// servers start.
type migrateCmd struct{ jsonFlag }

// Run applies the steps that are missing. Many replicas may run it at once: one works, the others wait.
func (c *migrateCmd) Run(ctx context.Context, a *app) error {
	// With the variables of Keratin AuthN it is that program's command, too.
	if slices.ContainsFunc(a.environ, func(e string) bool { return strings.HasPrefix(e, "AUTHN_URL=") }) {
		a.likeKeratin()
	}
	return a.withDatabase(ctx, installation.OpenStore, func(cfg *settings.Config, s store) error {
		a.nameDatabase(cfg)
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

// restoredCmd ends what a restored backup has brought back.
type restoredCmd struct {
	Before  time.Time `help:"End only what is older than this time, such as 2006-01-02T15:04:05Z. The default is now." placeholder:"TIME"`
	APIKeys bool      `name:"api-keys" help:"Revoke all API keys, too: those that were revoked since the backup work again otherwise."`
	yesFlag
	jsonFlag
}

// tell prints how many rows were ended.
func (c *restoredCmd) tell(a *app, rows, keys int64) error {
	if c.JSON {
		return a.PrintJSON(restoredView{rows, keys, c.Before.UTC()})
	}
	if c.APIKeys {
		if err := a.PrintSentence("Revoked %d API keys.", keys); err != nil {
			return err
		}
	}
	return a.PrintSentence("Ended %d sessions, grants, codes, emails and devices older than %s.", rows,
		terminal.Zoned(c.Before))
}

// restoredView is what restored did, as JSON.
type restoredView struct {
	Ended  int64     `json:"ended"`
	Keys   int64     `json:"api_keys"`
	Before time.Time `json:"before"`
}

// Help says what for.
func (*restoredCmd) Help() string {
	return `Run it after restoring a backup, before the first server starts. Otherwise sessions that ended
since the backup, revoked grants and used codes would be valid again. In all tenants it ends
all sessions, revokes all grants, drops waiting codes and emails, and removes trusted
devices. If you stop it, the servers finish the work. With --api-keys programs need new
API keys, too.`
}

// Run asks first. It records for every tenant what is to end before it ends anything, so that servers finish the work
// if the command is interrupted.
func (c *restoredCmd) Run(ctx context.Context, a *app) error {
	now := time.Now()
	if c.Before.IsZero() {
		c.Before = now
	}
	if c.Before.After(now) {
		return misused("--before: %s is in the future", c.Before.Format(time.RFC3339))
	}
	return a.withStore(ctx, func(s store) error {
		if err := a.confirm(ctx, c.yesFlag, "This signs out all users of all tenants."); err != nil {
			return err
		}
		p := a.Progress(0)
		var ids []string
		r := &upkeep.Restored{Store: s, Before: c.Before, Now: now, Progress: func(tenant int, rows int64) {
			p.Show(0, fmt.Sprintf("%d of %d tenants, %d rows", tenant, len(ids), rows))
		}}
		ids, err := r.Begin(ctx, tenants.All(ctx, s), byCLI(storage.Event{
			TenantID: storage.DefaultTenant, Kind: storage.EventDatabaseRestored,
			Detail: map[string]string{"before": c.Before.UTC().Format(time.RFC3339)},
		}))
		if err != nil {
			return err
		}
		keys := int64(0)
		for _, id := range ids {
			if !c.APIKeys {
				break
			}
			n, err := s.EndAPIKeys(ctx, id, c.Before, now)
			if keys += n; err != nil {
				return err
			}
		}
		rows, err := r.Finish(ctx, ids)
		p.Clear()
		if err != nil {
			return fmt.Errorf("%w\n%d sessions, grants, codes, emails and devices were ended. Servers will end the rest", err,
				rows)
		}
		if err := c.tell(a, rows, keys); err != nil {
			return err
		}
		if !c.APIKeys {
			fmt.Fprintln(a.Err, "API keys that were revoked since the backup work again: --api-keys revokes all.")
		}
		fmt.Fprintln(a.Err, "Keys, passwords, users and clients that were removed or changed since the backup are back "+
			"too: see docs/backup.md.")
		return nil
	})
}
