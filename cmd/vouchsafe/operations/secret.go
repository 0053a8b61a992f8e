package operations

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/server"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/internal/reseal"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/storage"
)

// SecretCmd is the family of commands about master secrets.
type SecretCmd struct {
	List   secretListCmd   `cmd:"" help:"List the master secrets that stored values depend on, by fingerprint."`
	Reseal secretResealCmd `cmd:"" help:"Reseal all stored values with the first master secret, so that the others can be dropped."`
	Forget secretForgetCmd `cmd:"" help:"Give up a master secret that is lost, with all that it sealed."`
}

// SecretView is a master secret as commands print it.
type SecretView struct {
	Fingerprint string     `json:"fingerprint"`
	State       string     `json:"state"`
	SealedAt    *time.Time `json:"sealed_at,omitempty"`
}

// viewSecrets returns the secrets that are given or needed.
func viewSecrets(known []storage.MasterSecret, given []string) []SecretView {
	views := []SecretView{}
	for _, m := range reseal.States(known, given) {
		views = append(views, SecretView{m.Fingerprint, string(m.State), m.SealedAt})
	}
	return views
}

// secretListCmd lists the master secrets that stored values depend on, and those that are given.
type secretListCmd struct{ command.JSONFlag }

// Help says what the states mean.
func (*secretListCmd) Help() string {
	return "A secret seals (it comes first), opens (stored values still depend on it), is given and not needed, or is " +
		"missing. The time is when a server last said that it seals with it."
}

// Run prints fingerprints, never a secret.
func (c *secretListCmd) Run(ctx context.Context, a *command.App) error {
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	return a.WithStore(ctx, func(s installation.Store) error {
		m, err := installation.Masters(cfg)
		if err != nil {
			return err
		}
		known, err := s.MasterSecrets(ctx)
		if err != nil {
			return err
		}
		views := viewSecrets(known, m.Fingerprints())
		if c.JSON {
			return a.PrintJSON(views)
		}
		t := a.Table("FINGERPRINT", "STATE", "LAST SEALED")
		for _, v := range views {
			at := ""
			if v.SealedAt != nil {
				at = terminal.Zoned(*v.SealedAt)
			}
			t.Row(v.Fingerprint, v.State, at)
		}
		return t.Flush()
	})
}

// secretResealCmd seals all stored values with the first master secret.
type secretResealCmd struct {
	NoWait bool `help:"Do not wait to see whether a server still seals with another secret; use it when none does."`
	command.JSONFlag
}

// Help says when to run it.
func (*secretResealCmd) Help() string {
	return "Run it once every server has the new secret first and the old one after it. It may run beside the servers, " +
		"and may be stopped and started again. At the end it watches for two minutes whether a server still seals " +
		"with another secret."
}

// Run prints how many values of each kind it sealed again, and how many no secret opens. In production it watches
// afterwards whether a server still seals with another secret, and returns an error if one does.
func (c *secretResealCmd) Run(ctx context.Context, a *command.App) error {
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	return a.WithStore(ctx, func(s installation.Store) error {
		m, err := installation.Masters(cfg)
		if err != nil {
			return err
		}
		if err := s.UseMasterSecret(ctx, m.Fingerprints()[0], time.Now()); err != nil {
			return err
		}
		r := &resealing{app: a, store: s, secrets: m}
		if cfg.Production() && !c.NoWait {
			r.watch = 2*server.SealEvery + server.SealEvery/2
		}
		counts, err := r.run(ctx)
		if c.JSON && counts != nil {
			err = errors.Join(err, a.PrintJSON(counts))
		} else if counts != nil {
			r.tell(counts)
		}
		return err
	})
}

// resealing is one run of the command.
type resealing struct {
	app     *command.App
	store   installation.Store
	secrets *secret.Masters
	watch   time.Duration // how long it looks for servers that seal with another secret
}

// run seals everything anew, and releases the other secrets.
func (r *resealing) run(ctx context.Context) ([]reseal.Count, error) {
	others, err := reseal.Others(ctx, r.store, r.secrets.Fingerprints())
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	counts, err := r.pass(ctx)
	if err != nil || len(others) == 0 {
		return counts, err
	}
	if wait := time.Until(begun.Add(r.watch)); wait > 0 {
		fmt.Fprintf(r.app.Err, "Watching until %s whether a server still seals with another secret.\n",
			terminal.Zoned(time.Now().Add(wait)))
		select {
		case <-ctx.Done():
			return counts, ctx.Err()
		case <-time.After(wait):
		}
		// For what such a server has sealed meanwhile.
		late, err := r.pass(ctx)
		if err != nil {
			return counts, err
		}
		for i := range counts {
			counts[i].Sealed += late[i].Sealed
			counts[i].Lost = late[i].Lost
		}
	}
	return counts, r.release(ctx, others, counts)
}

// pass goes once through all that is stored.
func (r *resealing) pass(ctx context.Context) ([]reseal.Count, error) {
	bar := r.app.Progress(0)
	defer bar.Clear()
	run := &reseal.Run{Store: r.store, Secrets: r.secrets, RenewRecovery: factor.RenewRecovery,
		Progress: func(c reseal.Count) {
			bar.Show(0, fmt.Sprintf("%s: %d of %d sealed again", c.Kind, c.Sealed, c.Seen))
		}}
	return run.All(ctx)
}

// release records that no stored value depends on the other secrets any more, unless a server has sealed
// with one meanwhile.
func (r *resealing) release(ctx context.Context, others []storage.MasterSecret, counts []reseal.Count) error {
	var errs []error
	for _, m := range others {
		err := reseal.Forget(ctx, r.store, m, storage.EventSecretReplaced, command.ByCLI)
		if errors.Is(err, storage.ErrStale) {
			err = fmt.Errorf("a server still seals with the master secret %s: give every server the new one "+
				"first, and run this again", m.Fingerprint)
		} else if err == nil {
			fmt.Fprintf(r.app.Err, "No stored value depends on the master secret %s any more.\n", m.Fingerprint)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// tell prints the counts.
func (r *resealing) tell(counts []reseal.Count) {
	for _, c := range counts {
		fmt.Fprintf(r.app.Out, "%s: %d, sealed again %d", c.Kind, c.Seen, c.Sealed)
		if c.Lost > 0 {
			fmt.Fprintf(r.app.Out, ", opened by no secret %d", c.Lost)
		}
		fmt.Fprintln(r.app.Out)
	}
}

// secretForgetCmd gives up a master secret that is lost.
type secretForgetCmd struct {
	Fingerprint string `arg:"" help:"The fingerprint, as shown by secret list." complete:"secret"`
	command.YesFlag
	command.JSONFlag
}

// Help says what is lost.
func (*secretForgetCmd) Help() string {
	return "Users whose authenticator app, passkeys or recovery codes it sealed need vouchsafe user recover; signing " +
		"keys need vouchsafe key remove, upstreams their client secret anew. Passwords, sessions and linked accounts stay. " +
		"vouchsafe secret reseal counts what no secret opens."
}

// Run asks first. It refuses a secret that is given: such a secret is retired by secret reseal, and nothing is lost.
func (c *secretForgetCmd) Run(ctx context.Context, a *command.App) error {
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	return a.WithStore(ctx, func(s installation.Store) error {
		m, err := installation.Masters(cfg)
		if err != nil {
			return err
		}
		known, err := s.MasterSecrets(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(known, func(k storage.MasterSecret) bool { return k.Fingerprint == c.Fingerprint })
		switch {
		case i < 0:
			return command.NoSuch(storage.ErrNotFound, "master secret", c.Fingerprint)
		case slices.Contains(m.Fingerprints(), c.Fingerprint):
			return errors.New("this secret is still in use: vouchsafe secret reseal retires it without losing anything")
		}
		err = a.Approve(ctx, c.YesFlag, "This gives up master secret %s. What it sealed is lost for good.", c.Fingerprint)
		if err != nil {
			return err
		}
		if err := reseal.Forget(ctx, s, known[i], storage.EventSecretForgotten, command.ByCLI); err != nil {
			return err
		}
		replaced, err := reseal.ReplacePairwise(ctx, s, m)
		if err != nil {
			return err
		}
		if replaced > 0 {
			fmt.Fprintf(a.Err, "%d tenants have other pairwise subjects now: their pairwise clients see new users.\n", replaced)
		}
		return a.TellRemoved(c.JSON, "", "master secret", c.Fingerprint, c.Fingerprint)
	})
}
