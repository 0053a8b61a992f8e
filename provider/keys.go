package provider

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// usualAlgorithms are those that every tenant has keys of.
var usualAlgorithms = []string{string(jose.RS256), string(jose.ES256)}

// keyring holds the tenants' signing keys, as storage had them at most cache.TTL ago.
// The private halves are unsealed once, when a key first signs.
type keyring struct {
	store   keyStore
	secrets *secret.Masters
	// rotation is how long a key signs; longest is how long what it signed may live.
	rotation, longest time.Duration
	// always are the algorithms that a tenant has a key for from the first look at its
	// JWK set. Keys for others are made when a client declares them.
	always []string

	sets   cache.Cache[string, *keySet]
	making singleflight.Group
	// verified are tokens whose signature was found right.
	verified verifiedTokens
	// last holds the tenants' newest sets, so that a reload parses new keys only.
	last sync.Map // tenant → *keySet
}

// keyStore is what a keyring needs of storage.
type keyStore interface {
	storage.Keys
	// DeclaresAlgorithm is that of storage.Clients.
	DeclaresAlgorithm(ctx context.Context, tenant, alg string) (bool, error)
}

func newKeyring(store keyStore, secrets *secret.Masters, rotation, longestToken time.Duration) *keyring {
	k := &keyring{store: store, secrets: secrets, rotation: rotation, longest: longestToken, always: slices.Clone(usualAlgorithms)}
	k.sets = cache.Cache[string, *keySet]{Load: k.load, Name: func(tenant string) string { return tenant }}
	return k
}

// sign makes a compact JWS of the claims with the tenant's current key of the algorithm.
func (k *keyring) sign(ctx context.Context, tenant, alg, typ string, claims []byte) (string, error) {
	key, err := k.signing(ctx, tenant, alg)
	if err != nil {
		return "", err
	}
	return key.sign(typ, claims)
}

// signing is the key that signs now. The first of an algorithm is made when it is
// asked for. What it returns can sign without asking anybody anything.
func (k *keyring) signing(ctx context.Context, tenant, alg string) (*signingKey, error) {
	set, err := k.sets.Get(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	key := set.signing(alg, time.Now(), k.longest)
	if key == nil {
		if key, err = k.first(ctx, tenant, alg); err != nil {
			return nil, fmt.Errorf("first %s key: %w", alg, err)
		}
	}
	if _, err := key.unsealed(); err != nil {
		return nil, err
	}
	return key, nil
}

// verify gives the claims of a JWT that a published key of the tenant signed, with
// one of the algorithms and of exactly this typ, or one of several that typ names separated
// by spaces, so that one kind of token is never taken for another. Expiry and audience are the caller's, who may not change the
// claims: others get the same. The error wraps errTokenInvalid unless storage was at fault.
func (k *keyring) verify(ctx context.Context, tenant, token string, algs []jose.SignatureAlgorithm, typ string) ([]byte, error) {
	return k.verifyBy(ctx, k.published, tenant, token, algs, typ)
}

// verifyOld is verify also by a key that is published no more. What it believes may say who or
// what is meant, and must open nothing.
func (k *keyring) verifyOld(ctx context.Context, tenant, token string, algs []jose.SignatureAlgorithm, typ string) ([]byte, error) {
	return k.verifyBy(ctx, k.known, tenant, token, algs, typ)
}

// verifyBy is verify by the keys that find gives.
func (k *keyring) verifyBy(ctx context.Context, find func(ctx context.Context, tenant, kid string) (*signingKey, error),
	tenant, token string, algs []jose.SignatureAlgorithm, typ string,
) ([]byte, error) {
	if len(token) > maxJWT {
		return nil, fmt.Errorf("%w: %d bytes are too many", errTokenInvalid, len(token))
	}
	name := verifiedName(tenant, typ, token)
	if v, ok := k.verified.find(name); ok && slices.Contains(algs, v.alg) {
		if _, err := find(ctx, tenant, v.kid); err != nil {
			return nil, err
		}
		return v.claims, nil
	}
	jws, err := parseJWT(token, algs)
	if err != nil {
		return nil, err
	}
	if got := jwtType(jws); !slices.Contains(strings.Fields(strings.ToLower(typ)), got) {
		return nil, fmt.Errorf("%w: typ %q, want %q", errTokenInvalid, got, typ)
	}
	header := jws.Signatures[0].Protected
	key, err := find(ctx, tenant, header.KeyID)
	if err != nil {
		return nil, err
	}
	if key.Algorithm != header.Algorithm {
		return nil, fmt.Errorf("%w: alg %q with a key for %s", errTokenInvalid, header.Algorithm, key.Algorithm)
	}
	claims, err := jws.Verify(key.public.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errTokenInvalid, err)
	}
	k.verified.keep(name, verified{jose.SignatureAlgorithm(header.Algorithm), header.KeyID, claims})
	return claims, nil
}

// published is the key of that id, while it is published.
func (k *keyring) published(ctx context.Context, tenant, kid string) (*signingKey, error) {
	if len(kid) != thumbprintLength {
		return nil, fmt.Errorf("%w: unknown kid", errTokenInvalid)
	}
	now := time.Now()
	set, err := k.sets.Get(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	key := set.published(kid, now)
	// Another replica may have made its first key this very second. That is worth one
	// read more, but only one a second, or made-up kids would each cost a query.
	if key == nil && set.asked.over(cache.TTL) {
		if set, err = k.sets.Fresh(ctx, tenant); err != nil {
			return nil, fmt.Errorf("signing keys: %w", err)
		}
		key = set.published(kid, now)
	}
	if key == nil {
		return nil, fmt.Errorf("%w: unknown kid", errTokenInvalid)
	}
	return key, nil
}

// known is the key of that id, unless it was removed: published, or for storage.KeepKeys after.
func (k *keyring) known(ctx context.Context, tenant, kid string) (*signingKey, error) {
	if len(kid) != thumbprintLength {
		return nil, fmt.Errorf("%w: unknown kid", errTokenInvalid)
	}
	set, err := k.sets.Get(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	now := time.Now()
	if key := set.published(kid, now); key != nil {
		return key, nil
	}
	row, err := k.store.Key(ctx, tenant, kid)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, fmt.Errorf("%w: unknown kid", errTokenInvalid)
	case err != nil:
		return nil, fmt.Errorf("signing key: %w", err)
	case !row.ExpiresAt.IsZero() && now.After(row.ExpiresAt.Add(storage.KeepKeys)):
		return nil, fmt.Errorf("%w: a key that ended long ago", errTokenInvalid)
	}
	return parseKey(row, k.secrets.Box(tenant, secret.SigningKey))
}

// public is the JWK set: every key that signs, will sign, or signed what may still live.
func (s *keySet) public(now time.Time) jose.JSONWebKeySet {
	out := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, key := range s.keys {
		if key.isPublished(now) {
			out.Keys = append(out.Keys, key.public)
		}
	}
	return out
}

// load reads a tenant's keys for the cache.
func (k *keyring) load(ctx context.Context, tenant string) (*keySet, error) {
	rows, err := k.store.Keys(ctx, tenant, time.Now())
	if err != nil {
		return nil, err
	}
	set := &keySet{}
	old, _ := k.last.Load(tenant)
	for _, row := range rows {
		if old != nil {
			if i := slices.IndexFunc(old.(*keySet).keys, func(o *signingKey) bool { return o.ID == row.ID }); i >= 0 {
				set.keys = append(set.keys, old.(*keySet).keys[i].as(row))
				continue
			}
		}
		key, err := parseKey(row, k.secrets.Box(tenant, secret.SigningKey))
		if err != nil {
			return nil, err
		}
		set.keys = append(set.keys, key)
	}
	if old != nil {
		set.asked, set.declared = old.(*keySet).asked, old.(*keySet).declared
	} else {
		set.asked, set.declared = &pause{}, &pause{}
	}
	k.last.Store(tenant, set)
	return set, nil
}

// keySet is a tenant's keys at one moment, by algorithm and sequence. It never changes.
type keySet struct {
	keys []*signingKey
	// asked is when an unknown kid last had the keys read anew, declared when the clients were
	// last asked which algorithms they declare.
	asked, declared *pause
}

// pause keeps what is done from being done again too soon.
type pause struct {
	mu sync.Mutex
	at time.Time
}

// over says whether it was not done for so long. If so it is being done now.
func (p *pause) over(length time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.at) < length {
		return false
	}
	p.at = time.Now()
	return true
}

// end has it done again as soon as it is wanted.
func (p *pause) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = time.Time{}
}

// signing is the newest key of the algorithm whose time has come and that will be
// published as long as what it signs lives. Failing that a successor that waits for
// its time: it is published already. Nil when there is none at all.
func (s *keySet) signing(alg string, now time.Time, longest time.Duration) *signingKey {
	var waiting *signingKey
	for _, key := range slices.Backward(s.keys) {
		switch {
		case key.Algorithm != alg, !key.ExpiresAt.IsZero() && key.ExpiresAt.Before(now.Add(longest+lastUse)):
		case key.ActiveAt.After(now):
			waiting = key
		default:
			return key
		}
	}
	return waiting
}

func (s *keySet) published(kid string, now time.Time) *signingKey {
	for _, key := range s.keys {
		if key.ID == kid && key.isPublished(now) {
			return key
		}
	}
	return nil
}

// newest is the key of the algorithm with the highest sequence, or nil.
func (s *keySet) newest(alg string) *signingKey {
	for _, key := range slices.Backward(s.keys) {
		if key.Algorithm == alg {
			return key
		}
	}
	return nil
}

// newestInTime is newest without those that were made while a clock was ahead: waiting for
// them, their predecessor would sign for as much longer.
func (s *keySet) newestInTime(alg string, now time.Time) *signingKey {
	for _, key := range slices.Backward(s.keys) {
		if key.Algorithm == alg && !storage.Ahead(key.ActiveAt, now.Add(maxLead)) {
			return key
		}
	}
	return nil
}

// thumbprintLength is that of an RFC 7638 SHA-256 thumbprint in base64url.
const thumbprintLength = 43

// signingKey is a stored key, ready to use.
type signingKey struct {
	storage.Key
	public jose.JSONWebKey
	*private
}

// private is what a key keeps across reloads: its private half, unsealed once, and the
// headers of what it signs.
type private struct {
	unsealed func() (crypto.Signer, error)
	headers  sync.Map // typ → the encoded header
}

func parseKey(row storage.Key, box *secret.Box) (*signingKey, error) {
	key := &signingKey{Key: row, private: &private{}}
	if err := json.Unmarshal(row.Public, &key.public); err != nil {
		return nil, fmt.Errorf("signing key %s: %w", row.ID, err)
	}
	key.unsealed = sync.OnceValues(func() (crypto.Signer, error) { return unseal(row, box) })
	return key, nil
}

// unseal opens a private half, and checks that it belongs to the public one it lay beside.
func unseal(row storage.Key, box *secret.Box) (crypto.Signer, error) {
	der, err := box.Open(row.Private)
	if err != nil {
		return nil, fmt.Errorf("signing key %s was sealed with another master secret: give that one too, after the new one; if it is lost, vouchsafe key remove -- %s: %w", row.ID, row.ID, err)
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", row.ID, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("signing key %s: a %T cannot sign", row.ID, key)
	}
	kid, err := thumbprint(signer.Public())
	if err != nil || kid != row.ID {
		return nil, fmt.Errorf("signing key %s: the private half is another key's", row.ID)
	}
	return signer, nil
}

// as is the key with what storage says of it now: its end may have been set.
func (s *signingKey) as(row storage.Key) *signingKey {
	return &signingKey{Key: row, public: s.public, private: s.private}
}

func (s *signingKey) isPublished(now time.Time) bool {
	return s.ExpiresAt.IsZero() || s.ExpiresAt.After(now)
}

// thumbprint is the key's id (RFC 7638): whoever holds the key can tell it.
func thumbprint(public crypto.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}
