// Package reseal seals stored values anew with the first master secret, so that another master
// secret can be removed.
//
// It works in small batches while servers run. If a server changes a value at the same time, that
// change wins: it was sealed with the first secret. A run that was interrupted is simply started
// again.
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
	// page is how many values are read at a time, and batch how many are replaced in one
	// transaction. An embedded server has one writer, which must not be held up for longer.
	page  = 1000
	batch = 100
)

// Kinds are the kinds of sealed values, in the order in which a run processes them.
var Kinds = []storage.SealedKind{storage.SealedKeys, storage.SealedSettings, storage.SealedCredentials,
	storage.SealedMails, storage.SealedCodes, storage.SealedWebhooks, storage.SealedApps,
	storage.SealedPairwise}

// Count is the progress of a run with one kind.
type Count struct {
	Kind   storage.SealedKind
	Seen   int // values so far that are sealed
	Sealed int // values that were sealed anew
	Lost   int // values that no master secret opens
}

// Run seals anew each value that is not sealed with the first master secret.
type Run struct {
	Store   storage.Sealed
	Secrets *secret.Masters
	// RenewRecovery returns stored recovery codes sealed anew with box, or nil if they are already.
	RenewRecovery func(box *secret.Box, stored []byte) ([]byte, error)
	// Progress, unless nil, is called after each page.
	Progress func(Count)
}

// All processes all kinds, and returns the counts up to an error.
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

// kind processes the values of c.Kind.
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

// page processes one page of values.
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
		case errors.Is(err, secret.ErrInvalid): // settings may be renewed in part even then
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

// replace stores the changes, unless their values have changed since they were read.
func (r *Run) replace(ctx context.Context, c *Count, changes []storage.SealedChange) error {
	if len(changes) == 0 {
		return nil
	}
	n, err := r.Store.ReplaceSealed(ctx, c.Kind, changes)
	c.Sealed += n
	return err
}

// credentials are the purposes under which each kind of credential is sealed. Other kinds are not
// sealed.
var credentials = map[string]secret.Purpose{
	storage.TOTPCredential: secret.TOTP, storage.PasskeyCredential: secret.Passkey,
	storage.RecoveryCredential:   secret.RecoveryCodes,
	storage.FormerTOTPCredential: secret.TOTP, storage.FormerRecoveryCredential: secret.RecoveryCodes,
}

// renewer returns the function that seals the value anew. sealed is false for a value that is not
// sealed.
func (r *Run) renewer(kind storage.SealedKind,
	v storage.SealedValue,
) (renew func([]byte) ([]byte, error), sealed bool) {
	switch kind {
	case storage.SealedKeys:
		return r.Secrets.Box(v.TenantID, secret.SigningKey).Renew, true
	case storage.SealedMails:
		return r.Secrets.Box(v.TenantID, secret.Mail).Renew, true
	case storage.SealedCodes:
		return func(stored []byte) ([]byte, error) {
			fresh, err := r.Secrets.Box(v.TenantID, secret.MailedCode).Renew(stored)
			if errors.Is(err, secret.ErrInvalid) {
				return r.Secrets.Box(v.TenantID, secret.DeviceRequest).Renew(stored)
			}
			return fresh, err
		}, true
	case storage.SealedWebhooks:
		return r.Secrets.Box(v.TenantID, secret.WebhookSecret).Renew, true
	case storage.SealedApps:
		return r.Secrets.Box(v.TenantID, secret.AppSession).Renew, true
	case storage.SealedPairwise:
		return r.Secrets.Box(v.TenantID, secret.PairwiseKey).Renew, true
	case storage.SealedSettings:
		return func(stored []byte) ([]byte, error) { return r.settings(v.TenantID, stored) },
			bytes.Contains(v.Data, []byte("client_secret"))
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

// settings renews the secrets in a tenant's settings. It returns secret.ErrInvalid if one cannot be
// opened, together with the settings in which the others are renewed.
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
