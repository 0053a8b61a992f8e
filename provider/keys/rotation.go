package keys

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// maxLead is how long a successor is published before it signs. Clients that cache the JWK set
	// for a day then know the key before they see a token of it.
	maxLead = 24 * time.Hour
	// lastUse is how long a replica with an old view or a slow clock may still sign with the
	// predecessor.
	lastUse = time.Minute
)

// Lead returns how long a successor is published before it signs: maxLead, or less if keys live for
// a short time.
func (k *Ring) Lead() time.Duration { return min(maxLead, k.Rotation/2) }

// Rotate makes a new signing key for each of the algorithms, or none if one fails. With now the new
// keys sign at once, because the old ones may be known to an attacker. Otherwise they are published
// for Lead first. Older keys stay published for the life of what they signed; remove one to have
// its tokens refused at once. Two calls at the same time each make keys of their own.
func (k *Ring) Rotate(ctx context.Context, tenant string, algs []string, now bool, by audit.By) ([]storage.Key, error) {
	keys, err := k.makeNext(ctx, tenant, algs, now, by)
	if err != nil {
		return nil, fmt.Errorf("rotate keys: %w", err)
	}
	for i := range keys {
		keys[i].Private = nil
	}
	return keys, nil
}

// Algorithms returns the algorithms that the tenant signs with: those for which every tenant has a
// key, and those of its published keys.
func (k *Ring) Algorithms(ctx context.Context, tenant string) ([]string, error) {
	set, err := k.sets.Fresh(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	var algs []string
	for _, alg := range clients.SigningAlgorithms {
		newest := set.newest(string(alg))
		if slices.Contains(k.always, string(alg)) || newest != nil && newest.isPublished(time.Now()) {
			algs = append(algs, string(alg))
		}
	}
	return algs, nil
}

// Check returns an error if a published key of the tenant does not open with the master secrets. A
// wrong secret is better found at the start than at the first sign-in.
func (k *Ring) Check(ctx context.Context, tenant string) error {
	set, err := k.sets.Get(ctx, tenant)
	if err != nil {
		return fmt.Errorf("signing keys: %w", err)
	}
	var errs []error
	for _, key := range set.keys {
		if key.isPublished(time.Now()) {
			_, err := key.unsealed()
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Maintain makes a successor for every key that is about to end, for all tenants that this process
// has signed for or published keys of. Call it every few minutes on every replica: they agree on
// one successor.
func (k *Ring) Maintain(ctx context.Context) error {
	var errs []error
	k.last.Range(func(tenant, _ any) bool {
		if err := k.makeSuccessors(ctx, tenant.(string)); err != nil {
			errs = append(errs, fmt.Errorf("keys of %s: %w", tenant, err))
		}
		return ctx.Err() == nil
	})
	return errors.Join(errs...)
}

// first makes the first key for an algorithm, or returns the one that another replica has just
// made. The key signs at once, because there is no other key, and no client can have cached a JWK
// set without it for long.
func (k *Ring) first(ctx context.Context, tenant, alg string) (*Key, error) {
	// All callers that wait share the key, so that it must not end when the first of them goes
	// away.
	ctx = context.WithoutCancel(ctx)
	key, err, _ := k.making.Do(tenant+"\x00"+alg, func() (any, error) {
		set, err := k.sets.Fresh(ctx, tenant)
		if err != nil {
			return nil, err
		}
		if key := set.signing(alg, time.Now(), k.Longest); key != nil {
			return key, nil
		}
		now := time.Now()
		if _, err := k.add(ctx, tenant, alg, set.newest(alg).next(), now, now, ""); err != nil &&
			!errors.Is(err, storage.ErrExists) {
			return nil, err
		}
		if set, err = k.sets.Fresh(ctx, tenant); err != nil {
			return nil, err
		}
		if key := set.signing(alg, time.Now(), k.Longest); key != nil {
			return key, nil
		}
		return nil, errors.New("the key that was made is not there")
	})
	if err != nil {
		return nil, err
	}
	return key.(*Key), nil
}

// rotations bounds how often a rotation tries again after another one has taken its sequence
// numbers.
const rotations = 100

// makeNext makes the next key for each algorithm. If another rotation has taken a sequence number,
// it uses the number after it: a caller that asked for a new key must get one of its own.
func (k *Ring) makeNext(
	ctx context.Context, tenant string, algs []string, atOnce bool, by audit.By,
) ([]storage.Key, error) {
	keys := make([]storage.Key, len(algs))
	var err error
	for i, alg := range algs {
		if keys[i], err = k.newKey(tenant, alg); err != nil {
			return nil, err
		}
	}
	for range rotations {
		var set *Set
		if set, err = k.sets.Fresh(ctx, tenant); err != nil {
			return nil, err
		}
		now := time.Now()
		end := now
		if !atOnce {
			end = now.Add(k.Lead())
		}
		var events []storage.Event
		for i := range keys {
			newest := set.newest(keys[i].Algorithm)
			keys[i].Sequence, keys[i].ActiveAt, keys[i].CreatedAt = newest.next(), end, now
			if newest == nil {
				keys[i].ActiveAt = now
			}
			events = append(events, rotated(by, keys[i]))
		}
		err = k.Store.AddKeys(ctx, keys, end.Add(k.Longest+lastUse), events...)
		if !errors.Is(err, storage.ErrExists) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("add keys: %w", err)
	}
	k.sets.Forget(tenant)
	return keys, nil
}

// makeSuccessors makes the successors that are due.
func (k *Ring) makeSuccessors(ctx context.Context, tenant string) error {
	set, err := k.sets.Fresh(ctx, tenant)
	if err != nil {
		return err
	}
	var errs []error
	now := time.Now()
	for _, alg := range clients.SigningAlgorithms {
		newest := set.newest(string(alg))
		if newest == nil || !newest.isPublished(now) {
			continue // a new key is made when one is needed
		}
		end := now
		if last := set.newestInTime(string(alg), now); last != nil {
			end = k.signsUntil(last)
		}
		if now.Before(end.Add(-k.Lead())) {
			continue
		}
		activeAt := now.Add(k.Lead())
		if end.After(activeAt) {
			activeAt = end
		}
		_, err := k.add(ctx, tenant, string(alg), newest.next(), activeAt, now, "schedule")
		switch {
		case errors.Is(err, storage.ErrExists): // another replica was first
		case err != nil:
			errs = append(errs, err)
		default:
			k.sets.Forget(tenant)
		}
	}
	return errors.Join(errs...)
}

// signsUntil returns when a successor of the key should begin to sign. A newest key that has an
// expiry lost its successor, because that was removed.
func (l Lifetimes) signsUntil(key *Key) time.Time {
	until := key.ActiveAt.Add(l.Rotation)
	if !key.ExpiresAt.IsZero() {
		if end := key.ExpiresAt.Add(-l.Longest - lastUse); end.Before(until) {
			return end
		}
	}
	return until
}

// next returns the sequence number after that of the key. It is 1 for nil.
func (s *Key) next() int64 {
	if s == nil {
		return 1
	}
	return s.Sequence + 1
}

// add makes a key and stores it, which also sets the expiry of its predecessors. It returns
// storage.ErrExists if another replica has made a key with that sequence number. With an actor, the
// rotation is recorded.
func (k *Ring) add(
	ctx context.Context, tenant, alg string, sequence int64, activeAt, now time.Time, actor string,
) (storage.Key, error) {
	key, err := k.newKey(tenant, alg)
	if err != nil {
		return storage.Key{}, err
	}
	key.Sequence, key.ActiveAt, key.CreatedAt = sequence, activeAt, now
	var events []storage.Event
	if actor != "" {
		events = append(events, rotated(audit.Actor(actor), key))
	}
	if err := k.Store.AddKeys(ctx, []storage.Key{key}, activeAt.Add(k.Longest+lastUse), events...); err != nil {
		return storage.Key{}, fmt.Errorf("add key: %w", err)
	}
	return key, nil
}

// rotated returns the event of a key that replaces another.
func rotated(by audit.By, key storage.Key) storage.Event {
	return by(storage.Event{
		TenantID: key.TenantID, Kind: storage.EventKeyRotated, Detail: map[string]string{"kid": key.ID, "alg": key.Algorithm},
	})
}

// newKey makes a key without sequence number and times.
func (k *Ring) newKey(tenant, alg string) (storage.Key, error) {
	private, err := generateKey(alg)
	if err != nil {
		return storage.Key{}, err
	}
	kid, err := thumbprint(private.Public())
	if err != nil {
		return storage.Key{}, err
	}
	public, err := json.Marshal(jose.JSONWebKey{Key: private.Public(), KeyID: kid, Algorithm: alg, Use: "sig"})
	if err != nil {
		return storage.Key{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return storage.Key{}, err
	}
	return storage.Key{TenantID: tenant, ID: kid, Algorithm: alg, Public: public,
		Private: k.Secrets.Box(tenant, secret.SigningKey).Seal(der)}, nil
}

// generateKey makes a private key for the algorithm.
func generateKey(alg string) (crypto.Signer, error) {
	switch jose.SignatureAlgorithm(alg) {
	case jose.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.RS256:
		return rsa.GenerateKey(rand.Reader, 2048)
	case jose.EdDSA:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("%q is no algorithm to sign with: use ES256, RS256 or EdDSA", alg)
}
