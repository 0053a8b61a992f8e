package reseal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// SealEvery is how often a server says with which master secret it seals.
const SealEvery = time.Minute

// Watch is how long a replacement looks for servers that still seal with another secret.
const Watch = 2*SealEvery + SealEvery/2

// Replacement seals everything anew, and then lets the other master secrets go.
type Replacement struct {
	Run
	Watch  time.Duration // 0 when no server runs
	Record func(context.Context, storage.Event) error
	// Watching is called before the wait, and Released for each secret on which nothing depends any more.
	Watching func(until time.Time)
	Released func(fingerprint string)
}

// Do goes through everything, waits for Watch, goes through what such a server sealed meanwhile, and
// releases the other secrets. It returns the counts also with an error, if it got so far.
func (r *Replacement) Do(ctx context.Context) ([]Count, error) {
	others, err := r.others(ctx)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	counts, err := r.All(ctx)
	if err != nil || len(others) == 0 {
		return counts, err
	}
	if wait := time.Until(begun.Add(r.Watch)); wait > 0 {
		r.Watching(time.Now().Add(wait))
		select {
		case <-ctx.Done():
			return counts, ctx.Err()
		case <-time.After(wait):
		}
		late, err := r.All(ctx)
		if err != nil {
			return counts, err
		}
		for i := range counts {
			counts[i].Sealed += late[i].Sealed
			counts[i].Lost = late[i].Lost
		}
	}
	return counts, r.release(ctx, others)
}

// others returns the given secrets after the first on which stored values depend.
func (r *Replacement) others(ctx context.Context) ([]storage.MasterSecret, error) {
	known, err := r.Store.MasterSecrets(ctx)
	given := r.Secrets.Fingerprints()
	return slices.DeleteFunc(known, func(m storage.MasterSecret) bool {
		return m.Fingerprint == given[0] || !slices.Contains(given, m.Fingerprint)
	}), err
}

// release says of the other secrets that nothing depends on them, unless a server has sealed with one
// meanwhile.
func (r *Replacement) release(ctx context.Context, others []storage.MasterSecret) error {
	var errs []error
	for _, m := range others {
		err := r.Store.ForgetMasterSecret(ctx, m)
		if errors.Is(err, storage.ErrStale) {
			err = fmt.Errorf("a server still seals with the master secret %s: give every server the new one first, and run this again", m.Fingerprint)
		} else if err == nil {
			err = r.Record(ctx, storage.Event{TenantID: storage.DefaultTenant, Kind: storage.EventSecretReplaced, Detail: map[string]string{"fingerprint": m.Fingerprint}})
			r.Released(m.Fingerprint)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
