package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/reseal"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/storage"
)

type secretCmd struct {
	List   secretListCmd   `cmd:"" help:"List the master secrets that stored values depend on, by fingerprint."`
	Reseal secretResealCmd `cmd:"" help:"Reseal all stored values with the first master secret, so that the others can be dropped."`
	Forget secretForgetCmd `cmd:"" help:"Give up a lost master secret, and the values that it sealed."`
}

type secretListCmd struct{ jsonFlag }

// Help says what the states mean.
func (*secretListCmd) Help() string {
	return "A secret seals (it comes first), opens (stored values still depend on it), is given and not needed, or is missing. The time is when a server last said that it seals with it."
}

func (c *secretListCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	return a.withStore(ctx, func(s store) error {
		m, err := masters(cfg)
		if err != nil {
			return err
		}
		known, err := s.MasterSecrets(ctx)
		if err != nil {
			return err
		}
		all := reseal.Secrets(known, m.Fingerprints())
		if c.JSON {
			return a.printJSON(all)
		}
		t := a.table("FINGERPRINT", "STATE", "LAST SEALED")
		for _, v := range all {
			at := ""
			if v.SealedAt != nil {
				at = zoned(*v.SealedAt)
			}
			t.row(v.Fingerprint, v.State, at)
		}
		return t.flush()
	})
}

type secretResealCmd struct {
	NoWait bool `help:"Do not wait to see whether a server still seals with another secret; use it when none does."`
	jsonFlag
}

// Help says when to run it.
func (*secretResealCmd) Help() string {
	return "Run it once every server has the new secret first and the old one after it. It may run beside the servers, and may be stopped and started again. At the end it watches for two minutes whether a server still seals with another secret."
}

func (c *secretResealCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	return a.withStore(ctx, func(s store) error {
		m, err := masters(cfg)
		if err != nil {
			return err
		}
		if err := s.UseMasterSecret(ctx, m.Fingerprints()[0], time.Now()); err != nil {
			return err
		}
		bar := a.progress(0)
		r := &reseal.Replacement{
			Run: reseal.Run{Store: s, Secrets: m, RenewRecovery: factor.RenewRecovery, Progress: func(c reseal.Count) {
				bar.show(0, fmt.Sprintf("%s: %d sealed anew of %d", c.Kind, c.Sealed, c.Seen))
			}},
			Record: recorder(s, "cli"),
			Watching: func(until time.Time) {
				bar.clear()
				fmt.Fprintf(a.stderr, "Watching until %s whether a server still seals with another secret.\n", zoned(until))
			},
			Released: func(fingerprint string) {
				bar.clear()
				fmt.Fprintf(a.stderr, "No stored value depends on the master secret %s any more.\n", fingerprint)
			},
		}
		if cfg.production() && !c.NoWait {
			r.Watch = reseal.Watch
		}
		counts, err := r.Do(ctx)
		bar.clear()
		if c.JSON && counts != nil {
			err = errors.Join(err, a.printJSON(counts))
		} else if counts != nil {
			a.printCounts(counts)
		}
		return err
	})
}

// printCounts prints what was sealed anew.
func (a *app) printCounts(counts []reseal.Count) {
	for _, c := range counts {
		fmt.Fprintf(a.stdout, "%s: %d, sealed anew %d", c.Kind, c.Seen, c.Sealed)
		if c.Lost > 0 {
			fmt.Fprintf(a.stdout, ", opened by no secret %d", c.Lost)
		}
		fmt.Fprintln(a.stdout)
	}
}

type secretForgetCmd struct {
	Fingerprint string `arg:"" help:"Its fingerprint, as shown by secret list."`
	Yes         bool   `help:"Confirm that what it sealed is lost for good."`
}

// Help says what is lost.
func (*secretForgetCmd) Help() string {
	return "Users whose authenticator app, passkeys or recovery codes it sealed need vouchsafe user recover; signing keys need vouchsafe key remove, upstreams their client secret anew. Passwords, sessions and linked accounts stay. vouchsafe secret reseal counts what no secret opens."
}

func (c *secretForgetCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	return a.withStore(ctx, func(s store) error {
		m, err := masters(cfg)
		if err != nil {
			return err
		}
		known, err := s.MasterSecrets(ctx)
		if err != nil {
			return err
		}
		lost, err := reseal.Lost(known, m.Fingerprints(), c.Fingerprint)
		if err != nil {
			return noSuch(err, "master secret", c.Fingerprint)
		}
		if !c.Yes {
			return errors.New("what this secret sealed is lost then: pass --yes")
		}
		if err := s.ForgetMasterSecret(ctx, lost); err != nil {
			return err
		}
		return record(ctx, s, "cli", storage.Event{TenantID: storage.DefaultTenant, Kind: storage.EventSecretForgotten, Detail: map[string]string{"fingerprint": c.Fingerprint}})
	})
}
