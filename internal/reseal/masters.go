package reseal

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// State says what a master secret is needed for.
type State string

const (
	Seals    State = "seals"             // it is the first that is given
	Opens    State = "opens"             // it is given, and stored values depend on it
	Unneeded State = "given, not needed" // no stored value depends on it
	Missing  State = "missing"           // stored values depend on it, and it is not given
)

// Master is a master secret that is given, or that stored values depend on.
type Master struct {
	Fingerprint string
	State       State
	SealedAt    *time.Time // when a server last recorded that it seals with it; nil for never
}

// States returns the given secrets in their order, then those that are missing. known are those that stored
// values depend on; given are fingerprints.
func States(known []storage.MasterSecret, given []string) []Master {
	sealedAt := map[string]*time.Time{}
	for _, k := range known {
		sealedAt[k.Fingerprint] = &k.SealedAt
	}
	var all []Master
	for i, print := range given {
		m := Master{Fingerprint: print, State: Unneeded, SealedAt: sealedAt[print]}
		switch {
		case i == 0:
			m.State = Seals
		case m.SealedAt != nil:
			m.State = Opens
		}
		all = append(all, m)
	}
	for _, k := range known {
		if !slices.Contains(given, k.Fingerprint) {
			all = append(all, Master{Fingerprint: k.Fingerprint, State: Missing, SealedAt: &k.SealedAt})
		}
	}
	return all
}

// MissingError says that stored values depend on master secrets that are not given.
type MissingError struct {
	Fingerprints []string // of the missing
	Given        []string
}

// Error implements error.
func (e *MissingError) Error() string {
	return "values in the database were sealed with the master secret " + strings.Join(e.Fingerprints, " and ") +
		", which is not among those given (" + strings.Join(e.Given, ", ") + ")"
}

// Check returns the fingerprints of the given secrets that must be recorded before anything is sealed. It
// returns a MissingError if stored values depend on another secret: users would find out one by one, when they
// cannot sign in.
func Check(ctx context.Context, s storage.Sealed, given []string) (record []string, err error) {
	known, err := s.MasterSecrets(ctx)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, m := range States(known, given) {
		if m.State == Missing {
			missing = append(missing, m.Fingerprint)
		}
	}
	switch {
	case len(missing) > 0:
		return nil, &MissingError{missing, given}
	case len(known) == 0: // a new database, or one of a version that did not record them
		return given, nil
	}
	return given[:1], nil
}

// Begin is Check, and records that the first of the given secrets seals from now on.
func Begin(ctx context.Context, s storage.Sealed, given []string) error {
	record, err := Check(ctx, s, given)
	if err != nil {
		return err
	}
	for _, print := range record {
		if err := s.UseMasterSecret(ctx, print, time.Now()); err != nil {
			return err
		}
	}
	return nil
}

// Others returns the secrets but the first that are given and that stored values depend on.
func Others(ctx context.Context, s storage.Sealed, given []string) ([]storage.MasterSecret, error) {
	known, err := s.MasterSecrets(ctx)
	return slices.DeleteFunc(known, func(m storage.MasterSecret) bool {
		return m.Fingerprint == given[0] || !slices.Contains(given, m.Fingerprint)
	}), err
}

// ReplacePairwise gives each tenant whose pairwise key no given secret opens another one, and returns how many there
// are.
// Without it, no pairwise client could sign users in any more; with it, none knows its users again.
func ReplacePairwise(ctx context.Context, s storage.Sealed, secrets *secret.Masters) (replaced int, err error) {
	values, err := s.SealedValues(ctx, storage.SealedPairwise, storage.SealedValue{}, page)
	for ; err == nil && len(values) > 0; values, err = s.SealedValues(ctx, storage.SealedPairwise,
		values[len(values)-1], page) {
		for _, v := range values {
			box := secrets.Box(v.TenantID, secret.PairwiseKey)
			if _, lost := box.Open(v.Data); lost == nil {
				continue
			}
			root := make([]byte, 32)
			rand.Read(root)
			n, err := s.ReplaceSealed(ctx, storage.SealedPairwise,
				[]storage.SealedChange{{SealedValue: v, To: box.Seal(root)}})
			if err != nil {
				return replaced, err
			}
			replaced += n
		}
	}
	return replaced, err
}

// Forget records that no stored value depends on a master secret any more, with an event of the kind. It
// returns storage.ErrStale if a server has sealed with the secret since m was read.
func Forget(ctx context.Context, s storage.Sealed, m storage.MasterSecret, kind string, by audit.By) error {
	return s.ForgetMasterSecret(ctx, m, by(storage.Event{
		TenantID: storage.DefaultTenant, Kind: kind, Detail: map[string]string{"fingerprint": m.Fingerprint},
	}))
}
