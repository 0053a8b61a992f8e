package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

type keyCmd struct {
	List   keyListCmd   `cmd:"" help:"List signing keys."`
	Rotate keyRotateCmd `cmd:"" help:"Make new signing keys, one for each algorithm in use. Keys also rotate on their own: see key_rotation."`
	Remove keyRemoveCmd `cmd:"" help:"Remove a signing key. Tokens that it signed are refused at once."`
}

// keyView is a key as commands print it.
type keyView struct {
	ID        string     `json:"kid"`
	Algorithm string     `json:"alg"`
	State     string     `json:"state"`
	ActiveAt  time.Time  `json:"active_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

func viewKey(k storage.Key, now time.Time) keyView {
	v := keyView{ID: k.ID, Algorithm: k.Algorithm, State: "signing", ActiveAt: k.ActiveAt}
	if !k.ExpiresAt.IsZero() {
		v.ExpiresAt, v.State = &k.ExpiresAt, "published"
		if !now.Before(k.ExpiresAt) {
			v.State = "expired"
		}
	}
	if now.Before(k.ActiveAt) {
		v.State = "next"
	}
	return v
}

type keyListCmd struct {
	tenantFlag
	jsonFlag
}

// Help says what the states mean.
func (*keyListCmd) Help() string {
	return "A key is next (published, and will sign), signing, published (its successor signs; what it signed is still valid) or expired. Until a successor is active, the published key before it signs on."
}

func (c *keyListCmd) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(s store) error {
		if err := hasTenant(ctx, s, c.Tenant); err != nil {
			return err
		}
		keys, err := s.Keys(ctx, c.Tenant, time.Time{})
		if err != nil {
			return err
		}
		views := []keyView{}
		for _, k := range keys {
			views = append(views, viewKey(k, time.Now()))
		}
		if c.JSON {
			return a.printJSON(views)
		}
		t := a.table("KEY", "ALGORITHM", "STATE", "SIGNS FROM", "PUBLISHED UNTIL")
		for _, v := range views {
			until := ""
			if v.ExpiresAt != nil {
				until = v.ExpiresAt.Local().Format(time.DateTime)
			}
			t.row(v.ID, v.Algorithm, v.State, v.ActiveAt.Local().Format(time.DateTime), until)
		}
		return t.flush()
	})
}

type keyRotateCmd struct {
	Alg *string `help:"Rotate only this algorithm: ES256 (access tokens by default), RS256 (ID tokens by default) or EdDSA." enum:"ES256,RS256,EdDSA" placeholder:"ALG"`
	Now bool    `help:"Sign with the new keys at once, because an old one may have leaked. Otherwise they are published a while before they sign, so that all clients have fetched them by then."`
	tenantFlag
	jsonFlag
}

func (c *keyRotateCmd) Run(ctx context.Context, a *app) error {
	return a.withProvider(ctx, func(s *server) error {
		if err := hasTenant(ctx, s.store, c.Tenant); err != nil {
			return err
		}
		var algs []string
		if c.Alg != nil {
			algs = []string{*c.Alg}
		} else {
			var err error
			if algs, err = s.provider.KeyAlgorithms(ctx, c.Tenant); err != nil {
				return err
			}
		}
		views := []keyView{}
		var errs error
		for _, alg := range algs {
			k, err := s.provider.RotateKey(ctx, c.Tenant, alg, c.Now)
			if err != nil {
				errs = errors.Join(errs, err)
				continue
			}
			views = append(views, viewKey(k, time.Now()))
		}
		// Also when one of them failed: the others are there.
		if c.JSON {
			return errors.Join(errs, a.printJSON(views))
		}
		for _, v := range views {
			fmt.Fprintln(a.stdout, v.ID)
		}
		return errs
	})
}

type keyRemoveCmd struct {
	KID string `arg:"" name:"kid" help:"Its id, as shown by key list; write -- before an id that begins with a hyphen."`
	tenantFlag
}

func (c *keyRemoveCmd) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(s store) error {
		keys, err := s.Keys(ctx, c.Tenant, time.Time{})
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(keys, func(k storage.Key) bool { return k.ID == c.KID }) {
			return noSuch(storage.ErrNotFound, "key", c.KID)
		}
		if err := s.RemoveKey(ctx, c.Tenant, c.KID); err != nil {
			return noSuch(err, "key", c.KID)
		}
		return record(ctx, s, "cli", storage.Event{TenantID: c.Tenant, Kind: "key.removed", Detail: map[string]string{"kid": c.KID}})
	})
}
