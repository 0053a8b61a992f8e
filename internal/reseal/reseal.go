// Package reseal seals anew what is stored, with the master secret that stands first, so that
// another one can go. It works in small batches beside servers that serve: a value that
// changes meanwhile was sealed by who changed it. A run that was stopped is simply begun again.
package reseal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// page is how many values are read at a time, batch how many are replaced in one
	// transaction: the one writer of an embedded server is not held up by more.
	page  = 1000
	batch = 100
)

// Kinds are what is sealed, in the order in which a run goes through it.
var Kinds = []storage.SealedKind{storage.SealedKeys, storage.SealedSettings, storage.SealedCredentials, storage.SealedMails, storage.SealedCodes}

// Count is how far a run has come with a kind.
type Count struct {
	Kind   storage.SealedKind
	Seen   int // values, those that are not sealed left out
	Sealed int // anew
	Lost   int // opened by none of the master secrets
}

// Run seals anew what was sealed with another master secret than the first.
type Run struct {
	Store   storage.Sealed
	Secrets *secret.Masters
	// RenewRecovery renews what is stored of recovery codes.
	RenewRecovery func(box *secret.Box, stored []byte) ([]byte, error)
	// Progress, when set, is told after each page.
	Progress func(Count)
}

// All goes through all kinds.
func (r *Run) All(ctx context.Context) ([]Count, error) {
	counts := make([]Count, len(Kinds))
	for i, kind := range Kinds {
		counts[i].Kind = kind
		if err := r.kind(ctx, &counts[i]); err != nil {
			return counts, fmt.Errorf("seal %s anew: %w", kind, err)
		}
	}
	return counts, nil
}

func (r *Run) kind(ctx context.Context, c *Count) error {
	var after storage.SealedValue
	for {
		values, err := r.Store.SealedValues(ctx, c.Kind, after, page)
		if err != nil {
			return err
		}
		if err := r.page(ctx, c, values); err != nil {
			return err
		}
		if r.Progress != nil {
			r.Progress(*c)
		}
		if len(values) < page {
			return nil
		}
		after = values[page-1]
	}
}

func (r *Run) page(ctx context.Context, c *Count, values []storage.SealedValue) error {
	var changes []storage.SealedChange
	for _, v := range values {
		renew, sealed := r.renewer(c.Kind, v)
		if !sealed || len(v.Data) == 0 {
			continue
		}
		c.Seen++
		fresh, err := renew(v.Data)
		switch {
		case errors.Is(err, secret.ErrInvalid): // and yet some of it may be renewed
			c.Lost++
		case err != nil:
			return fmt.Errorf("%s %s of %s: %w", v.Kind, v.ID, v.TenantID, err)
		}
		if fresh == nil {
			continue
		}
		changes = append(changes, storage.SealedChange{SealedValue: v, To: fresh})
		if len(changes) == batch {
			if err := r.replace(ctx, c, changes); err != nil {
				return err
			}
			changes = changes[:0]
		}
	}
	return r.replace(ctx, c, changes)
}

func (r *Run) replace(ctx context.Context, c *Count, changes []storage.SealedChange) error {
	if len(changes) == 0 {
		return nil
	}
	n, err := r.Store.ReplaceSealed(ctx, c.Kind, changes)
	c.Sealed += n
	return err
}

// credentials are the purposes of the kinds of credentials that are sealed.
var credentials = map[string]secret.Purpose{
	storage.TOTPCredential: secret.TOTP, storage.PasskeyCredential: secret.Passkey, storage.RecoveryCredential: secret.RecoveryCodes,
	storage.FormerTOTPCredential: secret.TOTP, storage.FormerRecoveryCredential: secret.RecoveryCodes,
}

// renewer is what renews a value; sealed is false for one that is not sealed.
func (r *Run) renewer(kind storage.SealedKind, v storage.SealedValue) (renew func([]byte) ([]byte, error), sealed bool) {
	switch kind {
	case storage.SealedKeys:
		return r.Secrets.Box(v.TenantID, secret.SigningKey).Renew, true
	case storage.SealedMails:
		return r.Secrets.Box(v.TenantID, secret.Mail).Renew, true
	case storage.SealedCodes:
		return r.Secrets.Box(v.TenantID, secret.MailedCode).Renew, true
	case storage.SealedSettings:
		return func(stored []byte) ([]byte, error) { return r.settings(v.TenantID, stored) }, bytes.Contains(v.Data, []byte("client_secret"))
	case storage.SealedCredentials:
		purpose, sealed := credentials[v.Kind]
		if !sealed {
			return nil, false
		}
		box := r.Secrets.Box(v.TenantID, purpose)
		if purpose == secret.RecoveryCodes {
			return func(stored []byte) ([]byte, error) { return r.RenewRecovery(box, stored) }, true
		}
		return box.Renew, true
	}
	return nil, false
}

// settings renews the secrets in a tenant's settings. ErrInvalid says that one is lost; the
// others are renewed all the same.
func (r *Run) settings(tenant string, stored []byte) ([]byte, error) {
	var s storage.TenantSettings
	if err := json.Unmarshal(stored, &s); err != nil {
		return nil, err
	}
	changed, lost := false, error(nil)
	for i, u := range s.Upstreams {
		if len(u.ClientSecret) == 0 {
			continue
		}
		fresh, err := r.Secrets.Box(tenant, secret.UpstreamSecret).Renew(u.ClientSecret)
		if err != nil {
			lost = err
		}
		if fresh != nil {
			s.Upstreams[i].ClientSecret, changed = fresh, true
		}
	}
	if !changed {
		return nil, lost
	}
	fresh, err := json.Marshal(s)
	return fresh, errors.Join(lost, err)
}
